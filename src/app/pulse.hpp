#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/metrics.hpp"
#include "core/json/json.hpp"

namespace anode::app {

/// What changed on a node since the last look at its metrics: how much went out to listeners and how long that took. It reads the
/// series that the live side keeps, and adds none.
/// Thread: one; write() about once a second.
class Pulse {
public:
    explicit Pulse(metrics::Registry& metrics);

    /// Appends `delivered`, `out_per_second` and `delivery_ms` {"p50","p99"} (null: nothing was delivered) to an open object.
    void write(json::Writer& out);

private:
    /// One histogram, summed over labels, as it was at the last look.
    struct Times {
        std::vector<metrics::Histogram*> of;
        std::vector<std::uint64_t> before;
    };
    static std::vector<std::uint64_t> fresh(Times& times);

    std::array<metrics::Counter*, 3> written_;
    std::uint64_t written_before_ = 0;
    Times delivery_;
};

/// The upper bound of the bucket in which the quantile lies, in milliseconds; never better than the truth. Nothing if `counts`
/// (one a bucket of metrics::Histogram) are all zero.
[[nodiscard]] std::optional<double> quantile_ms(const std::vector<std::uint64_t>& counts,
                                                double quantile);

}  // namespace anode::app
