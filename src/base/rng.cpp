#include "base/rng.hpp"

#include <bit>

#include "base/assert.hpp"

namespace anode {
namespace {

std::uint64_t splitmix(std::uint64_t& x) noexcept {
    std::uint64_t z = (x += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(std::uint64_t seed) noexcept {
    for (auto& word : state_) word = splitmix(seed);
}

std::uint64_t Rng::next() noexcept {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

std::uint64_t Rng::below(std::uint64_t bound) noexcept {
    ANODE_ASSERT(bound > 0);
    const std::uint64_t threshold = (0 - bound) % bound;  // rejects the biased low part
    for (;;) {
        const std::uint64_t x = next();
        if (x >= threshold) return x % bound;
    }
}

std::int64_t Rng::between(std::int64_t low, std::int64_t high) noexcept {
    ANODE_ASSERT(low <= high);
    const auto span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    if (span == ~std::uint64_t{0}) return static_cast<std::int64_t>(next());
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + below(span + 1));
}

double Rng::unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

void Rng::fill(std::span<std::uint8_t> out) noexcept {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(next());
}

}  // namespace anode
