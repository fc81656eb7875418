#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/rng.hpp"
#include "core/membership/config.hpp"
#include "core/membership/counters.hpp"
#include "core/membership/input.hpp"
#include "core/membership/key_ring.hpp"
#include "core/membership/member.hpp"
#include "core/membership/outbox.hpp"

namespace anode::membership {

/// Names to small numbers. One node has its own; a simulation lets its nodes share one, so that ten thousand views of ten
/// thousand members fit into memory. Thread: whoever runs the nodes that share it.
class NamePool;

/// Fills nonces: the system's generator in production, a seeded one under simulation.
using NonceSource = std::function<void(std::span<std::uint8_t>)>;

/// SWIM with Lifeguard in the wire format of HashiCorp memberlist, as one state machine: packets, streams, contacts, key ring.
/// Thread:  confined to one owner at a time; never blocks.
/// Time:    `now` never runs backwards. Call handle(Tick{}) no later than due(); being called late is noticed, counted as a
///          stall of ours, and not held against others.
/// Random:  only `rng` (and `nonces`). Same seed and same inputs, same outputs, bit for bit.
/// Errors:  none of the wire's: bad input is dropped, counted by reason, and told once. An operator's wish that cannot be met
///          makes a Notice.
/// Limits:  config.members_max members; 127 accepted streams; 20 MiB a sealed stream, 40 MiB opened; 1 MiB an opened packet.
/// Source:  memberlist protocol page; Das, Gupta, Motivala, "SWIM", DSN 2002; Dadgar, Phillips, Currey, "Lifeguard", DSN-W 2018.
///
/// JoinPolicy: contacts are resolved and joined at the start, again with back-off (1 s … 30 s, ± 25 %) while no other member is
/// alive, and every 30 s … 60 s as long as none of a contact's addresses is an alive member. A member lost to death is dialled
/// again every 30 s for a day (of more than 16 lost ones, 16 drawn anew each time), so that two halves of a cluster find each
/// other after any partition. A name is looked up each time anew, and each of its addresses is a node of its own.
class Membership {
public:
    Membership(Config config, KeyRing keys, Rng rng, NonceSource nonces,
               std::shared_ptr<NamePool> names = nullptr);
    ~Membership();
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;

    /// Applies one input, appends its effects to `out` in order.
    void handle(const Input& input, Instant now, Outbox& out);
    /// Takes members over as known of old, after Start: nothing is gossiped, no change is told. For simulations that begin with
    /// a whole cluster.
    void know(std::span<const Member> members, Instant now);
    /// When the next Tick is wanted.
    [[nodiscard]] Instant due() const noexcept;

    /// A copy of the view, ordered by name, ourselves included.
    [[nodiscard]] std::vector<Member> members() const;
    [[nodiscard]] std::optional<Member> member(std::string_view name) const;
    [[nodiscard]] std::size_t count(MemberState state) const noexcept;
    /// A hash over (name, state) of members that are alive or suspect: equal views have equal ones.
    [[nodiscard]] std::uint64_t view_hash() const noexcept;
    /// How many members are alive or suspect, ourselves included.
    [[nodiscard]] std::size_t alive() const noexcept;

    [[nodiscard]] const Counters& counters() const noexcept;
    [[nodiscard]] const KeyRing& keys() const noexcept;
    [[nodiscard]] const Config& config() const noexcept;
    [[nodiscard]] Incarnation incarnation() const noexcept;
    [[nodiscard]] std::size_t broadcast_bytes_max() const noexcept;

    struct Parts;  ///< the machines inside, for their own specs

private:
    std::unique_ptr<Parts> parts_;
};

}  // namespace anode::membership
