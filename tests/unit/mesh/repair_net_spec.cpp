#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "core/mesh/range_set.hpp"
#include "unit/mesh/net.hpp"

/// Whole meshes that repair: late joiners, holes, retention, loss, lost tails.
namespace anode::mesh::test {
namespace {

constexpr std::uint32_t kBlocks = 1000, kEach = 40;
constexpr Seq kAll = Seq{kBlocks} * kEach;

/// So many messages that a newcomer starts behind most of them.
void publishes_much(Net& net, Node& node) {
    for (std::uint32_t i = 0; i < kBlocks; ++i) net.publish(node, kEach);
}
/// Nothing of the past is in memory.
void tiny_cache(Config& config) { config.cache_bytes = 1000; }

std::uint64_t closed_count(const Node& node, const LogKey& log, bool repaired, Skip why = {}) {
    std::uint64_t count = 0;
    for (const GapClosed& one : node.closed)
        if (one.log == log && one.repaired == repaired && (repaired || one.why == why))
            count += one.range.last - one.range.first + 1;
    return count;
}
std::uint64_t opened_count(const Node& node, const LogKey& log) {
    std::uint64_t count = 0;
    for (const GapOpened& one : node.opened)
        if (one.log == log) count += one.range.last - one.range.first + 1;
    return count;
}
std::size_t blocks_of(const Node& node, const LogKey& log) {
    const auto at = node.delivered.find(log);
    return at == node.delivered.end() ? 0 : at->second.size();
}

TEST(MeshRepair, ALateJoinerGetsTheWholePastByItself) {
    Net net;
    Node& a = net.add(1, tiny_cache);
    publishes_much(net, a);
    Node& b = net.add(2);
    net.introduce_all();
    net.run(10s);
    EXPECT_EQ(b.view(a.log()).watermark, kAll);
    EXPECT_THAT(b.view(a.log()).missing, testing::IsEmpty());
    EXPECT_EQ(blocks_of(b, a.log()), kBlocks);
    EXPECT_TRUE(b.mesh->settled());
    EXPECT_EQ(a.mesh->content_hash(), b.mesh->content_hash());
}

TEST(MeshRepair, AHoleIsToldWhenItOpensAndWhenItIsFilled) {
    Net net;
    Node& a = net.add(1);
    publishes_much(net, a);
    Node& b = net.add(2);
    net.introduce_all();
    net.run(10s);
    const std::uint64_t opened = opened_count(b, a.log());
    EXPECT_GT(opened, kAll / 2);
    EXPECT_EQ(closed_count(b, a.log(), true), opened);
    EXPECT_EQ(b.mesh->counters().repaired, opened);
    EXPECT_EQ(b.mesh->counters().missing, 0u);
    EXPECT_TRUE(std::ranges::any_of(b.deliveries, [](const Deliver& one) { return one.late; }));
}

TEST(MeshRepair, TheNewestOfAHoleComesFirst) {
    Net net;
    Node& a = net.add(1);
    for (std::uint32_t i = 0; i < 100; ++i) net.publish(a, 1000, 100);
    Node& b = net.add(2);
    net.introduce_all();
    net.run(20s);
    ASSERT_EQ(b.view(a.log()).watermark, 100'000u);
    std::vector<Seq> late;
    for (const Deliver& one : b.deliveries)
        if (one.late) late.push_back(one.block.first);
    ASSERT_GT(late.size(), 50u);
    EXPECT_GT(late.front(), late.back());
    EXPECT_EQ(std::ranges::count(late, 1u), 1);
}

TEST(MeshRepair, WhatIsRepairedComesOnceAndUnchanged) {
    Net net;
    Node& a = net.add(1);
    publishes_much(net, a);
    Node& b = net.add(2);
    Node& c = net.add(3);
    net.introduce_all();
    net.run(20s);
    for (const Node* node : {&b, &c}) {
        RangeSet seen;
        for (const SeqRange& range : node->delivered.at(a.log()))
            EXPECT_EQ(seen.add(range), range.last - range.first + 1);
        EXPECT_EQ(seen.count(), kAll);
    }
    EXPECT_EQ(*b.store[a.log()][7].wire, *a.store[a.log()][7].wire);
}

TEST(MeshRepair, NewcomersShareWhatTheyHaveWhenTheOriginIsGone) {
    Net net;
    Node& a = net.add(1);
    publishes_much(net, a);
    Node& b = net.add(2);
    net.introduce_all();
    net.run(20s);
    net.kill(a);
    net.give(b, PeerGone{a.id, false});
    Node& c = net.add(3);
    net.introduce(b, c);
    net.introduce(c, b);
    net.run(20s);
    EXPECT_EQ(c.view(a.log()).watermark, kAll);
}

TEST(MeshRepair, ManyNewcomersAtOnceAreServedInTurns) {
    Net net;
    Node& a = net.add(1);
    publishes_much(net, a);
    std::vector<Node*> others;
    for (std::uint8_t i = 2; i < 8; ++i) others.push_back(&net.add(i));
    net.introduce_all();
    net.run(20s);
    EXPECT_GT(a.mesh->counters().refused, 0u);
    for (const Node* node : others)
        EXPECT_EQ(node->view(a.log()).watermark, kAll) << node->config.name;
}

TEST(MeshRepair, WhatRetentionTookEverywhereIsGivenUpAsExpired) {
    Net net;
    Node& a = net.add(1);
    publishes_much(net, a);
    net.give(a, Retained{a.log(), 20'001});
    Node& b = net.add(2);
    net.introduce_all();
    net.run(20s);
    EXPECT_EQ(b.view(a.log()).watermark, kAll);
    EXPECT_EQ(closed_count(b, a.log(), false, Skip::Expired), 20'000u);
    EXPECT_TRUE(b.mesh->settled());
}

TEST(MeshRepair, WhatOnePeerHasNoMoreComesFromOneThatStillHasIt) {
    Net net;
    Node& a = net.add(1);
    Node& c = net.add(3);
    net.introduce_all();
    net.run(1s);
    publishes_much(net, a);
    net.run(5s);
    ASSERT_EQ(c.view(a.log()).watermark, kAll);
    net.give(a, Retained{a.log(), 30'001});
    Node& b = net.add(2);
    net.introduce_all();
    net.run(20s);
    EXPECT_EQ(b.view(a.log()).watermark, kAll);
    EXPECT_EQ(closed_count(b, a.log(), false, Skip::Expired), 0u);
}

TEST(MeshRepair, AHoleOfAClosedLogThatNobodyHasIsLostAfterAWhile) {
    Net net;
    const auto soon = [](Config& config) { config.lost_after = 30s; };
    Node& a = net.add(1, soon);
    publishes_much(net, a);
    // Its store has lost a piece, and its memory never had it.
    auto& blocks = a.store[a.log()];
    blocks.erase(blocks.begin() + 100, blocks.begin() + 110);
    net.restart(a);
    Node& b = net.add(2, soon);
    net.introduce_all();
    const LogKey old{a.id, Epoch{100}, kDataLane};
    net.run(20s);
    EXPECT_EQ(b.view(old).missing, (std::vector<SeqRange>{{4001, 4400}}));
    net.run(60s);
    EXPECT_EQ(b.view(old).watermark, kAll);
    EXPECT_EQ(a.view(old).watermark, kAll);
    EXPECT_EQ(closed_count(b, old, false, Skip::Lost), 400u);
    EXPECT_EQ(a.mesh->content_hash(), b.mesh->content_hash());
}

TEST(MeshRepair, WhatWasGivenUpAsLostIsTakenAfterAllWhenItTurnsUp) {
    Net net;
    const auto soon = [](Config& config) { config.lost_after = 30s; };
    Node& a = net.add(1, soon);
    publishes_much(net, a);
    const LogKey old = a.log();
    // Somebody has it all, and is away.
    Node& c = net.add(3, soon);
    net.introduce(a, c);
    net.introduce(c, a);
    net.run(10s);
    ASSERT_EQ(c.view(old).watermark, kAll);
    net.kill(c);
    net.give(a, PeerGone{c.id, false});
    auto& blocks = a.store[old];
    blocks.erase(blocks.begin() + 100, blocks.begin() + 110);
    net.restart(a);
    Node& b = net.add(2, soon);
    net.introduce(a, b);
    net.introduce(b, a);
    net.run(80s);
    ASSERT_EQ(closed_count(b, old, false, Skip::Lost), 400u);
    net.restart(c);
    net.run(60s);
    for (const Node* node : {&a, &b}) {
        RangeSet seen;
        for (const WireBlock& block : node->store.at(old)) seen.add({block.first, block.last()});
        EXPECT_EQ(seen.count(), kAll) << node->config.name;
    }
}

TEST(MeshRepair, ATailLostInACrashComesBackFromNeighbours) {
    Net net;
    Node& a = net.add(1);
    Node& b = net.add(2);
    net.introduce_all();
    net.run(1s);
    for (int i = 0; i < 10; ++i) net.publish(a, 2);
    net.run(1s);
    const LogKey old = a.log();
    ASSERT_EQ(b.view(old).head, 20u);
    a.store[old].resize(6);
    net.restart(a);
    net.run(5s);
    EXPECT_EQ(a.view(old).watermark, 20u);
    EXPECT_EQ(a.store[old].size(), 10u);
}

TEST(MeshRepair, AHoleInTheStoreIsFilledAfterARestart) {
    Net net;
    Node& a = net.add(1);
    Node& b = net.add(2);
    net.introduce_all();
    net.run(1s);
    for (int i = 0; i < 10; ++i) net.publish(a, 2);
    net.run(1s);
    auto& blocks = b.store[a.log()];
    blocks.erase(blocks.begin() + 3, blocks.begin() + 5);
    net.restart(b);
    net.run(5s);
    EXPECT_EQ(b.view(a.log()).watermark, 20u);
    EXPECT_THAT(b.view(a.log()).missing, testing::IsEmpty());
}

TEST(MeshRepair, LiveBlocksArriveAtOnceWhileThePastIsRepaired) {
    Net net;
    Node& a = net.add(1);
    publishes_much(net, a);
    Node& b = net.add(2);
    net.introduce_all();
    net.run(50ms);
    unsigned during = 0;
    for (int i = 0; i < 100; ++i) {
        const std::size_t before = b.deliveries.size();
        const WireBlock block = net.publish(a, 1);
        during += b.view(a.log()).missing.empty() ? 0 : 1;
        net.run(2ms);
        EXPECT_TRUE(std::any_of(
            b.deliveries.begin() + static_cast<std::ptrdiff_t>(before), b.deliveries.end(),
            [&](const Deliver& one) { return one.block.first == block.first && !one.late; }));
    }
    EXPECT_GT(during, 10u);
}

TEST(MeshRepair, WhileTheStoreCannotKeepUpNothingIsAskedFor) {
    Net net;
    Node& a = net.add(1);
    publishes_much(net, a);
    Node& b = net.add(2);
    net.give(b, Pressure{true});
    net.introduce_all();
    net.run(20s);
    const std::uint64_t missing = b.mesh->counters().missing;
    EXPECT_GT(missing, kAll / 2);
    net.give(b, Pressure{false});
    net.run(20s);
    EXPECT_EQ(b.mesh->counters().missing, 0u);
}

TEST(MeshRepair, TheConnectionForRepairIsThereOnlyWhileItIsNeeded) {
    Net net;
    Node& a = net.add(1);
    Node& b = net.add(2);
    net.introduce_all();
    net.run(5s);
    const auto bulk = [&] {
        return std::ranges::count(b.mesh->links(), Purpose::Bulk, &LinkView::purpose);
    };
    EXPECT_EQ(bulk(), 0);
    Node& c = net.add(3);
    publishes_much(net, a);
    net.introduce_all();
    net.run(5s);
    const auto bulk_of_c = [&] {
        return std::ranges::count(c.mesh->links(), Purpose::Bulk, &LinkView::purpose);
    };
    EXPECT_GE(bulk_of_c(), 1);
    net.run(70s);
    EXPECT_EQ(bulk_of_c(), 0);
    EXPECT_EQ(bulk(), 0);
}

/// Pieces of what a node stored are gone when it starts again.
void loses_pieces(Net& net, Node& node, Rng& rng) {
    for (auto& [log, blocks] : node.store)
        for (int i = 0; i < 3 && blocks.size() > 20; ++i) {
            const auto from = static_cast<std::ptrdiff_t>(rng.below(blocks.size() - 10));
            blocks.erase(blocks.begin() + from,
                         blocks.begin() + from + 1 + static_cast<std::ptrdiff_t>(rng.below(8)));
        }
    net.restart(node);
}

TEST(MeshRepair, AsLongAsOneNodeHasItEveryNodeGetsItBack) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE(seed);
        Rng rng(seed);
        Net net;
        Node& keeper = net.add(1, tiny_cache);
        std::vector<Node*> nodes;
        for (std::uint8_t i = 2; i <= 5; ++i) nodes.push_back(&net.add(i, tiny_cache));
        for (int i = 0; i < 300; ++i) net.publish(keeper, 200);
        net.introduce_all();
        for (int step = 0; step < 12; ++step) {
            Node& node = *nodes[rng.below(nodes.size())];
            if (rng.chance(0.4)) loses_pieces(net, node, rng);
            if (rng.chance(0.3)) net.reset(node, *nodes[rng.below(nodes.size())]);
            if (rng.chance(0.3)) net.reset(node, keeper);
            for (int i = 0; i < 10; ++i) net.publish(rng.chance(0.5) ? keeper : node, 3);
            net.run(Duration(rng.between(0, 2'000'000'000)));
        }
        net.run(120s);
        for (const Node* node : nodes) {
            EXPECT_EQ(node->mesh->counters().missing, 0u) << node->config.name;
            EXPECT_EQ(node->mesh->counters().skipped, 0u) << node->config.name;
            EXPECT_EQ(node->mesh->counters().protocol_errors, 0u) << node->config.name;
            for (const auto& [log, blocks] : keeper.store) {
                RangeSet all, seen;
                for (const WireBlock& block : blocks) all.add({block.first, block.last()});
                for (const WireBlock& block : node->store.at(log))
                    seen.add({block.first, block.last()});
                EXPECT_EQ(seen.count(), all.count()) << node->config.name;
            }
        }
        if (testing::Test::HasFailure()) return;
    }
}

TEST(MeshRepair, ASecondRunOfTheSameSeedsIsTheSame) {
    std::vector<std::uint64_t> sends;
    for (int i = 0; i < 2; ++i) {
        Net net;
        Node& a = net.add(1);
        publishes_much(net, a);
        net.add(2);
        net.add(3);
        net.introduce_all();
        net.run(20s);
        sends.push_back(net.sends());
    }
    EXPECT_EQ(sends[0], sends[1]);
}

}  // namespace
}  // namespace anode::mesh::test
