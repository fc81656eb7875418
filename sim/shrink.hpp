#pragma once

#include <functional>

#include "sim/run.hpp"

namespace anode::sim {

/// Does this smaller request break the same check? Given by the caller, so that the shrinker can be tested alone.
using StillBroken = std::function<bool(const Request&)>;

/// The smallest request that it found within `runs_max` runs: fewer faults (delta debugging), fewer members, shorter faults.
/// Source: Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002 (ddmin).
Request shrink(Request request, std::size_t faults, const StillBroken& still_broken,
               unsigned runs_max = 200);

/// shrink() with run(): keeps the check that `violation` names.
Request shrink(const Request& request, const Violation& violation, unsigned runs_max = 200);

}  // namespace anode::sim
