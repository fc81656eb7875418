#include <algorithm>

#include "api/rest/answer.hpp"
#include "api/rest/await.hpp"
#include "api/rest/rest.hpp"
#include "core/json/json.hpp"

/// `/v1/mesh`: this node's links to others, and how far it is with each log of the cluster.
namespace anode::api::rest {

namespace {

double milliseconds(Duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

void write_link(json::Writer& out, const mesh::LinkView& link, Instant at) {
    out.begin_object().member("peer", link.peer == NodeId{} ? "" : link.peer.text());
    out.member("name", link.name);
    out.member("purpose", link.purpose == mesh::Purpose::Main ? "main" : "bulk");
    out.member("state", link.state).member("direction", link.dialled ? "out" : "in");
    out.member("seconds",
               std::chrono::duration_cast<std::chrono::seconds>(at - link.since).count());
    out.key("rtt_ms");
    if (link.rtt > 0ns)
        out.value(milliseconds(link.rtt));
    else
        out.null();
    out.member("offset_ms", milliseconds(link.offset));
    out.member("bytes_in", link.bytes_in).member("bytes_out", link.bytes_out);
    out.member("blocks_in", link.blocks_in).member("blocks_out", link.blocks_out);
    out.member("queued", std::uint64_t{link.queued});
    out.member("parents", std::uint64_t{link.parents});
    out.member("children", std::uint64_t{link.children}).end_object();
}

void write_log(json::Writer& out, const mesh::LogView& log) {
    out.begin_object().member("origin", log.log.node.text());
    out.member("epoch", std::to_string(log.log.epoch.value));
    out.member("lane", std::uint64_t{log.log.lane}).member("state", log.state);
    out.member("head", log.head).member("watermark", log.watermark);
    out.member("lowest", log.lowest).member("stored", log.durable);
    out.member("parent", log.parent == NodeId{} ? "" : log.parent.text());
    out.member("depth", std::uint64_t{log.depth}).member("children", std::uint64_t{log.children});
    out.key("missing").begin_array();
    for (const mesh::SeqRange& range : log.missing)
        out.begin_object().member("from", range.first).member("to", range.last).end_object();
    out.end_array().end_object();
}

void write_counters(json::Writer& out, const mesh::Counters& counters) {
    struct Row {
        const char* name;
        std::uint64_t value;
    };
    const Row rows[] = {{"messages_in", counters.messages_in},
                        {"messages_out", counters.messages_out},
                        {"blocks_in", counters.blocks_in},
                        {"blocks_out", counters.blocks_out},
                        {"bytes_in", counters.bytes_in},
                        {"bytes_out", counters.bytes_out},
                        {"duplicates", counters.duplicates},
                        {"repaired", counters.repaired},
                        {"skipped", counters.skipped},
                        {"grafts", counters.grafts},
                        {"prunes", counters.prunes},
                        {"dials", counters.dials},
                        {"links_lost", counters.links_lost},
                        {"protocol_errors", counters.protocol_errors},
                        {"refused", counters.refused},
                        {"bans", counters.bans},
                        {"links_refused", counters.links_refused},
                        {"heads_ignored", counters.heads_ignored}};
    out.key("counters").begin_object();
    for (const Row& row : rows) out.member(row.name, row.value);
    out.end_object();
}

/// Whoever did what it should not, and whom the node leaves alone. The one without an id stands for all that are not listed.
void write_offender(json::Writer& out, const mesh::Offender& offender, Instant at) {
    out.begin_object().member("peer", offender.peer == NodeId{} ? "" : offender.peer.text());
    out.member("name", offender.name).key("faults").begin_object();
    for (std::size_t kind = 0; kind < mesh::kFaults; ++kind)
        if (offender.counts[kind] != 0)
            out.member(mesh::name_of(static_cast<mesh::Fault>(kind)), offender.counts[kind]);
    out.end_object().member("bans", offender.bans);
    const auto left = std::chrono::ceil<std::chrono::seconds>(offender.banned_until - at);
    out.member("banned_s", std::max<std::int64_t>(left.count(), 0));
    out.member("last", offender.what).end_object();
}

Bytes mesh_json(const NodeFacts& facts, const MeshView& view, bool each_log) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("node", facts.id_text);
    out.member("state", view.links.empty() ? "alone" : view.settled ? "settled" : "catching-up");
    out.key("links").begin_array();
    for (const mesh::LinkView& link : view.links) write_link(out, link, view.at);
    out.end_array().key("offenders").begin_array();
    for (const mesh::Offender& offender : view.offenders) write_offender(out, offender, view.at);
    out.end_array().key("logs").begin_object();
    out.member("count", std::uint64_t{view.counters.logs});
    out.member("missing", std::uint64_t{view.counters.missing});
    if (each_log) {
        out.key("items").begin_array();
        for (const mesh::LogView& log : view.logs) write_log(out, log);
        out.end_array();
    }
    out.end_object();
    out.member("queue_bytes", std::uint64_t{view.counters.queue_bytes});
    out.member("cache_bytes", std::uint64_t{view.counters.cache_bytes});
    write_counters(out, view.counters);
    out.end_object();
    return json;
}

Answer look(const RouteContext& context, const Request& request) {
    MeshView view;
    if (MeshDoor* door = context.doors.mesh; door != nullptr) {
        auto seen =
            await<MeshView>([door](Reply<MeshView> reply) { door->view(std::move(reply)); });
        if (!seen) return refuse({503, "not-ready", "the mesh does not answer", {}, 1000, {}});
        view = std::move(*seen);
    }
    return Response::json(mesh_json(context.doors.node.facts(), view, request.flag("logs")));
}

}  // namespace

void add_mesh(Router& router, const Context& context) {
    router.add(
        {.method = Method::Get,
         .pattern = "/v1/mesh",
         .role = Role::Viewer,
         .handler = answering([context](Request& request) { return look(*context, request); }),
         .run_on = RunOn::Worker,
         .summary = "Links to other nodes, and how far the node is with each log",
         .args = {"node", "logs"}});
}

}  // namespace anode::api::rest
