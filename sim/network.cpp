#include "sim/network.hpp"

#include <algorithm>

namespace anode::sim {
namespace {

constexpr Duration kLoopback = 20us;
constexpr Duration kRetransmit = 200ms;
constexpr unsigned kRetransmitsMax = 5;

std::uint64_t mixed(std::uint64_t x) noexcept {
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ULL;
    return x ^ (x >> 33);
}

bool holds(const std::vector<bool>& set, HostId host) noexcept {
    return index_of(host) < set.size() && set[index_of(host)];
}

Duration uniform(Rng& rng, Duration max) {
    return max <= 0s ? Duration{0} : Duration{rng.between(0, max.count())};
}

}  // namespace

Network::Network(std::uint64_t seed, Weather weather)
    : weather_(weather), seed_(seed), rng_(mixed(seed ^ 0x6e6574776f726bULL)) {}

std::uint64_t Network::cut(Cut cut) {
    cuts_.push_back({++cuts_made_, std::move(cut)});
    return cuts_made_;
}

void Network::heal(std::uint64_t number) {
    std::erase_if(cuts_, [&](const Numbered& each) { return each.number == number; });
}

void Network::heal_all() { cuts_.clear(); }

bool Network::open(HostId from, HostId to) const noexcept {
    return from == to || std::ranges::none_of(cuts_, [&](const Numbered& each) {
               return holds(each.cut.from, from) && holds(each.cut.to, to);
           });
}

double Network::loss(HostId from, HostId to) const noexcept {
    const double arrives = (1 - weather_.loss) * (1 - troubles_[index_of(from)].loss) *
                           (1 - troubles_[index_of(to)].loss);
    return 1 - arrives;
}

Duration Network::latency(HostId from, HostId to) const noexcept {
    const std::uint64_t path =
        mixed(seed_ ^ (std::uint64_t{index_of(from)} << 32) ^ (index_of(to) + 1));
    const auto range = static_cast<std::uint64_t>(
        std::max<Duration::rep>(0, (weather_.latency_max - weather_.latency_min).count()));
    return weather_.latency_min + Duration{static_cast<Duration::rep>(path % (range + 1))};
}

Duration Network::travel(HostId from, HostId to) {
    if (from == to) return kLoopback;
    Duration delay = latency(from, to) + uniform(rng_, weather_.jitter) +
                     troubles_[index_of(from)].delay + troubles_[index_of(to)].delay;
    if (weather_.spike > 0 && rng_.chance(weather_.spike))
        delay += uniform(rng_, weather_.spike_max);
    return delay;
}

std::optional<Network::Passage> Network::pass(HostId from, HostId to, std::size_t bytes,
                                              Instant now) {
    if (!open(from, to)) return std::nullopt;
    Duration waits{};
    if (weather_.bytes_per_second > 0 && from != to) {
        Instant& free_at = free_at_[index_of(from)];
        const Duration takes{
            static_cast<Duration::rep>(bytes * 1'000'000'000 / weather_.bytes_per_second)};
        const Instant leaves = std::max(now, free_at) + takes;
        if (leaves - now > weather_.way_out_max) return std::nullopt;
        free_at = leaves;
        waits = leaves - now;
    }
    const double lost = from == to ? 0 : loss(from, to);
    if (lost > 0 && rng_.chance(lost)) return std::nullopt;
    Passage passage{waits + travel(from, to), std::nullopt};
    if (weather_.duplicate > 0 && rng_.chance(weather_.duplicate))
        passage.twice = waits + travel(from, to) + uniform(rng_, weather_.latency_max);
    return passage;
}

Duration Network::carry(HostId from, HostId to) {
    Duration delay = travel(from, to);
    const double lost = from == to ? 0 : loss(from, to);
    Duration again = kRetransmit;
    for (unsigned tries = 0; lost > 0 && tries < kRetransmitsMax && rng_.chance(lost); ++tries) {
        delay += again;
        again *= 2;
    }
    return delay;
}

}  // namespace anode::sim
