#include "core/membership/swim/suspicion.hpp"

#include <algorithm>
#include <cmath>

#include "base/hash.hpp"

namespace anode::membership {
namespace {

/// A killed process whose port is closed is known to all within 0.3 s only if its suspicion may end this soon.
constexpr Duration kRefusedMin = 120ms;
constexpr unsigned kFastConfirmations = 3;

}  // namespace

SuspicionTimes SuspicionTimes::slow(const Timing& timing, std::size_t n) {
    const double scale =
        std::max(1.0, std::log10(static_cast<double>(std::max<std::size_t>(1, n))));
    const auto thousandths = static_cast<Duration::rep>(scale * 1000);
    const Duration min =
        Duration::rep{timing.suspicion_mult} * thousandths * timing.probe_interval / 1000;
    unsigned wanted = timing.suspicion_mult > 2 ? timing.suspicion_mult - 2 : 0;
    if (n < 2 + std::size_t{wanted}) wanted = 0;
    return {min, Duration::rep{timing.suspicion_max_mult} * min, wanted};
}

SuspicionTimes SuspicionTimes::fast(const FastTiming& timing, std::size_t n, bool refused) {
    const auto others = static_cast<unsigned>(std::min<std::size_t>(n > 2 ? n - 2 : 0, 1000));
    const unsigned wanted = std::min(others, kFastConfirmations);
    if (refused) return {kRefusedMin, std::max(kRefusedMin, timing.suspicion_min), wanted};
    // Where few can confirm, chance has more say: two nodes wait for half of the maximum.
    if (wanted == 0) {
        const Duration alone = std::max(timing.suspicion_min, timing.suspicion_max / 2);
        return {alone, alone, 0};
    }
    const Duration min =
        timing.suspicion_min + timing.suspicion_min * (kFastConfirmations - wanted) / 4;
    return {min, std::max(min, timing.suspicion_max), wanted};
}

Duration SuspicionTimes::after(unsigned confirmed) const {
    if (confirmations == 0) return min;
    const double part = std::log(static_cast<double>(confirmed) + 1) /
                        std::log(static_cast<double>(confirmations) + 1);
    const double high = std::chrono::duration<double, std::milli>(max).count();
    const double low = std::chrono::duration<double, std::milli>(min).count();
    const auto floored = static_cast<Duration::rep>(std::floor(high - part * (high - low)));
    return std::max<Duration>(min, std::chrono::milliseconds(floored));
}

bool Suspicion::voiced(BytesView from) const noexcept {
    return std::find(names.begin(), names.end(), hash64(from)) != names.end();
}

bool Suspicion::confirm(BytesView from) {
    if (confirmed >= times.confirmations || voiced(from)) return false;
    names.push_back(hash64(from));
    ++confirmed;
    return true;
}

}  // namespace anode::membership
