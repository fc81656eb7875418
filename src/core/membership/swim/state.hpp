#pragma once

#include <map>
#include <utility>
#include <vector>

#include "core/membership/swim/awareness.hpp"
#include "core/membership/swim/limiter.hpp"
#include "core/membership/swim/probe.hpp"
#include "core/membership/swim/probe_order.hpp"
#include "core/membership/swim/queue.hpp"
#include "core/membership/swim/suspicion.hpp"
#include "core/membership/swim/swim.hpp"
#include "core/membership/swim/table.hpp"

namespace anode::membership {

/// What Swim's parts share. One idea a file: transitions, merge, probes, jury, answers, gossip, view.
///
/// The fast profile, and why its numbers are what they are (n = 50, loss p both ways):
/// - A probe repeats its ping every time limit T (≥ 50 ms) until 250 ms are over and asks relays and by stream after the first
///   T. A live member fails at 30 % loss with about 0.51⁴ · 0.76³ · 0.3 ≈ 1 %, at 40 % with ≈ 4 %: too often for a verdict,
///   rare enough for a suspicion.
/// - A suspicion starts at 3 s and needs three independent confirmations to run out at 0.6 s. Confirmations come from a jury of
///   about eight: they ask the suspect themselves, with the accusation in the same packet, and speak only after three questions
///   without answer. A suspect that lives hears one of some twenty packets and refutes in its answer.
/// - Who would give a verdict without having asked asks three times first (the last word). So one lost refutation kills nobody.
/// - A silent death is known after: next probe (Exp, mean 0.25 s) + 0.25 s + 0.6 s + spread (< 0.1 s).
/// - A closed stream port found by oneself shortens one's own suspicion to 120 ms … 600 ms.
struct Swim::State {
    static constexpr std::size_t kProbesMax = 64;
    static constexpr std::size_t kRelaysMax = 512;
    static constexpr std::size_t kQueueMax = 8192, kQueueBytesMax = 256u << 10;
    static constexpr std::size_t kUserQueueMax = 1024, kUserQueueBytesMax = 1u << 20;
    static constexpr std::size_t kLostMax = 1024;
    static constexpr Incarnation kLeapMax = 1u << 30;  ///< accusations further ahead are no mistake
    static constexpr Duration kDefence =
        500ms;  ///< so long after an accusation answers carry our refutation
    static constexpr Duration kLate = 10ms;    ///< later than this we were held up
    static constexpr Duration kStall = 100ms;  ///< and this is worth telling

    State(const Config& config_in, Rng& rng_in, std::shared_ptr<NamePool> names_in,
          SwimPort& port_in, Counters& counters_in);

    // transitions.cpp: section 6
    void alive(const wire::Alive& message, const Address& from, Instant now);
    void suspect(const wire::Accusation& message, const Address& from, Instant now);
    void dead(const wire::Accusation& message, const Address& from, Instant now);
    void refute(Entry& us, Incarnation accused, Instant now);
    void adopt(Entry& entry, const wire::Alive& message, Instant now);
    void accuse(Entry& entry, Incarnation incarnation, bool refused, Instant now);
    void erase(NamePool::Id id);
    void reap(Instant now);
    [[nodiscard]] bool believable(const wire::Accusation& message, const Address& from);
    [[nodiscard]] bool conflicts(Entry& entry, const wire::Alive& message, Instant now);
    void defend(BytesView accuser, Instant now);
    void tell_the_stale(const Entry& entry, const Address& to, Instant now);
    void tell_the_verdict(const Entry& entry, const Address& to, Instant now);
    void change(Change what, const Entry& entry) { port.push(MemberChanged{what, copy(entry)}); }
    void order(Entry& entry);
    void order_all();

    // jury.cpp: suspicions
    void start_suspicion(Entry& entry, BytesView from, Instant now);
    void end_suspicion(NamePool::Id id);
    void on_suspicion(NamePool::Id id, Instant at, Instant now);
    void on_verdict(Entry& entry, Suspicion& suspicion, Instant now);
    void ask(Entry& entry, Suspicion& suspicion, Instant now);
    void found_refused(Suspicion& suspicion);
    void arm(NamePool::Id id, Suspicion& suspicion) {
        timers.arm(Timers::Kind::Suspicion, id, suspicion.due(), suspicion.armed);
    }

