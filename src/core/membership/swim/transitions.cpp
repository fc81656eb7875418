#include <algorithm>

#include "core/membership/node_meta.hpp"
#include "core/membership/swim/state.hpp"

/// alive, suspect, dead and what follows from them. Source: memberlist protocol, section 6.
namespace anode::membership {
namespace {

Drop flaw(const wire::Alive& message) noexcept {
    if (message.node.empty() || message.node.size() > kNameBytesMax) return Drop::Name;
    if (message.versions_size != 6 || !message.versions.valid()) return Drop::Versions;
    if (message.incarnation == 0 || message.incarnation > kIncarnationMax) return Drop::Incarnation;
    if (!message.address.may_be_sent_to()) return Drop::Address;
    if (message.meta.size() > kMetaBytesMax) return Drop::Meta;
    return Drop::Empty;  // none
}

}  // namespace

void Swim::State::alive(const wire::Alive& message, const Address& from, Instant now) {
    if (leaving && message.node == own_name()) return;
    if (const Drop reason = flaw(message); reason != Drop::Empty)
        return port.drop(reason, from, message.node);
    Entry* entry = table.find(message.node);
    // Nobody climbs that far by answering: whoever believed it would leave its owner no room to answer.
    if (entry == nullptr ? message.incarnation > kIncarnationMax - kLeapMax
                         : message.incarnation > entry->highest() &&
                               message.incarnation - entry->highest() > kLeapMax)
        return port.drop(Drop::Incarnation, from, message.node);
    bool takeover = false;
    if (entry == nullptr) {
        if (table.size() >= config.members_max) return port.drop(Drop::Full, from, message.node);
        entry = &table.add(message.node, message.address, message.meta, message.versions);
        entry->slow = !fast(*entry);
        orders[entry->slow].add(entry->id, rng);
    } else if (entry->descriptor->address != message.address) {
        if (conflicts(*entry, message, now)) return;
        takeover = true;
    }
    if (entry->id == self) {
        if (message.incarnation < entry->incarnation) return;
        const bool equal = message.incarnation == entry->incarnation &&
                           entry->descriptor->same(message.address, message.meta, message.versions);
        if (!equal) refute(*entry, message.incarnation, now);
        return;
    }
    if (!takeover && message.incarnation <= entry->highest()) {
        if (!entry->up()) tell_the_stale(*entry, message.address, now);
        return count(Drop::Stale);
    }
    end_suspicion(entry->id);
    adopt(*entry, message, now);
}

bool Swim::State::conflicts(Entry& entry, const wire::Alive& message, Instant now) {
    const bool reclaimed = entry.state == MemberState::Dead && config.timing.dead_reclaim > 0s &&
                           now - entry.since > config.timing.dead_reclaim;
    if (entry.state == MemberState::Left || reclaimed) return false;
    ++counters.conflicts;
    // Each round of gossip brings the same conflict again; once a second is enough to be told.
    if (conflict_at == Instant::min() || now - conflict_at >= 1s) {
        conflict_at = now;
        port.push(NameConflict{copy(entry), message.address});
    }
    return true;
}

void Swim::State::adopt(Entry& entry, const wire::Alive& message, Instant now) {
    const MemberState before = entry.state;
    const bool updated = entry.descriptor->meta != message.meta;
    const bool moved = entry.descriptor->address != message.address;
    entry.descriptor = names->describe(entry.id, message.address, message.meta, message.versions);
    entry.incarnation = message.incarnation;
    entry.seen = message.incarnation;
    if (moved) entry.rtt = {};
    order(entry);
    if (before != MemberState::Alive) table.set_state(entry, MemberState::Alive, now);
    spread(entry, encoded(message), before != MemberState::Alive && fast(entry), now);
    if (before == MemberState::Dead || before == MemberState::Left) {
        std::erase_if(lost, [&](const auto& one) { return one.first == message.address; });
        return change(Change::Joined, entry);
    }
    if (before == MemberState::Suspect) change(Change::Refuted, entry);
    if (updated) change(Change::Updated, entry);
}

void Swim::State::order(Entry& entry) {
    const bool slow = !fast(entry);
    if (entry.slow == slow) return;
    orders[entry.slow].remove(entry.id);
    entry.slow = slow;
    orders[entry.slow].add(entry.id, rng);
}

void Swim::State::order_all() {
    drawn.clear();
    for (const Entry& entry : table.entries()) drawn.push_back(entry.id);
    for (const NamePool::Id id : drawn) order(*table.find(id));
}

bool Swim::State::believable(const wire::Accusation& message, const Address& from) {
    if (message.node.empty() || message.node.size() > kNameBytesMax ||
        message.from.size() > kNameBytesMax) {
        port.drop(Drop::Name, from, message.node);
        return false;
    }
    if (message.incarnation > kIncarnationMax) {
        port.drop(Drop::Incarnation, from, message.node);
        return false;
    }
    return true;
}

void Swim::State::suspect(const wire::Accusation& message, const Address& from, Instant now) {
    if (!believable(message, from)) return;
    Entry* entry = table.find(message.node);
    if (entry == nullptr) return count(Drop::Unknown);
    if (entry->id == self) accused_at = now;
    if (message.incarnation < entry->incarnation) return count(Drop::Stale);
    if (message.incarnation - entry->incarnation > kLeapMax)
        return port.drop(Drop::Incarnation, from, message.node);
    if (const auto found = suspicions.find(entry->id); found != suspicions.end()) {
        Suspicion& running = found->second;
        entry->seen = std::max(entry->seen, message.incarnation);
        if (!running.confirm(message.from)) return;
        if (!running.last_word) running.reckon();
        arm(entry->id, running);
        return spread(*entry, encoded(wire::Suspect{message}), running.fast, now);
    }
    if (entry->state != MemberState::Alive) {
        if (entry->id == self) return;
        entry->seen = std::max(entry->seen, message.incarnation);
        return tell_the_verdict(*entry, from, now);
    }
    if (entry->id == self) return refute(*entry, message.incarnation, now);
    spread(*entry, encoded(wire::Suspect{message}), fast(*entry), now);
    entry->incarnation = message.incarnation;
    entry->seen = message.incarnation;
    table.set_state(*entry, MemberState::Suspect, now);
    ++counters.suspicions;
    change(Change::Suspected, *entry);
    start_suspicion(*entry, message.from, now);
}

void Swim::State::accuse(Entry& entry, Incarnation incarnation, bool refused, Instant now) {
    const NamePool::Id id = entry.id;
    suspect({incarnation, names->name(id), own_name()}, config.advertise, now);
    const auto found = suspicions.find(id);
    if (found == suspicions.end() || !found->second.fast) return;
    // Our probe was our question; from now on we go on asking.
    Suspicion& running = found->second;
    running.accused = true;
    running.asks = true;
    running.asked = std::max(running.asked, 3u);
    running.next_ask = std::min(running.next_ask, now + limit_of(entry));
    if (refused) found_refused(running);
    arm(id, running);
}

void Swim::State::dead(const wire::Accusation& message, const Address& from, Instant now) {
    if (!believable(message, from)) return;
    Entry* entry = table.find(message.node);
    if (entry == nullptr) return count(Drop::Unknown);
    const bool ourselves = entry->id == self;
    if (ourselves) accused_at = now;
    if (message.incarnation < entry->incarnation) return count(Drop::Stale);
    if (message.incarnation - entry->incarnation > kLeapMax)
        return port.drop(Drop::Incarnation, from, message.node);
    if (ourselves && !leaving) return refute(*entry, message.incarnation, now);
    end_suspicion(entry->id);
    if (!entry->up()) {
        if (!ourselves) entry->seen = std::max(entry->seen, message.incarnation);
        return;
    }
    const bool departs = message.node == message.from;
    spread(*entry, encoded(wire::Dead{message}), fast(*entry), now, ourselves);
    entry->incarnation = message.incarnation;
    entry->seen = message.incarnation;
    table.set_state(*entry, departs ? MemberState::Left : MemberState::Dead, now);
    if (departs) return change(Change::Left, *entry);
    ++counters.deaths;
    if (lost.size() >= kLostMax) lost.erase(lost.begin());
    lost.emplace_back(entry->descriptor->address, now);
    change(Change::Died, *entry);
}

void Swim::State::refute(Entry& us_entry, Incarnation accused, Instant now) {
    accused_at = now;
    const Incarnation above = std::max(us_entry.incarnation, accused);
    // Nothing above the highest number would be believed; at it we keep what we have.
    if (above >= kIncarnationMax) return count(Drop::Incarnation);
    us_entry.incarnation = above + 1;
    us_entry.seen = us_entry.incarnation;
    awareness.add(1);
    ++counters.refutations;
    announce(true, now);
}

void Swim::State::tell_the_stale(const Entry& entry, const Address& to, Instant now) {
    // A member that restarted hears what is held against it, and refutes at once (section 16, item 4).
    if (entry.descriptor->address != to || !tellings.take(now)) return;
    wire::PacketWriter& packet = port.begin(crc(entry));
    packet.add(encoded(wire::Suspect{{entry.highest(), table.name(entry), own_name()}}));
    port.send(to);
}

void Swim::State::tell_the_verdict(const Entry& entry, const Address& to, Instant now) {
    // Gossip leaves one in a thousand out; who still spreads a suspicion then has missed its end.
    constexpr Duration kOld = 60ms;
    if (!fast(entry) || entry.state != MemberState::Dead || now - entry.since < kOld ||
        to == config.advertise || !to.may_be_sent_to() || !tellings.take(now))
        return;
    wire::PacketWriter& packet = port.begin(false);
    packet.add(encoded(wire::Dead{{entry.incarnation, table.name(entry), own_name()}}));
    port.send(to);
}

void Swim::State::erase(NamePool::Id id) {
    Entry* entry = table.find(id);
    end_suspicion(id);
    queue.remove(id);
    orders[entry->slow].remove(id);
    std::erase_if(probes, [&](const Probe& probe) { return probe.target == id; });
    std::erase_if(relays, [&](const Relay& relay) { return relay.node == id; });
    change(Change::Forgotten, *entry);
    table.erase(id);
}

void Swim::State::reap(Instant now) {
    drawn.clear();
    for (const Entry& entry : table.entries()) {
        if (!entry.up() && entry.id != self && now - entry.since > config.timing.gossip_to_the_dead)
            drawn.push_back(entry.id);
    }
    for (const NamePool::Id id : drawn) erase(id);
}

}  // namespace anode::membership
