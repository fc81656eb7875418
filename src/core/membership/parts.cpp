#include "core/membership/parts.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/assert.hpp"
#include "core/membership/swim/name_pool.hpp"

namespace anode::membership {
namespace {

constexpr std::uint64_t kNoTicket = ~std::uint64_t{0};
constexpr std::size_t kCrcBytes = 5;
constexpr std::size_t kTypeBytes = 1;

}  // namespace

Membership::Parts::Parts(Config config, KeyRing keys, Rng rng, NonceSource nonces,
                         std::shared_ptr<NamePool> names)
    : shared(std::move(config), std::move(keys), rng, std::move(nonces)),
      key_numbers(shared.keys),
      swim(shared.config, shared.rng, names ? std::move(names) : std::make_shared<NamePool>(),
           *this, shared.counters),
      exchange(shared, *this),
      contacts(shared, *this),
      key_rounds(shared, *this),
      visit_([this](const wire::Message& message) { receive(message); }),
      dropped_([this](Drop reason, BytesView what) {
          shared.drop(reason, from_, what, false, datagram_);
      }) {
    ANODE_ASSERT(!shared.config.name.empty() && shared.config.name.size() <= kNameBytesMax);
    ANODE_ASSERT(shared.config.label.size() <= 255);
    ANODE_ASSERT(shared.config.meta.size() <= kMetaBytesMax);
}

unsigned push_pull_scale(std::size_t n) noexcept {
    if (n <= 32) return 1;
    return static_cast<unsigned>(std::ceil(std::log2(static_cast<double>(n)) - 5.0)) + 1;
}

void Membership::Parts::periodic_push_pull() {
    push_pull_next =
        shared.now + shared.config.timing.push_pull_interval * push_pull_scale(swim.size());
    const std::optional<Member> partner = swim.random_alive();
    if (!partner) return;
    const auto dialled =
        exchange.push_pull(partner->address, false, Errand::For::Anybody, kNoTicket);
    if (!dialled) shared.counters.push_pull_failures++;
}

void Membership::Parts::settle() {
    // A ping that found no stream is answered only now: the protocol machine was in the middle of something.
    for (const std::uint32_t seq : std::exchange(unsent_, {})) {
        swim.stream_answer(seq, Swim::StreamAnswer::Silent, shared.now);
    }
    if (started) contacts.look_around();
    shared.counters.streams_open =
        static_cast<std::uint32_t>(exchange.accepted() + exchange.dialled());
}

Instant Membership::Parts::due() const noexcept {
    if (!started) return Instant::max();
    return std::min({swim.due(), exchange.due(), contacts.due(), key_rounds.due(), push_pull_next});
}

// -- SwimPort ------------------------------------------------------------------------------------

wire::PacketWriter& Membership::Parts::begin(bool crc) {
    writer.begin(shared.envelope(), shared.config.packet_bytes_max, crc);
    return writer;
}

void Membership::Parts::send(const Address& to) {
    if (writer.parts() == 0) return;
    const BytesView datagram = writer.finish(shared.nonce(shared.envelope()));
    shared.counters.packets_out++;
    shared.counters.bytes_out += datagram.size();
    shared.push(SendDatagram{.to = to.canonical(), .bytes = shared.out->store(datagram)});
}

void Membership::Parts::stream_ping(const Address& to, std::string_view node, std::uint32_t seq,
                                    Instant until) {
    if (!exchange.ping(to, node, seq, until)) unsent_.push_back(seq);
}

void Membership::Parts::push(Output output) {
    if (auto* changed = std::get_if<MemberChanged>(&output)) {
        changed->member.key = key_numbers.index(changed->member.key);
    }
    shared.push(std::move(output));
}

void Membership::Parts::drop(Drop reason, const Address& from, BytesView what) {
    shared.drop(reason, from, what, false);
}

// -- ExchangePort --------------------------------------------------------------------------------

void Membership::Parts::local_state(wire::PushPull& out) {
    out.nodes.clear();
    swim.snapshot(out.nodes);
    out.user_state = user_state;
}

Result<void> Membership::Parts::merge(const wire::PushPull& remote, bool join, const Address&) {
    const Result<void> merged = swim.merge(remote.nodes, shared.now);
    if (!merged) return merged;
    if (!remote.user_state.empty()) {
        shared.push(RemoteState{.state = Bytes(remote.user_state), .join = join});
    }
    return {};
}

bool Membership::Parts::answers_to(BytesView node) { return swim.answers_to(node); }

void Membership::Parts::user_message(BytesView payload, bool sealed, const Address& from) {
    if (!is_peer_message(payload)) return shared.push(UserMessage{Bytes(payload)});
    const Result<PeerMessage> message = decode_peer_message(payload);
    if (!message) return shared.drop(Drop::Malformed, from, message.error().what, true);
    if (const auto* request = std::get_if<PeerKeyRequest>(&*message)) {
        key_rounds.asked(*request, sealed, from);
    } else if (const auto* answer = std::get_if<PeerKeyAnswer>(&*message)) {
        key_rounds.answered(*answer);
    } else if (const auto* wish = std::get_if<PeerForget>(&*message)) {
        forget(wish->name);
    }
}

void Membership::Parts::ended(const Errand& errand, const Result<void>& how) {
    if (errand.kind == Errand::Kind::Ping) {
        const auto answer = how                                 ? Swim::StreamAnswer::Acked
                            : how.error().code == Errc::Refused ? Swim::StreamAnswer::Refused
                                                                : Swim::StreamAnswer::Silent;
        return swim.stream_answer(static_cast<std::uint32_t>(errand.ticket), answer, shared.now);
    }
    switch (errand.whom) {
        case Errand::For::Contact:
        case Errand::For::Lost:
            return contacts.joined(errand.ticket, how);
        case Errand::For::KeyRound:
            return key_rounds.sent(errand.ticket, how);
        case Errand::For::Anybody:
            if (errand.kind == Errand::Kind::User && !how) {
                shared.notice_once("a user message did not go out", errand.to, how.error().what);
            }
            return;
        case Errand::For::Nobody:
            return;
    }
}

// -- ContactsPort --------------------------------------------------------------------------------

Result<void> Membership::Parts::join(const Address& to, std::uint64_t ticket, bool lost) {
    return exchange.push_pull(to, true, lost ? Errand::For::Lost : Errand::For::Contact,
                              lost ? kNoTicket : ticket);
}

bool Membership::Parts::alive_at(const Address& address) { return swim.alive_at(address); }

bool Membership::Parts::alone() {
    const std::size_t ourselves = swim.leaving() ? 0 : 1;
    return swim.count(MemberState::Alive) + swim.count(MemberState::Suspect) <= ourselves;
}

std::vector<Address> Membership::Parts::lost() { return swim.lost(); }

// -- KeyRoundsPort -------------------------------------------------------------------------------

std::vector<Member> Membership::Parts::others() {
    std::vector<Member> found = members();
    std::erase_if(found, [this](const Member& member) {
        const bool there =
            member.state == MemberState::Alive || member.state == MemberState::Suspect;
        return !there || member.name == shared.config.name;
    });
    return found;
}

std::optional<Member> Membership::Parts::find(std::string_view name) { return member(name); }

Result<void> Membership::Parts::send_keys(const Address& to, BytesView payload,
                                          std::uint64_t ticket) {
    return exchange.user(to, payload, Errand::For::KeyRound, ticket);
}

void Membership::Parts::keys_changed() { key_numbers.changed(shared.keys); }

// -- views ---------------------------------------------------------------------------------------

std::vector<Member> Membership::Parts::members() const {
    std::vector<Member> all = swim.members();
    for (Member& member : all) member.key = key_numbers.index(member.key);
    return all;
}

std::optional<Member> Membership::Parts::member(std::string_view name) const {
    std::optional<Member> found = swim.member(name);
    if (found) found->key = key_numbers.index(found->key);
    return found;
}

std::size_t Membership::Parts::overhead(bool sealed) const noexcept {
    const std::size_t label = shared.config.label.empty() ? 0 : 2 + shared.config.label.size();
    return label + (sealed ? KeyRing::kOverhead : 0) + kCrcBytes + kTypeBytes;
}

std::size_t Membership::Parts::broadcast_bytes_max() const noexcept {
    // Counted even while clear text is sent: what waits in the queue must still fit when that is switched.
    const std::size_t taken = overhead(!shared.keys.empty());
    const std::size_t budget = shared.config.packet_bytes_max;
    return budget > taken ? budget - taken : 0;
}

}  // namespace anode::membership
