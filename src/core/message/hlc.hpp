#pragma once

#include <compare>
#include <cstdint>

#include "base/time.hpp"

namespace anode {

/// Hybrid logical time: 48-bit Unix milliseconds, 16-bit counter. Our own stamps keep the microsecond of the
/// millisecond in the counter's upper ten bits, so that the stamp of a message and its `ts` are one number.
/// Source: dissemination, section 1.7; Kulkarni et al., "Logical Physical Clocks", 2014.
struct Hlc {
    std::uint64_t value = 0;
    friend auto operator<=>(const Hlc&, const Hlc&) = default;

    [[nodiscard]] std::uint64_t millis() const noexcept { return value >> 16; }
    [[nodiscard]] std::uint16_t counter() const noexcept {
        return static_cast<std::uint16_t>(value);
    }
    /// Microseconds since 1970.
    [[nodiscard]] WallTime micros() const noexcept {
        const std::uint64_t us = (value & 0xffff) >> 6;
        return static_cast<WallTime>((value >> 16) * 1000 + (us < 1000 ? us : 999));
    }
    static Hlc at(WallTime micros) noexcept {
        const auto us = static_cast<std::uint64_t>(micros);
        return {(us / 1000) << 16 | (us % 1000) << 6};
    }
};

/// Gives stamps that strictly rise, whatever the wall clock does.
class HlcClock {
public:
    explicit HlcClock(Hlc last = {}) noexcept : last_(last) {}

    Hlc tick(WallTime wall) noexcept {
        const Hlc now = Hlc::at(wall);
        if (now > last_) return last_ = now;
        ++last_.value;
        if (((last_.value & 0xffff) >> 6) >= 1000) last_.value = (last_.millis() + 1) << 16;
        return last_;
    }
    /// Takes a peer's stamp into account; one too far ahead is refused.
    bool observe(Hlc seen, WallTime wall, std::uint64_t drift_max_ms = 10'000) noexcept {
        if (seen.millis() > static_cast<std::uint64_t>(wall) / 1000 + drift_max_ms) return false;
        if (seen > last_) last_ = seen;
        return true;
    }
    [[nodiscard]] Hlc last() const noexcept { return last_; }

private:
    Hlc last_;
};

}  // namespace anode
