#pragma once

#include <cstdint>

#include "core/membership/swim/name_pool.hpp"
#include "core/membership/swim/timers.hpp"

namespace anode::membership {

/// One question to one member, until it is answered or its time is over. Source: memberlist protocol, section 5.4.
struct Probe {
    std::uint32_t seq = 0;
    NamePool::Id target = NamePool::kNone;
    Incarnation incarnation = 0;  ///< of the target when we began: what a failure accuses
    Instant began{};
    Instant next{};     ///< of its next step
    Instant expires{};  ///< the verdict
    Instant armed = Timers::kNever;
    Duration limit{};  ///< of one ping
    bool fast = false;
    bool scheduled = true;  ///< false: asked because the mesh lost it
    bool others_asked = false;
    bool stream_refused = false;
    bool send_failed = false;
    unsigned pings = 0;
    unsigned nacks_expected = 0, nacks = 0;
};

/// A ping that somebody asked us to make. Source: memberlist protocol, section 5.5.
struct Relay {
    std::uint32_t seq = 0;        ///< ours
    std::uint32_t asked_seq = 0;  ///< the requester's
    Address requester;
    Address target;
    NamePool::Id node = NamePool::kNone;  ///< of the target, if we know it
    Instant again = Timers::kNever;       ///< second ping
    Instant expires{};
    Instant armed = Timers::kNever;
    bool nack = false;
    bool crc = false;  ///< towards the requester
    [[nodiscard]] Instant due() const noexcept { return again < expires ? again : expires; }
};

}  // namespace anode::membership
