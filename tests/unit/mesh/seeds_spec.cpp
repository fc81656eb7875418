#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/rng.hpp"
#include "unit/mesh/bench.hpp"
#include "unit/mesh/net.hpp"

/// What must hold whatever happens, over generated histories. ANODE_SEEDS=n runs more of them, ANODE_SEED=s one.
namespace anode::mesh::test {
namespace {

std::vector<std::uint64_t> seeds(std::uint64_t few) {
    if (const char* one = std::getenv("ANODE_SEED")) return {std::strtoull(one, nullptr, 10)};
    if (const char* many = std::getenv("ANODE_SEEDS")) few = std::strtoull(many, nullptr, 10);
    std::vector<std::uint64_t> all;
    for (std::uint64_t seed = 1; seed <= few; ++seed) all.push_back(seed);
    return all;
}

void expect_sound(const std::vector<LogView>& logs) {
    for (const LogView& view : logs) {
        EXPECT_LE(view.watermark, view.head);
        for (const SeqRange& hole : view.missing) {
            EXPECT_LE(hole.first, hole.last);
            EXPECT_LE(hole.last, view.head);
            EXPECT_GT(hole.first, view.watermark);
        }
    }
}

frames::Frame any_frame(Rng& rng, const std::vector<Bytes>& blocks) {
    const auto lx = [&] { return frames::Alias{rng.below(5)}; };
    const auto seq = [&] { return rng.chance(0.05) ? rng.next() >> 3 : rng.below(12); };
    const auto byte = [&] { return static_cast<std::uint8_t>(rng.below(4)); };
    const auto log = [&] { return log_of(static_cast<std::uint8_t>(rng.below(3) + 1)); };
    const auto block = [&] { return BytesView(blocks[rng.below(blocks.size())]); };
    const auto range = [&] {
        const Seq first = seq() + 1;
        return SeqRange{first, first + rng.below(6)};
    };
    switch (rng.below(22)) {
        case 0:
            return frames::LogDef{lx(), log()};
        case 1:
            return frames::Announce{lx(), seq(), byte(), 0};
        case 2:
            return frames::Graft{lx(), seq() + 1, byte(), frames::Why::Open};
        case 3:
            return frames::GraftOk{lx(), seq(), byte(), seq()};
        case 4:
            return frames::GraftNo{lx(), byte(), {peer_id(byte())}};
        case 5:
            return frames::Prune{lx(), byte()};
        case 6:
            return frames::Shed{lx(), peer_id(byte())};
        case 7:
            return frames::Query{{lx(), lx()}};
        case 8:
            return frames::QueryReply{{{lx(), seq(), byte(), rng.chance(0.5)}}};
        case 9:
            return frames::SkipFrame{lx(), range(), Skip::Evicted};
        case 10:
            return frames::Ack{{{lx(), seq(), seq()}}};
        case 11:
            return frames::Race{lx(), seq()};
        case 12:
            return frames::Vector{0xFFFF, rng.chance(0.5), {{log(), 1, 2, seq() + 2, Hlc{5}, {}}}};
        case 13:
            return frames::Pull{static_cast<std::uint32_t>(rng.below(4)), log(), {range()}, 1000};
        case 14:
            return frames::Chunk{static_cast<std::uint32_t>(rng.below(4)), log(), block()};
        case 15:
            return frames::PullEnd{static_cast<std::uint32_t>(rng.below(4)), 0, 10};
        case 16:
            return frames::Credit{1, static_cast<std::uint32_t>(rng.below(1000))};
        case 17:
            return frames::Digest{{{lx(), seq()}}, {}};
        case 18:
            return frames::VectorRoot{std::vector<std::uint64_t>(256, rng.below(2))};
        default:
            return frames::Data{lx(), byte(), block()};
    }
}

TEST(MeshSeeds, WhateverNeighboursSayInWhateverOrderTheMachineStaysSound) {
    std::vector<Bytes> blocks;
    for (std::uint8_t n = 1; n <= 3; ++n)
        for (Seq seq = 1; seq <= 10; ++seq)
            blocks.push_back(
                *make_block(log_of(n), seq, 1 + static_cast<std::uint32_t>(seq % 3)).wire);
    for (const std::uint64_t seed : seeds(12)) {
        SCOPED_TRACE("ANODE_SEED=" + std::to_string(seed));
        Rng rng(seed);
        Bench node(2);
        const LogKey own{node.config.node, node.config.epoch, kDataLane};
        Seq head = 0;
        std::map<LinkId, std::uint8_t> links;
        for (int step = 0; step < 400; ++step) {
            if (links.size() < 3 || rng.chance(0.01)) {
                const auto number = static_cast<std::uint8_t>(rng.below(6));
                const LinkId id = node.links_with(number);
                links[id] = number;
                // It has said what it means by the first few aliases, so that most of the rest makes sense.
                for (std::uint8_t n = 1; n <= 4; ++n)
                    node.says(id, frames::LogDef{n, n < 4 ? log_of(n) : own});
            }
            auto link = links.begin();
            std::advance(link, static_cast<std::ptrdiff_t>(rng.below(links.size())));
            if (rng.chance(0.02)) {
                node.give(LinkClosed{link->first, LinkEnd::Reset, ""});
                links.erase(link);
            } else {
                node.says(link->first, any_frame(rng, blocks));
                for (const LinkId id : node.closes) links.erase(id);
                node.closes.clear();
            }
            if (rng.chance(0.1)) node.give(Sealed{own, make_block(own, ++head)});
            if (rng.chance(0.2)) node.passes(Duration(rng.between(0, 50'000'000)));
            if (rng.chance(0.02)) node.passes(61s);
            for (const Load& load : std::exchange(node.loads, {})) node.give(Loaded{load.id, {}});
            ASSERT_FALSE(testing::Test::HasFatalFailure());
        }
        expect_sound(node.mesh->logs());
        EXPECT_EQ(node.view(own).head, head);
    }
}

/// Kills, restarts, resets, cuts, slow links, and publishing all the while; then peace.
void live_through(Net& net, std::vector<Node*>& nodes, Rng& rng, int steps) {
    for (int step = 0; step < steps; ++step) {
        Node& node = *nodes[rng.below(nodes.size())];
        Node& other = *nodes[rng.below(nodes.size())];
        const auto dice = rng.below(100);
        if (dice < 70 && node.alive) {
            net.publish(node, 1 + static_cast<std::uint32_t>(rng.below(5)), 20,
                        rng.chance(0.1) ? block_flag::kRace : 0);
        } else if (dice < 76 && &node != &other) {
            net.reset(node, other);
        } else if (dice < 82 && &node != &other) {
            rng.chance(0.5) ? net.cut(node, other) : net.heal(node, other);
        } else if (dice < 86) {
            net.delay(node, other, Duration(rng.between(100'000, 60'000'000)));
        } else if (dice < 89 && node.alive) {
            rng.chance(0.5) ? net.kill(node) : net.unplug(node);
        } else if (dice < 93 && !node.alive) {
            net.restart(node);
        }
        net.run(Duration(rng.between(0, 300'000'000)));
    }
    for (Node* a : nodes)
        for (Node* b : nodes) {
            net.heal(*a, *b);
            net.delay(*a, *b, kHop);
        }
    for (Node* node : nodes)
        if (!node->alive) net.restart(*node);
}

/// From every node the parents of a log lead to its origin, though nothing has flowed for a while.
void expect_trees(const std::vector<Node*>& nodes) {
    for (const Node* origin : nodes)
        for (const Node* node : nodes) {
            const LogKey log = origin->log();
            if (origin->view(log).head == 0) continue;
            const Node* at = node;
            for (std::size_t steps = 0; at != origin && steps <= nodes.size(); ++steps) {
                const NodeId parent = at->view(log).parent;
                const auto next = std::ranges::find(nodes, parent, &Node::id);
                if (next == nodes.end()) break;
                at = *next;
            }
            EXPECT_EQ(at->id, origin->id)
                << "from node " << int(node->id.bytes[0]) << ", which is " << node->view(log).state
                << " to node " << int(origin->id.bytes[0]);
        }
}

TEST(MeshSeeds, AfterAnyHistoryAllNodesHaveTheSameAndNothingCameTwice) {
    Counters all;
    for (const std::uint64_t seed : seeds(8)) {
        SCOPED_TRACE("ANODE_SEED=" + std::to_string(seed));
        Rng rng(seed);
        Net net;
        std::vector<Node*> nodes;
        // Every other world is too large for a full mesh.
        const bool rings = seed % 2 == 0;
        const auto count = static_cast<std::uint8_t>(rings ? 7 + rng.below(4) : 2 + rng.below(5));
        for (std::uint8_t i = 1; i <= count; ++i)
            nodes.push_back(&net.add(i, [&](Config& config) {
                if (rings) config.full_mesh_up_to = 2;
            }));
        net.introduce_all();
        live_through(net, nodes, rng, 120);
        if (testing::Test::HasFatalFailure()) return;
        net.run(90s);
        for (const Node* node : nodes) {
            EXPECT_TRUE(node->mesh->settled()) << "node " << int(node->id.bytes[0]);
            EXPECT_EQ(node->mesh->content_hash(), nodes[0]->mesh->content_hash())
                << "node " << int(node->id.bytes[0]);
            EXPECT_EQ(node->mesh->counters().protocol_errors, 0u);
            expect_sound(node->mesh->logs());
            all.messages_in += node->mesh->counters().messages_in;
            all.duplicates += node->mesh->counters().duplicates;
            all.repaired += node->mesh->counters().repaired;
            all.switches += node->mesh->counters().switches;
            all.links_lost += node->mesh->counters().links_lost;
        }
        expect_trees(nodes);
        for (const Node* node : nodes)
            for (const auto& [log, blocks] : node->store) {
                Seq last = 0;
                for (const WireBlock& block : blocks) {
                    EXPECT_GT(block.first, last) << "stored twice";
                    last = block.last();
                }
            }
        if (testing::Test::HasFailure()) return;
    }
    // These worlds were not peaceful.
    EXPECT_GT(all.links_lost, 0u);
    EXPECT_GT(all.switches, 0u);
    EXPECT_LT(all.duplicates * 10, all.messages_in) << "switching a parent costs little";
    RecordProperty("messages", std::to_string(all.messages_in));
    RecordProperty("repaired", std::to_string(all.repaired));
    RecordProperty("duplicates", std::to_string(all.duplicates));
    RecordProperty("switches", std::to_string(all.switches));
}

}  // namespace
}  // namespace anode::mesh::test
