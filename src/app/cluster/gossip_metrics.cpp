#include "app/cluster/gossip_metrics.hpp"

namespace anode::app {
namespace {

using membership::Counters;

struct Series {
    std::uint64_t Counters::* value;
    const char* name;
    const char* help;
    const char* label;
    const char* label_value;
};

constexpr const char* kPackets = "anode_gossip_packets_total";
constexpr const char* kBytes = "anode_gossip_bytes_total";
constexpr const char* kStreams = "anode_gossip_streams_total";
constexpr const char* kProbes = "anode_gossip_probes_total";
constexpr const char* kExchanges = "anode_gossip_exchanges_total";

constexpr Series kSeries[] = {
    {&Counters::packets_in, kPackets, "Datagrams of the membership protocol.", "direction", "in"},
    {&Counters::packets_out, kPackets, "", "direction", "out"},
    {&Counters::bytes_in, kBytes, "Bytes of the membership protocol.", "direction", "in"},
    {&Counters::bytes_out, kBytes, "", "direction", "out"},
    {&Counters::stream_bytes_in, kBytes, "", "direction", "stream_in"},
    {&Counters::stream_bytes_out, kBytes, "", "direction", "stream_out"},
    {&Counters::streams_in, kStreams, "Connections of the membership protocol.", "direction", "in"},
    {&Counters::streams_out, kStreams, "", "direction", "out"},
    {&Counters::probes, kProbes, "Members that were asked whether they live.", "way", "direct"},
    {&Counters::indirect_probes, kProbes, "", "way", "indirect"},
    {&Counters::stream_probes, kProbes, "", "way", "stream"},
    {&Counters::probe_failures, "anode_gossip_probe_failures_total",
     "Members that did not answer in time.", nullptr, nullptr},
    {&Counters::suspicions, "anode_gossip_suspicions_total", "Members that came under suspicion.",
     nullptr, nullptr},
    {&Counters::refutations, "anode_gossip_refutations_total",
     "Times this node said that it lives after all.", nullptr, nullptr},
    {&Counters::deaths, "anode_gossip_deaths_total", "Members that were declared dead.", nullptr,
     nullptr},
    {&Counters::conflicts, "anode_gossip_conflicts_total",
     "Times two members used one name from two addresses.", nullptr, nullptr},
    {&Counters::push_pulls, kExchanges, "Exchanges of the whole view.", "result", "done"},
    {&Counters::push_pull_failures, kExchanges, "", "result", "failed"},
    {&Counters::joins, "anode_gossip_joins_total", "Contacts that were joined.", nullptr, nullptr},
    {&Counters::decrypt_errors, "anode_gossip_decrypt_errors_total",
     "Packets and streams that no key of ours opens.", nullptr, nullptr},
    {&Counters::stalls, "anode_gossip_stalls_total", "Pauses of our own, not held against others.",
     nullptr, nullptr},
};

metrics::Labels labels_of(const Series& series) {
    if (series.label == nullptr) return {};
    return {{series.label, series.label_value}};
}

metrics::Counter& lost(metrics::Registry& registry, const char* direction) {
    return registry.counter("anode_gossip_lost_total", "Datagrams the kernel had no room for.",
                            {{"direction", direction}});
}

}  // namespace

GossipMetrics::GossipMetrics(metrics::Registry& registry)
    : lost_in_(lost(registry, "in")),
      lost_out_(lost(registry, "out")),
      turned_away_(registry.counter("anode_gossip_streams_turned_away_total",
                                    "Connections refused while too many were open.")),
      health_score_(registry.gauge("anode_gossip_health_score",
                                   "0: well; more: this node doubts itself before others.")),
      queue_(registry.gauge("anode_gossip_queue", "Messages that wait to be gossiped.")),
      streams_open_(registry.gauge("anode_gossip_streams_open", "Connections open now.")),
      rtt_(registry.histogram("anode_gossip_rtt_seconds", "Round trips to members.")) {
    for (const Series& series : kSeries)
        rows_.push_back(
            {series.value, registry.counter(series.name, series.help, labels_of(series))});
    for (std::size_t i = 0; i < membership::kDrops; ++i)
        dropped_.push_back(&registry.counter(
            "anode_gossip_dropped_total", "Input thrown away, by reason.",
            {{"reason", std::string(membership::name_of(static_cast<membership::Drop>(i)))}}));
    for (std::size_t i = 0; i < members_.size(); ++i)
        members_[i] = &registry.gauge(
            "anode_gossip_members", "Members of the cluster, by state.",
            {{"state", std::string(membership::name_of(static_cast<membership::MemberState>(i)))}});
}

void GossipMetrics::count_members(const membership::Membership& machine) {
    for (std::size_t i = 0; i < members_.size(); ++i)
        members_[i]->set(
            static_cast<double>(machine.count(static_cast<membership::MemberState>(i))));
}

void GossipMetrics::refresh(const membership::Membership& machine, const GossipTraffic& traffic) {
    const Counters& now = machine.counters();
    for (const Row& row : rows_) row.series.add(now.*row.value - before_.*row.value);
    for (std::size_t i = 0; i < membership::kDrops; ++i)
        dropped_[i]->add(now.dropped[i] - before_.dropped[i]);
    lost_in_.add(traffic.datagrams_lost_in - traffic_before_.datagrams_lost_in);
    lost_out_.add(traffic.datagrams_lost_out - traffic_before_.datagrams_lost_out);
    turned_away_.add(traffic.streams_turned_away - traffic_before_.streams_turned_away);
    health_score_.set(now.health_score);
    queue_.set(now.queue);
    streams_open_.set(now.streams_open);
    before_ = now;
    traffic_before_ = traffic;
    count_members(machine);
}

void GossipMetrics::round_trip(Duration rtt) {
    rtt_.observe(std::chrono::duration<double>(rtt).count());
}

}  // namespace anode::app
