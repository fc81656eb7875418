#include "unit/state/cluster.hpp"

namespace anode::state {
namespace {

using namespace test;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(StateTime, AValueTooFarAheadWaitsUntilTheClockReachesIt) {
    Node one(1), ahead(2);
    ahead.wall += 3'600'000'000;
    ASSERT_TRUE(ahead.write("source", "feed", "future"));
    const Bytes entry = ahead.entry();
    EXPECT_THAT(only<Changed>(one.give(Arrived{entry})), IsEmpty());
    EXPECT_EQ(one.state->quarantined(), 1u);
    EXPECT_EQ(one.state->find("source", "feed"), nullptr);
    one.restart();
    EXPECT_EQ(one.state->quarantined(), 1u);
    one.passes(1h - 10s);
    EXPECT_THAT(only<Changed>(one.give(Tick{})), SizeIs(1));
    EXPECT_EQ(one.state->quarantined(), 0u);
    EXPECT_EQ(one.state->hash(), ahead.state->hash());
}

TEST(StateTime, AForgedStampNeitherMovesTheClockNorFillsTheMemory) {
    Node node(1);
    Item forged{"source", "x", "v", 1, false, {}};
    forged.stamp.node = node.id;
    for (int i = 0; i < 1'100; ++i) {
        forged.key = std::to_string(i);
        forged.stamp.hlc.value = ~0ULL - static_cast<std::uint64_t>(i);
        const Bytes entry = encode(forged);
        node.give(Arrived{entry});
    }
    EXPECT_EQ(node.state->quarantined(), 1'000u);
    EXPECT_EQ(node.state->counters().quarantine_full, 100u);
    EXPECT_EQ(node.write("source", "y", "v")->stamp.hlc, Hlc::at(node.wall));
    EXPECT_GE(node.state->due(), Instant{node.mono});
}

TEST(StateTime, ADeletionIsForgottenEverywhereAfterSevenDays) {
    Node one(1), two(2);
    one.write("source", "feed", "v");
    two.give(Arrived{one.entry()});
    one.write("source", "feed", std::nullopt);
    const Bytes deletion = one.entry();
    two.give(Arrived{deletion});
    EXPECT_EQ(one.state->keys(), 1u);
    for (Node* node : {&one, &two}) {
        node->passes(7 * 24h + 1s);
        node->give(Tick{});
        EXPECT_EQ(node->state->keys(), 0u);
        EXPECT_EQ(node->state->bytes(), 0u);
        EXPECT_THAT(node->disk, IsEmpty());
        node->give(Arrived{deletion});
        EXPECT_EQ(node->state->keys(), 0u);
        EXPECT_EQ(node->state->counters().out_of_time, 1u);
    }
    EXPECT_EQ(one.state->hash(), two.state->hash());
}

/// Two nodes that agreed; the second then goes away for `away`, the first deletes meanwhile.
struct Absent : ::testing::Test {
    Cluster cluster{2};
    Node& stays = *cluster.nodes[0];
    Node& leaves = *cluster.nodes[1];
    void away_for(Duration away) {
        stays.write("source", "deleted", "v");
        stays.write("source", "kept", "v");
        cluster.link(0, 1);
        cluster.passes(15s);
        ASSERT_TRUE(cluster.agree());
        ASSERT_NE(leaves.in_sync_at, 0);
        cluster.cut(0, 1);
        leaves.passes(1min);
        stays.passes(1min);
        ASSERT_TRUE(leaves.write("source", "own", "mine"));
        stays.write("source", "deleted", std::nullopt);
        stays.passes(away);
        leaves.passes(away);
        stays.give(Tick{});
        leaves.restart();
    }
    void meet() {
        cluster.link(0, 1);
        cluster.passes(15s);
    }
};

TEST_F(Absent, AShortAbsenceIsMerged) {
    away_for(5 * 24h);
    EXPECT_FALSE(leaves.state->estranged());
    meet();
    EXPECT_TRUE(cluster.agree());
    EXPECT_EQ(stays.state->find("source", "deleted"), nullptr);
    EXPECT_EQ(stays.state->find("source", "own")->value, "mine");
}

TEST_F(Absent, ALongAbsenceDoesNotBringBackWhatWasDeleted) {
    away_for(8 * 24h);
    EXPECT_TRUE(leaves.state->estranged());
    EXPECT_EQ(leaves.write("source", "x", "v").error().code, Errc::Conflict);
    const WallTime before = leaves.in_sync_at;
    meet();
    EXPECT_TRUE(cluster.agree());
    EXPECT_EQ(leaves.in_sync_at, before);
    EXPECT_EQ(leaves.state->find("source", "kept")->value, "v");
    EXPECT_EQ(leaves.state->find("source", "own"), nullptr);
    leaves.restart();
    EXPECT_TRUE(leaves.state->estranged()) << "a restart is no decision";
}

TEST_F(Absent, ItsOwnLaterWritesReturnWithConsentOnly) {
    away_for(8 * 24h);
    meet();
    cluster.take(1, leaves.give(Rejoin{true}));
    EXPECT_FALSE(leaves.state->estranged());
    cluster.passes(15s);
    EXPECT_TRUE(cluster.agree());
    EXPECT_EQ(stays.state->find("source", "own")->value, "mine");
    EXPECT_EQ(stays.state->find("source", "deleted"), nullptr);
    leaves.restart();
    EXPECT_FALSE(leaves.state->estranged());
    EXPECT_EQ(leaves.state->hash(), stays.state->hash());
}

TEST_F(Absent, WithoutConsentTheyAreDropped) {
    away_for(8 * 24h);
    meet();
    cluster.take(1, leaves.give(Rejoin{false}));
    cluster.passes(15s);
    leaves.restart();
    EXPECT_TRUE(cluster.agree());
    EXPECT_EQ(leaves.state->find("source", "own"), nullptr);
}

TEST_F(Absent, TheLastNodeOfAClusterKeepsItsMapWithConsent) {
    away_for(8 * 24h);
    EXPECT_EQ(leaves.state->find("source", "kept"), nullptr);
    leaves.give(Rejoin{true});
    EXPECT_EQ(leaves.state->find("source", "kept")->value, "v");
    EXPECT_EQ(leaves.state->find("source", "own")->value, "mine");
}

TEST(StateTime, ANodeThatNeverMetAnotherIsNeverEstranged) {
    Node node(1);
    node.write("source", "feed", "v");
    node.passes(100 * 24h);
    node.restart();
    EXPECT_FALSE(node.state->estranged());
    EXPECT_EQ(node.state->find("source", "feed")->value, "v");
}

}  // namespace
}  // namespace anode::state
