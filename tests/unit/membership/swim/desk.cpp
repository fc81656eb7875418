#include "unit/membership/swim/desk.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace anode::membership::desk {
namespace {

struct Copy {
    Said operator()(const wire::Ping& m) const {
        return {.type = wire::Type::Ping,
                .seq = m.seq,
                .node = Bytes(m.node),
                .from = Bytes(m.source_node),
                .address = m.source};
    }
    Said operator()(const wire::IndirectPing& m) const {
        return {.type = wire::Type::IndirectPing,
                .seq = m.seq,
                .node = Bytes(m.node),
                .from = Bytes(m.source_node),
                .address = m.target,
                .nack = m.nack};
    }
    Said operator()(const wire::Ack& m) const {
        return {.type = wire::Type::Ack, .seq = m.seq, .payload = Bytes(m.payload)};
    }
    Said operator()(const wire::Nack& m) const { return {.type = wire::Type::Nack, .seq = m.seq}; }
    Said operator()(const wire::Suspect& m) const {
        return {.type = wire::Type::Suspect,
                .node = Bytes(m.node),
                .from = Bytes(m.from),
                .incarnation = m.incarnation};
    }
    Said operator()(const wire::Dead& m) const {
        return {.type = wire::Type::Dead,
                .node = Bytes(m.node),
                .from = Bytes(m.from),
                .incarnation = m.incarnation};
    }
    Said operator()(const wire::Alive& m) const {
        return {.type = wire::Type::Alive,
                .node = Bytes(m.node),
                .meta = Bytes(m.meta),
                .incarnation = m.incarnation,
                .address = m.address};
    }
    Said operator()(const wire::User& m) const {
        return {.type = wire::Type::User, .payload = Bytes(m.payload)};
    }
};

}  // namespace

Desk::Desk(bool fast, std::uint64_t seed) : rng(seed) {
    config.name = "us";
    config.advertise = address_of("us");
    config.fast.on = fast;
    if (fast) config.meta = fast_meta();
}

Swim& Desk::swim() {
    if (!swim_)
        swim_ = std::make_unique<Swim>(config, rng, std::make_shared<NamePool>(), *this, counters);
    return *swim_;
}

void Desk::pass(Duration time) {
    const Instant end = now + time;
    while (swim().due() <= end) {
        now = std::max(now, swim().due());
        swim().tick(now);
    }
    now = end;
}

Bytes Desk::fast_meta() {
    NodeMeta meta;
    meta.capabilities = NodeMeta::kFast;
    return meta.encode();
}

Address Desk::address_of(std::string_view name) {
    const std::uint64_t h = hash64(name);
    return Address::v4(10, static_cast<std::uint8_t>(h), static_cast<std::uint8_t>(h >> 8),
                       static_cast<std::uint8_t>(h >> 16), 7946);
}

wire::Alive Desk::alive_of(std::string_view name, Incarnation incarnation) const {
    return {incarnation, name, address_of(name), {}, Versions{}, 6};
}
void Desk::hears_alive(std::string_view name, Incarnation incarnation, bool fast_member) {
    wire::Alive message = alive_of(name, incarnation);
    const Bytes meta = fast_member ? fast_meta() : Bytes();
    message.meta = meta;
    hears(message);
}
void Desk::hears_suspect(std::string_view name, Incarnation incarnation, std::string_view from) {
    hears(wire::Suspect{{incarnation, name, from}});
}
void Desk::hears_dead(std::string_view name, Incarnation incarnation, std::string_view from) {
    hears(wire::Dead{{incarnation, name, from}});
}

std::vector<Said> Desk::said(wire::Type type, std::string_view node) const {
    std::vector<Said> out;
    for (const Sent& packet : sent) {
        for (const Said& part : packet.parts) {
            if (part.type == type && (node.empty() || part.node == node)) out.push_back(part);
        }
    }
    return out;
}

std::vector<Sent> Desk::sent_to(std::string_view name) const {
    std::vector<Sent> out;
    std::copy_if(sent.begin(), sent.end(), std::back_inserter(out),
                 [&](const Sent& packet) { return packet.to == address_of(name); });
    return out;
}

std::vector<Change> Desk::changes_of(std::string_view name) const {
    std::vector<Change> out;
    for (const Output& output : outputs) {
        const auto* change = std::get_if<MemberChanged>(&output);
        if (change != nullptr && change->member.name == name) out.push_back(change->change);
    }
    return out;
}

MemberState Desk::state_of(std::string_view name) { return swim().member(name).value().state; }
Incarnation Desk::incarnation_of(std::string_view name) {
    return swim().member(name).value().incarnation;
}
std::size_t Desk::drops(Drop reason) const {
    return static_cast<std::size_t>(std::count(dropped.begin(), dropped.end(), reason));
}
std::uint32_t Desk::asked(std::string_view name) const {
    const auto pings = said(wire::Type::Ping, name);
    return pings.empty() ? 0 : pings.back().seq;
}

wire::PacketWriter& Desk::begin(bool crc) {
    crc_ = crc;
    writer_.begin({.compression = false}, config.packet_bytes_max, crc);
    return writer_;
}

void Desk::send(const Address& to) {
    const std::array<std::uint8_t, KeyRing::kNonceBytes> nonce{};
    const Bytes datagram(writer_.finish(nonce));
    Sent packet{.to = to, .bytes = datagram.size(), .crc = crc_};
    reader_.read(
        {}, datagram,
        [&](const wire::Message& message) { packet.parts.push_back(std::visit(Copy{}, message)); },
        [](Drop, std::string_view) {});
    sent.push_back(std::move(packet));
}

void Desk::stream_ping(const Address&, std::string_view node, std::uint32_t seq, Instant until) {
    stream_pings.push_back({std::string(node), seq, until});
}

}  // namespace anode::membership::desk
