#include "app/pipelines.hpp"

#include <algorithm>

#include "app/cluster/adopt.hpp"
#include "app/cluster/object_state.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/varint.hpp"

namespace anode::app {
namespace {

using api::Failure;
using api::Outcome;

constexpr std::string_view kKind = "pipeline";
constexpr std::size_t kPipelinesMax = 1000;
constexpr std::size_t kDefinitionBytesMax = 64 << 10;

std::unexpected<Failure> failure(Failure::Why why, std::string detail) {
    return std::unexpected(Failure{why, std::move(detail), {}});
}

std::string file_etag(const Bytes& json, std::uint64_t version) {
    Bytes counted = json, raw;
    put_le(counted, version);
    put_be(raw, hash64(counted));
    return text::hex(raw);
}

/// A record of a node that kept its pipelines for itself: {"version":…,"definition":…}.
std::optional<Bytes> definition_of(BytesView record) {
    json::Document document;
    if (!document.parse(record) || !document.root()["definition"].is_object()) return std::nullopt;
    Bytes json;
    document.root()["definition"].append_compact(json);
    return json;
}

}  // namespace

std::unexpected<Failure> refused_definition(const std::vector<pipeline::Complaint>& complaints) {
    Failure failed{Failure::Why::Invalid, {}, {}};
    for (const auto& complaint : complaints) {
        if (!failed.detail.empty()) failed.detail += "; ";
        failed.detail += complaint.pointer + ": " + complaint.detail;
        failed.errors.push_back({complaint.pointer, "invalid", complaint.detail});
    }
    return std::unexpected(std::move(failed));
}

PipelineObjects::PipelineObjects(Loop& loop, Engine& engine, SharedState& state, Ledger& ledger,
                                 std::string node)
    : loop_(loop), engine_(engine), state_(state), ledger_(ledger), node_(std::move(node)) {
    state_.on_change(std::string(kKind), [this](const state::Item& item, bool) { take(item); });
}

void PipelineObjects::load(const Store& store, std::vector<DeclaredPipeline> declared) {
    redeclare(std::move(declared));
    adopt(loop_, engine_, store, state_, std::string(kKind), definition_of);
}

// -- what runs -------------------------------------------------------------------------------------

void PipelineObjects::redeclare(std::vector<DeclaredPipeline> declared) {
    Entries wanted;
    for (DeclaredPipeline& one : declared) {
        json::Document document;
        if (!document.parse(one.json)) continue;  // the configuration was checked before
        auto definition = pipeline::parse(document.root());
        if (!definition) continue;
        Entry entry;
        entry.name = pipeline::name_of(**definition);
        entry.definition = std::move(*definition);
        entry.json = std::move(one.json);
        entry.origin = std::move(one.origin);
        entry.from_file = true;
        wanted[entry.name] = std::move(entry);
    }
    std::vector<std::string> uncovered;
    for (auto& [name, present] : entries_) {
        if (!present.from_file || wanted.contains(name)) continue;
        halt(present);
        uncovered.push_back(name);
    }
    for (const std::string& name : uncovered) entries_.erase(name);
    const auto unchanged = [this](const Entry& entry) {
        const auto present = entries_.find(entry.name);
        if (present == entries_.end() || !present->second.from_file ||
            present->second.json != entry.json)
            return false;
        present->second.origin = entry.origin;
        return true;
    };
    std::erase_if(wanted, [&](const auto& one) { return unchanged(one.second); });
    // All that change go before the first comes: two may have changed places.
    for (auto& [name, entry] : wanted) {
        const auto present = entries_.find(name);
        if (present == entries_.end()) continue;
        if (present->second.from_file) entry.version = present->second.version + 1;
        halt(present->second);
        entries_.erase(present);
    }
    for (auto& [name, entry] : wanted) {
        entry.etag = file_etag(entry.json, entry.version);
        run(entries_[name] = std::move(entry));
    }
    for (const std::string& name : uncovered)
        if (const state::Item* item = state_.find(kKind, name)) take(*item);
    choose();
    engine_.pipelines_changed();
}

/// A pipeline of the shared state came, changed or went.
void PipelineObjects::take(const state::Item& item) {
    const auto present = entries_.find(item.key);
    if (present != entries_.end()) {
        if (present->second.from_file) return;
        if (!item.value) {
            halt(present->second);
            entries_.erase(present);
        }
    }
    if (item.value) {
        const bool ran = present != entries_.end() && present->second.runs;
        Entry& entry = entries_[item.key] = shared_entry(item);
        entry.runs = ran;
        run(entry);
    }
    choose();
    engine_.pipelines_changed();
}

PipelineObjects::Entry PipelineObjects::shared_entry(const state::Item& item) {
    Entry entry;
    entry.name = item.key;
    entry.json = *item.value;
    entry.version = item.version;
    entry.stamp = item.stamp;
    entry.etag = item.stamp.text();
    json::Document document;
    if (document.parse(entry.json)) {
        auto definition = pipeline::parse(document.root());
        if (definition && pipeline::name_of(**definition) == entry.name)
            entry.definition = std::move(*definition);
    }
    return entry;
}

/// Gives a pipeline to the engine, in the place of its namesake.
void PipelineObjects::run(Entry& entry) {
    if (!entry.definition) {
        halt(entry);
        entry.refused = "the definition cannot be read by this version";
    } else if (const auto put = engine_.pipelines().put(entry.definition, loop_.now()); !put) {
        halt(entry);
        entry.refused = put.error().what;
    } else {
        entry.refused.clear();
        entry.runs = true;
        return;
    }
    log::error("pipeline", "a pipeline does not run",
               {{"pipeline", entry.name}, {"origin", entry.origin}, {"err", entry.refused}});
}

void PipelineObjects::halt(Entry& entry) {
    if (std::exchange(entry.runs, false)) engine_.pipelines().remove(entry.name);
}

/// Pipelines that were made at the same time on several nodes may close a loop together. Every node then leaves out the same
/// ones: who is declared here stays, of the others the older.
void PipelineObjects::choose() {
    const auto waits = [](const auto& one) {
        return one.second.definition != nullptr && !one.second.runs;
    };
    if (std::ranges::none_of(entries_, waits)) return;
    std::vector<Entry*> order;
    for (auto& [name, entry] : entries_)
        if (entry.definition) order.push_back(&entry);
    std::ranges::sort(order, {}, [](const Entry* entry) {
        return std::tuple(!entry->from_file, entry->stamp, std::string_view(entry->name));
    });
    pipeline::Pipelines fitting;
    for (Entry* entry : order) {
        const auto put = fitting.put(entry->definition, loop_.now());
        entry->refused = put ? std::string() : put.error().what;
        if (!put) halt(*entry);
    }
    for (Entry* entry : order)
        if (entry->refused.empty() && !entry->runs) run(*entry);
}

// -- what is asked ---------------------------------------------------------------------------------

api::Object PipelineObjects::object(const Entry& entry, bool history) const {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    json::Document document;
    if (document.parse(entry.json)) {
        const json::Value root = document.root();
        for (json::Value member = root.first(); member; member = member.next_in(root))
            out.key(member.name()).raw(member.raw());
    }
    out.member("version", entry.version).member("origin", entry.origin).member("owner", node_);
    write_status(out, entry);
    if (history) write_history(out, state_.history(kKind, entry.name));
    out.end_object();
    return {std::move(json), entry.etag};
}

void PipelineObjects::write_status(json::Writer& out, const Entry& entry) const {
    const auto status = engine_.pipelines().status(entry.name);
    if (!entry.refused.empty() || !status) {
        if (!entry.refused.empty())
            out.member("state", "failed").member("last_error", entry.refused);
        return;
    }
    const pipeline::Counters& c = status->counters;
    out.member("state", status->enabled ? "running" : "disabled")
        .member("slow_path", status->slow_path);
    out.member("last_error", status->last_error).key("counters").begin_object();
    out.member("in", c.in)
        .member("out", c.out)
        .member("filtered", c.filtered)
        .member("duplicates", c.duplicates);
    out.member("limited", c.limited)
        .member("conflated", c.conflated)
        .member("held", c.held)
        .member("failed", c.failed);
    out.end_object();
}

void PipelineObjects::list(api::Reply<std::vector<api::Object>> reply) {
    loop_.post([this, reply = std::move(reply)]() mutable {
        std::vector<api::Object> objects;
        for (const auto& [name, entry] : entries_) objects.push_back(object(entry));
        reply(std::move(objects));
    });
}

void PipelineObjects::get(std::string name, api::Reply<Outcome<api::Object>> reply) {
    loop_.post([this, name = std::move(name), reply = std::move(reply)]() mutable {
        const auto found = entries_.find(name);
        if (found == entries_.end())
            return reply(failure(Failure::Why::NotFound, "no such pipeline"));
        reply(object(found->second, !found->second.from_file));
    });
}

void PipelineObjects::write(api::Write write, api::Reply<Outcome<api::Written>> reply) {
    loop_.post([this, write = std::move(write), reply = std::move(reply)]() mutable {
        do_write(write, std::move(reply));
    });
}

Outcome<PipelineObjects::Entry> PipelineObjects::asked(const api::Write& write,
                                                       const Entry* present) const {
    if (write.body.size() > kDefinitionBytesMax)
        return failure(Failure::Why::TooLarge, "a definition has at most 64 KiB");
    json::Document body;
    if (const auto parsed = body.parse(write.body); !parsed)
        return std::unexpected(Failure{
            Failure::Why::Invalid, parsed.error().what, {{"", "bad-json", parsed.error().what}}});
    if (present != nullptr && write.create_only)
        return failure(Failure::Why::Exists, "a pipeline of this name exists");
    if (present != nullptr && present->from_file)
        return failure(Failure::Why::ReadOnly, "the pipeline is declared in " + present->origin);
    if (present == nullptr && (write.must_exist || write.patch || write.if_match))
        return failure(Failure::Why::NotFound, "no such pipeline");
    if (present != nullptr && !matches(write.if_match, present->etag))
        return failure(Failure::Why::Stale, "the pipeline was changed meanwhile");
    Entry entry;
    json::Document stored;
    if (write.patch && present != nullptr && stored.parse(present->json))
        entry.json = json::merge_patch(stored.root(), body.root());
    else
        body.root().append_compact(entry.json);
    json::Document whole;
    if (const auto parsed = whole.parse(entry.json); !parsed)
        return failure(Failure::Why::Invalid, parsed.error().what);
    if (!write.name.empty() && whole.root().is_object() && !whole.root().find("name")) {
        json::Document name;
        const Bytes patch = "{\"name\":" + text::json_string(write.name) + "}";
        if (name.parse(patch)) entry.json = json::merge_patch(whole.root(), name.root());
        if (!whole.parse(entry.json))
            return failure(Failure::Why::Invalid, "the definition is unreadable");
    }
    auto definition = pipeline::parse(whole.root());
    if (!definition) return refused_definition(definition.error());
    entry.definition = std::move(*definition);
    entry.name = pipeline::name_of(*entry.definition);
    if (!write.name.empty() && entry.name != write.name)
        return refused_definition({{"/name", "a pipeline cannot be renamed"}});
    entry.version = present != nullptr ? present->version + 1 : 1;
    return entry;
}

void PipelineObjects::do_write(const api::Write& write, api::Reply<Outcome<api::Written>> reply) {
    std::string name = write.name;
    if (name.empty()) {
        json::Document body;
        if (body.parse(write.body)) name = body.root()["name"].string();
    }
    const auto found = entries_.find(name);
    const Entry* present = found == entries_.end() ? nullptr : &found->second;
    auto entry = asked(write, present);
    if (!entry) return reply(std::unexpected(std::move(entry.error())));
    const bool created = present == nullptr;
    if (created && entries_.size() >= kPipelinesMax)
        return reply(failure(Failure::Why::TooLarge, "a cluster has at most 1,000 pipelines"));
    if (const auto good = engine_.pipelines().check(*entry->definition); !good)
        return reply(refused_definition({{"/output", good.error().what}}));
    if (write.dry_run) return reply(api::Written{object(*entry), created});
    SharedState::Wish wish{std::string(kKind), entry->name, entry->json, false, std::nullopt};
    if (created)
        wish.if_stamp = "";
    else if (write.if_match)
        wish.if_stamp = present->etag;
    state_.write(std::move(wish), [this, write, created, reply = std::move(reply)](
                                      const Result<state::Item>& item) mutable {
        if (!item) return reply(std::unexpected(failure_of(item.error())));
        wrote(write, shared_entry(*item), created, std::move(reply));
    });
}

/// The state has it; the answer waits until the disk has it too.
void PipelineObjects::wrote(const api::Write& write, const Entry& entry, bool created,
                            api::Reply<Outcome<api::Written>> reply) {
    ledger_.audit(write.actor, created ? "pipeline.create" : "pipeline.change", entry.name);
    ledger_.event("config", "\"pipeline\":" + text::json_string(entry.name) +
                                ",\"action\":" + (created ? "\"created\"" : "\"changed\""));
    engine_.when_stored([reply = std::move(reply), written = api::Written{object(entry), created}](
                            const Result<void>& stored) mutable {
        if (stored)
            reply(std::move(written));
        else
            reply(failure(Failure::Why::Unavailable, stored.error().what));
    });
}

void PipelineObjects::remove(std::string name, std::string actor, api::Reply<Outcome<void>> reply) {
    remove_if(std::move(name), "*", std::move(actor), std::move(reply));
}

void PipelineObjects::remove_if(std::string name, std::string etag, std::string actor,
                                api::Reply<Outcome<void>> reply) {
    loop_.post([this, name = std::move(name), etag = std::move(etag), actor = std::move(actor),
                reply = std::move(reply)]() mutable {
        do_remove(name, std::move(etag), actor, std::move(reply));
    });
}

void PipelineObjects::do_remove(const std::string& name, std::optional<std::string> if_match,
                                const std::string& actor, api::Reply<Outcome<void>> reply) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return reply(failure(Failure::Why::NotFound, "no such pipeline"));
    if (found->second.from_file)
        return reply(
            failure(Failure::Why::ReadOnly, "the pipeline is declared in " + found->second.origin));
    if (!matches(if_match, found->second.etag))
        return reply(failure(Failure::Why::Stale, "the pipeline was changed meanwhile"));
    state_.write(
        {std::string(kKind), name, std::nullopt, false, std::nullopt},
        [this, name, actor, reply = std::move(reply)](const Result<state::Item>& item) mutable {
            if (!item) return reply(std::unexpected(failure_of(item.error())));
            ledger_.audit(actor, "pipeline.delete", name);
            engine_.when_stored([reply = std::move(reply)](const Result<void>& stored) mutable {
                if (stored)
                    reply({});
                else
                    reply(failure(Failure::Why::Unavailable, stored.error().what));
            });
        });
}

void PipelineObjects::act(std::string name, std::string verb, Bytes body, std::string,
                          api::Reply<Outcome<Bytes>> reply) {
    loop_.post([this, name = std::move(name), verb = std::move(verb), body = std::move(body),
                reply = std::move(reply)]() mutable {
        if (name.empty() && verb == "schema") return reply(Bytes(pipeline::json_schema()));
        if (verb != "test") return reply(failure(Failure::Why::NotFound, "no such verb"));
        do_test(name, body, std::move(reply));
    });
}

}  // namespace anode::app
