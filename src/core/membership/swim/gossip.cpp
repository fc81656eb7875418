#include <algorithm>

#include "core/membership/swim/state.hpp"

/// What is told to whom, and when. Source: memberlist protocol, section 7.
namespace anode::membership {
namespace {

/// Urgent news waits this long for more of its kind.
constexpr Duration kUrgent = 4ms;

}  // namespace

std::uint32_t Swim::State::transmit_limit() const noexcept {
    std::uint32_t digits = 0;
    for (std::size_t reach = 1; reach < table.size() + 1; reach *= 10) ++digits;
    return std::max(1u, config.timing.retransmit_mult * digits);
}

void Swim::State::spread(const Entry& about, BytesView message, bool urgent, Instant now,
                         bool farewell) {
    const std::size_t dropped = queue.add(about.id, message, urgent, farewell);
    counters.dropped[static_cast<std::size_t>(Drop::Full)] += dropped;
    news(urgent, now);
}

void Swim::State::announce(bool urgent, Instant now, bool farewell) {
    spread(us(), encoded(own_alive()), urgent && fast_self, now, farewell);
}

void Swim::State::news(bool urgent, Instant now) {
    const Duration interval = config.timing.gossip_interval;
    if (interval <= 0s || config.timing.gossip_nodes == 0) return;
    if (fast_self) {
        const Instant soon =
            now + (urgent ? kUrgent : std::min(config.fast.gossip_fresh, interval));
        if (gossip_armed <= soon) return;
        // The bucket keeps churn from turning into more bandwidth than a few times memberlist's.
        if (fresh.take(now)) return timers.arm(Timers::Kind::Gossip, 0, soon, gossip_armed);
    }
    if (gossip_armed != Timers::kNever) return;
    timers.arm(Timers::Kind::Gossip, 0, now + Duration{rng.between(1, interval.count())},
               gossip_armed);
}

void Swim::State::on_gossip(Instant at, Instant now) {
    if (gossip_armed != at) return;
    gossip_armed = Timers::kNever;
    pick_gossip_targets(now);
    for (const NamePool::Id id : picked) {
        if (queue.empty() && users.empty()) break;
        const Entry& target = *table.find(id);
        wire::PacketWriter& packet = port.begin(crc(target));
        fill(packet);
        if (packet.parts() == 0) break;
        port.send(target.descriptor->address);
    }
    if (leaving && picked.empty()) tell_farewell();
    if (queue.empty() && users.empty()) return;
    const bool young =
        std::min(queue.least_sent(), users.least_sent()) < 2 * config.timing.gossip_nodes;
    const bool soon = fast_self && young && fresh.take(now);
    timers.arm(Timers::Kind::Gossip, 0,
               now + (soon ? std::min(config.fast.gossip_fresh, config.timing.gossip_interval)
                           : config.timing.gossip_interval),
               gossip_armed);
}

void Swim::State::fill(wire::PacketWriter& packet) {
    if (queue.empty() && users.empty()) return;
    const std::uint32_t limit = transmit_limit();
    // A quarter of the room is the application's if it has something to say (section 16, item 10).
    queue.fetch(packet, std::min(users.bytes(), packet.room() / 4), limit);
    users.fetch(packet, 0, limit);
}

void Swim::State::tell_farewell() {
    if (farewell_told) return;
    farewell_told = true;
    port.push(HasLeft{});
}

template <class Fits>
void Swim::State::pick(std::size_t wanted, Fits fits) {
    picked.clear();
    const auto& entries = table.entries();
    const std::size_t n = entries.size();
    if (n < 3 * wanted) {
        drawn.clear();
        for (const Entry& entry : entries) {
            if (fits(entry)) drawn.push_back(entry.id);
        }
        for (std::size_t i = 0; i < drawn.size() && picked.size() < wanted; ++i) {
            std::swap(drawn[i], drawn[i + rng.below(drawn.size() - i)]);
            picked.push_back(drawn[i]);
        }
        return;
    }
    for (std::size_t draws = 0; draws < 3 * n && picked.size() < wanted; ++draws) {
        const Entry& entry = entries[rng.below(n)];
        if (fits(entry) && std::find(picked.begin(), picked.end(), entry.id) == picked.end())
            picked.push_back(entry.id);
    }
}

void Swim::State::pick_gossip_targets(Instant now) {
    pick(config.timing.gossip_nodes, [&](const Entry& entry) {
        if (entry.id == self) return false;
        if (entry.up()) return true;
        return entry.state == MemberState::Dead &&
               now - entry.since <= config.timing.gossip_to_the_dead;
    });
}

void Swim::State::pick_relays(NamePool::Id target) {
    pick(config.timing.indirect_checks, [&](const Entry& entry) {
        return entry.id != self && entry.id != target && entry.state == MemberState::Alive;
    });
}

std::optional<Member> Swim::random_alive() {
    State& state = *state_;
    state.pick(1, [&](const Entry& entry) {
        return entry.id != state.self && entry.state == MemberState::Alive;
    });
    if (state.picked.empty()) return std::nullopt;
    return state.copy(*state.table.find(state.picked.front()));
}

}  // namespace anode::membership
