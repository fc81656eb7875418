#include "app/sources/view.hpp"

#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/source/grammar.hpp"

namespace anode::app {
namespace {

void write_time(json::Writer& out, std::string_view name, std::optional<WallTime> at) {
    out.key(name);
    if (at && *at != 0)
        out.value(text::rfc3339(*at));
    else
        out.null();
}

void write_last_error(json::Writer& out, const std::optional<source::LastError>& error) {
    out.key("last_error");
    if (!error) {
        out.null();
        return;
    }
    out.begin_object().member("class", source::name(error->error)).member("detail", error->detail);
    write_time(out, "at", error->at);
    out.end_object();
}

void write_counters(json::Writer& out, const source::Counters& c) {
    out.key("counters").begin_object();
    out.member("frames", c.frames)
        .member("bytes", c.bytes)
        .member("rows", c.rows)
        .member("heartbeats", c.heartbeats);
    out.member("acks", c.acks)
        .member("notices", c.notices)
        .member("ignored", c.ignored)
        .member("unknown", c.unknown);
    out.member("duplicates", c.duplicates)
        .member("late", c.late)
        .member("rejected", c.rejected)
        .member("dropped", c.dropped);
    out.member("overflowed", c.overflowed)
        .member("conflated", c.conflated)
        .member("gaps", c.gaps)
        .member("lost", c.lost);
    out.member("connects", c.connects)
        .member("reconnects", c.reconnects)
        .member("requests", c.requests);
    out.member("sent", c.sent).member("errors", c.errors);
    out.end_object();
}

void write_polls(json::Writer& out, const source::PollCounts& p) {
    out.key("polls").begin_object();
    out.member("new", p.fresh)
        .member("same", p.same)
        .member("304", p.not_modified)
        .member("4xx", p.client_error);
    out.member("5xx", p.server_error).member("timeout", p.timeout).member("parse", p.parse);
    out.end_object();
}

void write_nobody(json::Writer& out, const SourceEntry& entry, const SourcePlace& place) {
    std::string_view state = "standby", why;
    if (!entry.definition->enabled) {
        state = "disabled";
    } else if (place.told != nullptr) {
        state = place.told->state;
        why = place.told->why;
    } else if (place.owner.empty()) {
        state = "pending";
        why = "no node runs it yet";
    }
    out.member("state", state).member("why", why).key("last_error").null();
    out.member("messages", 0).member("messages_per_second", 0.0);
}

void write_place(json::Writer& out, const SourcePlace& place) {
    out.key("owner");
    if (place.owner.empty())
        out.null();
    else
        out.value(place.owner);
    if (!place.owner_name.empty()) out.member("owner_name", place.owner_name);
    out.member("role", place.role).member("term", place.term);
    out.key("candidates").begin_array();
    for (const std::string& node : place.candidates) out.value(node);
    out.end_array();
    if (!place.standby) return;
    out.key("standby");
    if (place.standby->empty())
        out.null();
    else
        out.value(*place.standby);
}

void write_state(json::Writer& out, const SourceEntry& entry, const SourceRunner* runner,
                 const SourcePlace& place) {
    if (runner != nullptr && runner->held())
        out.member("standby_state", source::name(runner->machine().state()));
    if (runner == nullptr || runner->held()) return write_nobody(out, entry, place);
    const source::Status status = runner->machine().status();
    out.member("state", source::name(status.state)).member("why", status.why);
    write_time(out, "state_since", status.since);
    write_last_error(out, status.last_error);
    write_time(out, "last_message", status.last_message);
    out.key("lag_ms");
    if (status.lag)
        out.value(static_cast<std::int64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(*status.lag).count()));
    else
        out.null();
    out.member("messages", runner->messages()).member("messages_per_second", runner->rate());
    out.member("connections", status.connections).member("queued_bytes", status.queued_bytes);
    write_time(out, "next_due", status.next_due);
    write_counters(out, status.counters);
    if (entry.definition->type == source::Type::Rest) write_polls(out, status.polls);
}

}  // namespace

