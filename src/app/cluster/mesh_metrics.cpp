#include "app/cluster/mesh_metrics.hpp"

#include <algorithm>
#include <utility>

namespace anode::app {

namespace {

struct Naming {
    std::uint64_t mesh::Counters::* value;
    const char *name, *help, *direction;
};

constexpr Naming kCounters[] = {
    {&mesh::Counters::messages_in, "anode_mesh_messages_total", "Messages between nodes.", "in"},
    {&mesh::Counters::messages_out, "anode_mesh_messages_total", "Messages between nodes.", "out"},
    {&mesh::Counters::blocks_in, "anode_mesh_blocks_total", "Blocks between nodes.", "in"},
    {&mesh::Counters::blocks_out, "anode_mesh_blocks_total", "Blocks between nodes.", "out"},
    {&mesh::Counters::bytes_in, "anode_mesh_bytes_total", "Bytes between nodes.", "in"},
    {&mesh::Counters::bytes_out, "anode_mesh_bytes_total", "Bytes between nodes.", "out"},
    {&mesh::Counters::duplicates, "anode_mesh_duplicates_total", "Blocks that came twice.", ""},
    {&mesh::Counters::repaired, "anode_mesh_repaired_total", "Messages that repair brought.", ""},
    {&mesh::Counters::unreadable, "anode_mesh_unreadable_total",
     "Messages that came whole and cannot be decoded.", ""},
    {&mesh::Counters::links_lost, "anode_mesh_links_lost_total", "Links that ended.", ""},
    {&mesh::Counters::protocol_errors, "anode_mesh_protocol_errors_total",
     "Links closed for a peer's fault.", ""},
    {&mesh::Counters::refused, "anode_mesh_refused_total", "What was not taken or not sent.", ""},
    {&mesh::Counters::bans, "anode_mesh_bans_total", "Peers that were left alone for a while.", ""},
    {&mesh::Counters::links_refused, "anode_mesh_links_refused_total",
     "Connections of nodes that were not taken.", ""},
    {&mesh::Counters::heads_ignored, "anode_mesh_heads_ignored_total",
     "Peers whose word about a log was not taken for a minute.", ""},
};

}  // namespace

MeshMetrics::MeshMetrics(metrics::Registry& registry)
    : registry_(registry),
      links_(registry.gauge("anode_mesh_links", "Links to other nodes that are up.")),
      logs_(registry.gauge("anode_mesh_logs", "Logs known, of all nodes and runs.")),
      missing_(registry.gauge("anode_mesh_missing", "Messages known to exist and not here yet.")),
      queue_(registry.gauge("anode_mesh_queue_bytes", "Control frames that wait to be sent.")),
      cache_(registry.gauge("anode_mesh_cache_bytes", "Blocks kept for neighbours.")),
      unstored_(registry.gauge("anode_mesh_unstored_bytes",
                               "Blocks of other nodes that are not synced yet.")),
      banned_(registry.gauge("anode_mesh_banned", "Peers that are left alone at present.")),
      hop_(registry.histogram("anode_mesh_hop_seconds",
                              "From the origin's clock to the arrival of its block here.")) {
    for (const Naming& row : kCounters) {
        metrics::Labels labels;
        if (*row.direction != '\0') labels.emplace_back("direction", row.direction);
        rows_.push_back({row.value, registry.counter(row.name, row.help, labels)});
    }
}

void MeshMetrics::refresh(const mesh::Mesh& machine, std::uint64_t unstored_bytes, Instant now) {
    const mesh::Counters& counted = machine.counters();
    for (const Row& row : rows_) row.series.add(counted.*row.value - before_.*row.value);
    links_.set(static_cast<double>(counted.links));
    logs_.set(static_cast<double>(counted.logs));
    missing_.set(static_cast<double>(counted.missing));
    queue_.set(static_cast<double>(counted.queue_bytes));
    cache_.set(static_cast<double>(counted.cache_bytes));
    unstored_.set(static_cast<double>(unstored_bytes));
    before_ = counted;
    count_links(machine);
    count_faults(machine, now);
}

/// Looked up each time: the series of a peer go with its link, and come back with their old value.
void MeshMetrics::count_faults(const mesh::Mesh& machine, Instant now) {
    std::set<std::string> seen;
    std::size_t banned = 0;
    for (const mesh::Offender& offender : machine.offenders()) {
        const std::string peer = offender.peer == NodeId{} ? "other" : offender.peer.text();
        seen.insert(peer);
        banned += now < offender.banned_until ? 1 : 0;
        auto& told = told_[peer];
        for (std::size_t kind = 0; kind < mesh::kFaults; ++kind) {
            if (offender.counts[kind] <= told[kind]) continue;
            registry_
                .counter("anode_mesh_peer_faults_total", "What peers did that they should not.",
                         {{"peer", peer},
                          {"kind", std::string(mesh::name_of(static_cast<mesh::Fault>(kind)))}})
                .add(offender.counts[kind] - told[kind]);
            told[kind] = offender.counts[kind];
        }
    }
    banned_.set(static_cast<double>(banned));
    std::erase_if(told_, [&](const auto& one) {
        if (seen.contains(one.first)) return false;
        if (!peers_.contains(one.first)) registry_.remove("peer", one.first);
        return true;
    });
}

void MeshMetrics::count_links(const mesh::Mesh& machine) {
    std::set<std::string> seen;
    for (const mesh::LinkView& link : machine.links()) {
        if (link.purpose != mesh::Purpose::Main || link.state != "up") continue;
        const std::string peer = link.peer.text();
        seen.insert(peer);
        registry_
            .gauge("anode_mesh_peer_queue_bytes", "What waits to be sent to a neighbour.",
                   {{"peer", peer}})
            .set(static_cast<double>(link.queued));
        registry_
            .gauge("anode_mesh_peer_rtt_seconds", "Round trip to a neighbour, smoothed.",
                   {{"peer", peer}})
            .set(std::chrono::duration<double>(link.rtt).count());
    }
    for (const std::string& gone : peers_)
        if (!seen.contains(gone)) {
            registry_.remove("peer", gone);
            told_.erase(gone);
        }
    peers_ = std::move(seen);
}

void MeshMetrics::arrived(Duration age) {
    hop_.observe(std::chrono::duration<double>(std::max<Duration>(age, 0ns)).count());
}

}  // namespace anode::app
