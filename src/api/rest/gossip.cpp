#include "api/rest/answer.hpp"
#include "api/rest/members.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

/// `/v1/gossip`: membership as this node sees it, with what the protocol counted.
namespace anode::api::rest {

namespace {

using membership::Counters;

struct Row {
    std::string_view name;
    std::uint64_t Counters::* value;
};

constexpr Row kRows[] = {
    {"packets_in", &Counters::packets_in},
    {"packets_out", &Counters::packets_out},
    {"bytes_in", &Counters::bytes_in},
    {"bytes_out", &Counters::bytes_out},
    {"streams_in", &Counters::streams_in},
    {"streams_out", &Counters::streams_out},
    {"stream_bytes_in", &Counters::stream_bytes_in},
    {"stream_bytes_out", &Counters::stream_bytes_out},
    {"probes", &Counters::probes},
    {"probe_failures", &Counters::probe_failures},
    {"indirect_probes", &Counters::indirect_probes},
    {"stream_probes", &Counters::stream_probes},
    {"suspicions", &Counters::suspicions},
    {"refutations", &Counters::refutations},
    {"deaths", &Counters::deaths},
    {"conflicts", &Counters::conflicts},
    {"push_pulls", &Counters::push_pulls},
    {"push_pull_failures", &Counters::push_pull_failures},
    {"joins", &Counters::joins},
    {"decrypt_errors", &Counters::decrypt_errors},
    {"stalls", &Counters::stalls},
};

void write_counters(json::Writer& out, const Counters& counters) {
    out.key("counters").begin_object();
    for (const Row& row : kRows) out.member(row.name, counters.*row.value);
    out.key("dropped").begin_object();
    for (std::size_t i = 0; i < membership::kDrops; ++i)
        if (counters.dropped[i] > 0)
            out.member(membership::name_of(static_cast<membership::Drop>(i)), counters.dropped[i]);
    out.end_object().end_object();
}

void write_members(json::Writer& out, const ClusterView& view) {
    out.key("members").begin_array();
    for (const MemberInfo& member : view.members) {
        out.begin_object();
        write_member(out, member);
        out.end_object();
    }
    out.end_array();
}

Answer gossip(const RouteContext& context) {
    const auto view = read_view(context.doors.cluster);
    if (!view) return refuse(view.error());
    const NodeFacts& facts = context.doors.node.facts();
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("node", facts.id_text).member("cluster", facts.cluster);
    out.member("state", name_of(view->belonging)).member("listen", view->listen);
    out.member("health_score", std::uint64_t{view->counters.health_score});
    out.member("queue", std::uint64_t{view->counters.queue});
    out.member("streams_open", std::uint64_t{view->counters.streams_open});
    out.member("encrypted", view->encrypted).key("keys").begin_array();
    for (const std::string& key : view->keys) out.value(key);
    out.end_array();
    // 64 bits do not fit into the numbers of every client.
    out.member("view", text::hex({reinterpret_cast<const char*>(&view->view_hash), 8}));
    write_counters(out, view->counters);
    write_members(out, *view);
    out.end_object();
    return Response::json(std::move(json));
}

}  // namespace

void add_gossip(Router& router, const Context& context) {
    router.add({.method = Method::Get,
                .pattern = "/v1/gossip",
                .role = Role::Viewer,
                .handler = answering([context](Request&) { return gossip(*context); }),
                .run_on = RunOn::Worker,
                .summary = "Membership as this node sees it",
                .args = {"node"}});
}

}  // namespace anode::api::rest
