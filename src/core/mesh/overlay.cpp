#include "core/mesh/overlay.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

constexpr std::size_t kBackToRings = 4,
                      kBackToMesh =
                          4;  // full mesh is left above 24 + 4 and taken up again below 24 - 4

/// How many rings for how many nodes, with 15 % of hysteresis around the present number.
unsigned rings_for(std::size_t nodes, unsigned present) {
    const auto steps = [](double n) { return n <= 150 ? 4u : n <= 1500 ? 5u : 6u; };
    const unsigned low = steps(static_cast<double>(nodes) / 1.15);
    const unsigned high = steps(static_cast<double>(nodes) * 1.15);
    if (present >= low && present <= high) return present;
    return steps(static_cast<double>(nodes));
}

/// A zone ring has the zone in its name, so that its order differs from the global ones.
std::vector<RingName> rings_of(const Members& members, unsigned count) {
    const unsigned global = members.zones() ? (count + 1) / 2 : count;
    std::vector<RingName> rings;
    for (unsigned k = 0; k < count; ++k) {
        const bool zone = k >= global;
        rings.push_back({std::to_string(k) + (zone ? "/" + members.zone() : std::string()), zone});
    }
    return rings;
}

}  // namespace

std::vector<Wanted> Overlay::choose(const Members& members) {
    const std::size_t nodes = members.present() + 1;
    if (full_ ? nodes > full_up_to_ + kBackToRings
              : nodes + kBackToMesh < full_up_to_ || nodes == 1)
        full_ = !full_;
    std::vector<Wanted> wanted;
    if (full_) {
        rings_ = 0;
        members.each([&](const Peer& peer) {
            if (!peer.draining) wanted.push_back({peer.node, members.self() < peer.node, -1});
        });
    } else {
        rings_ = rings_for(nodes, rings_);
        int number = 0;
        for (const RingName& ring : rings_of(members, rings_)) {
            if (const auto successor = members.next_on(ring, members.self(), true))
                wanted.push_back({*successor, true, number});
            if (const auto predecessor = members.next_on(ring, members.self(), false))
                wanted.push_back({*predecessor, false, number});
            ++number;
        }
    }
    // A node that is a neighbour on several rings is one link; to be its successor on any of them means to dial.
    std::ranges::sort(wanted, {}, [](const Wanted& one) { return std::pair(one.node, one.ring); });
    std::vector<Wanted> merged;
    for (const Wanted& one : wanted) {
        if (merged.empty() || merged.back().node != one.node)
            merged.push_back(one);
        else
            merged.back().dial |= one.dial;
    }
    return merged;
}

NodeId Overlay::substitute(const Members& members, const Wanted& wanted) const {
    if (full_ || wanted.ring < 0) return wanted.node;
    const auto rings = rings_of(members, rings_);
    if (static_cast<std::size_t>(wanted.ring) >= rings.size()) return wanted.node;
    const RingName& ring = rings[static_cast<std::size_t>(wanted.ring)];
    // Away from us: behind a successor, before a predecessor.
    const bool successor = members.next_on(ring, members.self(), true) == wanted.node;
    return members.next_on(ring, wanted.node, successor).value_or(wanted.node);
}

}  // namespace anode::mesh
