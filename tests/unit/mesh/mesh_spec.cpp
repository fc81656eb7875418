#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/mesh/net.hpp"

/// Several nodes together: what the whole machine promises.
namespace anode::mesh::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct Meshes : testing::Test {
    Net net;
    std::vector<Node*> nodes;

    void grow(std::uint8_t count, const Net::Tweak& tweak = {}) {
        for (std::uint8_t i = 1; i <= count; ++i) nodes.push_back(&net.add(i, tweak));
        net.introduce_all();
        net.run(1s);
    }
    void expect_equal() {
        for (const Node* node : nodes) {
            if (!node->alive) continue;
            EXPECT_TRUE(node->mesh->settled()) << int(node->id.bytes[0]);
            EXPECT_EQ(node->mesh->content_hash(), nodes.back()->mesh->content_hash());
        }
    }
    /// No block twice, and none out of order but late ones.
    void expect_order() {
        for (const Node* node : nodes) {
            std::map<LogKey, Seq> at;
            for (const Deliver& one : node->deliveries) {
                if (one.late) continue;
                EXPECT_GT(one.block.first, at[one.log]);
                at[one.log] = one.block.last();
            }
        }
    }
};

TEST_F(Meshes, InAFullMeshEveryNodeHangsOffTheOrigin) {
    grow(5);
    for (Node* node : nodes) net.publish(*node);
    net.run(1s);
    for (Node* origin : nodes)
        for (Node* node : nodes) {
            if (node == origin) continue;
            const LogView view = node->view(origin->log());
            EXPECT_EQ(view.state, "attached");
            EXPECT_EQ(view.parent, origin->id);
            EXPECT_EQ(view.depth, 1);
        }
    expect_equal();
}

TEST_F(Meshes, EveryBlockReachesEveryNodeOnceAndInOrder) {
    grow(5);
    for (int i = 0; i < 50; ++i)
        for (Node* node : nodes) {
            net.publish(*node, 3);
            net.run(1ms);
        }
    net.run(1s);
    expect_equal();
    expect_order();
    for (const Node* node : nodes) {
        EXPECT_EQ(node->deliveries.size(), 200u);
        EXPECT_EQ(node->mesh->counters().duplicates, 0u);
        EXPECT_EQ(node->mesh->counters().missing, 0u);
    }
}

TEST_F(Meshes, OnRingsEveryBlockStillReachesEveryNode) {
    grow(35);
    for (int i = 0; i < 10; ++i) {
        net.publish(*nodes[0], 2);
        net.publish(*nodes[20], 2);
        net.run(5ms);
    }
    net.run(1s);
    expect_equal();
    expect_order();
    for (const Node* node : nodes)
        EXPECT_LE(node->view(nodes[20]->log()).depth, 4) << "a tree, not a chain";
}

TEST_F(Meshes, TwoRunsAreTheSameToTheLastByte) {
    const auto run = [] {
        Net net;
        std::vector<Node*> nodes;
        for (std::uint8_t i = 1; i <= 6; ++i) nodes.push_back(&net.add(i));
        net.introduce_all();
        net.run(500ms);
        for (int i = 0; i < 30; ++i) {
            net.publish(*nodes[static_cast<std::size_t>(i) % 6]);
            net.run(7ms);
            if (i == 10) net.kill(*nodes[5]);
        }
        std::string trace;
        for (Node* node : nodes) {
            const Counters& c = node->mesh->counters();
            for (const auto n : {c.bytes_in, c.bytes_out, c.control_out, c.grafts, c.prunes})
                trace += std::to_string(n) + " ";
        }
        return trace;
    };
    EXPECT_EQ(run(), run());
}

TEST_F(Meshes, WhenARelayDiesSilentlyItsChildrenGetTheLogElsewhere) {
    grow(4);
    // Node 4 cannot talk to node 1, so it has its log from 2 or 3.
    net.cut(*nodes[3], *nodes[0]);
    net.run(5s);
    for (int i = 0; i < 5; ++i) net.publish(*nodes[0]), net.run(20ms);
    const NodeId relay = nodes[3]->view(nodes[0]->log()).parent;
    ASSERT_TRUE(relay == nodes[1]->id || relay == nodes[2]->id);
    net.unplug(net.at(relay));
    Instant before = net.now().mono;
    for (int i = 0; i < 50; ++i) net.publish(*nodes[0]), net.run(20ms);
    net.run(100ms);
    EXPECT_EQ(nodes[3]->view(nodes[0]->log()).watermark, 55u) << net.now().mono - before;
    EXPECT_GE(nodes[3]->mesh->counters().switches, 1u);
    expect_order();
}

TEST_F(Meshes, APartitionHealsWithNothingLost) {
    grow(4);
    for (const int a : {0, 1})
        for (const int b : {2, 3}) net.cut(*nodes[a], *nodes[b]);
    net.run(3s);
    for (int i = 0; i < 100; ++i) {
        for (Node* node : nodes) net.publish(*node, 2);
        net.run(10ms);
    }
    EXPECT_EQ(nodes[0]->view(nodes[1]->log()).watermark, 200u);
    EXPECT_EQ(nodes[0]->view(nodes[2]->log()).watermark, 0u);
    for (const int a : {0, 1})
        for (const int b : {2, 3}) net.heal(*nodes[a], *nodes[b]);
    net.run(40s);
    expect_equal();
    expect_order();
    for (Node* node : nodes)
        for (Node* origin : nodes) EXPECT_EQ(node->view(origin->log()).watermark, 200u);
}

