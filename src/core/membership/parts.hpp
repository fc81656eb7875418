#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/membership/contacts.hpp"
#include "core/membership/exchange.hpp"
#include "core/membership/key_numbers.hpp"
#include "core/membership/key_rounds.hpp"
#include "core/membership/shared.hpp"
#include "core/membership/swim/swim.hpp"

namespace anode::membership {

/// The machines inside a Membership, and the doors between them. Each knows its own port only.
struct Membership::Parts final : SwimPort, ExchangePort, ContactsPort, KeyRoundsPort {
    Parts(Config config, KeyRing keys, Rng rng, NonceSource nonces,
          std::shared_ptr<NamePool> names);

    void on(const Start& input);
    void on(const Tick& input);
    void on(const Datagram& input);
    void on(const DatagramRefused& input);
    void on(const StreamOpened& input);
    void on(const StreamBytes& input);
    void on(const StreamClosed& input);
    void on(const Resolved& input);
    void on(const JoinContact& input);
    void on(const Leave& input);
    void on(const Forget& input);
    void on(const SetMeta& input);
    void on(const SetUserState& input);
    void on(const SetAckPayload& input);
    void on(const Broadcast& input);
    void on(const SendUser& input);
    void on(const LinkLost& input);
    void on(const KeyRequest& input);
    /// After each input, whatever it was.
    void settle();
    [[nodiscard]] Instant due() const noexcept;

    // SwimPort
    wire::PacketWriter& begin(bool crc) override;
    void send(const Address& to) override;
    void stream_ping(const Address& to, std::string_view node, std::uint32_t seq,
                     Instant until) override;
    void push(Output output) override;
    void drop(Drop reason, const Address& from, BytesView what) override;

    // ExchangePort
    void local_state(wire::PushPull& out) override;
    Result<void> merge(const wire::PushPull& remote, bool join, const Address& from) override;
    bool answers_to(BytesView node) override;
    void user_message(BytesView payload, bool sealed, const Address& from) override;
    void ended(const Errand& errand, const Result<void>& how) override;

    // ContactsPort
    Result<void> join(const Address& to, std::uint64_t ticket, bool lost) override;
    bool alive_at(const Address& address) override;
    bool alone() override;
    std::vector<Address> lost() override;

    // KeyRoundsPort
    std::vector<Member> others() override;
    std::optional<Member> find(std::string_view name) override;
    Result<void> send_keys(const Address& to, BytesView payload, std::uint64_t ticket) override;
    void keys_changed() override;

    [[nodiscard]] std::vector<Member> members() const;
    [[nodiscard]] std::optional<Member> member(std::string_view name) const;
    [[nodiscard]] std::size_t broadcast_bytes_max() const noexcept;

    Shared shared;
    KeyNumbers key_numbers;
    wire::PacketWriter writer;
    wire::PacketReader reader;
    Swim swim;
    Exchange exchange;
    Contacts contacts;
    KeyRounds key_rounds;
    Bytes user_state;
    bool started = false;
    Instant push_pull_next = Instant::max();

private:
    void receive(const wire::Message& message);
    void forget(std::string_view name);
    void send_packet(const Member& to, BytesView payload);
    void send_stream(const Member& to, BytesView payload);
    void periodic_push_pull();
    [[nodiscard]] std::size_t overhead(bool sealed) const noexcept;

    Address from_;                       ///< of the datagram that is being read
    BytesView datagram_;                 ///< likewise
    std::vector<std::uint32_t> unsent_;  ///< stream pings that found no stream
    wire::PacketReader::Visit visit_;
    std::function<void(Drop, BytesView)> dropped_;
    Bytes scratch_;
};

/// By how much push/pulls of a cluster of `n` entries are rarer than the configured interval says.
/// Source: memberlist protocol, section 8.1.
[[nodiscard]] unsigned push_pull_scale(std::size_t n) noexcept;

}  // namespace anode::membership
