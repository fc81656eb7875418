#include <algorithm>

#include "core/membership/swim/state.hpp"

/// Suspicions: how they run, and how members of ours find out for themselves.
namespace anode::membership {
namespace {

constexpr unsigned kQuestions = 3;     ///< without answer, before we accuse too
constexpr Duration kAskAgain = 60ms;   ///< after the first questions
constexpr Duration kPatience = 400ms;  ///< a refutation that spreads has arrived by then
constexpr Duration kAskLate = 80ms;    ///< of those beyond the jury, who may only have missed it
constexpr std::size_t kLateMax =
    64;  ///< as many of them ask in that time, whatever the cluster's size
constexpr Duration kProofHolds = 500ms;  ///< a member that answered us is not declared dead so soon

Duration late_pause(std::size_t n) noexcept {
    const auto crowd = static_cast<Duration::rep>(std::max(n, kLateMax));
    return kAskLate * crowd / Duration::rep{kLateMax};
}

}  // namespace

void Swim::State::start_suspicion(Entry& entry, BytesView from, Instant now) {
    Suspicion& suspicion = suspicions[entry.id];
    suspicion.fast = fast(entry);
    suspicion.times = suspicion.fast ? SuspicionTimes::fast(config.fast, table.up(), false)
                                     : SuspicionTimes::slow(config.timing, table.size());
    suspicion.began = now;
    suspicion.names.push_back(hash64(from));
    suspicion.reckon();
    if (suspicion.fast) {
        suspicion.seq = next_seq();
        asked[suspicion.seq] = entry.id;
        const auto others = static_cast<double>(std::max<std::size_t>(table.up(), 3) - 2);
        if (from != own_name() && rng.chance(config.fast.jury / others)) {
            suspicion.asks = true;
            ask(entry, suspicion, now);
        } else {
            suspicion.next_ask = now + std::max(kPatience, late_pause(table.up()));
        }
    }
    arm(entry.id, suspicion);
}

void Swim::State::end_suspicion(NamePool::Id id) {
    const auto found = suspicions.find(id);
    if (found == suspicions.end()) return;
    asked.erase(found->second.seq);
    suspicions.erase(found);
}

void Swim::State::on_suspicion(NamePool::Id id, Instant at, Instant now) {
    const auto found = suspicions.find(id);
    if (found == suspicions.end() || found->second.armed != at) return;
    Suspicion& suspicion = found->second;
    suspicion.armed = Timers::kNever;
    Entry& entry = *table.find(id);
    if (now >= suspicion.deadline) {
        on_verdict(entry, suspicion, now);
        if (!suspicions.contains(id)) return;
    }
    if (now >= suspicion.next_ask) ask(entry, suspicion, now);
    arm(id, suspicion);
}

void Swim::State::on_verdict(Entry& entry, Suspicion& suspicion, Instant now) {
    if (suspicion.fast) {
        if (suspicion.proof != Instant{} && now - suspicion.proof < kProofHolds) {
            suspicion.deadline = suspicion.proof + kProofHolds;
            return;
        }
        const unsigned enough = suspicion.stream_refused ? 2 : kQuestions;
        if (!suspicion.last_word && suspicion.asked < enough) {
            suspicion.last_word = true;
            suspicion.asks = true;
            suspicion.next_ask = std::min(suspicion.next_ask, now);
            suspicion.deadline = now + kQuestions * limit_of(entry);
            return;
        }
    }
    const NamePool::Id id = entry.id;
    dead({entry.incarnation, names->name(id), own_name()}, config.advertise, now);
}

void Swim::State::ask(Entry& entry, Suspicion& suspicion, Instant now) {
    const Duration limit = limit_of(entry);
    const unsigned enough = suspicion.stream_refused ? 1 : kQuestions;
    if (!suspicion.accused && suspicion.asked >= enough && suspicion.proof == Instant{}) {
        suspicion.accused = true;
        suspect({entry.incarnation, table.name(entry), own_name()}, config.advertise, now);
    }
    if (suspicion.asks) {
        suspicion.next_ask =
            now + (suspicion.asked < kQuestions ? limit : std::max(limit, kAskAgain));
    } else {
        suspicion.next_ask = now + std::max(limit, late_pause(table.up()));
    }
    if (!questions.take(now)) return;
    wire::PacketWriter& packet = port.begin(crc(entry));
    // The accusation first: the answer to the ping behind it then carries the refutation.
    packet.add(encoded(wire::Suspect{{entry.highest(), table.name(entry), own_name()}}));
    packet.add(encoded(wire::Ping{suspicion.seq, table.name(entry), config.advertise, own_name()}));
    port.send(entry.descriptor->address);
    if (suspicion.asked == 0 && config.timing.stream_pings) {
        ++counters.stream_probes;
        port.stream_ping(entry.descriptor->address, table.name(entry), suspicion.seq,
                         now + std::max<Duration>(2 * kQuestions * limit, 500ms));
    }
    ++suspicion.asked;
}

void Swim::State::found_refused(Suspicion& suspicion) {
    suspicion.stream_refused = true;
    suspicion.times = SuspicionTimes::fast(config.fast, table.up(), true);
    if (!suspicion.last_word) suspicion.reckon();
}

}  // namespace anode::membership
