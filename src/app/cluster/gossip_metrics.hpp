#pragma once

#include <array>
#include <vector>

#include "base/metrics.hpp"
#include "core/membership/membership.hpp"
#include "runtime/gossip_driver.hpp"

namespace anode::app {

/// What the membership protocol counted, as metrics `anode_gossip_…`.
/// Thread: the loop of the protocol.
class GossipMetrics {
public:
    explicit GossipMetrics(metrics::Registry& registry);

    void count_members(const membership::Membership& machine);
    /// Adds what was counted since the last call.
    void refresh(const membership::Membership& machine, const GossipTraffic& traffic);
    void round_trip(Duration rtt);

private:
    using Value = std::uint64_t membership::Counters::*;
    struct Row {
        Value value;
        metrics::Counter& series;
    };
    std::vector<Row> rows_;
    std::vector<metrics::Counter*> dropped_;
    metrics::Counter &lost_in_, &lost_out_, &turned_away_;
    std::array<metrics::Gauge*, 4> members_;
    metrics::Gauge &health_score_, &queue_, &streams_open_;
    metrics::Histogram& rtt_;
    membership::Counters before_;
    GossipTraffic traffic_before_;
};

}  // namespace anode::app
