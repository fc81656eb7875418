#include <memory>
#include <utility>

#include "app/cluster/object_state.hpp"
#include "app/sources/probe.hpp"
#include "app/sources/sources.hpp"
#include "app/sources/trial.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/source/grammar.hpp"

/// Sources as objects of the API.
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

}  // namespace

api::Object Sources::object(const Source& source) const {
    return {source_json(source.entry, source.runner.get(), place_of(source), secrets_),
            source.entry.etag()};
}

/// Our own registers have it when this returns, and sources_ with them.
Outcome<void> Sources::keep(const SourceEntry& entry, bool adopted) {
    Outcome<void> outcome;
    shared_.write({.kind = "source",
                   .key = entry.name,
                   .value = encode_entry(entry),
                   .revoke = false,
                   .if_stamp = {},
                   .adopted = adopted},
                  [&outcome](const Result<state::Item>& item) {
                      if (!item) outcome = std::unexpected(failure_of(item.error()));
                  });
    return outcome;
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
        Source tried;
        tried.entry = std::move(*entry);
        return reply(api::Written{object(tried), created});
    }
    const std::string kept = entry->name;
    if (auto done = keep(*entry); !done) return reply(std::unexpected(std::move(done.error())));
    world_.ledger.audit(write.actor, created ? "source.create" : "source.change", kept);
    world_.ledger.event("config",
                        named(kept) + ",\"action\":" + (created ? "\"created\"" : "\"changed\""));
    world_.engine.when_stored(
        [reply = std::move(reply), written = api::Written{object(sources_.at(kept)), created}](
            const Result<void>& stored) mutable {
            if (stored)
                reply(std::move(written));
            else
                reply(failure(Failure::Why::Unavailable, stored.error().what));
        });
}

void Sources::remove(std::string name, std::string actor, api::Reply<Outcome<void>> reply) {
    remove_if(std::move(name), "*", std::move(actor), std::move(reply));
}

void Sources::remove_if(std::string name, std::string etag, std::string actor,
                        api::Reply<Outcome<void>> reply) {
    world_.world.loop.post(
        [this, name = std::move(name), etag = std::move(etag), actor = std::move(actor),
         reply = std::move(reply)]() mutable { do_remove(name, etag, actor, std::move(reply)); });
}