    // probes.cpp
    void on_schedule(bool slow, Instant at, Instant now);
    void start_probe(Entry& entry, bool scheduled, Instant now);
    void on_probe(std::uint32_t seq, Instant at, Instant now);
    void step(Probe& probe, Entry& entry, Instant now);
    void ping(Probe& probe, const Entry& entry);
    void ask_others(Probe& probe, const Entry& entry);
    void succeed(Probe& probe);
    void fail(Probe& probe, Instant now);
    void finish(const Probe& probe);
    [[nodiscard]] Probe* probe_of(std::uint32_t seq) noexcept;
    void arm(Probe& probe) {
        timers.arm(Timers::Kind::Probe, probe.seq, std::min(probe.next, probe.expires),
                   probe.armed);
    }
    [[nodiscard]] Duration limit_of(const Entry& entry) const noexcept;

    // answers.cpp
    void on(const wire::Ping& message, const Address& from, std::size_t key, Instant now);
    void on(const wire::IndirectPing& message, const Address& from, Instant now);
    void on(const wire::Ack& message, const Address& from, std::size_t key, Instant now);
    void on(const wire::Nack& message);
    void on_relay(std::uint32_t seq, Instant at, Instant now);
    void ping(const Relay& relay);
    void answer(const Relay& relay, bool acked);
    [[nodiscard]] bool may_answer(const Address& to, const Address& from, Instant now);

    // gossip.cpp
    void spread(const Entry& about, BytesView message, bool urgent, Instant now,
                bool farewell = false);
    void announce(bool urgent, Instant now, bool farewell = false);
    void news(bool urgent, Instant now);
    void on_gossip(Instant at, Instant now);
    void fill(wire::PacketWriter& packet);
    void tell_farewell();
    template <class M>
    BytesView encoded(const M& message) {
        part.clear();
        wire::encode(message, part);
        return part;
    }
    template <class Fits>
    void pick(std::size_t wanted, Fits fits);
    void pick_gossip_targets(Instant now);
    void pick_relays(NamePool::Id target);

    // view.cpp
    [[nodiscard]] Member copy(const Entry& entry) const;
    [[nodiscard]] bool fast(const Entry& entry) const noexcept {
        return fast_self && entry.descriptor->fast;
    }
    [[nodiscard]] bool crc(const Entry& entry) const noexcept {
        return entry.descriptor->versions.protocol_max() >= 5;
    }
    [[nodiscard]] wire::Alive own_alive() const;
    [[nodiscard]] std::string_view own_name() const noexcept { return names->name(self); }
    [[nodiscard]] Entry& us() noexcept { return *table.find(self); }
    [[nodiscard]] const Entry& us() const { return *table.find(self); }
    [[nodiscard]] std::uint32_t next_seq() noexcept {
        if (++seq == 0) ++seq;
        return seq;
    }
    [[nodiscard]] std::uint32_t transmit_limit() const noexcept;
    void count(Drop reason) noexcept { ++counters.dropped[static_cast<std::size_t>(reason)]; }
    void settle();
    /// Notices how late we are, and holds it against nobody.
    void enter(Instant now);
    void schedule_probes(Instant now);

    const Config& config;
    Rng& rng;
    std::shared_ptr<NamePool> names;
    SwimPort& port;
    Counters& counters;

    Table table;
    ProbeOrder orders[2];  ///< fast, slow
    GossipQueue queue{kQueueMax, kQueueBytesMax};
    GossipQueue users{kUserQueueMax, kUserQueueBytesMax};
    Timers timers;
    Awareness awareness;
    std::vector<Probe> probes;
    std::vector<Relay> relays;
    std::map<NamePool::Id, Suspicion> suspicions;
    std::map<std::uint32_t, NamePool::Id> asked;  ///< sequence numbers of the jury's questions
    std::vector<NamePool::Id> picked, drawn;      ///< scratch
    std::vector<std::pair<Address, Instant>> lost;
    Bytes part;  ///< scratch
    Bytes ack_payload;

    NamePool::Id self = NamePool::kNone;
    std::uint32_t seq = 0;
    bool fast_self = false;
    bool started = false, leaving = false, farewell_told = false;
    Instant entered{};
    Instant probe_armed[2] = {Timers::kNever, Timers::kNever};
    Instant gossip_armed = Timers::kNever;
    Instant accused_at = Instant::min();
    Instant conflict_at = Instant::min();
    Bucket fresh{20, 20};        ///< rounds of gossip outside the interval
    Bucket questions{400, 400};  ///< of the jury
    Bucket tellings{50, 50};     ///< to members whose news is stale
    SourceLimiter reflection;
};

}  // namespace anode::membership
