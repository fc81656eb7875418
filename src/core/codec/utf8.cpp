#include "core/codec/utf8.hpp"

#include <simdjson.h>

#include <cstring>

namespace anode {
namespace {

/// Leaves out leading ASCII, eight bytes a step.
BytesView after_ascii(BytesView bytes) noexcept {
    constexpr std::uint64_t kHighBits = 0x8080808080808080;
    while (bytes.size() >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof(word));
        if ((word & kHighBits) != 0) return bytes;
        bytes.remove_prefix(sizeof(word));
    }
    while (!bytes.empty() && static_cast<unsigned char>(bytes.front()) < 0x80)
        bytes.remove_prefix(1);
    return bytes;
}

/// How many bytes at the end may belong to a character that is not complete yet.
std::size_t open_tail(BytesView bytes) noexcept {
    for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
        const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
        if (byte < 0x80) return 0;
        if (byte >= 0xc0) {
            const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
            return back < length ? back : 0;
        }
    }
    return 0;
}

}  // namespace

bool Utf8Check::feed(BytesView bytes) noexcept {
    while (missing_ != 0 && !bytes.empty()) {
        if (!step(static_cast<unsigned char>(bytes.front()))) return false;
        bytes.remove_prefix(1);
    }
    // Short texts are mostly ASCII, and long ones worth the vector code, which wants whole characters.
    constexpr std::size_t kWorthVectors = 64;
    bytes = after_ascii(bytes);
    if (bytes.size() >= kWorthVectors) {
        const std::size_t tail = open_tail(bytes);
        if (!simdjson::validate_utf8(bytes.data(), bytes.size() - tail)) return false;
        bytes.remove_prefix(bytes.size() - tail);
    }
    for (const char byte : bytes)
        if (!step(static_cast<unsigned char>(byte))) return false;
    return true;
}

bool Utf8Check::step(unsigned char byte) noexcept {
    if (missing_ != 0) {
        if (byte < low_ || byte > high_) return false;
        --missing_;
        low_ = 0x80;
        high_ = 0xbf;
        return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xc2 || byte > 0xf4) return false;
    missing_ = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    // The second byte decides whether a form is overlong, a surrogate or above U+10FFFF.
    if (byte == 0xe0) low_ = 0xa0;
    if (byte == 0xed) high_ = 0x9f;
    if (byte == 0xf0) low_ = 0x90;
    if (byte == 0xf4) high_ = 0x8f;
    return true;
}

}  // namespace anode
