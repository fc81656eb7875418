#include "unit/ownership/desk.hpp"

namespace anode::ownership {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Role = Ownership::Role;

struct Keeping : Desk {};

TEST_F(Keeping, AClusterOfOneTakesEverythingAtOnce) {
    give(Sources{{source("a"), source("b")}});
    EXPECT_THAT(seen<Propose>(), IsEmpty()) << "not before it is warm";
    alone();
    ASSERT_THAT(seen<Run>(), SizeIs(2));
    EXPECT_EQ(seen<Run>()[0].term, 1u);
    EXPECT_FALSE(seen<Run>()[0].takeover);
    EXPECT_THAT(machine->owned(), ElementsAre("a", "b"));
    EXPECT_EQ(seen<Moved>()[0].why, "claim");
}

TEST_F(Keeping, TenThousandSourcesAreTakenInShortStepsAndThenCostNothing) {
    Sources sources;
    for (int i = 0; i < 10'000; ++i) sources.all.push_back(source("s" + std::to_string(i)));
    alone();
    echo = false;
    give(sources);
    EXPECT_LE(seen<Propose>().size(), 1'000u);
    EXPECT_EQ(machine->due(), now);
    echo = true;
    passes(2s);
    EXPECT_THAT(machine->owned(), SizeIs(10'000));
    forget();
    EXPECT_EQ(machine->due(), Instant::max());
    give(NodeSeen{facts_of(2)});
    passes(1s);
    EXPECT_THAT(out, IsEmpty());
}

TEST_F(Keeping, ItRunsOnlyAfterItsClaimShowsAndClaimsAgainIfItDoesNot) {
    echo = false;
    alone();
    give(Sources{{source("a")}});
    EXPECT_THAT(seen<Run>(), IsEmpty());
    EXPECT_EQ(role("a"), Role::Claiming);
    passes(1500ms);
    ASSERT_THAT(seen<Propose>(), SizeIs(2));
    give(Claimed{seen<Propose>()[1].claim});
    EXPECT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_EQ(role("a"), Role::Owner);
}

TEST_F(Keeping, ADisabledSourceIsStoppedAndReleased) {
    alone();
    give(Sources{{source("a")}});
    SourceFacts off = source("a");
    off.enabled = false;
    forget();
    give(Sources{{off}});
    ASSERT_THAT(seen<Stop>(), SizeIs(1));
    EXPECT_EQ(seen<Stop>()[0].why, StopWhy::Disabled);
    EXPECT_EQ(role("a"), Role::Releasing);
    give(Stopped{"a", "p"});
    ASSERT_THAT(seen<Propose>(), SizeIs(1));
    EXPECT_TRUE(seen<Propose>()[0].claim.released);
    passes(1min);
    EXPECT_THAT(seen<Run>(), IsEmpty());
    give(Sources{{source("a")}});
    EXPECT_EQ(seen<Run>().at(0).term, 2u);
    give(Sources{{}});
    EXPECT_THAT(seen<Stop>(), SizeIs(2));
}

TEST_F(Keeping, AHigherClaimStopsItALowerOneIsAnswered) {
    alone();
    give(Sources{{source("a")}});
    give(Claimed{claim_of("a", 1, 5)});
    give(NodeSeen{facts_of(2)});
    forget();
    passes(1s);
    give(Claimed{claim_of("a", 2, 0)});
    passes(1s);
    ASSERT_THAT(seen<Propose>(), SizeIs(1));
    EXPECT_THAT(seen<Stop>(), IsEmpty());
    forget();
    give(Claimed{claim_of("a", 2, 8)});
    ASSERT_THAT(seen<Stop>(), SizeIs(1));
    EXPECT_EQ(seen<Stop>()[0].why, StopWhy::Superseded);
    EXPECT_EQ(seen<Moved>()[0].why, "superseded");
    give(Stopped{"a", ""});
    passes(20s);
    EXPECT_THAT(seen<Propose>(), IsEmpty());
    EXPECT_EQ(machine->view("a").owner, node_of(2));
}

TEST_F(Keeping, OfTwoClaimsOfOneTermTheScoreDecides) {
    const std::string mine = name_for(1, 2), theirs = name_for(2, 2);
    alone();
    give(Sources{{source(mine), source(theirs)}});
    give(NodeSeen{facts_of(2)});
    forget();
    give(Claimed{claim_of(mine, 2, 1)});
    give(Claimed{claim_of(theirs, 2, 1)});
    passes(1s);
    ASSERT_THAT(seen<Stop>(), SizeIs(1));
    EXPECT_EQ(seen<Stop>()[0].source, theirs);
    EXPECT_EQ(seen<Propose>().at(0).claim.source, mine);
}

TEST_F(Keeping, ARestartedOwnerTakesItsOwnOldClaimAtOnceAndBeforeItIsWarm) {
    give(NodeSeen{facts_of(2)});
    give(Claimed{claim_of("a", 1, 4, false, Epoch{50})});
    give(Sources{{source("a")}});
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_EQ(seen<Run>()[0].term, 5u);
    EXPECT_TRUE(seen<Run>()[0].takeover);
}

TEST_F(Keeping, ACopyOfOurIdentityWithALaterRunKeepsTheSource) {
    alone();
    give(Sources{{source("a")}});
    forget();
    give(Claimed{claim_of("a", 1, 2, false, Epoch{101})});
    EXPECT_EQ(seen<Stop>().at(0).why, StopWhy::Superseded);
    give(Stopped{"a", ""});
    passes(1min);
    EXPECT_THAT(seen<Propose>(), IsEmpty());
    EXPECT_THAT(seen<SendPeer>(), IsEmpty());
}

TEST_F(Keeping, OnlyASourceThatAsksForItPausesInIsolation) {
    SourceFacts careful = source("careful");
    careful.pause_when_isolated = true;
    alone();
    give(Sources{{source("brave"), careful}});
    forget();
    give(Isolated{true});
    ASSERT_THAT(seen<Stop>(), SizeIs(1));
    EXPECT_EQ(seen<Stop>()[0].source, "careful");
    EXPECT_EQ(seen<Stop>()[0].why, StopWhy::Isolated);
    give(Stopped{"careful", ""});
    passes(1min);
    EXPECT_THAT(seen<Propose>(), IsEmpty()) << "the claim stays";
    give(Isolated{false});
    passes(3s);
    ASSERT_THAT(seen<Run>(), SizeIs(1));
    EXPECT_EQ(seen<Run>()[0].source, "careful");
}

TEST_F(Keeping, ASourceOfAnotherZoneIsNotTaken) {
    SourceFacts elsewhere = source("a");
    elsewhere.zone = "eu";
    alone();
    give(Sources{{elsewhere}});
    passes(1min);
    EXPECT_THAT(seen<Propose>(), IsEmpty());
    EXPECT_EQ(role("a"), Role::None);
}

}  // namespace
}  // namespace anode::ownership
