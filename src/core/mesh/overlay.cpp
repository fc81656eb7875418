#include "core/mesh/overlay.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/hash.hpp"

namespace anode::mesh {
namespace {

constexpr std::size_t kBackToRings = 4,
                      kBackToMesh =
                          4;  // full mesh is left above 24 + 4 and taken up again below 24 - 4

/// Where a node sits on a ring. A zone ring has the zone in its name, so that its order differs from the global ones.
Hash128 place_on(std::string_view cluster, std::string_view ring, const NodeId& node) {
    Bytes key(cluster);
    key.push_back('\0');
    key += ring;
    key.push_back('\0');
    key.append(reinterpret_cast<const char*>(node.bytes.data()), node.bytes.size());
    return hash128(key);
}

/// How many rings for how many nodes, with 15 % of hysteresis around the present number.
unsigned rings_for(std::size_t nodes, unsigned present) {
    const auto steps = [](double n) { return n <= 150 ? 4u : n <= 1500 ? 5u : 6u; };
    const unsigned low = steps(static_cast<double>(nodes) / 1.15);
    const unsigned high = steps(static_cast<double>(nodes) * 1.15);
    if (present >= low && present <= high) return present;
    return steps(static_cast<double>(nodes));
}

struct Ring {
    std::string name;
    bool zone = false;  ///< only nodes of our own zone sit on it
};

std::vector<Ring> rings_of(const OverlayView& view, unsigned count) {
    const bool zones =
        std::ranges::any_of(view.peers, [&](const Peer& peer) { return peer.zone != view.zone; });
    const unsigned global = zones ? (count + 1) / 2 : count;
    std::vector<Ring> rings;
    for (unsigned k = 0; k < count; ++k) {
        const bool zone = k >= global;
        rings.push_back(
            {std::to_string(k) + (zone ? "/" + std::string(view.zone) : std::string()), zone});
    }
    return rings;
}

/// The nodes of a ring in order, ourselves among them.
std::vector<NodeId> order_of(const OverlayView& view, const Ring& ring) {
    std::vector<std::pair<Hash128, NodeId>> places{
        {place_on(view.cluster, ring.name, view.self), view.self}};
    for (const Peer& peer : view.peers)
        if (!ring.zone || peer.zone == view.zone)
            places.emplace_back(place_on(view.cluster, ring.name, peer.node), peer.node);
    std::ranges::sort(places);
    std::vector<NodeId> order;
    order.reserve(places.size());
    for (const auto& [place, node] : places) order.push_back(node);
    return order;
}

}  // namespace

std::vector<Wanted> Overlay::choose(const OverlayView& view) {
    const std::size_t nodes = view.peers.size() + 1;
    if (full_ ? nodes > full_up_to_ + kBackToRings
              : nodes + kBackToMesh < full_up_to_ || nodes == 1)
        full_ = !full_;
    std::vector<Wanted> wanted;
    if (full_) {
        rings_ = 0;
        for (const Peer& peer : view.peers)
            wanted.push_back({peer.node, view.self < peer.node, -1});
    } else {
        rings_ = rings_for(nodes, rings_);
        int number = 0;
        for (const Ring& ring : rings_of(view, rings_)) {
            const std::vector<NodeId> order = order_of(view, ring);
            const auto self =
                static_cast<std::size_t>(std::ranges::find(order, view.self) - order.begin());
            if (order.size() > 1) {
                wanted.push_back({order[(self + 1) % order.size()], true, number});
                wanted.push_back({order[(self + order.size() - 1) % order.size()], false, number});
            }
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
    std::erase_if(merged, [&](const Wanted& one) { return one.node == view.self; });
    return merged;
}

NodeId Overlay::substitute(const OverlayView& view, const Wanted& wanted) const {
    if (full_ || wanted.ring < 0) return wanted.node;
    const auto rings = rings_of(view, rings_);
    if (static_cast<std::size_t>(wanted.ring) >= rings.size()) return wanted.node;
    const std::vector<NodeId> order = order_of(view, rings[static_cast<std::size_t>(wanted.ring)]);
    const auto at = std::ranges::find(order, wanted.node);
    if (at == order.end()) return wanted.node;
    const std::size_t size = order.size(), index = static_cast<std::size_t>(at - order.begin());
    // Away from us: behind a successor, before a predecessor.
    const bool successor = order[(index + size - 1) % size] == view.self;
    const NodeId next = order[(index + (successor ? 1 : size - 1)) % size];
    return next == view.self ? wanted.node : next;
}

}  // namespace anode::mesh
