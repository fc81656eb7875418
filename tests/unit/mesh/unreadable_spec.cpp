#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/mesh/log_state.hpp"
#include "unit/mesh/net.hpp"

/// Blocks with a good checksum and a body that nobody can decode.
namespace anode::mesh::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(LogStateLoses, WhatWasHadIsMissingAgainAndItsSurroundingsAreNot) {
    LogState state({node_id(1), Epoch{1}, kDataLane});
    (void)state.have({1, 10}, Hlc{1}, Hlc{10});
    EXPECT_THAT(state.lose({4, 5}), ElementsAre(SeqRange{4, 5}));
    EXPECT_EQ(state.watermark(), 3u);
    EXPECT_EQ(state.head(), 10u);
    EXPECT_EQ(state.missing(), (std::vector<SeqRange>{{4, 5}}));
    EXPECT_TRUE(state.has(6));
    (void)state.have({4, 5}, Hlc{4}, Hlc{5});
    EXPECT_EQ(state.watermark(), 10u);
}

TEST(LogStateLoses, WhatWasGivenUpStaysSo) {
    LogState state({node_id(1), Epoch{1}, kDataLane});
    (void)state.skip({1, 3}, Skip::Expired);
    (void)state.have({4, 6}, Hlc{4}, Hlc{6});
    EXPECT_THAT(state.lose({1, 4}), ElementsAre(SeqRange{4, 4}));
    EXPECT_EQ(state.watermark(), 3u);
    EXPECT_THAT(state.lose({4, 4}), IsEmpty());
    EXPECT_THAT(state.skip({4, 4}, Skip::Unreadable), SizeIs(1));
    EXPECT_EQ(state.watermark(), 6u);
    LogState again({node_id(1), Epoch{1}, kDataLane});
    ASSERT_TRUE(again.recall(state.remember()).has_value());
    EXPECT_EQ(again.reasons().back().second, Skip::Unreadable);
}

struct BadBlocks : testing::Test {
    Net net;
    Node* a = &net.add(1);
    Node* b = &net.add(2);
    Node* c = &net.add(3);
    BadBlocks() {
        net.introduce_all();
        net.run(1s);
        for (int i = 0; i < 3; ++i) net.publish(*a);
        net.run(500ms);
    }
};

TEST_F(BadBlocks, AnotherHolderIsAskedAndItsGoodBytesFillTheHole) {
    net.give(*c, Unreadable{a->log(), {2, 2}, a->id});
    ASSERT_THAT(c->opened, SizeIs(1));
    EXPECT_EQ(c->opened[0].range, (SeqRange{2, 2}));
    EXPECT_EQ(c->view(a->log()).missing, (std::vector<SeqRange>{{2, 2}}));
    net.run(5s);
    ASSERT_FALSE(c->deliveries.empty());
    EXPECT_EQ(c->deliveries.back().from, b->id);
    EXPECT_TRUE(c->deliveries.back().late);
    EXPECT_THAT(c->view(a->log()).missing, IsEmpty());
    EXPECT_EQ(c->mesh->counters().unreadable, 1u);
}

TEST_F(BadBlocks, WhatEveryHolderGivesUnreadableIsGivenUpAndToldOnce) {
    net.give(*c, Unreadable{a->log(), {2, 2}, a->id});
    net.run(3s);
    ASSERT_EQ(c->deliveries.back().from, b->id);
    net.give(*c, Unreadable{a->log(), {2, 2}, b->id});
    net.run(5s);
    ASSERT_FALSE(c->closed.empty());
    EXPECT_FALSE(c->closed.back().repaired);
    EXPECT_EQ(c->closed.back().why, Skip::Unreadable);
    EXPECT_EQ(c->view(a->log()).watermark, 3u);
    const std::size_t deliveries = c->deliveries.size();
    net.run(90s);
    EXPECT_EQ(c->deliveries.size(), deliveries) << "it is not asked for again";
    EXPECT_TRUE(c->mesh->settled());
}

TEST_F(BadBlocks, OurOwnLogIsNotLost) {
    net.give(*a, Unreadable{a->log(), {2, 2}, a->id});
    EXPECT_THAT(a->opened, IsEmpty());
    EXPECT_THAT(a->view(a->log()).missing, IsEmpty());
}

}  // namespace
}  // namespace anode::mesh::test
