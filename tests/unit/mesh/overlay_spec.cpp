#include "core/mesh/overlay.hpp"

#include <gtest/gtest.h>

#include <map>
#include <queue>
#include <set>

#include "base/rng.hpp"

namespace anode::mesh {
namespace {

std::vector<Peer> nodes_of(std::size_t count, std::uint64_t seed, std::size_t zones = 1) {
    Rng rng(seed);
    std::vector<Peer> all(count);
    for (std::size_t i = 0; i < count; ++i) {
        rng.fill(all[i].node.bytes);
        all[i].zone = "z" + std::to_string(i % zones);
    }
    return all;
}

/// What one of them knows of the first `count` of the others.
Members seen_by(const std::vector<Peer>& all, std::size_t self, std::size_t count) {
    Members members(all[self].node, "test", all[self].zone);
    for (std::size_t i = 0; i < count; ++i)
        if (i != self) members.put(all[i]);
    return members;
}

std::vector<Wanted> wanted_by(const std::vector<Peer>& all, std::size_t self) {
    Overlay overlay;
    return overlay.choose(seen_by(all, self, all.size()));
}

std::map<NodeId, std::set<NodeId>> graph_of(const std::vector<Peer>& all) {
    std::map<NodeId, std::set<NodeId>> graph;
    for (std::size_t i = 0; i < all.size(); ++i)
        for (const Wanted& one : wanted_by(all, i)) graph[all[i].node].insert(one.node);
    return graph;
}

std::size_t reached(const std::map<NodeId, std::set<NodeId>>& graph, const NodeId& from,
                    std::size_t& hops) {
    std::map<NodeId, std::size_t> at{{from, 0}};
    std::queue<NodeId> next;
    next.push(from);
    hops = 0;
    while (!next.empty()) {
        const NodeId node = next.front();
        next.pop();
        for (const NodeId& other : graph.at(node))
            if (at.emplace(other, at[node] + 1).second) {
                hops = std::max(hops, at[other]);
                next.push(other);
            }
    }
    return at.size();
}

TEST(Overlay, SmallClustersLinkEveryoneToEveryoneAndOneSideDials) {
    const auto all = nodes_of(24, 1);
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(wanted_by(all, i).size(), 23u);
    const auto a = wanted_by(all, 0);
    const auto b = wanted_by(all, 1);
    const auto dials = [](const std::vector<Wanted>& list, const NodeId& node) {
        for (const Wanted& one : list)
            if (one.node == node) return one.dial;
        return false;
    };
    EXPECT_NE(dials(a, all[1].node), dials(b, all[0].node));
}

TEST(Overlay, AboveThatTheLinksAreFewSymmetricAndReachEveryoneInALogarithmOfHops) {
    struct Case {
        std::size_t nodes, degree, hops;
    };
    for (const auto& [nodes, degree, hops] : {Case{100, 8, 5}, Case{1000, 10, 6}}) {
        const auto graph = graph_of(nodes_of(nodes, nodes));
        for (const auto& [node, links] : graph) {
            EXPECT_LE(links.size(), degree);
            for (const NodeId& other : links) EXPECT_TRUE(graph.at(other).contains(node));
        }
        std::size_t deepest = 0;
        EXPECT_EQ(reached(graph, graph.begin()->first, deepest), nodes);
        EXPECT_LE(deepest, hops);
    }
}

TEST(Overlay, AMemberThatComesOrGoesChangesFewLinks) {
    auto all = nodes_of(200, 7);
    const auto before = graph_of(all);
    const NodeId gone = all.back().node;
    all.pop_back();
    const auto after = graph_of(all);
    std::size_t changed = 0;
    for (const auto& [node, links] : after)
        for (const NodeId& other : links) changed += !before.at(node).contains(other);
    EXPECT_LE(changed, 2 * 6u)
        << "a leaving member's neighbours link up on each ring, nobody else moves";
    EXPECT_TRUE(before.contains(gone));
}

TEST(Overlay, ZonesKeepHalfOfTheRingsToThemselves) {
    const auto all = nodes_of(300, 3, 3);
    std::map<NodeId, std::string> zone;
    for (const Peer& peer : all) zone[peer.node] = peer.zone;
    std::size_t inside = 0, links = 0;
    const auto graph = graph_of(all);
    for (const auto& [node, others] : graph)
        for (const NodeId& other : others) {
            ++links;
            inside += zone[node] == zone[other];
        }
    EXPECT_GT(static_cast<double>(inside), 0.5 * static_cast<double>(links));
    std::size_t deepest = 0;
    EXPECT_EQ(reached(graph, all[0].node, deepest), all.size());
}

TEST(Overlay, ShapeHasHysteresis) {
    const auto all = nodes_of(40, 5);
    Overlay overlay;
    const auto choose = [&](std::size_t nodes) { return overlay.choose(seen_by(all, 0, nodes)); };
    choose(28);
    EXPECT_TRUE(overlay.full());
    choose(29);
    EXPECT_FALSE(overlay.full());
    choose(22);
    EXPECT_FALSE(overlay.full());
    choose(19);
    EXPECT_TRUE(overlay.full());
}

TEST(Overlay, AnUnreachableNeighbourIsReplacedByTheNextOneOnItsRing) {
    const auto all = nodes_of(60, 9);
    Overlay overlay;
    const Members members = seen_by(all, 0, all.size());
    for (const Wanted& one : overlay.choose(members)) {
        const NodeId other = overlay.substitute(members, one);
        EXPECT_NE(other, one.node);
        EXPECT_NE(other, all[0].node);
    }
}

}  // namespace
}  // namespace anode::mesh
