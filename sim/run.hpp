#pragma once

#include <functional>
#include <optional>

#include "sim/checks.hpp"
#include "sim/scenario.hpp"

namespace anode::sim {

struct Outcome {
    std::optional<Violation> violation;
    std::uint64_t trace_hash = 0;
    Duration started{};    ///< until everybody knew everybody
    Duration lasted{};     ///< of virtual time
    Duration converged{};  ///< after the last fault
    std::uint64_t false_deaths = 0;
    std::size_t faults = 0;
    Traffic traffic;
    // Of the data plane; at the end, of those who run.
    std::uint64_t published = 0, received = 0, repaired = 0, duplicates = 0, feed_items = 0;
};

/// Runs one request: start, faults, then peace until all views agree. `tell`: a line for each fault and change, for people.
Outcome run(const Request& request, const std::function<void(const std::string&)>& tell = {});

}  // namespace anode::sim
