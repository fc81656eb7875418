#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace anode::sim {

/// What may befall a cluster. Each ends by itself, so that a script without some of its faults is a script too.
enum class FaultKind : std::uint8_t {
    Loss,       ///< of `amount` per mille of all packets
    Duplicate,  ///< of `amount` per mille
    Spikes,     ///< a tenth of all packets comes up to `amount` ms late, so order is lost too
    Lossy,      ///< `who` lose `amount` per mille each way
    Slow,       ///< `who` are `amount` ms further away
    Partition,  ///< between `who` and the others
    OneWay,     ///< what `who` send to `whom` vanishes
    Partial,    ///< between `who` and `whom`; everybody else reaches both
    Kill,       ///< processes of `who`; restarted at the end with incarnation 1
    PowerOff,   ///< hosts of `who`, silent until they boot at the end
    Move,       ///< as Kill; restarted at another address
    Leave,      ///< `who` say farewell and end; restarted at the end
    Pause,      ///< SIGSTOP until the end
    Starve,     ///< blocked for `amount` ms, then running for `other` ms, again and again
    ClockJump,  ///< the monotonic clocks of `who` leap by `amount` ms
    Reset,      ///< all streams of `who`, every `amount` ms
    NoNames,    ///< the name server gives nothing
    Wishes,  ///< `who` change metadata, broadcast, send, ask for contacts that do not exist, report lost links
    Noise,  ///< datagrams of chance, cut and changed packets, bombs, impossible sizes, to `who`
    Forgery,  ///< well-formed lies about `whom`, told to `who`: accusations, incarnations, ages, addresses
    Replay,  ///< what was sent before is sent again, by a stranger
    // Of the data plane.
    Wipe,  ///< processes of `who` end; they begin again at the end with an empty disk, as other nodes
    Late,      ///< `who` do not exist before the end
    WallSkew,  ///< the wall clocks of `who` are `amount` seconds ahead, or behind if `other` is not 0
    SlowDisk,  ///< a sync of `who` takes `amount` ms
    Burst,     ///< `who` publish `amount` blocks at once, again and again
    Intruder,  ///< somebody who knows the cluster's name says HELLO and does harm, in the ways of the bits of `amount`
    Twin,      ///< a copy of the first of `who`, disk and identity, starts on another host
};
inline constexpr std::size_t kFaultKinds = 28;
[[nodiscard]] std::string_view name_of(FaultKind kind) noexcept;

/// Hosts as a set of bits: scripts are for clusters of 64 at most.
using Hosts = std::uint64_t;

struct Fault {
    FaultKind kind{};
    Duration at{};  ///< since the cluster was whole
    Duration lasts{};
    Hosts who = 0, whom = 0;
    std::uint32_t amount = 0, other = 0;
    bool for_good = false;  ///< Kill, PowerOff, Leave: no restart

    [[nodiscard]] Duration ends() const noexcept { return at + lasts; }
    /// `12.5s+30.0s kill 2,5`.
    [[nodiscard]] std::string text() const;
};

/// False: it harms processes only; paths are as they were.
[[nodiscard]] bool lies(FaultKind kind) noexcept;

}  // namespace anode::sim
