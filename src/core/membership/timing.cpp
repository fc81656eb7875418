#include "core/membership/config.hpp"

namespace anode::membership {

Timing Timing::wan() noexcept {
    Timing timing;
    timing.stream_timeout = 30s;
    timing.push_pull_interval = 60s;
    timing.probe_interval = 5s;
    timing.probe_timeout = 3s;
    timing.gossip_interval = 500ms;
    timing.gossip_to_the_dead = 60s;
    timing.suspicion_mult = 6;
    timing.gossip_nodes = 4;
    return timing;
}

Timing Timing::local() noexcept {
    Timing timing;
    timing.stream_timeout = 1s;
    timing.push_pull_interval = 15s;
    timing.probe_timeout = 200ms;
    timing.gossip_interval = 100ms;
    timing.gossip_to_the_dead = 15s;
    timing.indirect_checks = 1;
    timing.retransmit_mult = 2;
    timing.suspicion_mult = 3;
    return timing;
}

}  // namespace anode::membership
