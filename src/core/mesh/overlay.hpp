#pragma once

#include <vector>

#include "core/mesh/members.hpp"

namespace anode::mesh {

/// Whom a node links to: everyone up to `full_mesh_up_to` (with hysteresis), beyond that its neighbours on deterministic rings.
/// Pure: equal views give equal, symmetric answers on all nodes.
/// Source: dissemination, section 2.1; Law, Siu, "Distributed construction of random expander networks", 2003.
struct Wanted {
    NodeId node;
    bool dial = false;  ///< we dial it; otherwise it dials us first
    int ring = -1;      ///< -1: full mesh
};
class Overlay {
public:
    explicit Overlay(std::size_t full_mesh_up_to = 24) : full_up_to_(full_mesh_up_to) {}
    /// Sorted by node. Remembers shape and ring count for their hysteresis.
    std::vector<Wanted> choose(const Members& members);
    /// On a ring: the next member behind `node` in our direction, for when it cannot be reached.
    [[nodiscard]] NodeId substitute(const Members& members, const Wanted& wanted) const;
    [[nodiscard]] bool full() const noexcept { return full_; }
    [[nodiscard]] unsigned rings() const noexcept { return rings_; }

private:
    std::size_t full_up_to_;
    bool full_ = true;
    unsigned rings_ = 0;
};

}  // namespace anode::mesh
