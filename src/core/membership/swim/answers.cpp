#include <algorithm>

#include "core/membership/swim/state.hpp"

/// Pings, indirect pings, acks and nacks that come in. Source: memberlist protocol, section 5.5.
namespace anode::membership {

bool Swim::State::may_answer(const Address& to, const Address& from, Instant now) {
    if (!to.may_be_sent_to()) {
        port.drop(Drop::Target, from, {});
        return false;
    }
    // An answer to somewhere else could be aimed at a third party.
    if (!to.same_socket(from) && !reflection.take(from, now)) {
        port.drop(Drop::Rate, from, {});
        return false;
    }
    return true;
}

void Swim::State::on(const wire::Ping& message, const Address& from, std::size_t key, Instant now) {
    if (!message.node.empty() && message.node != own_name())
        return port.drop(Drop::Name, from, message.node);
    const bool told = message.source.set() && message.source.port != 0;
    // Sealed bytes read as clear text may look like an empty map.
    if (message.node.empty() && !told && message.seq == 0)
        return port.drop(Drop::Malformed, from, {});
    const Address to = told ? message.source : from;
    if (!may_answer(to, from, now)) return;
    Entry* asker = message.source_node.empty() ? nullptr : table.find(message.source_node);
    if (asker != nullptr && !asker->descriptor->address.same_socket(to)) asker = nullptr;
    if (asker != nullptr)
        asker->key = static_cast<std::uint16_t>(std::min<std::size_t>(key, Entry::kNoKey));
    wire::PacketWriter& packet = port.begin(asker != nullptr && crc(*asker));
    packet.add(encoded(wire::Ack{message.seq, ack_payload}));
    if (!leaving && accused_at != Instant::min() && now - accused_at < kDefence)
        packet.add(encoded(own_alive()));
    if (asker != nullptr && asker->id != self && asker->state != MemberState::Alive &&
        asker->state != MemberState::Left && tellings.take(now))
        packet.add(encoded(wire::Suspect{{asker->highest(), table.name(*asker), own_name()}}));
    fill(packet);
    port.send(to);
}

void Swim::State::on(const wire::IndirectPing& message, const Address& from, Instant now) {
    Address target = message.target;
    if (target.port == 0) target.port = config.advertise.port;
    const bool told = message.source.set() && message.source.port != 0;
    const Address to = told ? message.source : from;
    if (message.node.empty() || !target.may_be_sent_to() || !to.may_be_sent_to())
        return port.drop(Drop::Target, from, message.node);
    if (!reflection.take(from, now)) return port.drop(Drop::Rate, from, message.node);
    if (relays.size() >= kRelaysMax) return port.drop(Drop::Full, from, message.node);
    const Entry* asker = message.source_node.empty() ? nullptr : table.find(message.source_node);
    const Entry* known = table.find(message.node);
    Relay relay{.seq = next_seq(),
                .asked_seq = message.seq,
                .requester = to,
                .target = target,
                .expires = now + config.timing.probe_timeout,
                .nack = message.nack};
    relay.crc = asker != nullptr && asker->descriptor->address.same_socket(to) && crc(*asker);
    if (known != nullptr && known->descriptor->address == target) relay.node = known->id;
    if (asker != nullptr && fast(*asker) && relay.node != NamePool::kNone) {
        // A requester of ours gives up after 250 ms: ask twice, and tell it in time that we heard nothing.
        const Duration limit =
            std::clamp(known->rtt.limit(), config.fast.timeout_min, 2 * config.fast.timeout_min);
        relay.again = now + limit;
        relay.expires = std::min(relay.expires, now + 2 * limit);
    }
    wire::PacketWriter& packet = port.begin(known != nullptr && crc(*known));
    packet.add(encoded(wire::Ping{relay.seq, message.node, config.advertise, own_name()}));
    fill(packet);
    port.send(relay.target);
    Relay& kept = relays.emplace_back(relay);
    timers.arm(Timers::Kind::Relay, kept.seq, kept.due(), kept.armed);
}

void Swim::State::on(const wire::Ack& message, const Address& from, std::size_t key, Instant now) {
    if (Probe* probe = probe_of(message.seq); probe != nullptr) {
        Entry* entry = table.find(probe->target);
        if (entry != nullptr && from.same_socket(entry->descriptor->address)) {
            entry->key = static_cast<std::uint16_t>(std::min<std::size_t>(key, Entry::kNoKey));
            // An answer to the second of two pings could be one to the first (Karn), so only a lone ping is measured.
            if (probe->pings == 1 && !probe->others_asked) {
                const Duration rtt = now - probe->began;
                entry->rtt.add(rtt);
                port.push(RoundTrip{std::string(table.name(*entry)), rtt, Bytes(message.payload)});
            }
        }
        return succeed(*probe);
    }
    if (const auto found = asked.find(message.seq); found != asked.end()) {
        suspicions[found->second].proof = now;
        return;
    }
    const auto relay = std::find_if(relays.begin(), relays.end(),
                                    [&](const Relay& one) { return one.seq == message.seq; });
    if (relay == relays.end()) return count(Drop::Unknown);
    answer(*relay, true);
    relays.erase(relay);
}

void Swim::State::on(const wire::Nack& message) {
    Probe* probe = probe_of(message.seq);
    if (probe == nullptr) return count(Drop::Unknown);
    if (probe->nacks < probe->nacks_expected) ++probe->nacks;
}

void Swim::State::on_relay(std::uint32_t number, Instant at, Instant now) {
    const auto relay = std::find_if(relays.begin(), relays.end(),
                                    [&](const Relay& one) { return one.seq == number; });
    if (relay == relays.end() || relay->armed != at) return;
    relay->armed = Timers::kNever;
    if (now >= relay->expires) {
        if (relay->nack) answer(*relay, false);
        relays.erase(relay);
        return;
    }
    if (now >= relay->again) {
        relay->again = Timers::kNever;
        ping(*relay);
    }
    timers.arm(Timers::Kind::Relay, relay->seq, relay->due(), relay->armed);
}

void Swim::State::ping(const Relay& relay) {
    const Entry* entry = table.find(relay.node);
    if (entry == nullptr) return;
    wire::PacketWriter& packet = port.begin(crc(*entry));
    packet.add(encoded(wire::Ping{relay.seq, table.name(*entry), config.advertise, own_name()}));
    port.send(relay.target);
}

void Swim::State::answer(const Relay& relay, bool acked) {
    wire::PacketWriter& packet = port.begin(relay.crc);
    if (acked) {
        packet.add(encoded(wire::Ack{relay.asked_seq, {}}));
    } else {
        packet.add(encoded(wire::Nack{relay.asked_seq}));
    }
    fill(packet);
    port.send(relay.requester);
}

}  // namespace anode::membership
