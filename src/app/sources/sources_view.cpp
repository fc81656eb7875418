#include "app/sources/sources.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

/// Sources in short, for whoever looks at all of them every second.
namespace anode::app {
namespace {

void write_time(json::Writer& out, std::string_view name, WallTime at) {
    if (at != 0) out.member(name, text::rfc3339(at));
}

void write_running(json::Writer& out, const SourceRunner& runner) {
    const source::Status status = runner.machine().status();
    out.member("state", source::name(status.state)).member("why", status.why);
    write_time(out, "state_since", status.since);
    write_time(out, "last_message", status.last_message.value_or(0));
    write_time(out, "next_due", status.next_due.value_or(0));
    if (status.last_error) {
        out.key("last_error").begin_object();
        out.member("class", source::name(status.last_error->error));
        out.member("detail", status.last_error->detail);
        out.member("at", text::rfc3339(status.last_error->at)).end_object();
    }
    out.key("lag_ms");
    if (status.lag)
        out.value(static_cast<std::int64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(*status.lag).count()));
    else
        out.null();
    out.member("messages", runner.messages()).member("messages_per_second", runner.rate());
    out.member("gaps", status.counters.gaps);
}

}  // namespace

/// Those that run here, and those that run nowhere: of the others their own nodes tell.
Bytes Sources::view() const {
    Bytes json;
    json::Writer out(json);
    out.begin_array();
    for (const auto& [name, source] : sources_) {
        const bool runs = source.runner && !source.runner->held();
        const bool enabled = source.entry.definition->enabled;
        const SourcePlace place = place_of(source);
        if (!runs && enabled && !place.owner.empty()) continue;
        out.begin_object().member("name", name);
        out.member("type", source::name(source.entry.definition->type));
        for (const auto& [label, value] : source.entry.definition->labels)
            if (label == "provider") out.member("provider", value);
        out.member("enabled", enabled).member("origin", source.entry.from_file ? "file" : "api");
        out.member("role", place.role).key("owner");
        if (place.owner.empty())
            out.null();
        else
            out.value(place.owner);
        out.member("owner_name", place.owner_name).key("candidates").begin_array();
        for (std::size_t i = 0; i < place.candidates.size() && i < 2; ++i)
            out.value(place.candidates[i]);
        out.end_array();
        if (runs)
            write_running(out, *source.runner);
        else
            out.member("state", enabled ? "pending" : "disabled").member("messages", 0);
        out.end_object();
    }
    out.end_array();
    return json;
}

}  // namespace anode::app
