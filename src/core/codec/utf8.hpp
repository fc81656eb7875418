#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace anode {

/// UTF-8 checked piece by piece, failing at the first byte that no valid text can continue with.
/// Source: RFC 3629, section 4 (no overlong forms, no surrogates, nothing above U+10FFFF).
class Utf8Check {
public:
    /// False from the first bad byte on.
    [[nodiscard]] bool feed(BytesView bytes) noexcept;
    /// False inside a character.
    [[nodiscard]] bool complete() const noexcept { return missing_ == 0; }
    void reset() noexcept { *this = Utf8Check{}; }

private:
    bool step(unsigned char byte) noexcept;

    std::uint8_t missing_ = 0;  ///< bytes that the open character still needs
    std::uint8_t low_ = 0x80;   ///< bounds of the next of them
    std::uint8_t high_ = 0xbf;
};

}  // namespace anode