std::string_view role_name(Owners::Role role) noexcept {
    switch (role) {
        case Owners::Role::None:
            return "none";
        case Owners::Role::Standby:
            return "standby";
        case Owners::Role::Claiming:
            return "claiming";
        case Owners::Role::Owner:
            return "owner";
        case Owners::Role::Releasing:
            return "releasing";
    }
    return "none";
}

Bytes source_json(const SourceEntry& entry, const SourceRunner* runner, const SourcePlace& place,
                  const source::Secrets& secrets) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    json::Document stored;
    Bytes shown;
    if (stored.parse(entry.json)) shown = source::redacted_json(stored.root(), &secrets);
    json::Document redacted;
    if (redacted.parse(shown)) {
        const json::Value root = redacted.root();
        for (json::Value member = root.first(); member; member = member.next_in(root))
            out.key(member.name()).raw(member.raw());
        if (!root.find("enabled")) out.member("enabled", entry.definition->enabled);
    }
    out.member("version", entry.version).member("origin", entry.origin);
    if (!entry.moved_to.empty()) out.member("moved_to", entry.moved_to);
    write_place(out, place);
    write_state(out, entry, runner, place);
    out.end_object();
    return json;
}

Bytes history_json(const std::vector<state::Earlier>& earlier, const source::Secrets& secrets) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().key("items").begin_array();
    for (auto at = earlier.rbegin(); at != earlier.rend(); ++at) {
        const state::Item& item = at->item;
        out.begin_object().member("version", item.version).member("etag", item.stamp.text());
        write_time(out, "at", item.stamp.hlc.micros());
        out.member("node", item.stamp.node.text()).member("lost", at->lost).key("definition");
        json::Document stored;
        if (item.value && stored.parse(*item.value))
            out.raw(source::redacted_json(stored.root()["definition"], &secrets));
        else
            out.null();
        out.end_object();
    }
    out.end_array().key("next").null().end_object();
    return json;
}

Bytes events_json(const SourceRunner* runner) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().key("items").begin_array();
    if (runner != nullptr) {
        for (auto event = runner->events().rbegin(); event != runner->events().rend(); ++event) {
            out.begin_object();
            write_time(out, "at", event->at);
            out.member("kind", event->kind).member("detail", event->detail).end_object();
        }
    }
    out.end_array().key("next").null().end_object();
    return json;
}

Bytes errors_json(const SourceRunner* runner) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    out.member("source", runner == nullptr ? std::string() : runner->name())
        .key("items")
        .begin_array();
    if (runner != nullptr) {
        for (const source::ErrorCount& error : runner->machine().status().errors) {
            out.begin_object()
                .member("class", source::name(error.error))
                .member("count", error.count);
            out.member("sample", error.sample);
            write_time(out, "first_at", error.first_at);
            write_time(out, "last_at", error.last_at);
            out.end_object();
        }
    }
    out.end_array().key("next").null().end_object();
    return json;
}

Bytes items_json(const SourceRunner* runner) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().key("items").begin_array();
    if (runner != nullptr) {
        for (const source::ItemStatus& item : runner->machine().status().items) {
            out.begin_object()
                .member("item", item.item)
                .member("state", source::name(item.state))
                .member("reason", item.reason);
            write_time(out, "since", item.since);
            out.end_object();
        }
    }
    out.end_array().key("next").null().end_object();
    return json;
}

Bytes samples_json(const SourceRunner* runner) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().key("items").begin_array();
    if (runner != nullptr) {
        const source::Status status = runner->machine().status();
        for (const source::Sample& sample : status.samples) {
            out.begin_object();
            write_time(out, "at", sample.at);
            out.member("kind", sample.kind).member("frame", sample.frame).end_object();
        }
    }
    out.end_array().key("next").null().end_object();
    return json;
}

void write_steps(json::Writer& out, const source::Status& status) {
    out.key("steps").begin_array();
    for (const source::StepStatus& step : status.steps) {
        out.begin_object()
            .member("what", step.what)
            .member("state", step.state)
            .member("detail", step.detail);
        out.member("took_ms", static_cast<double>(step.took.count()) / 1e6).end_object();
    }
    out.end_array();
}

}  // namespace anode::app
