#include "unit/ownership/desk.hpp"

namespace anode::ownership {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Three nodes; node 2 owns `first` (we are next in rank) and `later` (node 3 is).
struct TakingOver : Desk {
    TakingOver() {
        with(3);
        give(Sources{{source(first), source(later)}});
        give(Claimed{claim_of(first, 2, 7)});
        give(Claimed{claim_of(later, 2, 7)});
        passes(1s);
        forget();
    }
    static std::string ranked(std::uint8_t a, std::uint8_t b, std::uint8_t c) {
        for (int i = 0;; ++i) {
            const std::string name = "r" + std::to_string(i);
            const auto score = [&](std::uint8_t n) {
                return rendezvous_score(name, node_of(n), 1);
            };
            if (score(a) > score(b) && score(b) > score(c)) return name;
        }
    }
    std::string first = ranked(2, 1, 3), later = ranked(2, 3, 1);
};

TEST_F(TakingOver, TheFirstInRankWaitsHalfASecondAfterAVerdictTheNextThreeMore) {
    give(NodeSeen{facts_of(2, Standing::Dead)});
    EXPECT_THAT(seen<Prepare>(), SizeIs(1)) << "it connects meanwhile";
    passes(499ms);
    EXPECT_THAT(seen<Run>(), IsEmpty());
    passes(1ms);
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_EQ(seen<Run>()[0].source, first);
    EXPECT_EQ(seen<Run>()[0].term, 8u);
    EXPECT_TRUE(seen<Run>()[0].takeover);
    EXPECT_EQ(seen<Moved>()[0].why, "take-over");
    passes(2'999ms);
    EXPECT_THAT(seen<Run>(), SizeIs(1));
    passes(1ms);
    EXPECT_THAT(seen<Run>(), SizeIs(2)) << "node 3 did not";
}

TEST_F(TakingOver, ANewerClaimOfTheFirstInRankEndsTheWait) {
    give(NodeSeen{facts_of(2, Standing::Dead)});
    passes(600ms);
    give(Claimed{claim_of(later, 3, 8)});
    passes(10s);
    EXPECT_THAT(seen<Run>(), SizeIs(1));
}

TEST_F(TakingOver, WhatACopyOfTheOwnerHeldIsTakenHalfAMinuteAfterTheCopyIsGone) {
    give(Claimed{claim_of(first, 2, 8, false, Epoch{kEpoch.value + 1})});
    passes(29s);
    EXPECT_THAT(seen<Run>(), IsEmpty()) << "membership may be about to tell of a new run";
    passes(5s);
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_EQ(seen<Run>()[0].term, 9u);
}

TEST_F(TakingOver, ARunThatMembershipTellsOfLaterKeepsItsClaim) {
    give(Claimed{claim_of(first, 2, 8, false, Epoch{kEpoch.value + 1})});
    passes(5s);
    give(NodeSeen{facts_of(2, Standing::Alive, Epoch{kEpoch.value + 1})});
    passes(1min);
    for (const Run& run : seen<Run>()) EXPECT_NE(run.source, first);
}

TEST_F(TakingOver, ASuspicionAloneMovesNothing) {
    give(NodeSeen{facts_of(2, Standing::Suspect)});
    passes(1min);
    EXPECT_THAT(out, IsEmpty());
}

TEST_F(TakingOver, AnOwnerInDoubtIsReplacedWithinASecond) {
    give(InDoubt{node_of(2)});
    ASSERT_THAT(seen<Prepare>(), SizeIs(1));
    give(Prepared{first});
    EXPECT_THAT(seen<Run>(), IsEmpty());
    passes(300ms);
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_EQ(seen<Run>()[0].term, 8u);
    EXPECT_TRUE(seen<Run>()[0].takeover);
}

TEST_F(TakingOver, ADoubtThatPassesCostsOneConnection) {
    give(InDoubt{node_of(2)});
    passes(100ms);
    give(DoubtOver{node_of(2)});
    ASSERT_THAT(seen<Stop>(), SizeIs(1));
    EXPECT_EQ(seen<Stop>()[0].why, StopWhy::NotOurs);
    passes(1min);
    EXPECT_THAT(seen<Propose>(), IsEmpty());
}

TEST_F(TakingOver, DoubtOfMostOthersIsDoubtOfOurselves) {
    give(InDoubt{node_of(3)});
    give(InDoubt{node_of(2)});
    passes(5s);
    EXPECT_THAT(seen<Propose>(), IsEmpty());
    give(NodeSeen{facts_of(2, Standing::Dead)});
    give(NodeSeen{facts_of(3, Standing::Dead)});
    passes(600ms);
    EXPECT_THAT(seen<Run>(), SizeIs(2));
}

TEST_F(TakingOver, WhoLeavesIsReplacedAtOnce) {
    give(NodeSeen{facts_of(2, Standing::Left)});
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_FALSE(seen<Run>()[0].takeover);
}

TEST_F(TakingOver, ARestartedOwnerIsGivenTimeToTakeItsOwnAgain) {
    give(NodeSeen{facts_of(2, Standing::Alive, Epoch{200})});
    passes(3s);
    EXPECT_THAT(seen<Propose>(), IsEmpty());
    give(Claimed{claim_of(first, 2, 8, false, Epoch{200})});
    passes(20s);
    EXPECT_THAT(seen<Propose>(), SizeIs(1)) << "the one it did not take";
    EXPECT_EQ(seen<Propose>()[0].claim.source, later);
}

TEST_F(TakingOver, ANodeThatFlapsIsNoCandidateForAWhile) {
    for (int i = 0; i < 4; ++i) {
        give(NodeSeen{facts_of(3, Standing::Dead)});
        give(NodeSeen{facts_of(3)});
    }
    passes(40s);
    EXPECT_THAT(machine->view(later).candidates, ElementsAre(node_of(2), node_of(1)));
    passes(15min);
    EXPECT_THAT(machine->view(later).candidates, SizeIs(3));
}

TEST_F(TakingOver, WhoComesLaterIsACandidateWhenWarm) {
    give(NodeSeen{facts_of(4)});
    passes(29s);
    EXPECT_THAT(machine->view(first).candidates, SizeIs(3));
    passes(1s);
    EXPECT_THAT(machine->view(first).candidates, SizeIs(4));
}

TEST_F(TakingOver, WeightAndPinDecide) {
    SourceFacts pinned = source(first);
    pinned.pinned = node_of(3);
    give(Sources{{pinned, source(later)}});
    EXPECT_EQ(machine->view(first).candidates.front(), node_of(3));
    give(NodeSeen{facts_of(3, Standing::Dead)});
    EXPECT_EQ(machine->view(first).candidates.front(), node_of(2)) << "a pin is no reason to stop";
    NodeFacts light = facts_of(2);
    light.weight = 0;
    give(NodeSeen{light});
    EXPECT_EQ(machine->view(first).candidates.front(), node_of(1));
}

}  // namespace
}  // namespace anode::ownership
