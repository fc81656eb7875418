#include "api/table/schema.hpp"

/// Documents that tell what has happened and who is there.
namespace anode::api::table {

void add_observe_schemas(std::vector<Schema>& all) {
    all.push_back({.name = "Gap", .text = "A recorded hole", .members = R"(
        at time
        node text Who recorded it
        gap text Its id, `g-…`
        scope text source, mesh or listener
        reason text
        source? text
        lost? integer? How many messages; null: unknown)"});
    all.push_back({.name = "GapPage", .text = "Recorded holes", .members = R"(
        items [Gap]
        next text?)"});
    all.push_back({.name = "Event", .text = "Something that has changed", .members = R"(
        at time
        node text
        kind text
        source? text
        state? text)"});
    all.push_back({.name = "EventPage", .text = "Events", .members = R"(
        items [Event]
        next text?)"});
    all.push_back({.name = "AuditEntry", .text = "A change and who made it", .members = R"(
        at time
        node text
        actor text Name of the token; never its secret
        action text
        object text
        from? text Address)"});
    all.push_back({.name = "AuditPage", .text = "Changes", .members = R"(
        items [AuditEntry]
        next text?)"});
    all.push_back({.name = "Alert", .text = "A check of a node that is not well", .members = R"(
        id text The name of the check
        node text
        state open/acknowledged/silenced
        severity warning/critical
        detail text
        since time?
        acknowledged_by text?
        silenced_until time?
        comment text)"});
    all.push_back({.name = "AlertPage", .text = "Alerts", .members = R"(
        items [Alert]
        next text?)"});
    all.push_back({.name = "AlertAck",
                   .text = "Who looks after it",
                   .members = R"(
        comment? text<255)",
                   .closed = true});
    all.push_back({.name = "AlertSilence",
                   .text = "For how long",
                   .members = R"(
        for text Such as `2h`, at most `30d`
        comment? text<255)",
                   .closed = true});
    all.push_back({.name = "Listener", .text = "A connected listener", .members = R"(
        id text `l-…`
        node text
        transport text ws, sse or ndjson
        address text
        identity text Name of its token
        topics [text]
        mode text
        queue_bytes integer
        lag integer Messages behind the head
        catching_up flag
        sent integer
        skipped integer
        conflated integer
        gaps integer
        since time)"});
    all.push_back({.name = "ListenerPage", .text = "Listeners", .members = R"(
        items [Listener]
        next text?)"});
}

}  // namespace anode::api::table
