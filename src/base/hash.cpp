#include "base/hash.hpp"

#include <array>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace anode {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Castagnoli, bits reversed

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

/// tables[k][b] is the remainder of byte b followed by k zero bytes.
constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
        tables[0][byte] = crc;
    }
    for (std::size_t k = 1; k < tables.size(); ++k)
        for (std::size_t byte = 0; byte < 256; ++byte)
            tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xff];
    return tables;
}
constexpr Tables kTables = make_tables();

/// Eight bytes a step. The state is the inverted CRC, here and below.
std::uint32_t crc_by_table(const char* at, std::size_t count, std::uint32_t state) noexcept {
    for (; count >= 8; at += 8, count -= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        word ^= state;
        state = 0;
        for (std::size_t k = 0; k < 8; ++k) state ^= kTables[7 - k][word >> (8 * k) & 0xff];
    }
    for (; count > 0; ++at, --count)
        state = state >> 8 ^ kTables[0][(state ^ static_cast<unsigned char>(*at)) & 0xff];
    return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc_by_machine(const char* at, std::size_t count,
                                                               std::uint32_t state) noexcept {
    std::uint64_t wide = state;
    for (; count >= 8; at += 8, count -= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    state = static_cast<std::uint32_t>(wide);
    for (; count > 0; ++at, --count) state = _mm_crc32_u8(state, static_cast<unsigned char>(*at));
    return state;
}
bool machine_has_crc() noexcept { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__ARM_FEATURE_CRC32)
std::uint32_t crc_by_machine(const char* at, std::size_t count, std::uint32_t state) noexcept {
    for (; count >= 8; at += 8, count -= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        state = __crc32cd(state, word);
    }
    for (; count > 0; ++at, --count) state = __crc32cb(state, static_cast<unsigned char>(*at));
    return state;
}
bool machine_has_crc() noexcept { return true; }
#else
std::uint32_t crc_by_machine(const char* at, std::size_t count, std::uint32_t state) noexcept {
    return crc_by_table(at, count, state);
}
bool machine_has_crc() noexcept { return false; }
#endif

const bool kMachineHasCrc = machine_has_crc();

}  // namespace

std::uint64_t hash64(BytesView bytes, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 hash128(BytesView bytes, std::uint64_t seed) noexcept {
    const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
    return {hash.high64, hash.low64};
}

std::uint32_t crc32c(BytesView bytes, std::uint32_t crc) noexcept {
    const auto step = kMachineHasCrc ? crc_by_machine : crc_by_table;
    return ~step(bytes.data(), bytes.size(), ~crc);
}

std::uint32_t crc32c_by_table(BytesView bytes, std::uint32_t crc) noexcept {
    return ~crc_by_table(bytes.data(), bytes.size(), ~crc);
}

}  // namespace anode
