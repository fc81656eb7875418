#include "runtime/clock.hpp"

#include <ctime>

namespace anode {
namespace {

Duration read_clock(clockid_t clock) noexcept {
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Instant monotonic_now() noexcept { return Instant(read_clock(CLOCK_MONOTONIC)); }

WallTime wall_now() noexcept {
    return std::chrono::duration_cast<std::chrono::microseconds>(read_clock(CLOCK_REALTIME))
        .count();
}

}  // namespace anode
