#include "core/mesh/members.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace anode::mesh {
namespace {

Peer peer_of(Rng& rng, bool draining = false) {
    Peer peer;
    rng.fill(peer.node.bytes);
    peer.zone = rng.chance(0.5) ? "north" : "south";
    peer.draining = draining;
    return peer;
}

/// The answer from a list sorted anew for every question.
std::optional<NodeId> next_by_sorting(const std::map<NodeId, Peer>& all, const RingName& ring,
                                      const NodeId& node, bool forward) {
    std::vector<std::pair<Hash128, NodeId>> order{{place_on("test", ring, node), node}};
    for (const auto& [id, peer] : all)
        if (id != node && !peer.draining && (!ring.zone || peer.zone == "north"))
            order.emplace_back(place_on("test", ring, id), id);
    if (order.size() == 1) return std::nullopt;
    std::ranges::sort(order);
    const auto at = static_cast<std::size_t>(
        std::ranges::find(order, node, &std::pair<Hash128, NodeId>::second) - order.begin());
    return order[(at + (forward ? 1 : order.size() - 1)) % order.size()].second;
}

TEST(Members, GiveTheNeighboursOnARingThatSortingEverybodyGives) {
    Rng rng(5);
    NodeId self;
    rng.fill(self.bytes);
    Members members(self, "test", "north");
    std::map<NodeId, Peer> truth;
    const std::vector<RingName> rings{{"0", false}, {"1", false}, {"2/north", true}};
    const auto compare = [&] {
        ASSERT_EQ(members.size(), truth.size());
        for (const RingName& ring : rings)
            for (const bool forward : {true, false}) {
                ASSERT_EQ(members.next_on(ring, self, forward),
                          next_by_sorting(truth, ring, self, forward));
                if (truth.empty()) continue;
                const NodeId& other = truth.begin()->first;
                if (truth.at(other).zone == "north" || !ring.zone)
                    ASSERT_EQ(members.next_on(ring, other, forward),
                              next_by_sorting(truth, ring, other, forward));
            }
    };
    for (unsigned step = 0; step < 1500; ++step) {
        const bool grows = step < 500 || step > 1200;
        if (!truth.empty() && rng.chance(grows ? 0.2 : 0.9)) {
            const auto at =
                std::next(truth.begin(), static_cast<std::ptrdiff_t>(rng.below(truth.size())));
            if (rng.chance(0.3)) {
                at->second.draining = !at->second.draining;
                members.put(at->second);
            } else {
                EXPECT_TRUE(members.erase(at->first));
                EXPECT_FALSE(members.erase(at->first));
                truth.erase(at);
            }
        } else {
            const Peer peer = peer_of(rng);
            members.put(peer);
            truth[peer.node] = peer;
        }
        if (step % 7 == 0) compare();
    }
    std::set<NodeId> listed;
    members.each([&](const Peer& peer) { listed.insert(peer.node); });
    EXPECT_EQ(listed.size(), truth.size());
    for (const auto& [node, peer] : truth) EXPECT_EQ(*members.find(node), peer);
}

TEST(Members, ThatStartFromASharedListDoNotTouchItAndLeaveThemselvesOut) {
    Rng rng(6);
    std::vector<Peer> all;
    for (unsigned i = 0; i < 30; ++i) all.push_back(peer_of(rng));
    const auto list = std::make_shared<const Directory>("test", all);
    Members a(all[0].node, "test", all[0].zone), b(all[1].node, "test", all[1].zone);
    a.adopt(list);
    b.adopt(list);
    EXPECT_EQ(a.size(), 29u);
    EXPECT_EQ(a.find(all[0].node), nullptr);
    EXPECT_TRUE(a.erase(all[2].node));
    EXPECT_EQ(a.find(all[2].node), nullptr);
    EXPECT_NE(b.find(all[2].node), nullptr);
    EXPECT_EQ(list->size(), 30u);
}

TEST(Members, DrawOneOfThemAndNobodyWhoIsGone) {
    Rng rng(7);
    std::vector<Peer> all;
    for (unsigned i = 0; i < 100; ++i) all.push_back(peer_of(rng));
    Members members(all[0].node, "test", "north");
    EXPECT_EQ(members.any(rng), nullptr);
    members.adopt(std::make_shared<const Directory>("test", all));
    for (std::size_t i = 3; i < all.size(); ++i) members.erase(all[i].node);
    std::set<NodeId> drawn;
    for (unsigned i = 0; i < 200; ++i) drawn.insert(members.any(rng)->node);
    EXPECT_EQ(drawn, (std::set{all[1].node, all[2].node}));
}

}  // namespace
}  // namespace anode::mesh
