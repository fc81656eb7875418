#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/ownership/desk.hpp"

/// A source that asks for a warm standby: the next in line keeps a connection open, and takes over without a wait.
namespace anode::ownership {
namespace {

using namespace test;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SourceFacts guarded(std::string name) {
    SourceFacts facts = source(std::move(name));
    facts.standby = true;
    return facts;
}

/// A name whose line is a, b, c.
std::string line_of(std::uint8_t a, std::uint8_t b, std::uint8_t c) {
    for (int i = 0;; ++i) {
        const std::string name = "r" + std::to_string(i);
        const auto score = [&](std::uint8_t n) { return rendezvous_score(name, node_of(n), 1); };
        if (score(a) > score(b) && score(b) > score(c)) return name;
    }
}

/// Three nodes; node 2 owns both, of one we are next, of the other node 3 is.
struct StandingBy : Desk {
    StandingBy() {
        with(3);
        give(Sources{{guarded(next), guarded(later)}});
        give(Claimed{claim_of(next, 2, 7)});
        give(Claimed{claim_of(later, 2, 7)});
        passes(1s);
    }
    std::string next = line_of(2, 1, 3), later = line_of(2, 3, 1);
};

TEST_F(StandingBy, TheNextInLineConnectsWhileAllIsWellAndNobodyElseDoes) {
    ASSERT_THAT(seen<Prepare>(), SizeIs(1));
    EXPECT_EQ(seen<Prepare>()[0].source, next);
    EXPECT_EQ(machine->view(next).standby, node_of(1));
    EXPECT_EQ(machine->view(later).standby, node_of(3));
    passes(10min);
    EXPECT_THAT(seen<Prepare>(), SizeIs(1)) << "once";
    EXPECT_THAT(seen<Stop>(), IsEmpty());
    EXPECT_THAT(seen<Run>(), IsEmpty());
}

TEST_F(StandingBy, WithItsConnectionItRunsTheMomentTheOwnerIsInDoubt) {
    give(Prepared{next});
    give(InDoubt{node_of(2)});
    ASSERT_THAT(seen<Run>(), SizeIs(1)) << "there is nothing to wait for";
    EXPECT_EQ(seen<Run>()[0].source, next);
    EXPECT_EQ(seen<Run>()[0].term, 8u);
}

TEST_F(StandingBy, AConnectionThatDoesNotStandYetGivesNoHeadStart) {
    give(InDoubt{node_of(2)});
    EXPECT_THAT(seen<Run>(), IsEmpty());
    passes(300ms);
    EXPECT_THAT(seen<Run>(), SizeIs(1));
}

TEST_F(StandingBy, WhoDiesAsStandbyIsReplacedByTheNextInLine) {
    give(NodeSeen{facts_of(3, Standing::Dead)});
    passes(1s);
    ASSERT_THAT(seen<Prepare>(), SizeIs(2));
    EXPECT_EQ(seen<Prepare>()[1].source, later);
}

TEST_F(StandingBy, ASourceThatAsksForNoneAnyMoreLosesItsConnection) {
    give(Prepared{next});
    give(Sources{{source(next), guarded(later)}});
    ASSERT_THAT(seen<Stop>(), SizeIs(1));
    EXPECT_EQ(seen<Stop>()[0].why, StopWhy::NotOurs);
    EXPECT_EQ(machine->view(next).standby, std::nullopt);
}

TEST_F(StandingBy, ARefusedHandOverKeepsTheConnection) {
    const std::string ours = line_of(1, 2, 3);
    give(Sources{{guarded(ours)}});
    give(Claimed{claim_of(ours, 2, 7)});
    passes(100ms);
    forget();
    frame(2, frames::kRelease, ours, 7, false);
    passes(5s);
    EXPECT_THAT(seen<Stop>(), IsEmpty());
}

TEST_F(StandingBy, AStandbyInAnotherZoneThanTheOwnersIsPreferred) {
    NodeFacts two = facts_of(2), three = facts_of(3);
    two.zone = "north";
    three.zone = "south";
    give(NodeSeen{two});
    give(NodeSeen{three});
    passes(1s);
    EXPECT_EQ(machine->view(next).standby, node_of(1))
        << "we have no zone, which is another one too";
    NodeFacts self = facts_of(1);
    self.zone = "north";
    give(NodeSeen{self});
    passes(2s);
    EXPECT_EQ(machine->view(next).standby, node_of(3)) << "north may fail as a whole";
    EXPECT_THAT(seen<Stop>(), SizeIs(1)) << "so ours is closed";
}

TEST_F(Desk, BeforeTheOthersAreHeardOfNothingIsClaimedNotEvenWhatAnEarlierRunHeld) {
    give(Joining{true});
    give(Claimed{claim_of("a", 1, 7, false, Epoch{kEpoch.value - 1})});
    give(Sources{{source("a")}});
    passes(1min);
    EXPECT_THAT(seen<Run>(), IsEmpty());
    EXPECT_EQ(role("a"), Ownership::Role::Standby) << "and that is shown";
    give(Joining{false});
    passes(1ms);
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_EQ(seen<Run>()[0].term, 8u);
}

TEST_F(Desk, ARecordThatGoesWithItsSourceIsForgotten) {
    alone();
    give(Sources{{source("a")}});
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    echo = false;
    give(Sources{{}});
    give(Stopped{"a", {}});
    give(Unclaimed{"a"});
    passes(1s);
    EXPECT_EQ(machine->view("a").term, 0u);
    EXPECT_EQ(role("a"), Ownership::Role::None);
}

TEST_F(Desk, ARecordThatGoesAlthoughItsSourceIsThereIsWrittenAgain) {
    alone();
    give(Sources{{source("a")}});
    forget();
    give(Unclaimed{"a"});
    passes(1s);
    ASSERT_FALSE(seen<Propose>().empty());
    EXPECT_EQ(seen<Propose>()[0].claim.owner, node_of(1));
    EXPECT_THAT(seen<Stop>(), IsEmpty());
}

}  // namespace
}  // namespace anode::ownership
