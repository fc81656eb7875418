#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace anode::mesh {

/// How many bytes a second repair may send from this node: grows by a twentieth of the uplink every 100 ms, is halved while
/// live streams lag, and never falls under the floor, which is what makes convergence certain. The uplink is not known; what
/// was sent in a tenth of a second lately, twice that, stands for it.
/// Source: dissemination, section 3.5.
class BulkRate {
public:
    BulkRate(std::size_t floor_bytes, Instant now)
        : floor_(static_cast<double>(floor_bytes)),
          rate_(floor_),
          tokens_(floor_ / 10),
          at_(now),
          step_at_(now) {}

    /// `bytes_out`: everything this node has sent so far.
    void advance(Instant now, bool live_lags, std::uint64_t bytes_out, std::uint64_t live_out);
    [[nodiscard]] bool may_send() const noexcept { return tokens_ > 0; }
    void spend(std::size_t bytes) noexcept { tokens_ -= static_cast<double>(bytes); }
    /// When something may be sent again.
    [[nodiscard]] Instant next() const noexcept;
    [[nodiscard]] double rate() const noexcept { return rate_; }

private:
    void step(Duration passed, bool live_lags, std::uint64_t bytes_out, std::uint64_t live_out);

    double floor_, rate_, tokens_;
    Instant at_, step_at_;
    double best_out_ = 0;  ///< bytes a second, fading by half in seven seconds
    std::uint64_t out_seen_ = 0, live_seen_ = 0;
};

}  // namespace anode::mesh
