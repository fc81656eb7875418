#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "core/membership/key_ring.hpp"

/// Recorded bytes of real peers, from which the fuzzers of the membership wire set out, and the key that sealed them.
namespace anode::membership::wire::fuzz {

inline constexpr std::array<std::uint8_t, KeyRing::kNonceBytes> kNonce{
    0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB};

inline const KeyRing& ring() {
    static const KeyRing ring = [] {
        KeyRing made;
        ANODE_ASSERT(made.add(*text::from_hex("000102030405060708090a0b0c0d0e0f")));
        return made;
    }();
    return ring;
}

/// From time to time the input starts over from `head` and a seed; then it is changed as ever.
template <std::size_t N>
std::size_t mutate(const std::array<std::string_view, N>& seeds, std::uint8_t* data,
                   std::size_t size, std::size_t size_max, unsigned random,
                   std::size_t (*further)(std::uint8_t*, std::size_t, std::size_t)) {
    if (random % 100 == 0 && size_max > 0) {
        const auto seed = text::from_hex(seeds[random / 100 % N]);
        ANODE_ASSERT(seed.has_value());
        size = std::min(seed->size() + 1, size_max);
        data[0] = static_cast<std::uint8_t>(random >> 16);
        std::memcpy(data + 1, seed->data(), size - 1);
        if (random % 200 == 0) return size;
    }
    return further(data, size, size_max);
}

}  // namespace anode::membership::wire::fuzz

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);