TEST_F(Meshes, ARestartedNodeGoesOnWhereItsStoreEnds) {
    grow(3);
    for (int i = 0; i < 20; ++i) net.publish(*nodes[0], 2);
    net.run(100ms);
    net.kill(*nodes[2]);
    for (int i = 0; i < 20; ++i) net.publish(*nodes[0], 2);
    net.restart(*nodes[2]);
    net.run(2s);
    EXPECT_EQ(nodes[2]->view(nodes[0]->log()).watermark, 80u);
    expect_equal();
    // Its own former log is an ordinary one now.
    LogKey former = nodes[2]->log();
    former.epoch.value -= 100;
    EXPECT_EQ(nodes[2]->view(former).head, 0u);
}

TEST_F(Meshes, ARestartedNodeGetsBackTheTailThatItHadNotStored) {
    grow(3);
    for (int i = 0; i < 10; ++i) net.publish(*nodes[2]);
    net.run(100ms);
    const LogKey former = nodes[2]->log();
    nodes[2]->store[former].resize(6);
    net.restart(*nodes[2]);
    net.run(2s);
    EXPECT_EQ(nodes[2]->view(former).watermark, 10u);
    EXPECT_EQ(nodes[2]->store[former].size(), 10u);
}

TEST_F(Meshes, WhatTheCacheHasLostComesFromTheStore) {
    grow(2, [](Config& config) { config.cache_bytes = 2000; });
    net.kill(*nodes[1]);
    for (int i = 0; i < 100; ++i) net.publish(*nodes[0], 1, 100);
    net.restart(*nodes[1]);
    net.run(2s);
    EXPECT_EQ(nodes[1]->view(nodes[0]->log()).watermark, 100u);
    EXPECT_THAT(nodes[1]->opened, IsEmpty());
    expect_order();
}

TEST_F(Meshes, WhatNeitherCacheNorStoreHasIsAnExplicitHole) {
    grow(2, [](Config& config) { config.cache_bytes = 2000; });
    net.kill(*nodes[1]);
    for (int i = 0; i < 100; ++i) net.publish(*nodes[0], 1, 100);
    nodes[0]->store_answers = false;
    net.restart(*nodes[1]);
    net.run(1s);
    const LogView view = nodes[1]->view(nodes[0]->log());
    EXPECT_EQ(view.head, 100u);
    ASSERT_FALSE(nodes[1]->opened.empty());
    EXPECT_EQ(nodes[1]->opened[0].range.first, 1u);
    EXPECT_GT(nodes[1]->deliveries.size(), 5u) << "the end of the log is there all the same";
}

TEST_F(Meshes, AMessageIsCopiedOnceSoManyDisksHaveIt) {
    grow(3);
    const WireBlock block = net.publish(*nodes[0], 1, 20, block_flag::kAckRequested);
    net.give(*nodes[0], AwaitCopies{7, nodes[0]->log(), block.last(), 3, 2s});
    EXPECT_THAT(nodes[0]->copies, IsEmpty());
    net.run(5ms);
    ASSERT_THAT(nodes[0]->copies, SizeIs(1));
    EXPECT_EQ(nodes[0]->copies[0].id, 7u);
    EXPECT_TRUE(nodes[0]->copies[0].met);
    EXPECT_EQ(nodes[0]->copies[0].copies, 3u);
}

TEST_F(Meshes, CopiesThatDoNotComeInTimeAreToldAsTheyAre) {
    grow(3);
    nodes[2]->store_syncs = false;
    const WireBlock block = net.publish(*nodes[0]);
    net.give(*nodes[0], AwaitCopies{8, nodes[0]->log(), block.last(), 3, 500ms});
    net.run(400ms);
    EXPECT_THAT(nodes[0]->copies, IsEmpty());
    net.run(200ms);
    ASSERT_THAT(nodes[0]->copies, SizeIs(1));
    EXPECT_FALSE(nodes[0]->copies[0].met);
    EXPECT_EQ(nodes[0]->copies[0].copies, 2u);
}

TEST_F(Meshes, AnIsolatedNodeIsNotThrottled) {
    grow(1);
    for (int i = 0; i < 200; ++i) net.publish(*nodes[0], 1, 1000);
    net.run(20s);
    EXPECT_THAT(nodes[0]->throttles, IsEmpty());
}

TEST_F(Meshes, AnIdleMeshIsQuiet) {
    grow(3);
    const std::uint64_t before = net.sends();
    net.run(10s);
    // A ping and an answer for each side of each of three links, twice a second.
    EXPECT_LE(net.sends() - before, 3u * 2 * 2 * 21);
}

}  // namespace
}  // namespace anode::mesh::test
