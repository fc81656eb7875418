#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "sim/machine.hpp"

namespace anode::sim {

/// How the paths between hosts behave. Each direction of each pair has a constant latency of its own, drawn once from
/// [latency_min, latency_max]; jitter, spikes and reordering come on top, packet by packet.
struct Weather {
    Duration latency_min = 100us;
    Duration latency_max = 1ms;
    Duration jitter = 100us;  ///< uniform in [0, jitter]
    double loss = 0;
    double duplicate = 0;
    double spike = 0;  ///< chance that a packet is late by up to spike_max; this reorders too
    Duration spike_max = 0s;
    double refusals = 0;  ///< chance that the kernel tells a sender of a port nobody has
    std::uint64_t bytes_per_second = 0;  ///< of each host's way out; 0: no limit
    Duration way_out_max = 200ms;        ///< what waits longer for its way out is dropped
};

/// Which paths exist and what they do to what travels on them.
/// Random: its own generator, so that a machine's draws do not move the weather.
class Network {
public:
    /// Packets from a host of `from` to a host of `to` vanish; two of these make a partition, one a one-way cut.
    struct Cut {
        std::vector<bool> from, to;
    };
    /// What one host adds to every path from and to it.
    struct Trouble {
        double loss = 0;
        Duration delay = 0s;
    };
    struct Passage {
        Duration delay{};
        std::optional<Duration> twice;  ///< a duplicate, and when it comes
    };

    Network(std::uint64_t seed, Weather weather);

    Weather& weather() noexcept { return weather_; }
    Rng& rng() noexcept { return rng_; }
    void add_host() { troubles_.emplace_back(), free_at_.emplace_back(); }

    /// The number of the cut, for heal().
    std::uint64_t cut(Cut cut);
    void heal(std::uint64_t number);
    void heal_all();
    Trouble& trouble(HostId host) { return troubles_[index_of(host)]; }

    [[nodiscard]] bool open(HostId from, HostId to) const noexcept;
    [[nodiscard]] bool whole() const noexcept { return cuts_.empty(); }
    /// A datagram's fate; nothing: it is lost.
    std::optional<Passage> pass(HostId from, HostId to, std::size_t bytes, Instant now);
    /// How long a piece of a stream takes, with the retransmissions its path costs it. The path is open.
    Duration carry(HostId from, HostId to);

private:
    struct Numbered {
        std::uint64_t number;
        Cut cut;
    };
    [[nodiscard]] double loss(HostId from, HostId to) const noexcept;
    [[nodiscard]] Duration latency(HostId from, HostId to) const noexcept;
    [[nodiscard]] Duration travel(HostId from, HostId to);

    Weather weather_;
    std::uint64_t seed_;
    Rng rng_;
    std::vector<Numbered> cuts_;
    std::uint64_t cuts_made_ = 0;
    std::vector<Trouble> troubles_;
    std::vector<Instant> free_at_;
};

}  // namespace anode::sim
