#include <algorithm>

#include "core/membership/swim/state.hpp"

/// The probe cycle. Source: memberlist protocol, section 5.
namespace anode::membership {
namespace {

constexpr Timers::Kind kind_of(bool slow) noexcept {
    return slow ? Timers::Kind::SlowProbe : Timers::Kind::FastProbe;
}

}  // namespace

Duration Swim::State::limit_of(const Entry& entry) const noexcept {
    const Duration floor = std::max<Duration>(config.fast.timeout_min, 1ms);
    const Duration wanted = entry.rtt.measured() ? entry.rtt.limit() : 2 * floor;
    return awareness.scale(std::clamp(wanted, floor, std::max(floor, config.timing.probe_timeout)));
}

void Swim::State::schedule_probes(Instant now) {
    const Duration intervals[2] = {config.fast.probe_interval, config.timing.probe_interval};
    for (const bool slow : {false, true}) {
        if ((!slow && !fast_self) || intervals[slow] <= 0s || probe_armed[slow] != Timers::kNever)
            continue;
        // All nodes of a deployment start together; a random phase keeps them from asking together.
        const Duration phase{rng.between(0, intervals[slow].count() - 1)};
        timers.arm(kind_of(slow), 0, now + intervals[slow] + phase, probe_armed[slow]);
    }
}

void Swim::State::on_schedule(bool slow, Instant at, Instant now) {
    if (probe_armed[slow] != at) return;
    probe_armed[slow] = Timers::kNever;
    if (!slow && !fast_self) return;
    const Duration interval = slow ? config.timing.probe_interval : config.fast.probe_interval;
    // Missed ticks are dropped, and the phase is kept.
    Instant next = at + interval;
    if (next <= now) next = now + interval;
    timers.arm(kind_of(slow), 0, next, probe_armed[slow]);
    for (Probe& probe : probes) {
        if (!probe.scheduled || probe.fast == slow) continue;
        if (probe.expires > now) return;  // one at a time
        on_probe(probe.seq, probe.armed, now);
        break;
    }
    ProbeOrder& ring = orders[slow];
    for (std::size_t skipped = 0; skipped <= ring.size() + 1; ++skipped) {
        const NamePool::Id id = ring.next();
        if (id == NamePool::kNone) {
            reap(now);
            ring.wrap(rng);
            continue;
        }
        Entry* entry = table.find(id);
        if (entry == nullptr || id == self || !entry->up()) continue;
        return start_probe(*entry, true, now);
    }
}

void Swim::State::start_probe(Entry& entry, bool scheduled, Instant now) {
    if (probes.size() >= kProbesMax) return count(Drop::Full);
    Probe probe{.seq = next_seq(),
                .target = entry.id,
                .incarnation = entry.incarnation,
                .began = now,
                .fast = fast(entry),
                .scheduled = scheduled};
    probe.limit = probe.fast ? limit_of(entry) : config.timing.probe_timeout;
    const Duration interval =
        awareness.scale(probe.fast ? config.fast.probe_interval : config.timing.probe_interval);
    probe.expires = now + std::max(interval, (probe.fast ? 4 : 1) * probe.limit);
    probe.next = now + probe.limit;
    ++counters.probes;
    Probe& kept = probes.emplace_back(probe);
    ping(kept, entry);
    // A lost link: a closed port tells within a round trip what silence tells only in the end.
    if (!scheduled && config.timing.stream_pings &&
        entry.descriptor->versions.protocol_max() >= 3) {
        ++counters.stream_probes;
        port.stream_ping(entry.descriptor->address, table.name(entry), kept.seq, kept.expires);
    }
    arm(kept);
}

void Swim::State::ping(Probe& probe, const Entry& entry) {
    ++probe.pings;
    wire::PacketWriter& packet = port.begin(crc(entry));
    const wire::Ping question{probe.seq, table.name(entry), config.advertise, own_name()};
    if (entry.state == MemberState::Suspect) {
        const wire::Suspect accusation{{entry.highest(), table.name(entry), own_name()}};
        // memberlist sends the ping first; ours turn it round, so that the ack can carry the refutation.
        if (probe.fast) packet.add(encoded(accusation));
        packet.add(encoded(question));
        if (!probe.fast) packet.add(encoded(accusation));
    } else {
        packet.add(encoded(question));
        fill(packet);
    }
    port.send(entry.descriptor->address);
}

Probe* Swim::State::probe_of(std::uint32_t number) noexcept {
    const auto found = std::find_if(probes.begin(), probes.end(),
                                    [&](const Probe& probe) { return probe.seq == number; });
    return found == probes.end() ? nullptr : &*found;
}

void Swim::State::on_probe(std::uint32_t number, Instant at, Instant now) {
    Probe* probe = probe_of(number);
    if (probe == nullptr || probe->armed != at) return;
    probe->armed = Timers::kNever;
    Entry* entry = table.find(probe->target);
    if (entry == nullptr || !entry->up()) return finish(*probe);
    step(*probe, *entry, now);
}

void Swim::State::step(Probe& probe, Entry& entry, Instant now) {
    const bool refused = probe.fast && probe.stream_refused &&
                         now >= probe.began + (probe.scheduled ? 2 * probe.limit : probe.limit);
    if (now >= probe.expires || refused) return fail(probe, now);
    if (now >= probe.next) {
        if (!probe.others_asked) ask_others(probe, entry);
        if (probe.fast) ping(probe, entry);
        probe.next = probe.fast ? now + probe.limit : probe.expires;
    }
    arm(probe);
}

void Swim::State::ask_others(Probe& probe, const Entry& entry) {
    probe.others_asked = true;
    pick_relays(probe.target);
    for (const NamePool::Id id : picked) {
        const Entry& relay = *table.find(id);
        // A foreign relay's nack comes after its own time limit, too late for a fast probe to count on it.
        const bool nack =
            relay.descriptor->versions.protocol_max() >= 4 && (!probe.fast || fast(relay));
        if (nack) ++probe.nacks_expected;
        ++counters.indirect_probes;
        wire::PacketWriter& packet = port.begin(crc(relay));
        packet.add(
            encoded(wire::IndirectPing{probe.seq, entry.descriptor->address, table.name(entry),
                                       nack, config.advertise, own_name()}));
        fill(packet);
        port.send(relay.descriptor->address);
    }
    if (!config.timing.stream_pings || !probe.scheduled ||
        entry.descriptor->versions.protocol_max() < 3)
        return;
    ++counters.stream_probes;
    port.stream_ping(entry.descriptor->address, table.name(entry), probe.seq, probe.expires);
}

void Swim::State::succeed(Probe& probe) {
    if (!probe.send_failed) awareness.add(-1);
    finish(probe);
}

void Swim::State::fail(Probe& probe, Instant now) {
    const Probe failed = probe;
    finish(probe);
    ++counters.probe_failures;
    if (failed.nacks_expected == 0) {
        awareness.add(1);
    } else if (failed.nacks < failed.nacks_expected) {
        awareness.add(static_cast<int>(failed.nacks_expected - failed.nacks));
    }
    if (Entry* entry = table.find(failed.target); entry != nullptr)
        accuse(*entry, failed.incarnation, failed.stream_refused, now);
}

void Swim::State::finish(const Probe& probe) {
    std::erase_if(probes, [number = probe.seq](const Probe& one) { return one.seq == number; });
}

}  // namespace anode::membership
