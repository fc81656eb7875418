#include "core/node/lane_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/node/balance.hpp"

namespace anode {
namespace {

constexpr WallTime kNoon = 1'700'000'000'000'000;

NodeId node() {
    NodeId id;
    id.bytes.fill(7);
    return id;
}

class LaneWriterSpec : public testing::Test {
protected:
    Place adds(LaneWriter& lane, WallTime wall, std::string_view payload = "1") {
        Draft draft;
        draft.topic = "a.b";
        draft.payload = payload;
        return lane.add(draft, clock, wall);
    }
    HlcClock clock;
    LaneWriter data{{node(), {1}, kDataLane}}, system{{node(), {1}, kSystemLane}};
    Arrival next{100};
};

TEST_F(LaneWriterSpec, NumbersHaveNoHoleOverBlocks) {
    EXPECT_EQ(data.head(), 0U);
    for (Seq seq = 1; seq <= 10; ++seq) {
        EXPECT_EQ(adds(data, kNoon).seq, seq);
        if (seq % 3 == 0) EXPECT_EQ(data.seal(next)->entry(0).seq, seq - 2);
    }
    EXPECT_EQ(data.head(), 10U);
    EXPECT_EQ(data.seal(next)->first_seq(), 10U);
    EXPECT_TRUE(data.empty());
}

TEST_F(LaneWriterSpec, IdsRiseOverLanesAndWhenTheClockGoesBack) {
    MessageId last;
    WallTime wall = kNoon;
    for (int i = 0; i < 1000; ++i) {
        if (i == 300) wall -= 3'600'000'000;
        if (i == 600) wall += 7'200'000'000;
        const Place place = adds(i % 3 == 0 ? system : data, wall);
        EXPECT_GT(place.id, last) << i;
        last = place.id;
    }
}

TEST_F(LaneWriterSpec, AnIdNamesItsNodeAndItsPlace) {
    const Place place = adds(data, kNoon);
    EXPECT_EQ(place.hlc.micros(), kNoon);
    EXPECT_EQ(place.id.low >> 32, node().number());
    EXPECT_EQ(place.id.low & 0xffffffff, 1U);
    EXPECT_EQ(data.seal(next)->entry(0).id(node()), place.id);
}

TEST_F(LaneWriterSpec, BlocksOfTwoLanesFollowEachOtherInTheStore) {
    adds(data, kNoon);
    adds(system, kNoon);
    adds(data, kNoon);
    const BlockPtr first = data.seal(next), second = system.seal(next);
    EXPECT_EQ(first->first_arrival(), Arrival{100});
    EXPECT_EQ(first->last_arrival(), Arrival{101});
    EXPECT_EQ(second->first_arrival(), Arrival{102});
    EXPECT_EQ(next, Arrival{103});
}

TEST_F(LaneWriterSpec, OnlyTheFirstBlockOpensTheLog) {
    adds(data, kNoon);
    EXPECT_EQ(data.seal(next)->block_flags() & block_flag::kOpensLog, block_flag::kOpensLog);
    adds(data, kNoon);
    EXPECT_EQ(data.seal(next)->block_flags() & block_flag::kOpensLog, 0);
}

TEST_F(LaneWriterSpec, AnEmptyLaneIsNeverFullAndAFullOneSaysSo) {
    EXPECT_FALSE(data.full(kPayloadBytesMax)) << "one large message makes a block by itself";
    while (!data.full(1)) adds(data, kNoon, "1234567890");
    EXPECT_EQ(data.seal(next)->count(), kBlockEntriesMax);
    adds(data, kNoon, std::string(200 * 1024, '1'));
    EXPECT_TRUE(data.full(100 * 1024));
    EXPECT_FALSE(data.full(10));
}

TEST(BalanceSpec, WhatCameInHasGoneSomewhere) {
    Balance balance;
    EXPECT_TRUE(balance.holds());
    balance.received = 10;
    balance.derived = 2;
    EXPECT_FALSE(balance.holds());
    balance.rejected = 1;
    balance.duplicates = 2;
    balance.dropped = 3;
    balance.open = 1;
    balance.queued = 2;
    balance.stored = 3;
    EXPECT_TRUE(balance.holds());
    EXPECT_EQ(balance.in(), 12U);
}

}  // namespace
}  // namespace anode
