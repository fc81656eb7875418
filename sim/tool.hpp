#pragma once

#include <ostream>
#include <string_view>
#include <vector>

namespace anode::sim {

/// The program `anode-sim`, as a function. The answer is its exit status: 0 well, 1 a violation was found, 2 usage.
int tool(const std::vector<std::string_view>& arguments, std::ostream& out);

}  // namespace anode::sim
