#include "unit/ownership/desk.hpp"

namespace anode::ownership {
namespace {

using namespace test;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct HandingOver : Desk {
    std::string mine = name_for(1, 2), theirs = name_for(2, 2);
};

TEST_F(HandingOver, TheBetterNodeAsksConnectsIsReadyAndGoesOnWhereTheOldOneEnded) {
    give(NodeSeen{facts_of(2)});
    give(Claimed{claim_of(mine, 2, 4)});
    give(Sources{{source(mine)}});
    EXPECT_THAT(out, IsEmpty()) << "not before it is warm";
    give(WarmedUp{});
    EXPECT_THAT(sent(), ElementsAre(50));
    EXPECT_THAT(seen<Prepare>(), SizeIs(1));
    give(Prepared{mine});
    EXPECT_THAT(sent(), ElementsAre(50, 51));
    give(Claimed{claim_of(mine, 2, 4, true)});
    EXPECT_THAT(seen<Run>(), IsEmpty()) << "the position comes with the frame";
    frame(2, 52, mine, 4, true, "at 17");
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_EQ(seen<Run>()[0].term, 5u);
    EXPECT_EQ(seen<Run>()[0].position, "at 17");
    EXPECT_FALSE(seen<Run>()[0].takeover);
    EXPECT_EQ(seen<Moved>()[0].why, "hand-over");
}

TEST_F(HandingOver, AReleaseThatIsLostIsNotWaitedForLong) {
    with(2);
    give(Claimed{claim_of(mine, 2, 4)});
    give(Sources{{source(mine)}});
    give(Prepared{mine});
    give(Claimed{claim_of(mine, 2, 4, true)});
    passes(1'100ms);
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_FALSE(seen<Run>()[0].position);
}

TEST_F(HandingOver, TheOwnerRunsUntilTheOtherIsReady) {
    alone();
    give(Sources{{source(theirs)}});
    give(NodeSeen{facts_of(2)});
    forget();
    frame(2, 50, theirs, 1);
    EXPECT_THAT(out, IsEmpty());
    frame(2, 51, theirs, 1);
    ASSERT_THAT(seen<Stop>(), SizeIs(1));
    EXPECT_EQ(seen<Stop>()[0].why, StopWhy::HandedOver);
    give(Stopped{theirs, "at 17"});
    EXPECT_TRUE(seen<Propose>().at(0).claim.released);
    ASSERT_THAT(seen<SendPeer>(), SizeIs(1));
    EXPECT_EQ(frames::decode(seen<SendPeer>()[0].body)->position, "at 17");
    give(Claimed{claim_of(theirs, 2, 2)});
    passes(1min);
    EXPECT_THAT(seen<Run>(), IsEmpty());
}

TEST_F(HandingOver, TheOwnerGoesOnIfTheOtherIsNotReadyInTimeAndTakesItBackIfItVanishes) {
    alone();
    give(Sources{{source(theirs)}});
    give(NodeSeen{facts_of(2)});
    forget();
    frame(2, 50, theirs, 1);
    passes(11s);
    frame(2, 51, theirs, 1);
    EXPECT_THAT(seen<Stop>(), IsEmpty());
    EXPECT_EQ(machine->counters().stale, 1u);
    frame(2, 50, theirs, 1);
    frame(2, 51, theirs, 1);
    give(Stopped{theirs, ""});
    passes(4s);
    EXPECT_THAT(seen<Run>(), SizeIs(1));
}

TEST_F(HandingOver, ARequestThatIsNotDueIsRefused) {
    alone();
    give(Sources{{source(mine), source(theirs)}});
    give(NodeSeen{facts_of(2)});
    forget();
    frame(2, 50, mine, 1);
    frame(2, 50, theirs, 9);
    frame(2, 50, "unknown", 1);
    EXPECT_THAT(sent(), ElementsAre(52, 52, 52));
    for (const SendPeer& each : seen<SendPeer>()) EXPECT_FALSE(frames::decode(each.body)->granted);
    EXPECT_EQ(machine->counters().refused, 1u);
    give(FromPeer{node_of(2), 50, "\7"});
    give(FromPeer{node_of(2), 53, frames::encode({mine, 1, true, ""})});
    EXPECT_EQ(machine->counters().malformed, 2u);
}

TEST_F(HandingOver, WhoIsRefusedAsksAgainMuchLater) {
    with(2);
    give(Claimed{claim_of(mine, 2, 4)});
    give(Sources{{source(mine)}});
    frame(2, 52, mine, 4, false);
    EXPECT_EQ(seen<Stop>().at(0).why, StopWhy::NotOurs);
    passes(19s);
    EXPECT_THAT(sent(), ElementsAre(50));
    passes(60s);
    EXPECT_THAT(sent(), SizeIs(testing::Ge(2u)));
}

TEST_F(HandingOver, AnOwnerThatDoesNotAnswerThreeTimesLosesTheSource) {
    with(2);
    give(Claimed{claim_of(mine, 2, 4)});
    give(Sources{{source(mine)}});
    give(Prepared{mine});
    passes(40s);
    EXPECT_THAT(sent(), ElementsAre(50, 51, 50, 51, 50, 51));
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_EQ(seen<Run>()[0].term, 5u);
    EXPECT_EQ(machine->counters().forced, 1u);
}

TEST_F(HandingOver, ATenthOfTheSourcesMovesInHalfAMinuteExceptWhatAnOperatorMoved) {
    with(2);
    Sources sources;
    for (int i = 0; i < 100; ++i) {
        sources.all.push_back(source("s" + std::to_string(i)));
        give(Claimed{claim_of("s" + std::to_string(i), 2, 1)});
    }
    give(sources);
    EXPECT_THAT(seen<SendPeer>(), SizeIs(10));
    forget();
    for (int i = 0; i < 3; ++i) sources.all[static_cast<std::size_t>(90 + i)].pinned = node_of(1);
    give(sources);
    EXPECT_LE(seen<SendPeer>().size(), 3u);
    EXPECT_GE(seen<SendPeer>().size(), 1u);
}

TEST_F(HandingOver, ADrainHandsEverythingOverAndThenSaysSo) {
    alone();
    give(Sources{{source(mine), source(theirs)}});
    give(NodeSeen{facts_of(2)});
    passes(31s);
    forget();
    give(DrainSelf{true});
    EXPECT_THAT(out, IsEmpty());
    for (const auto& name : {mine, theirs}) {
        frame(2, 50, name, 1);
        frame(2, 51, name, 1);
        EXPECT_THAT(seen<HandedOverAll>(), IsEmpty());
        give(Stopped{name, "p"});
    }
    EXPECT_THAT(seen<HandedOverAll>(), SizeIs(1));
    passes(1min);
    EXPECT_THAT(seen<HandedOverAll>(), SizeIs(1));
    EXPECT_THAT(seen<Run>(), IsEmpty()) << "nothing comes back while it drains";
}

TEST_F(HandingOver, WhatNobodyAsksForIsLetGoAndWithNobodyThereAtOnce) {
    alone();
    give(Sources{{source(mine)}});
    give(NodeSeen{facts_of(2)});
    passes(31s);
    forget();
    give(DrainSelf{true});
    passes(6s);
    ASSERT_THAT(seen<Stop>(), SizeIs(1));
    EXPECT_EQ(seen<Stop>()[0].why, StopWhy::Draining);
    give(Stopped{mine, ""});
    EXPECT_THAT(seen<HandedOverAll>(), SizeIs(1));
    give(DrainSelf{false});
    give(NodeSeen{facts_of(2, Standing::Dead)});
    passes(1s);
    EXPECT_THAT(seen<Run>(), SizeIs(1));
    forget();
    give(DrainSelf{true});
    EXPECT_THAT(seen<Stop>(), SizeIs(1)) << "there is nowhere";
}

TEST_F(HandingOver, ADrainingOwnerIsAskedWithoutRegardToTheShare) {
    with(2);
    Sources sources;
    for (int i = 0; i < 20; ++i) {
        sources.all.push_back(source("s" + std::to_string(i)));
        give(Claimed{claim_of("s" + std::to_string(i), 2, 1)});
    }
    give(sources);
    forget();
    NodeFacts draining = facts_of(2);
    draining.draining = true;
    give(NodeSeen{draining});
    EXPECT_GE(seen<SendPeer>().size(), 18u);
}

}  // namespace
}  // namespace anode::ownership
