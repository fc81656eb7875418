#pragma once

#include "sim/run.hpp"

namespace anode::sim {

/// Runs one request of the data plane: start, faults under load, then peace until all nodes hold the same.
Outcome run_mesh(const Request& request, const std::function<void(const std::string&)>& tell);

}  // namespace anode::sim
