#include "core/membership/wire/crc32.hpp"

#include <array>

namespace anode::membership::wire {

namespace {

constexpr std::uint32_t kPolynomial = 0xEDB8'8320;  // 04C11DB7 with its bits reversed

/// table[k][b]: what byte b, followed by k zero bytes, does to the checksum. Eight of them take eight bytes in one step.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
        tables[0][byte] = crc;
    }
    for (std::size_t k = 1; k < tables.size(); ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][before & 0xFF];
        }
    }
    return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t crc32(BytesView bytes) noexcept {
    const auto at = [&bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    std::uint32_t crc = 0xFFFF'FFFF;
    while (bytes.size() >= 8) {
        std::uint32_t next = kTables[7][(crc ^ at(0)) & 0xFF] ^
                             kTables[6][(crc >> 8 ^ at(1)) & 0xFF] ^
                             kTables[5][(crc >> 16 ^ at(2)) & 0xFF] ^ kTables[4][crc >> 24 ^ at(3)];
        for (std::size_t i = 4; i < 8; ++i) next ^= kTables[7 - i][at(i)];
        crc = next;
        bytes.remove_prefix(8);
    }
    for (std::size_t i = 0; i < bytes.size(); ++i)
        crc = crc >> 8 ^ kTables[0][(crc ^ at(i)) & 0xFF];
    return ~crc;
}

}  // namespace anode::membership::wire
