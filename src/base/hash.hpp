#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace anode {

/// XXH3, 64 bits. For tables and fingerprints, not against an adversary.
std::uint64_t hash64(BytesView bytes, std::uint64_t seed = 0) noexcept;

/// 128 bits, as content ids carry them.
struct Hash128 {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    friend auto operator<=>(const Hash128&, const Hash128&) = default;
};
Hash128 hash128(BytesView bytes, std::uint64_t seed = 0) noexcept;

/// CRC-32C (Castagnoli), as blocks carry it. `crc` continues an earlier result.
std::uint32_t crc32c(BytesView bytes, std::uint32_t crc = 0) noexcept;
/// The same without the processor's own instruction: what machines that lack it run, and a check on those that have it.
std::uint32_t crc32c_by_table(BytesView bytes, std::uint32_t crc = 0) noexcept;

}  // namespace anode
