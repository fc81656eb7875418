#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace anode::membership {

/// Smoothed round trip and its mean deviation, in microseconds. Zero: never measured.
/// Source: Jacobson, "Congestion Avoidance and Control", 1988; RFC 6298, section 2.
struct Rtt {
    std::uint32_t smoothed_us = 0;
    std::uint32_t deviation_us = 0;

    void add(Duration sample) noexcept {
        const auto us = static_cast<std::int64_t>(std::clamp<Duration::rep>(
            std::chrono::duration_cast<std::chrono::microseconds>(sample).count(), 1, 60'000'000));
        if (smoothed_us == 0) {
            smoothed_us = static_cast<std::uint32_t>(us);
            deviation_us = static_cast<std::uint32_t>(us / 2);
            return;
        }
        const std::int64_t off = us - std::int64_t{smoothed_us};
        deviation_us =
            static_cast<std::uint32_t>((3 * std::int64_t{deviation_us} + std::abs(off)) / 4);
        smoothed_us = static_cast<std::uint32_t>(std::max<std::int64_t>(1, smoothed_us + off / 8));
    }
    [[nodiscard]] bool measured() const noexcept { return smoothed_us != 0; }
    [[nodiscard]] Duration smoothed() const noexcept {
        return std::chrono::microseconds(smoothed_us);
    }
    /// How long an answer may take before it counts as late: smoothed + 4 deviations.
    [[nodiscard]] Duration limit() const noexcept {
        return std::chrono::microseconds(smoothed_us + 4ull * deviation_us);
    }
};

}  // namespace anode::membership
