#pragma once

#include "base/time.hpp"

/// The machine's clocks. Only the runtime reads them; everybody else is told. Thread: any.
namespace anode {

/// CLOCK_MONOTONIC; on Linux it stands still while the machine sleeps.
Instant monotonic_now() noexcept;
/// CLOCK_REALTIME in microseconds.
WallTime wall_now() noexcept;
inline Now clocks_now() noexcept { return {monotonic_now(), wall_now()}; }

}  // namespace anode
