#pragma once

#include "core/ownership/ownership.hpp"

namespace anode::ownership {

/// Whether `a` stands when two claims of a source meet: the higher term, then the score, then the node id. Weights take no
/// part, as nodes may see them differently. Of one node's runs the later one stands.
[[nodiscard]] bool outranks(const Claim& a, const Claim& b) noexcept;

}  // namespace anode::ownership
