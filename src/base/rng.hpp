#pragma once

#include <cstdint>
#include <span>

namespace anode {

/// A small deterministic generator with distributions of its own, so that a seed means the same run everywhere.
/// Not for secrets (see runtime/random.hpp).
/// Source: Blackman, Vigna, "Scrambled linear pseudorandom number generators", 2018 (xoshiro256++).
class Rng {
public:
    explicit Rng(std::uint64_t seed) noexcept;

    std::uint64_t next() noexcept;
    /// Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound) noexcept;
    /// Uniform in [low, high].
    std::int64_t between(std::int64_t low, std::int64_t high) noexcept;
    /// Uniform in [0, 1).
    double unit() noexcept;
    bool chance(double probability) noexcept { return unit() < probability; }
    void fill(std::span<std::uint8_t> out) noexcept;

private:
    std::uint64_t state_[4];
};

}  // namespace anode
