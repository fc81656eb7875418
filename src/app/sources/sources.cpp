#include "app/sources/sources.hpp"

#include <algorithm>
#include <utility>

#include "app/sources/probe.hpp"
#include "app/sources/trial.hpp"
#include "app/sources/view.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "core/source/grammar.hpp"

namespace anode::app {
namespace {

using api::Failure;
using api::Outcome;

constexpr std::size_t kSourcesMax = 10'000;
constexpr std::uint32_t kTrialsMax = 4;

std::unexpected<Failure> failure(Failure::Why why, std::string detail) {
    return std::unexpected(Failure{why, std::move(detail), {}});
}

std::string named(std::string_view name) { return "\"source\":" + text::json_string(name); }

/// The definition with `enabled` set, everything else as it stands.
Bytes with_enabled(const Bytes& definition, bool enabled) {
    json::Document stored, patch;
    const Bytes change = enabled ? "{\"enabled\":true}" : "{\"enabled\":false}";
    if (!stored.parse(definition) || !patch.parse(change)) return definition;
    return json::merge_patch(stored.root(), patch.root());
}

bool same_feed(const source::Definition& a, const source::Definition& b) {
    return a.type == b.type && a.file.path == b.file.path &&
           std::ranges::equal(a.url, b.url, {}, &source::Template::source,
                              &source::Template::source);
}

}  // namespace

Sources::Sources(SourceWorld world, Engine& engine, Store& store, Ledger& ledger,
                 metrics::Registry& metrics, const source::Secrets& secrets,
                 std::shared_ptr<const EgressPolicy> egress, std::string node)
    : world_{world,    engine,         ledger, metrics, const_cast<source::Secrets&>(secrets),
             budgets_, std::move(node)},
      store_(store),
      secrets_(secrets),
      egress_(std::move(egress)) {
    engine.set_push_target(this);
    engine.on_pressure([this](bool full) {
        for (auto& [name, source] : sources_)
            if (source.runner) source.runner->set_pressure(full);
    });
}

Sources::~Sources() {
    world_.engine.set_push_target(nullptr);
    world_.engine.on_pressure(nullptr);
}

void Sources::load(std::vector<DeclaredSource> declared) {
    for (auto& [name, record] : store_.records("source")) {
        auto entry = decode_entry(name, record);
        if (entry)
            sources_[name].entry = std::move(*entry);
        else
            log::error("source", "a stored definition cannot be read by this version",
                       {{"source", name}, {"err", entry.error().what}});
    }
    redeclare(std::move(declared));
}

void Sources::redeclare(std::vector<DeclaredSource> declared) {
    std::map<std::string, SourceEntry> wanted;
    for (DeclaredSource& one : declared) {
        json::Document document;
        if (!document.parse(one.json)) continue;  // the configuration was checked before
        auto definition = check_definition(document.root(), *egress_);
        if (!definition) {
            log::error("source", "a declared source is refused",
                       {{"source", document.root()["name"].string()},
                        {"place", one.origin},
                        {"err", definition.error().detail}});
            continue;
        }
        SourceEntry entry;
        entry.name = (*definition)->name;
        entry.definition = std::move(*definition);
        entry.json = std::move(one.json);
        entry.origin = std::move(one.origin);
        entry.from_file = true;
        wanted[entry.name] = std::move(entry);
    }
    for (auto at = sources_.begin(); at != sources_.end();) {
        const bool gone = at->second.entry.from_file && !wanted.contains(at->first);
        if (gone) {
            retire(std::move(at->second.runner));
            forget(at->first);
        }
        at = gone ? sources_.erase(at) : std::next(at);
    }
    for (auto& [name, entry] : wanted) {
        Source& source = sources_[name];
        if (source.entry.from_file && source.entry.json == entry.json) {
            source.entry.origin = entry.origin;
            continue;
        }
        if (source.entry.definition) entry.version = source.entry.version + 1;
        replace(source, std::move(entry));
    }
}

void Sources::begin(std::map<std::string, source::Restored> restored) {
    running_ = true;
    for (auto& [name, source] : sources_) run(source, std::move(restored[name]));
    tick();
}

void Sources::run(Source& source, source::Restored restored) {
    if (restored.position.empty())
        restored.position = source.position;
    else
        source.position = restored.position;
    if (!source.entry.definition->enabled) return;
    source.runner =
        std::make_unique<SourceRunner>(world_, source.entry.definition, std::move(restored));
    source.runner->start();
    if (world_.engine.pressed()) source.runner->set_pressure(true);
}

/// The series of a source live as long as its definition, over all runners it ever has.
void Sources::forget(const std::string& name) {
    world_.metrics.remove("source", name);
    world_.engine.forget_series(name);
}

/// Ends the runner; the next one goes on where it stood.
void Sources::halt(Source& source) {
    if (source.runner) source.position = source.runner->position();
    retire(std::move(source.runner));
}

/// Another definition takes over, from the same position if it reads the same feed.
void Sources::replace(Source& source, SourceEntry entry) {
    halt(source);
    if (!source.entry.definition || !same_feed(*source.entry.definition, *entry.definition))
        source.position.clear();
    source.entry = std::move(entry);
    if (running_) run(source);
}

/// A runner that ends keeps its connections until they have closed politely.
void Sources::retire(std::unique_ptr<SourceRunner> runner) {
    if (!runner) return;
    runner->retire();
    retired_.push_back(std::move(runner));
    if (std::exchange(sweeping_, true)) return;
    world_.world.loop.after(3s, [this] { sweep_retired(); });
}

void Sources::sweep_retired() {
    const bool too_many = retired_.size() > 1000;
    std::erase_if(retired_, [&](const auto& old) {
        const bool ended = too_many || old->quiet();
        if (ended && !sources_.contains(old->name())) forget(old->name());
        return ended;
    });
    sweeping_ = !retired_.empty();
    if (sweeping_) world_.world.loop.after(3s, [this] { sweep_retired(); });
}

void Sources::end(Duration patience, std::move_only_function<void()> done) {
    running_ = false;
    ended_ = true;
    for (const auto& look : std::exchange(looks_, {}))
        if (const auto running = look.lock()) running->give_up();
    for (auto& [name, source] : sources_)
        if (source.runner) source.runner->stop(true);
    await_quiet(patience, std::move(done));
}

void Sources::await_quiet(Duration left, std::move_only_function<void()> done) {
    const bool quiet = std::ranges::all_of(sources_, [](const auto& entry) {
        return !entry.second.runner || entry.second.runner->quiet();
    });
    if (!quiet && left > 0ns) {
        world_.world.loop.after(20ms, [this, left, done = std::move(done)]() mutable {
            await_quiet(left - 20ms, std::move(done));
        });
        return;
    }
    for (auto& [name, source] : sources_) source.runner.reset();
    retired_.clear();
    done();
}

void Sources::set_egress(std::shared_ptr<const EgressPolicy> egress) {
    egress_ = std::move(egress);
}

Sources::Totals Sources::totals() const {
    Totals totals;
    for (const auto& [name, source] : sources_) {
        ++totals.defined;
        if (!source.runner) continue;
        if (source.runner->machine().state() == source::State::Live) ++totals.live;
        totals.messages_per_second += source.runner->rate();
    }
    return totals;
}

Duration Sources::longest_window() const {
    Duration longest = 60s;
    for (const auto& [name, source] : sources_) {
        const auto& definition = *source.entry.definition;
        if (definition.dedupe && definition.enabled)
            longest = std::max(longest, definition.dedupe->keep);
    }
    return longest;
}

void Sources::tick() {
    if (!running_) return;
    for (auto& [name, source] : sources_)
        if (source.runner) source.runner->tick();
    world_.world.loop.after(1s, [this] { tick(); });
}

// -- the objects of the API -------------------------------------------------------------------------------

api::Object Sources::object(const Source& source) const {
    return {source_json(source.entry, source.runner.get(), world_.node, secrets_),
            source.entry.etag()};
}

void Sources::list(api::Reply<std::vector<api::Object>> reply) {
    world_.world.loop.post([this, reply = std::move(reply)]() mutable {
        std::vector<api::Object> objects;
        objects.reserve(sources_.size());
        for (const auto& [name, source] : sources_) objects.push_back(object(source));
        reply(std::move(objects));
    });
}

void Sources::get(std::string name, api::Reply<Outcome<api::Object>> reply) {
    world_.world.loop.post([this, name = std::move(name), reply = std::move(reply)]() mutable {
        const auto found = sources_.find(name);
        if (found == sources_.end())
            return reply(failure(Failure::Why::NotFound, "no such source"));
        reply(object(found->second));
    });
}

void Sources::write(api::Write write, api::Reply<Outcome<api::Written>> reply) {
    world_.world.loop.post([this, write = std::move(write), reply = std::move(reply)]() mutable {
        do_write(std::move(write), std::move(reply));
    });
}

void Sources::do_write(api::Write write, api::Reply<Outcome<api::Written>> reply) {
    std::string name = write.name;
    if (name.empty()) {
        json::Document body;
        if (body.parse(write.body)) name = body.root()["name"].string();
    }
    const auto found = sources_.find(name);
    const SourceEntry* present = found == sources_.end() ? nullptr : &found->second.entry;
    auto entry = apply_write(write, present, *egress_);
    if (!entry) return reply(std::unexpected(std::move(entry.error())));
    if (present == nullptr && sources_.size() >= kSourcesMax)
        return reply(failure(Failure::Why::TooLarge, "a cluster has at most 10,000 sources"));
    const bool created = present == nullptr;
    if (write.dry_run) {
        Source tried{std::move(*entry), nullptr, {}};
        return reply(api::Written{object(tried), created});
    }
    Source& source = sources_[entry->name];
    store_entry(*entry);
    replace(source, std::move(*entry));
    world_.ledger.audit(write.actor, created ? "source.create" : "source.change",
                        source.entry.name);
    world_.ledger.event("config", named(source.entry.name) +
                                      ",\"action\":" + (created ? "\"created\"" : "\"changed\""));
    world_.engine.when_stored(
        [reply = std::move(reply),
         written = api::Written{object(source), created}](const Result<void>& stored) mutable {
            if (stored)
                reply(std::move(written));
            else
                reply(failure(Failure::Why::Unavailable, stored.error().what));
        });
}

void Sources::store_entry(const SourceEntry& entry) {
    world_.engine.ride_along({"source", entry.name, encode_entry(entry)});
}

void Sources::remove(std::string name, std::string actor, api::Reply<Outcome<void>> reply) {
    world_.world.loop.post([this, name = std::move(name), actor = std::move(actor),
                            reply = std::move(reply)]() mutable {
        const auto found = sources_.find(name);
        if (found == sources_.end())
            return reply(failure(Failure::Why::NotFound, "no such source"));
        if (found->second.entry.from_file)
            return reply(failure(Failure::Why::ReadOnly,
                                 "the source is declared in " + found->second.entry.origin));
        retire(std::move(found->second.runner));
        sources_.erase(found);
        forget(name);
        world_.engine.ride_along({"source", name, std::nullopt});
        world_.engine.ride_along({"position", name, std::nullopt});
        world_.ledger.audit(actor, "source.delete", name);
        world_.ledger.event("config", named(name) + ",\"action\":\"deleted\"");
        world_.engine.when_stored([reply = std::move(reply)](const Result<void>& stored) mutable {
            if (stored)
                reply({});
            else
                reply(failure(Failure::Why::Unavailable, stored.error().what));
        });
    });
}

void Sources::act(std::string name, std::string verb, Bytes body, std::string actor,
                  api::Reply<Outcome<Bytes>> reply) {
    world_.world.loop.post([this, name = std::move(name), verb = std::move(verb),
                            body = std::move(body), actor = std::move(actor),
                            reply = std::move(reply)]() mutable {
        do_act(name, verb, body, actor, std::move(reply));
    });
}

void Sources::do_act(const std::string& name, const std::string& verb, const Bytes& body,
                     const std::string& actor, api::Reply<Outcome<Bytes>> reply) {
    if (name.empty()) {
        if (verb == "schema") return reply(Bytes(source::json_schema()));
        if (verb != "test" && verb != "probe")
            return reply(failure(Failure::Why::NotFound, "no such verb"));
        if (ended_) return reply(failure(Failure::Why::Unavailable, "the node is ending"));
        if (trials_ >= kTrialsMax)
            return reply(
                failure(Failure::Why::Unavailable, "four trials run already: try again later"));
        ++trials_;
        auto done = [this, reply = std::move(reply)](Outcome<Bytes> outcome) mutable {
            --trials_;
            reply(std::move(outcome));
        };
        std::erase_if(looks_, [](const auto& look) { return look.expired(); });
        looks_.push_back(verb == "test" ? Trial::start(world_, body, *egress_, std::move(done))
                                        : Probe::start(world_, body, *egress_, std::move(done)));
        return;
    }
    const auto found = sources_.find(name);
    if (found == sources_.end()) return reply(failure(Failure::Why::NotFound, "no such source"));
    Source& source = found->second;
    if (verb == "events" || verb == "errors" || verb == "items" || verb == "samples")
        return reply(look(source, verb));
    change(source, verb, body, actor, std::move(reply));
}

Outcome<Bytes> Sources::look(const Source& source, const std::string& verb) const {
    const SourceRunner* runner = source.runner.get();
    if (verb == "events") return events_json(runner);
    if (verb == "errors") return errors_json(runner);
    if (verb == "items") return items_json(runner);
    return samples_json(runner);
}

void Sources::change(Source& source, const std::string& verb, const Bytes& body,
                     const std::string& actor, api::Reply<Outcome<Bytes>> reply) {
    if (verb == "restart") {
        if (!source.runner) return reply(failure(Failure::Why::Exists, "the source is disabled"));
        source.runner->restart();
    } else if (verb == "enable" || verb == "disable") {
        if (source.entry.from_file)
            return reply(failure(Failure::Why::ReadOnly,
                                 "the source is declared in " + source.entry.origin));
        set_enabled(source, verb == "enable");
    } else if (verb == "move") {
        json::Document document;
        if (!document.parse(body) || !document.root().is_object())
            return reply(
                failure(Failure::Why::Invalid, "a body such as {\"node\":\"n-…\"} is expected"));
        const json::Value node = document.root()["node"];
        const std::string target = node.is_null() ? std::string() : node.string();
        if (!target.empty() && target != world_.node)
            return reply(failure(Failure::Why::Invalid, "no such node"));
        source.entry.moved_to = target;
        if (!source.entry.from_file) store_entry(source.entry);
    } else {
        return reply(failure(Failure::Why::NotFound, "no such verb"));
    }
    world_.ledger.audit(actor, "source." + verb, source.entry.name);
    world_.engine.when_stored(
        [reply = std::move(reply), json = object(source).json](const Result<void>& stored) mutable {
            if (stored)
                reply(std::move(json));
            else
                reply(failure(Failure::Why::Unavailable, stored.error().what));
        });
}

void Sources::set_enabled(Source& source, bool enabled) {
    if (source.entry.definition->enabled == enabled) return;
    source.entry.json = with_enabled(source.entry.json, enabled);
    auto definition = std::make_shared<source::Definition>(*source.entry.definition);
    definition->enabled = enabled;
    source.entry.definition = std::move(definition);
    ++source.entry.version;
    store_entry(source.entry);
    if (!enabled)
        halt(source);
    else if (running_)
        run(source);
}

// -- webhooks ---------------------------------------------------------------------------------------------

void Sources::push(api::Publishing::Push push, api::Reply<Result<api::PublishResult>> reply) {
    const auto found = sources_.find(push.source);
    if (found == sources_.end() || found->second.entry.definition->type != source::Type::Webhook)
        return reply(fail(Errc::NotFound, "no webhook source of this name"));
    if (!found->second.runner) return reply(fail(Errc::NotFound, "the source is disabled"));
    auto ids = found->second.runner->push(push.headers, push.body);
    if (!ids) return reply(std::unexpected(std::move(ids.error())));
    api::PublishResult result{std::move(*ids), {}, false};
    world_.engine.when_stored(
        [reply = std::move(reply), result = std::move(result)](const Result<void>& stored) mutable {
            if (stored)
                reply(std::move(result));
            else
                reply(std::unexpected(stored.error()));
        });
}

}  // namespace anode::app
