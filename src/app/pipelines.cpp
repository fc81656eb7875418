#include "app/pipelines.hpp"

#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/varint.hpp"

namespace anode::app {
namespace {

using api::Failure;
using api::Outcome;

constexpr std::size_t kPipelinesMax = 1000;
constexpr std::size_t kDefinitionBytesMax = 64 << 10;
constexpr std::size_t kTestMessagesMax = 100;

std::unexpected<Failure> failure(Failure::Why why, std::string detail) {
    return std::unexpected(Failure{why, std::move(detail), {}});
}

std::unexpected<Failure> refuse(const std::vector<pipeline::Complaint>& complaints) {
    Failure failed{Failure::Why::Invalid, {}, {}};
    for (const auto& complaint : complaints) {
        if (!failed.detail.empty()) failed.detail += "; ";
        failed.detail += complaint.pointer + ": " + complaint.detail;
        failed.errors.push_back({complaint.pointer, "invalid", complaint.detail});
    }
    return std::unexpected(std::move(failed));
}

}  // namespace

PipelineObjects::PipelineObjects(Loop& loop, Engine& engine, Store& store, Ledger& ledger,
                                 std::string node)
    : loop_(loop), engine_(engine), store_(store), ledger_(ledger), node_(std::move(node)) {}

void PipelineObjects::load(std::vector<DeclaredPipeline> declared) {
    for (auto& [name, record] : store_.records("pipeline")) {
        json::Document document;
        if (!document.parse(record)) continue;
        Entry entry;
        entry.name = name;
        entry.version =
            static_cast<std::uint64_t>(document.root()["version"].integer().value_or(1));
        document.root()["definition"].append_compact(entry.json);
        auto definition = pipeline::parse(document.root()["definition"]);
        if (!definition) {
            log::error("pipeline", "a stored pipeline cannot be read by this version",
                       {{"pipeline", name}, {"err", definition.error().front().detail}});
            continue;
        }
        entry.definition = std::move(*definition);
        if (const auto put = engine_.pipelines().put(entry.definition, loop_.now()); !put)
            log::error("pipeline", "a stored pipeline is refused",
                       {{"pipeline", name}, {"err", put.error().what}});
        else
            entries_[name] = std::move(entry);
    }
    redeclare(std::move(declared));
}

void PipelineObjects::redeclare(std::vector<DeclaredPipeline> declared) {
    std::map<std::string, Entry> wanted;
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
    std::erase_if(entries_, [&](const auto& present) {
        const bool gone = present.second.from_file && !wanted.contains(present.first);
        if (gone) engine_.pipelines().remove(present.first);
        return gone;
    });
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
        entry.version = present->second.version + 1;
        engine_.pipelines().remove(name);
        entries_.erase(present);
    }
    for (auto& [name, entry] : wanted) {
        if (const auto put = engine_.pipelines().put(entry.definition, loop_.now()); !put) {
            log::error("pipeline", "a declared pipeline is refused",
                       {{"pipeline", name}, {"err", put.error().what}});
            continue;
        }
        entries_[name] = std::move(entry);
    }
    engine_.pipelines_changed();
}

std::string PipelineObjects::etag(const Entry& entry) const {
    Bytes counted = entry.json, raw;
    put_le(counted, entry.version);
    put_be(raw, hash64(counted));
    return text::hex(raw);
}

api::Object PipelineObjects::object(const Entry& entry) const {
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
    if (const auto status = engine_.pipelines().status(entry.name)) {
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
    out.end_object();
    return {std::move(json), etag(entry)};
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
        reply(object(found->second));
    });
}

void PipelineObjects::write(api::Write write, api::Reply<Outcome<api::Written>> reply) {
    loop_.post([this, write = std::move(write), reply = std::move(reply)]() mutable {
        do_write(write, std::move(reply));
    });
}

