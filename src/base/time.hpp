#pragma once

#include <chrono>
#include <cstdint>

namespace anode {

using Duration = std::chrono::nanoseconds;

/// The monotonic clock of the core. It has no now(): code that asks the machine for the time does not compile.
struct MonotonicClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonotonicClock>;
    static constexpr bool is_steady = true;
};
using Instant = MonotonicClock::time_point;

/// Microseconds since 1970 UTC, as messages carry them.
using WallTime = std::int64_t;

/// Both clocks, read once per step by whoever drives a machine.
struct Now {
    Instant mono;
    WallTime wall = 0;
};

using namespace std::chrono_literals;

}  // namespace anode
