#pragma once

#include <cstdint>

#include "base/varint.hpp"

/// The body of a block, byte by byte. Used by block*.cpp only.
///
///   body   names:varint  (name:lp)*  entry*
///   entry  delta:varint  topic:varint  source:varint  has:u8  [marks:u8] [cid:16] [key:lp] [type:varint]
///          [sts:zigzag] [position:lp] [trace:lp]  payload:lp
///
/// `delta` is the stamp less the one before; topic, source and type are places in the name table; `sts` is relative to
/// the message's own time; `marks` are the kind in the upper two bits and the flags below.
namespace anode::block_layout {

inline constexpr std::uint8_t kCid = 1, kKey = 2, kType = 4, kSourceTime = 8, kPosition = 16,
                              kTrace = 32, kMarks = 64;
inline constexpr std::uint8_t kKnown = 127;
inline constexpr unsigned kKindShift = 6;
inline constexpr std::uint8_t kFlagsMask = 63;
inline constexpr std::size_t kVarintMax = 10;
inline constexpr std::uint32_t kNoTopic = ~std::uint32_t{0};

inline char* put_varint(char* at, std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
    *at++ = static_cast<char>(value);
    return at;
}

inline char* put_lp(char* at, BytesView bytes) noexcept {
    at = put_varint(at, bytes.size());
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    return at + bytes.size();
}

/// Reads what index() has checked before; no bounds are looked at again.
class Trusted {
public:
    explicit Trusted(const char* at) noexcept : at_(at) {}

    std::uint8_t byte() noexcept { return static_cast<std::uint8_t>(*at_++); }
    std::uint64_t varint() noexcept {
        std::uint64_t value = byte();
        if (value < 0x80) return value;
        value &= 0x7f;
        for (unsigned shift = 7;; shift += 7) {
            const std::uint64_t next = byte();
            value |= (next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
    }
    BytesView take(std::size_t count) noexcept {
        const BytesView taken(at_, count);
        at_ += count;
        return taken;
    }
    BytesView lp() noexcept { return take(varint()); }

private:
    const char* at_;
};

}  // namespace anode::block_layout
