#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/membership/node_meta.hpp"
#include "core/membership/swim/name_pool.hpp"
#include "core/membership/swim/swim.hpp"

namespace anode::membership::desk {

/// A copy of one message, with strings of its own.
struct Said {
    wire::Type type{};
    std::uint32_t seq = 0;
    std::string node, from, payload, meta;
    Incarnation incarnation = 0;
    Address address;
    bool nack = false;
};
struct Sent {
    Address to;
    std::vector<Said> parts;
    std::size_t bytes = 0;
    bool crc = false;
};

/// One Swim whose other side is the test: it says what comes in, and looks at what went out.
class Desk : public SwimPort {
public:
    explicit Desk(bool fast = false, std::uint64_t seed = 1);
    void start() { swim().start(now); }
    Swim& swim();
    /// Goes on in time, ticking whenever something is due.
    void pass(Duration time);

    template <class M>
    void hears(const M& message, const Address& from = address_of("carol")) {
        swim().receive(wire::Message{message}, from, ~0u, now);
    }
    void hears_alive(std::string_view name, Incarnation incarnation, bool fast_member = false);
    void hears_suspect(std::string_view name, Incarnation incarnation, std::string_view from);
    void hears_dead(std::string_view name, Incarnation incarnation, std::string_view from);

    static Address address_of(std::string_view name);
    static Bytes fast_meta();
    [[nodiscard]] wire::Alive alive_of(std::string_view name, Incarnation incarnation) const;
    [[nodiscard]] std::vector<Said> said(wire::Type type, std::string_view node = {}) const;
    [[nodiscard]] std::vector<Sent> sent_to(std::string_view name) const;
    [[nodiscard]] std::vector<Change> changes_of(std::string_view name) const;
    [[nodiscard]] MemberState state_of(std::string_view name);
    [[nodiscard]] Incarnation incarnation_of(std::string_view name);
    [[nodiscard]] std::size_t drops(Drop reason) const;
    /// The number of the last ping to this member.
    [[nodiscard]] std::uint32_t asked(std::string_view name) const;
    void forget_sent() { sent.clear(); }

    wire::PacketWriter& begin(bool crc) override;
    void send(const Address& to) override;
    void stream_ping(const Address& to, std::string_view node, std::uint32_t seq,
                     Instant until) override;
    void push(Output output) override { outputs.push_back(std::move(output)); }
    void drop(Drop reason, const Address&, BytesView) override { dropped.push_back(reason); }

    Config config;
    Rng rng;
    Counters counters;
    Instant now{1h};
    std::vector<Sent> sent;
    std::vector<Output> outputs;
    std::vector<Drop> dropped;
    struct StreamPing {
        std::string node;
        std::uint32_t seq;
        Instant until;
    };
    std::vector<StreamPing> stream_pings;

private:
    wire::PacketWriter writer_;
    wire::PacketReader reader_;
    bool crc_ = false;
    std::unique_ptr<Swim> swim_;
};

}  // namespace anode::membership::desk
