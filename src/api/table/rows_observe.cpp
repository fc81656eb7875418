#include "api/table/parameters.hpp"

/// Rows that tell what has happened and who is there. Source: interfaces, section 10.
namespace anode::api::table {

using namespace parameter;

namespace {

constexpr std::string_view kJson = "application/json";

Parameter filter(std::string_view name, std::string_view text) {
    return {.name = name, .text = text, .max = 255};
}

Operation timeline(std::string_view path, Role role, std::string_view summary,
                   std::string_view page, std::vector<Parameter> filters) {
    Operation row{.path = path,
                  .role = role,
                  .summary = summary,
                  .parameters = {kLimit, kAfter, kFromOfHistory, kTo, kOrder},
                  .answers = {{200, kJson, page, "A page"}},
                  .problems = {"bad-cursor"},
                  .example = path};
    row.parameters.insert(row.parameters.end(), filters.begin(), filters.end());
    return row;
}

}  // namespace

void add_observe(std::vector<Operation>& rows) {
    rows.push_back(timeline(
        "/v1/gaps", Role::Viewer, "Ledger of recorded holes, newest first", "GapPage",
        {filter("scope", "`source`, `mesh` or `listener`"), filter("reason", "Why"),
         filter("source", "Only holes of this source"), filter("gap", "One hole by its id")}));
    rows.push_back(
        timeline("/v1/events", Role::Viewer, "Timeline of state changes, newest first", "EventPage",
                 {filter("kind", "Kind of event"), filter("source", "Only events of this source"),
                  filter("state", "Only changes to this state")}));
    rows.push_back(
        timeline("/v1/audit", Role::Admin, "Who changed what, newest first", "AuditPage",
                 {filter("actor", "Name of the token"), filter("action", "Such as `source.create`"),
                  filter("object", "Name of the object")}));
    rows.push_back({.path = "/v1/alerts",
                    .role = Role::Viewer,
                    .summary = "Open alerts: every check of a node that is not well",
                    .parameters = {kLimit,
                                   kAfter,
                                   {.name = "state",
                                    .text = "Only alerts in this state",
                                    .is = Is::Word,
                                    .words = "open|acknowledged|silenced"},
                                   {.name = "severity",
                                    .text = "Only alerts of this severity",
                                    .is = Is::Word,
                                    .words = "warning|critical"},
                                   kNode},
                    .answers = {{200, kJson, "AlertPage", "A page, by id"}},
                    .example = "/v1/alerts"});
    rows.push_back({.method = Method::Post,
                    .path = "/v1/alerts/{id}:ack",
                    .role = Role::Operator,
                    .summary = "Say that somebody looks after an alert, until it ends",
                    .parameters = {kDryRun, kNodeOfWrite},
                    .bodies = {{kJson, "AlertAck", R"({"comment":"on it"})"}},
                    .answers = {{200, kJson, "Alert", "The alert as it is now"}}});
    rows.push_back(
        {.method = Method::Post,
         .path = "/v1/alerts/{id}:silence",
         .role = Role::Operator,
         .summary = "Keep an alert quiet for a while, even if it ends and comes again",
         .parameters = {kDryRun, kNodeOfWrite},
         .bodies = {{kJson, "AlertSilence", R"({"for":"2h","comment":"disk is being replaced"})"}},
         .body_required = true,
         .answers = {{200, kJson, "Alert", "The alert as it is now"}}});
    rows.push_back({.path = "/v1/listeners",
                    .role = Role::Viewer,
                    .summary = "Connected listeners with queue, lag and counts",
                    .parameters = {kLimit,
                                   kAfter,
                                   {.name = "transport",
                                    .text = "Only listeners by this transport",
                                    .is = Is::Word,
                                    .words = "ws|sse|ndjson"},
                                   filter("identity", "Only listeners of this token"),
                                   kNode},
                    .answers = {{200, kJson, "ListenerPage", "A page, by id"}},
                    .example = "/v1/listeners"});
    rows.push_back({.method = Method::Delete,
                    .path = "/v1/listeners/{id}",
                    .role = Role::Operator,
                    .summary = "Cut a listener off",
                    .parameters = {kDryRun, kNodeOfWrite},
                    .answers = {{204, "", "", "Cut"},
                                {200, kJson, "Listener", "With `dry_run`: the listener"}}});
}

}  // namespace anode::api::table
