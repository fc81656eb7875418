#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "core/membership/config.hpp"
#include "core/membership/counters.hpp"
#include "core/membership/member.hpp"
#include "core/membership/outbox.hpp"
#include "core/membership/wire/messages.hpp"
#include "core/membership/wire/packet.hpp"

namespace anode::membership {

class NamePool;

/// What the protocol machine needs of the layers around it. Implemented by Membership.
class SwimPort {
public:
    virtual ~SwimPort() = default;
    /// A packet to one address: begin, add parts to the writer, send. One at a time.
    virtual wire::PacketWriter& begin(bool crc) = 0;
    virtual void send(const Address& to) = 0;
    /// Ask by stream too, with this sequence number; Swim::stream_answer() tells what came of it, at the latest at `until`.
    virtual void stream_ping(const Address& to, std::string_view node, std::uint32_t seq,
                             Instant until) = 0;
    virtual void push(Output output) = 0;
    virtual void drop(Drop reason, const Address& from, BytesView what) = 0;
};

/// SWIM with Lifeguard: table, probes, suspicion, gossip queue, awareness. Knows messages, not layers or streams.
/// Thread, time, random: as Membership.
/// Source:  memberlist protocol, sections 4–9 and 16; SWIM; Lifeguard.
class Swim {
public:
    Swim(const Config& config, Rng& rng, std::shared_ptr<NamePool> names, SwimPort& port,
         Counters& counters);
    ~Swim();

    void start(Instant now);
    void tick(Instant now);
    [[nodiscard]] Instant due() const noexcept;

    /// A leaf message of a packet. `key` as in Opened.
    void receive(const wire::Message& message, const Address& from, std::size_t key, Instant now);
    void datagram_refused(const Address& to, Instant now);

    enum class StreamAnswer : std::uint8_t { Acked, Silent, Refused };
    void stream_answer(std::uint32_t seq, StreamAnswer answer, Instant now);
    /// True: answer a stream ping for this name.
    [[nodiscard]] bool answers_to(std::string_view node) const noexcept;

    /// The whole table as push/pull sends it; views are valid until the next call of anything.
    void snapshot(std::vector<wire::NodeState>& out) const;
    /// Checks versions of all entries, then takes them over. Errors: Refused (versions; nothing was taken over).
    Result<void> merge(const std::vector<wire::NodeState>& nodes, Instant now);

    /// Takes members over as known of old: nothing is gossiped, no change is told. Those we know are left as they are.
    void know(std::span<const Member> members, Instant now);

    void leave(Instant now);
    [[nodiscard]] bool leaving() const noexcept;
    void forget(std::string_view name, Instant now);
    void set_meta(Bytes meta, Instant now);
    void set_ack_payload(Bytes payload);
    void broadcast(Bytes payload, Instant now);
    void link_lost(std::string_view name, Instant now);

    /// A random alive member that is not us, for push/pull. Its address too.
    [[nodiscard]] std::optional<Member> random_alive();
    /// Members that death took within the last day, for JoinPolicy.
    [[nodiscard]] std::vector<Address> lost() const;
    /// True: some alive member, not us, has this socket.
    [[nodiscard]] bool alive_at(const Address& address) const;

    [[nodiscard]] std::vector<Member> members() const;
    [[nodiscard]] std::optional<Member> member(std::string_view name) const;
    [[nodiscard]] std::size_t size() const noexcept;  ///< entries, ourselves and dead ones included
    [[nodiscard]] std::size_t count(MemberState state) const noexcept;
    [[nodiscard]] std::uint64_t view_hash() const noexcept;
    [[nodiscard]] Incarnation incarnation() const noexcept;

    struct State;

private:
    std::unique_ptr<State> state_;
};

}  // namespace anode::membership
