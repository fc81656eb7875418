#include "core/membership/membership.hpp"

#include <algorithm>
#include <utility>

#include "core/membership/parts.hpp"

namespace anode::membership {
namespace {

constexpr std::size_t kDatagramMax = 65'507;
constexpr std::size_t kUserStateMax = 20u << 20;
constexpr std::size_t kAckPayloadMax = 512;  ///< an ack is one packet, with gossip beside it
constexpr std::uint64_t kNoTicket = ~std::uint64_t{0};

}  // namespace

using Parts = Membership::Parts;

// -- the world's inputs --------------------------------------------------------------------------

void Parts::on(const Start&) {
    if (std::exchange(started, true)) return;
    const Duration interval = shared.config.timing.push_pull_interval;
    if (interval > 0s) {
        const auto delay = shared.rng.below(static_cast<std::uint64_t>(interval.count()));
        push_pull_next = shared.now + Duration(delay) + interval;
    }
    swim.start(shared.now);
    contacts.start();
}

void Parts::on(const Tick&) {
    if (!started) return;
    swim.tick(shared.now);
    exchange.tick();
    contacts.tick();
    key_rounds.tick();
    if (push_pull_next <= shared.now) periodic_push_pull();
}

void Parts::on(const Datagram& input) {
    shared.counters.packets_in++;
    shared.counters.bytes_in += input.bytes.size();
    if (!started) return drop(Drop::Stale, input.from, {});
    if (input.bytes.empty()) return drop(Drop::Empty, input.from, {});
    from_ = input.from;
    datagram_ = input.bytes;
    reader.read(shared.envelope(), input.bytes, visit_, dropped_);
}

/// One message of the datagram that is being read; its bytes are there during this call only.
void Parts::receive(const wire::Message& message) {
    if (const auto* user = std::get_if<wire::User>(&message)) {
        return shared.push(UserMessage{Bytes(user->payload)});
    }
    swim.receive(message, from_, key_numbers.number(reader.key()), shared.now);
}

void Parts::on(const DatagramRefused& input) {
    if (started) swim.datagram_refused(input.to, shared.now);
}

void Parts::on(const StreamOpened& input) {
    if (started) return exchange.opened(input);
    shared.push(CloseStream{input.id});
}

void Parts::on(const StreamBytes& input) { exchange.bytes(input); }

void Parts::on(const StreamClosed& input) { exchange.closed(input); }

void Parts::on(const Resolved& input) { contacts.resolved(input); }

// -- wishes --------------------------------------------------------------------------------------

void Parts::on(const JoinContact& input) {
    if (started) return contacts.add(input.contact);
    shared.config.contacts.push_back(input.contact);
}

void Parts::on(const Leave&) {
    contacts.stop();
    swim.leave(shared.now);
}

void Parts::on(const Forget& input) {
    const std::optional<Member> known = member(input.name);
    if (!known || known->state == MemberState::Alive || known->state == MemberState::Suspect) {
        return shared.notice(Notice::Level::Warn, "only a dead or left member can be forgotten", {},
                             input.name);
    }
    forget(input.name);
    const Bytes wish = encode(PeerForget{input.name});
    for (const Member& peer : others()) {
        // Whoever misses it drops the entry by itself a little later.
        if (peer.ours) static_cast<void>(exchange.user(peer.address, wish, Errand::For::Nobody, 0));
    }
}

void Parts::forget(std::string_view name) {
    const std::optional<Member> known = member(name);
    if (!known) return;
    if (known->state == MemberState::Dead || known->state == MemberState::Left) {
        swim.forget(name, shared.now);
    }
}

void Parts::on(const SetMeta& input) {
    if (input.meta.size() > kMetaBytesMax) {
        return shared.notice(Notice::Level::Warn, "metadata over 512 bytes is not announced", {},
                             std::to_string(input.meta.size()) + " bytes");
    }
    swim.set_meta(input.meta, shared.now);
}

void Parts::on(const SetUserState& input) {
    if (input.state.size() > kUserStateMax) {
        return shared.notice(Notice::Level::Warn, "user state over 20 MiB is not exchanged", {},
                             std::to_string(input.state.size()) + " bytes");
    }
    user_state = input.state;
}

void Parts::on(const SetAckPayload& input) {
    if (input.payload.size() > kAckPayloadMax) {
        return shared.notice(Notice::Level::Warn, "an ack payload over 512 bytes is not sent", {},
                             std::to_string(input.payload.size()) + " bytes");
    }
    swim.set_ack_payload(input.payload);
}

void Parts::on(const Broadcast& input) {
    if (input.payload.size() > broadcast_bytes_max()) {
        return shared.notice(Notice::Level::Warn, "a broadcast larger than a packet is not sent",
                             {}, std::to_string(input.payload.size()) + " bytes");
    }
    swim.broadcast(input.payload, shared.now);
}

void Parts::on(const SendUser& input) {
    const std::optional<Member> to = member(input.to);
    if (!to || to->state == MemberState::Dead || to->state == MemberState::Left) {
        return shared.notice(Notice::Level::Warn, "a user message to nobody alive is not sent", {},
                             input.to);
    }
    return input.reliable ? send_stream(*to, input.payload) : send_packet(*to, input.payload);
}

void Parts::send_stream(const Member& to, BytesView payload) {
    if (is_peer_message(payload)) {
        return shared.notice(Notice::Level::Warn,
                             "a user message that begins as those between nodes do is not sent",
                             to.address, {});
    }
    const auto sent = exchange.user(to.address, payload, Errand::For::Anybody, kNoTicket);
    if (!sent) {
        shared.notice(Notice::Level::Warn, "a user message is not sent", to.address,
                      sent.error().what);
    }
}

void Parts::send_packet(const Member& to, BytesView payload) {
    if (payload.size() + overhead(shared.envelope().seals()) > kDatagramMax) {
        return shared.notice(Notice::Level::Warn,
                             "a user message larger than a datagram is not sent", to.address,
                             std::to_string(payload.size()) + " bytes");
    }
    scratch_.clear();
    wire::encode(wire::User{payload}, scratch_);
    writer.begin(shared.envelope(), kDatagramMax, to.versions.protocol_max() >= 5);
    writer.add(scratch_);
    send(to.address);
}

void Parts::on(const LinkLost& input) { swim.link_lost(input.name, shared.now); }

void Parts::on(const KeyRequest& input) { key_rounds.request(input); }

// -- the door ------------------------------------------------------------------------------------

Membership::Membership(Config config, KeyRing keys, Rng rng, NonceSource nonces,
                       std::shared_ptr<NamePool> names)
    : parts_(std::make_unique<Parts>(std::move(config), std::move(keys), rng, std::move(nonces),
                                     std::move(names))) {}

Membership::~Membership() = default;

void Membership::handle(const Input& input, Instant now, Outbox& out) {
    parts_->shared.now = std::max(now, parts_->shared.now);
    parts_->shared.out = &out;
    std::visit([this](const auto& one) { parts_->on(one); }, input);
    parts_->settle();
    parts_->shared.out = nullptr;
}

void Membership::know(std::span<const Member> members, Instant now) {
    parts_->swim.know(members, now);
}

Instant Membership::due() const noexcept { return parts_->due(); }

std::vector<Member> Membership::members() const { return parts_->members(); }
std::optional<Member> Membership::member(std::string_view name) const {
    return parts_->member(name);
}
std::size_t Membership::count(MemberState state) const noexcept {
    return parts_->swim.count(state);
}
std::uint64_t Membership::view_hash() const noexcept { return parts_->swim.view_hash(); }
std::size_t Membership::alive() const noexcept {
    return count(MemberState::Alive) + count(MemberState::Suspect);
}

const Counters& Membership::counters() const noexcept { return parts_->shared.counters; }
const KeyRing& Membership::keys() const noexcept { return parts_->shared.keys; }
const Config& Membership::config() const noexcept { return parts_->shared.config; }
Incarnation Membership::incarnation() const noexcept { return parts_->swim.incarnation(); }
std::size_t Membership::broadcast_bytes_max() const noexcept {
    return parts_->broadcast_bytes_max();
}

}  // namespace anode::membership
