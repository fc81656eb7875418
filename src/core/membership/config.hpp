#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "core/membership/types.hpp"

namespace anode::membership {

/// The clockwork of one profile. Foreign members are always probed and judged by it.
/// Source: memberlist protocol, section 12.
struct Timing {
    Duration stream_timeout = 10s;
    Duration push_pull_interval = 30s;
    Duration probe_interval = 1s;
    Duration probe_timeout = 500ms;
    Duration gossip_interval = 200ms;
    Duration gossip_to_the_dead = 30s;
    Duration dead_reclaim = 0s;  ///< 0: never
    unsigned indirect_checks = 3;
    unsigned retransmit_mult = 4;
    unsigned suspicion_mult = 4;
    unsigned suspicion_max_mult = 6;
    unsigned awareness_max = 8;
    unsigned gossip_nodes = 3;
    bool stream_pings = true;

    static Timing lan() noexcept { return {}; }
    static Timing wan() noexcept;
    static Timing local() noexcept;
};

/// How members that know the fast profile (`NodeMeta::kFast`) probe and judge each other: more often, with time limits
/// that follow the measured round trips, and with a jury that asks a suspect at once. The wire is the same.
struct FastTiming {
    bool on = true;
    Duration probe_interval = 250ms;
    Duration timeout_min =
        50ms;  ///< floor of a ping's own time limit: smoothed round trip + 4 deviations
    Duration suspicion_min = 600ms;
    Duration suspicion_max = 3s;
    Duration gossip_fresh = 20ms;  ///< news goes out after this, not after a gossip interval
    unsigned jury = 8;             ///< how many members, on average, ask a new suspect themselves
};

struct Config {
    std::string name;  ///< unique; ≤ 255 bytes
    Address advertise;
    std::string label;  ///< ≤ 255 bytes; "" = none. Both sides must have the same
    Bytes meta;         ///< ≤ 512 bytes
    std::array<std::uint8_t, 3> delegate_versions{};
    Timing timing;
    FastTiming fast;
    bool compression = true;
    bool verify_incoming = true;  ///< with keys: refuse clear text
    bool verify_outgoing = true;  ///< with keys: send sealed
    std::size_t packet_bytes_max = 1400;
    std::size_t members_max = 20'000;
    Incarnation first_incarnation = 1;
    /// Contacts as written by the operator: `host`, `host:port`, `name/host:port`. Tried for ever; see JoinPolicy in
    /// membership.hpp.
    std::vector<std::string> contacts;
};

}  // namespace anode::membership
