#include "core/mesh/bulk_rate.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

constexpr Duration kStep = 100ms;
constexpr double kUplinkAtLeast = 12.5e6;  ///< 100 Mbit/s
constexpr double kFade = 0.99;             ///< a step: half of it is gone after seven seconds

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void BulkRate::advance(Instant now, bool live_lags, std::uint64_t bytes_out,
                       std::uint64_t live_out) {
    const Duration passed = now - at_;
    at_ = now;
    if (now >= step_at_ + kStep) {
        step(now - step_at_, live_lags, bytes_out, live_out);
        step_at_ = now;
    }
    // A quiet while is no licence for a burst: at most a tenth of a second is saved up.
    tokens_ = std::min(tokens_ + rate_ * seconds(passed), rate_ / 10);
}

void BulkRate::step(Duration passed, bool live_lags, std::uint64_t bytes_out,
                    std::uint64_t live_out) {
    const double out = static_cast<double>(bytes_out - out_seen_) / seconds(passed);
    best_out_ = std::max(best_out_ * kFade, out);
    const bool live = live_out != live_seen_;
    out_seen_ = bytes_out;
    live_seen_ = live_out;
    const double uplink = std::max(kUplinkAtLeast, 2 * best_out_);
    const double most = live ? uplink / 2 : uplink;
    rate_ = live_lags ? rate_ / 2 : rate_ + uplink / 20;
    rate_ = std::max(floor_, std::min(rate_, most));
}

Instant BulkRate::next() const noexcept {
    if (tokens_ > 0) return at_;
    const Duration wait(static_cast<std::int64_t>(-tokens_ / rate_ * 1e9));
    return at_ + wait + 1ms;
}

}  // namespace anode::mesh
