#include "core/membership/swim/swim.hpp"

#include <algorithm>
#include <variant>

#include "core/membership/node_meta.hpp"
#include "core/membership/swim/state.hpp"

namespace anode::membership {

Swim::State::State(const Config& config_in, Rng& rng_in, std::shared_ptr<NamePool> names_in,
                   SwimPort& port_in, Counters& counters_in)
    : config(config_in),
      rng(rng_in),
      names(names_in ? std::move(names_in) : std::make_shared<NamePool>()),
      port(port_in),
      counters(counters_in),
      table(names),
      awareness(config.timing.awareness_max),
      seq(static_cast<std::uint32_t>(rng.next())) {
    Versions versions;
    std::copy(config.delegate_versions.begin(), config.delegate_versions.end(),
              versions.bytes.begin() + 3);
    Entry& entry = table.add(config.name, config.advertise, config.meta, versions);
    self = entry.id;
    fast_self = config.fast.on && entry.descriptor->fast;
    entry.slow = !fast_self;
    orders[entry.slow].add(self, rng);
    entry.incarnation = std::clamp<Incarnation>(config.first_incarnation, 1, kIncarnationMax);
    entry.seen = entry.incarnation;
}

Swim::Swim(const Config& config, Rng& rng, std::shared_ptr<NamePool> names, SwimPort& port,
           Counters& counters)
    : state_(std::make_unique<State>(config, rng, std::move(names), port, counters)) {}
Swim::~Swim() = default;

void Swim::start(Instant now) {
    State& state = *state_;
    if (state.started) return;
    state.started = true;
    state.entered = now;
    state.table.set_state(state.us(), MemberState::Alive, now);
    state.announce(false, now);
    state.change(Change::Joined, state.us());
    state.schedule_probes(now);
    state.settle();
}

void Swim::State::settle() {
    if (leaving && !farewell_told && queue.farewell_gone()) tell_farewell();
    counters.health_score = static_cast<std::uint32_t>(awareness.score());
    counters.queue = static_cast<std::uint32_t>(queue.size() + users.size());
}

void Swim::State::enter(Instant now) {
    const Instant expected = std::max(timers.due(), entered);
    const Duration late = timers.due() == Timers::kNever || now <= expected ? 0s : now - expected;
    entered = std::max(entered, now);
    if (late <= kLate) return;
    // What we did not hear while we were held up may lie in the socket: others get the time back.
    for (Probe& probe : probes) {
        probe.next += late;
        probe.expires += late;
        ++probe.pings;  // its answer measures our pause, not the way
    }
    for (Relay& relay : relays) {
        if (relay.again != Timers::kNever) relay.again += late;
        relay.expires += late;
    }
    for (auto& [id, suspicion] : suspicions) {
        suspicion.began += late;
        suspicion.deadline += late;
        if (suspicion.next_ask != Timers::kNever) suspicion.next_ask += late;
    }
    if (late < kStall) return;
    ++counters.stalls;
    awareness.add(1);
}

void Swim::tick(Instant now) {
    State& state = *state_;
    state.enter(now);
    while (state.timers.due() <= now) {
        const Timers::Timer timer = state.timers.pop();
        switch (timer.kind) {
            case Timers::Kind::FastProbe:
                state.on_schedule(false, timer.at, now);
                break;
            case Timers::Kind::SlowProbe:
                state.on_schedule(true, timer.at, now);
                break;
            case Timers::Kind::Gossip:
                state.on_gossip(timer.at, now);
                break;
            case Timers::Kind::Probe:
                state.on_probe(timer.key, timer.at, now);
                break;
            case Timers::Kind::Relay:
                state.on_relay(timer.key, timer.at, now);
                break;
            case Timers::Kind::Suspicion:
                state.on_suspicion(timer.key, timer.at, now);
                break;
        }
    }
    state.settle();
}

Instant Swim::due() const noexcept { return state_->timers.due(); }

void Swim::receive(const wire::Message& message, const Address& from, std::size_t key,
                   Instant now) {
    State& state = *state_;
    state.enter(now);
    struct Visit {
        State& state;
        const Address& from;
        std::size_t key;
        Instant now;
        void operator()(const wire::Ping& m) const { state.on(m, from, key, now); }
        void operator()(const wire::IndirectPing& m) const { state.on(m, from, now); }
        void operator()(const wire::Ack& m) const { state.on(m, from, key, now); }
        void operator()(const wire::Nack& m) const { state.on(m); }
        void operator()(const wire::Suspect& m) const {
            const Incarnation before = state.us().incarnation;
            state.suspect(m, from, now);
            // Besides gossip, straight to who accuses us (section 16, item 11).
            if (state.us().incarnation != before) state.defend(m.from, now);
        }
        void operator()(const wire::Dead& m) const {
            const Incarnation before = state.us().incarnation;
            state.dead(m, from, now);
            if (state.us().incarnation != before) state.defend(m.from, now);
        }
        void operator()(const wire::Alive& m) const { state.alive(m, from, now); }
        void operator()(const wire::User& m) const {
            state.port.push(UserMessage{Bytes(m.payload)});
        }
    };
    std::visit(Visit{state, from, key, now}, message);
    state.settle();
}

void Swim::State::defend(BytesView accuser, Instant now) {
    const Entry* entry = table.find(accuser);
    if (entry == nullptr || entry->id == self || !tellings.take(now)) return;
    wire::PacketWriter& packet = port.begin(crc(*entry));
    packet.add(encoded(own_alive()));
    port.send(entry->descriptor->address);
}

void Swim::datagram_refused(const Address& to, Instant now) {
    State& state = *state_;
    state.enter(now);
    for (Probe& probe : state.probes) {
        const Entry* entry = state.table.find(probe.target);
        if (entry == nullptr || probe.others_asked || !entry->descriptor->address.same_socket(to))
            continue;
        // The kernel knows already what the ping's time limit would tell (section 5.4, step 1e).
        probe.send_failed = true;
        probe.next = now;
        state.arm(probe);
    }
    state.settle();
}

void Swim::stream_answer(std::uint32_t seq, StreamAnswer answer, Instant now) {
    State& state = *state_;
    state.enter(now);
    if (Probe* probe = state.probe_of(seq); probe != nullptr) {
        if (answer == StreamAnswer::Acked) {
            state.succeed(*probe);
        } else if (answer == StreamAnswer::Refused && probe->fast) {
            probe->stream_refused = true;
            probe->next =
                std::min(probe->next,
                         std::max(now, probe->began + (probe->scheduled ? 2 : 1) * probe->limit));
            state.arm(*probe);
        }
    } else if (const auto found = state.asked.find(seq); found != state.asked.end()) {
        Suspicion& suspicion = state.suspicions[found->second];
        if (answer == StreamAnswer::Acked) suspicion.proof = now;
        if (answer == StreamAnswer::Refused) state.found_refused(suspicion);
        state.arm(found->second, suspicion);
    }
    state.settle();
}

bool Swim::answers_to(std::string_view node) const noexcept {
    return node.empty() || node == state_->own_name();
}

void Swim::leave(Instant now) {
    State& state = *state_;
    state.enter(now);
    if (state.leaving) return;
    state.leaving = true;
    const Incarnation incarnation = state.us().incarnation;
    state.dead({incarnation, state.own_name(), state.own_name()}, state.config.advertise, now);
    if (state.table.up() == 0) state.tell_farewell();
    state.settle();
}

bool Swim::leaving() const noexcept { return state_->leaving; }

void Swim::forget(std::string_view name, Instant now) {
    State& state = *state_;
    state.enter(now);
    const Entry* entry = state.table.find(name);
    if (entry == nullptr || entry->up() || entry->id == state.self) return;
    const Address address = entry->descriptor->address;
    std::erase_if(state.lost, [&](const auto& one) { return one.first == address; });
    state.erase(entry->id);
    state.settle();
}

void Swim::set_meta(Bytes meta, Instant now) {
    State& state = *state_;
    state.enter(now);
    Entry& us = state.us();
    if (meta.size() > kMetaBytesMax || state.leaving || us.descriptor->meta == meta) return;
    us.descriptor =
        state.names->describe(us.id, us.descriptor->address, meta, us.descriptor->versions);
    if (us.incarnation < kIncarnationMax) ++us.incarnation;
    us.seen = us.incarnation;
    const bool fast = state.config.fast.on && us.descriptor->fast;
    if (fast != state.fast_self) {
        state.fast_self = fast;
        state.order_all();
    }
    if (!state.started) return;
    state.announce(false, now);
    state.change(Change::Updated, us);
    state.schedule_probes(now);
    state.settle();
}

void Swim::set_ack_payload(Bytes payload) { state_->ack_payload = std::move(payload); }

void Swim::broadcast(Bytes payload, Instant now) {
    State& state = *state_;
    state.enter(now);
    const std::size_t dropped = state.users.add(state.encoded(wire::User{payload}));
    state.counters.dropped[static_cast<std::size_t>(Drop::Full)] += dropped;
    state.news(false, now);
    state.settle();
}

void Swim::link_lost(std::string_view name, Instant now) {
    State& state = *state_;
    state.enter(now);
    Entry* entry = state.table.find(name);
    if (entry == nullptr || entry->id == state.self || !entry->up()) return;
    if (const auto found = state.suspicions.find(entry->id); found != state.suspicions.end()) {
        if (found->second.fast && !found->second.asks) {
            found->second.asks = true;
            found->second.next_ask = now;
            state.arm(entry->id, found->second);
        }
        return;
    }
    const bool asked = std::any_of(
        state.probes.begin(), state.probes.end(),
        [&](const Probe& probe) { return probe.target == entry->id && !probe.scheduled; });
    if (!asked) state.start_probe(*entry, false, now);
    state.settle();
}

}  // namespace anode::membership
