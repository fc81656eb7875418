#include "api/rest/answer.hpp"
#include "api/rest/members.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// `/v1/nodes`: everybody in the view of the membership protocol, this node with its load.
namespace anode::api::rest {

namespace {

/// What only the node itself knows.
void write_self(json::Writer& out, const RouteContext& context) {
    const NodeControl& node = context.doors.node;
    const NodeFacts& facts = node.facts();
    out.member("ready", node.ready()).member("health", health_word(node));
    out.member("started", text::rfc3339(facts.started));
    out.member("uptime_seconds", (wall_now() - facts.started) / 1'000'000);
}

Answer nodes(const RouteContext& context, const Request& request) {
    const auto range = read_range(request);
    if (!range) return refuse(range.error());
    const auto view = read_view(context.doors.cluster);
    if (!view) return refuse(view.error());
    const AllStats stats(context.doors.store);
    std::vector<Bytes> items;
    std::optional<std::string> next;
    const MemberInfo* last = nullptr;
    for (const MemberInfo& member : view->members) {
        if (!range->after.empty() && member.id <= range->after) continue;
        if (items.size() == range->limit) {
            next = last->id;
            break;
        }
        items.push_back(node_json(context, member, stats));
        last = &member;
    }
    return page(request, items, next);
}

Answer one_node(const RouteContext& context, const Request& request) {
    const auto view = read_view(context.doors.cluster);
    if (!view) return refuse(view.error());
    const MemberInfo* member = find_member(*view, request.param("id"));
    if (member == nullptr) return refuse(Problem::not_found("no node of this id"));
    return Response::json(node_json(context, *member, AllStats(context.doors.store)));
}

/// Why a verb cannot be carried out here: it means another node, or none.
std::optional<Problem> other_node(const RouteContext& context, const Request& request) {
    if (is_this_node(context.doors.node.facts(), request.param("id"))) return std::nullopt;
    const auto view = read_view(context.doors.cluster);
    if (!view) return view.error();
    const MemberInfo* member = find_member(*view, request.param("id"));
    if (member == nullptr) return Problem::not_found("no node of this id");
    return Problem{502,
                   "peer-failed",
                   "ask " + member->id + " itself" +
                       (member->url.empty() ? std::string() : " at " + member->url),
                   {},
                   {},
                   {}};
}

Response state_answer(const NodeFacts& facts, std::string_view state, int status) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("id", facts.id_text).member("state", state).end_object();
    return Response::json(std::move(json), status);
}

Answer drain(const RouteContext& context, const Request& request, bool on) {
    if (auto problem = other_node(context, request)) return refuse(std::move(*problem));
    context.doors.node.drain(on, actor_of(request));
    return state_answer(context.doors.node.facts(), on ? "draining" : "alive", 200);
}

Answer shut_down(const RouteContext& context, const Request& request) {
    if (auto problem = other_node(context, request)) return refuse(std::move(*problem));
    audit(context.doors.node, request, "node.shutdown", context.doors.node.facts().id_text);
    context.doors.node.shutdown();
    return state_answer(context.doors.node.facts(), "ending", 202);
}

void reload(const RouteContext& context, const Request& request, Responder responder) {
    if (auto problem = other_node(context, request)) return responder.problem(std::move(*problem));
    context.doors.node.reload(
        actor_of(request), [responder = std::move(responder)](Outcome<Bytes> outcome) mutable {
            if (outcome)
                send_from_node(std::move(responder), Response::json(std::move(*outcome)));
            else
                responder.problem(Problem::of(outcome.error()));
        });
}

void add_verbs(Router& router, const Context& context) {
    const auto verb = [&](std::string name, std::string summary, Handler handler) {
        router.add({.method = Method::Post,
                    .pattern = "/v1/nodes/{id}:" + name,
                    .role = Role::Admin,
                    .handler = std::move(handler),
                    .run_on = RunOn::Worker,
                    .summary = std::move(summary)});
    };
    verb("drain", "Make a node hand over its work and refuse new traffic",
         answering([context](Request& request) { return drain(*context, request, true); }));
    verb("undrain", "Make a drained node take traffic again",
         answering([context](Request& request) { return drain(*context, request, false); }));
    verb("shutdown", "Drain a node and end it",
         answering([context](Request& request) { return shut_down(*context, request); }));
    verb("reload", "Make a node read its configuration again",
         [context](Request& request, Responder responder) {
             reload(*context, request, std::move(responder));
         });
}

}  // namespace

Bytes node_json(const RouteContext& context, const MemberInfo& member, const AllStats& all) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    write_member(out, member);
    if (member.self) write_self(out, context);
    const NodeStats& stats = all.of(member.id);
    if (lives(member) && (member.self || stats.known())) {
        out.key("load").begin_object();
        for (const char* name : {"in_per_second", "stored_per_second", "cpu", "memory_bytes",
                                 "memory_limit", "shed_level"})
            stats.write(out, name);
        out.end_object();
        for (const char* name : {"sources", "sources_owned", "sources_live", "listeners", "links",
                                 "health_score", "clock_offset_ms"})
            stats.write(out, name);
        out.key("disk").begin_object();
        stats.write(out, "free", "disk_free");
        stats.write(out, "total", "disk_total");
        stats.write(out, "store", "store_bytes");
        stats.write(out, "full", "disk_full");
        out.end_object();
        stats.write(out, "told", "at");
    }
    out.end_object();
    return json;
}

void add_nodes(Router& router, const Context& context) {
    router.add(
        {.method = Method::Get,
         .pattern = "/v1/nodes",
         .role = Role::Viewer,
         .handler = answering([context](Request& request) { return nodes(*context, request); }),
         .run_on = RunOn::Worker,
         .summary = "All members of the cluster with their state and load",
         .args = {"limit", "after"}});
    router.add(
        {.method = Method::Get,
         .pattern = "/v1/nodes/{id}",
         .role = Role::Viewer,
         .handler = answering([context](Request& request) { return one_node(*context, request); }),
         .run_on = RunOn::Worker,
         .summary = "One node"});
    add_verbs(router, context);
}

}  // namespace anode::api::rest