Outcome<PipelineObjects::Entry> PipelineObjects::apply(const api::Write& write,
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
    if (present != nullptr && write.if_match && *write.if_match != "*" &&
        *write.if_match != etag(*present))
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
    if (!definition) return refuse(definition.error());
    entry.definition = std::move(*definition);
    entry.name = pipeline::name_of(*entry.definition);
    if (!write.name.empty() && entry.name != write.name)
        return refuse({{"/name", "a pipeline cannot be renamed"}});
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
    auto entry = apply(write, present);
    if (!entry) return reply(std::unexpected(std::move(entry.error())));
    const bool created = present == nullptr;
    if (created && entries_.size() >= kPipelinesMax)
        return reply(failure(Failure::Why::TooLarge, "a cluster has at most 1,000 pipelines"));
    if (const auto good = engine_.pipelines().check(*entry->definition); !good)
        return reply(refuse({{"/output", good.error().what}}));
    if (write.dry_run) return reply(api::Written{object(*entry), created});
    if (const auto put = engine_.pipelines().put(entry->definition, loop_.now()); !put)
        return reply(refuse({{"/output", put.error().what}}));
    engine_.pipelines_changed();
    Bytes record;
    json::Writer out(record);
    out.begin_object()
        .member("version", entry->version)
        .key("definition")
        .raw(entry->json)
        .end_object();
    engine_.ride_along({"pipeline", entry->name, std::move(record)});
    ledger_.audit(write.actor, created ? "pipeline.create" : "pipeline.change", entry->name);
    ledger_.event("config", "\"pipeline\":" + text::json_string(entry->name) +
                                ",\"action\":" + (created ? "\"created\"" : "\"changed\""));
    Entry& kept = entries_[entry->name] = std::move(*entry);
    engine_.when_stored([reply = std::move(reply), written = api::Written{object(kept), created}](
                            const Result<void>& stored) mutable {
        if (stored)
            reply(std::move(written));
        else
            reply(failure(Failure::Why::Unavailable, stored.error().what));
    });
}

void PipelineObjects::remove(std::string name, std::string actor, api::Reply<Outcome<void>> reply) {
    loop_.post([this, name = std::move(name), actor = std::move(actor),
                reply = std::move(reply)]() mutable {
        const auto found = entries_.find(name);
        if (found == entries_.end())
            return reply(failure(Failure::Why::NotFound, "no such pipeline"));
        if (found->second.from_file)
            return reply(failure(Failure::Why::ReadOnly,
                                 "the pipeline is declared in " + found->second.origin));
        engine_.pipelines().remove(name);
        engine_.pipelines_changed();  // what it held comes out
        entries_.erase(found);
        engine_.ride_along({"pipeline", name, std::nullopt});
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

/// `:test` of a stored pipeline, or of the `definition` in the body.
void PipelineObjects::do_test(const std::string& name, const Bytes& body,
                              api::Reply<Outcome<Bytes>> reply) {
    json::Document document;
    if (const auto parsed = document.parse(body); !parsed)
        return reply(failure(Failure::Why::Invalid, parsed.error().what));
    std::shared_ptr<const pipeline::Definition> definition;
    if (const auto found = entries_.find(name); found != entries_.end()) {
        definition = found->second.definition;
    } else if (!name.empty()) {
        return reply(failure(Failure::Why::NotFound, "no such pipeline"));
    } else {
        auto parsed = pipeline::parse(document.root()["definition"]);
        if (!parsed) return reply(refuse(parsed.error()));
        definition = std::move(*parsed);
    }
    const json::Value messages = document.root()["messages"];
    if (!messages.is_array() || messages.size() > kTestMessagesMax)
        return reply(
            failure(Failure::Why::Invalid, "`messages` is an array of at most 100 messages"));
    std::vector<std::string> texts;  // what the drafts point to
    texts.reserve(messages.size() * 3);
    std::vector<pipeline::Input> inputs;
    const WallTime now = loop_.now().wall;
    for (json::Value message = messages.first(); message; message = message.next_in(messages)) {
        const auto keep = [&texts](std::string value) -> std::string_view {
            return texts.emplace_back(std::move(value));
        };
        Bytes payload;
        if (const json::Value data = message["data"])
            data.append_compact(payload);
        else
            payload = "null";
        pipeline::Input input;
        input.draft.topic = keep(message["topic"].string());
        input.draft.payload = keep(std::move(payload));
        input.draft.key = keep(message["key"].string());
        if (!check_topic(input.draft.topic))
            return reply(failure(Failure::Why::Invalid, "a message needs a `topic`"));
        input.ts = message["ts"].integer().value_or(now);
        input.node = node_;
        inputs.push_back(input);
    }
    reply(pipeline::trial(*definition, inputs, loop_.now()));
}

}  // namespace anode::app