/// What a file declares is the file's, for as long as the node that reads it may come back to it.
void Sources::do_remove(const std::string& name, const std::string& etag, const std::string& actor,
                        api::Reply<Outcome<void>> reply) {
    const auto found = sources_.find(name);
    if (found == sources_.end()) return reply(failure(Failure::Why::NotFound, "no such source"));
    const SourceEntry& entry = found->second.entry;
    const auto reader = owners_.find(entry.declared_by);
    if (entry.from_file && (reader || declared_.contains(name)))
        return reply(failure(Failure::Why::ReadOnly, "the source is declared in " + entry.origin));
    if (etag != "*" && etag != entry.etag())
        return reply(failure(Failure::Why::Stale, "the source was changed meanwhile"));
    Outcome<void> outcome;
    shared_.write({.kind = "source", .key = name, .value = {}, .revoke = false, .if_stamp = {}},
                  [&outcome](const Result<state::Item>& item) {
                      if (!item) outcome = std::unexpected(failure_of(item.error()));
                  });
    if (!outcome) return reply(std::move(outcome));
    world_.ledger.audit(actor, "source.delete", name);
    world_.ledger.event("config", named(name) + ",\"action\":\"deleted\"");
    world_.engine.when_stored([reply = std::move(reply)](const Result<void>& stored) mutable {
        if (stored)
            reply({});
        else
            reply(failure(Failure::Why::Unavailable, stored.error().what));
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
    if (name.empty()) return look_at(verb, body, std::move(reply));
    const auto found = sources_.find(name);
    if (found == sources_.end()) return reply(failure(Failure::Why::NotFound, "no such source"));
    Source& source = found->second;
    if (verb == "events" || verb == "errors" || verb == "items" || verb == "samples" ||
        verb == "history")
        return reply(look(source, verb));
    change(source, verb, body, actor, std::move(reply));
}

/// Verbs of the collection: they watch a feed and store nothing.
void Sources::look_at(const std::string& verb, const Bytes& body,
                      api::Reply<Outcome<Bytes>> reply) {
    if (verb == "schema") return reply(Bytes(source::json_schema()));
    if (verb == "view") return reply(view());
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
}

Outcome<Bytes> Sources::look(const Source& source, const std::string& verb) const {
    const SourceRunner* runner = source.runner.get();
    if (verb == "events") return events_json(runner);
    if (verb == "errors") return errors_json(runner);
    if (verb == "items") return items_json(runner);
    if (verb == "history")
        return history_json(shared_.history("source", source.entry.name), secrets_);
    return samples_json(runner);
}

/// All of these go through the small state, so they work from any node.
void Sources::change(Source& source, const std::string& verb, const Bytes& body,
                     const std::string& actor, api::Reply<Outcome<Bytes>> reply) {
    const std::string name = source.entry.name;
    Outcome<void> done;
    if (verb == "restart") {
        if (!source.entry.definition->enabled)
            return reply(failure(Failure::Why::Exists, "the source is disabled"));
        shared_.write({.kind = "source-restart",
                       .key = name,
                       .value = actor,
                       .revoke = false,
                       .if_stamp = {}},
                      [&done](const Result<state::Item>& item) {
                          if (!item) done = std::unexpected(failure_of(item.error()));
                      });
    } else if (verb == "enable" || verb == "disable") {
        if (source.entry.from_file)
            return reply(failure(Failure::Why::ReadOnly,
                                 "the source is declared in " + source.entry.origin));
        const bool on = verb == "enable";
        SourceEntry entry = source.entry;
        entry.json = with_enabled(entry.json, on);
        if (source.entry.definition->enabled != on) done = keep(entry);
    } else if (verb == "move") {
        auto entry = moved(source, body);
        if (!entry) return reply(std::unexpected(std::move(entry.error())));
        done = keep(*entry);
    } else {
        return reply(failure(Failure::Why::NotFound, "no such verb"));
    }
    if (!done) return reply(std::unexpected(std::move(done.error())));
    world_.ledger.audit(actor, "source." + verb, name);
    world_.engine.when_stored([reply = std::move(reply), json = object(sources_.at(name)).json](
                                  const Result<void>& stored) mutable {
        if (stored)
            reply(std::move(json));
        else
            reply(failure(Failure::Why::Unavailable, stored.error().what));
    });
}

Outcome<SourceEntry> Sources::moved(const Source& source, const Bytes& body) const {
    json::Document document;
    if (!document.parse(body) || !document.root().is_object())
        return failure(Failure::Why::Invalid, "a body such as {\"node\":\"n-…\"} is expected");
    if (is_pushed(*source.entry.definition))
        return failure(Failure::Why::Invalid, "a push source runs on every node");
    const json::Value node = document.root()["node"];
    const std::string wish = node.is_null() ? std::string() : std::string(node.string());
    SourceEntry entry = source.entry;
    entry.moved_to.clear();
    if (wish.empty()) return entry;
    const auto target = owners_.find(wish);
    if (!target)
        return std::unexpected(
            Failure{Failure::Why::Invalid,
                    "no such node",
                    {{"/node", "invalid", "no node that is alive is called so"}}});
    entry.moved_to = target->text();
    return entry;
}

// -- webhooks ---------------------------------------------------------------------------------------------

void Sources::push(api::Publishing::Push push, api::Reply<Result<api::PublishResult>> reply) {
    const auto found = sources_.find(push.source);
    if (found == sources_.end() || found->second.entry.definition->type != source::Type::Webhook)
        return reply(fail(Errc::NotFound, "no webhook source of this name"));
    if (!found->second.runner) return reply(fail(Errc::NotFound, "the source is disabled"));
    const api::AckLevel level = world_.engine.default_level();
    if (level.copies > world_.engine.nodes())
        return reply(fail(Errc::Overloaded, "fewer nodes are alive than copies are asked for"));
    auto ids = found->second.runner->push(push.headers, push.body);
    if (!ids) return reply(std::unexpected(std::move(ids.error())));
    world_.engine.answer_at({std::move(*ids), level, false}, std::move(reply));
}

}  // namespace anode::app
