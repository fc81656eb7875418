#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// The cluster and its nodes; this node is the only one it knows.
namespace anode::api::rest {

namespace {

/// What the node has last told of itself on `$sys.stats.<node>`: once a second, so never old.
class Vitals {
public:
    Vitals(const Store& store, const NodeFacts& facts) {
        const auto found = store.last(*PatternSet::parse("$sys.stats." + facts.id_text), 1);
        if (!found || found->empty()) return;
        text_ = found->back().block->entry(found->back().index).payload;
        if (!document_.parse(text_)) text_.clear();
    }
    void write(json::Writer& out, std::string_view member, std::string_view of) const {
        out.key(member);
        const json::Value value = text_.empty() ? json::Value{} : document_.root()[of];
        if (value)
            out.raw(value.raw());
        else
            out.null();
    }

private:
    Bytes text_;
    json::Document document_;
};

std::string_view health_word(const NodeControl& node) {
    std::string_view word = "ok";
    for (const Check& check : node.health()) {
        if (check.status == "fail") return "fail";
        if (check.status == "warn") word = "warn";
    }
    return word;
}

void write_disk(json::Writer& out, const StoreStats& stats) {
    out.key("disk").begin_object().member("free", stats.disk_free);
    out.member("total", stats.disk_total).member("store", stats.bytes).member("full", stats.full);
    out.end_object();
}

Bytes node_json(const RouteContext& context) {
    const NodeControl& node = context.doors.node;
    const NodeFacts& facts = node.facts();
    const Vitals vitals(context.doors.store, facts);
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("id", facts.id_text).member("name", facts.name);
    out.member("state", "alive").member("draining", node.draining()).member("ready", node.ready());
    out.member("health", health_word(node)).member("zone", facts.zone);
    out.member("version", facts.version).member("address", context.public_url);
    out.member("started", text::rfc3339(facts.started));
    out.member("uptime_seconds", (wall_now() - facts.started) / 1'000'000);
    out.key("load").begin_object();
    vitals.write(out, "in_per_second", "in_per_second");
    vitals.write(out, "memory_bytes", "memory_bytes");
    vitals.write(out, "shed_level", "shed_level");
    out.end_object();
    vitals.write(out, "sources", "sources");
    vitals.write(out, "sources_live", "sources_live");
    out.member("clock_offset_ms", 0).member("round_trip_ms", 0);
    write_disk(out, context.doors.store.stats());
    out.end_object();
    return json;
}

Bytes cluster_json(const RouteContext& context) {
    const NodeControl& node = context.doors.node;
    const NodeFacts& facts = node.facts();
    const Vitals vitals(context.doors.store, facts);
    const StoreStats stats = context.doors.store.stats();
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("name", facts.cluster).member("health", health_word(node));
    out.key("nodes").begin_object().member("alive", 1).member("dead", 0).member("left", 0);
    out.end_object().member("topics", stats.topics).member("messages", stats.messages);
    out.member("bytes", stats.bytes);
    vitals.write(out, "sources", "sources");
    vitals.write(out, "sources_live", "sources_live");
    vitals.write(out, "in_per_second", "in_per_second");
    out.key("versions").begin_array().value(facts.version).end_array();
    out.member("alerts", 0).member("node", facts.id_text).end_object();
    return json;
}

Answer nodes(const RouteContext& context, const Request& request) {
    const auto range = read_range(request);
    if (!range) return refuse(range.error());
    const bool past = !range->after.empty() && range->after >= context.doors.node.facts().id_text;
    return page(request, past ? std::vector<Bytes>{} : std::vector{node_json(context)},
                std::nullopt);
}

std::optional<Problem> other_node(const RouteContext& context, const Request& request) {
    if (is_this_node(context.doors.node.facts(), request.param("id"))) return std::nullopt;
    return Problem::not_found("no node of this id");
}

Response state_answer(const NodeFacts& facts, std::string_view state, int status) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("id", facts.id_text).member("state", state).end_object();
    return Response::json(std::move(json), status);
}

Answer drain(const RouteContext& context, const Request& request, bool on) {
    if (auto problem = other_node(context, request)) return refuse(std::move(*problem));
    context.doors.node.drain(on, request.caller.name);
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
        request.caller.name, [responder = std::move(responder)](Outcome<Bytes> outcome) mutable {
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

void add_cluster(Router& router, const Context& context) {
    router.add({.method = Method::Get,
                .pattern = "/v1/cluster",
                .role = Role::Viewer,
                .handler = answering([context](Request&) -> Answer {
                    return Response::json(cluster_json(*context));
                }),
                .run_on = RunOn::Worker,
                .summary = "The cluster in one object: counts, rates, health, versions"});
    router.add(
        {.method = Method::Get,
         .pattern = "/v1/nodes",
         .role = Role::Viewer,
         .handler = answering([context](Request& request) { return nodes(*context, request); }),
         .run_on = RunOn::Worker,
         .summary = "All nodes with their state and load",
         .args = {"limit", "after"}});
    router.add({.method = Method::Get,
                .pattern = "/v1/nodes/{id}",
                .role = Role::Viewer,
                .handler = answering([context](Request& request) -> Answer {
                    if (auto problem = other_node(*context, request))
                        return refuse(std::move(*problem));
                    return Response::json(node_json(*context));
                }),
                .run_on = RunOn::Worker,
                .summary = "One node"});
    add_verbs(router, context);
}

}  // namespace anode::api::rest
