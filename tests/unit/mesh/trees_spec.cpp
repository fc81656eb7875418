#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/mesh/bench.hpp"

/// Every row of the table of dissemination, section 2.6.
namespace anode::mesh::test {
namespace {

using frames::Why;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct MeshTrees : testing::Test {
    Bench node;
    const LogKey log = log_of(1);
};

TEST_F(MeshTrees, AnAnnouncedLogIsGraftedFromItsOriginAndAnnouncedOn) {
    const LinkId q = node.links_with(1), other = node.links_with(2);
    node.announces(q, log, 0, 0);
    ASSERT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Graft>(q)[0].from, 1u);
    std::size_t told = 0;
    for (const auto& one : node.hears<frames::Announce>(other))
        told += node.meant(other, one.lx) == log ? 1 : 0;
    EXPECT_EQ(told, 1u);
    EXPECT_EQ(node.view(log).state, "joining");
    node.accepts(q, log, 0, 0);
    EXPECT_EQ(node.view(log).state, "attached");
    EXPECT_EQ(node.view(log).depth, 1);
    EXPECT_EQ(node.view(log).parent, peer_id(1));
}

TEST_F(MeshTrees, AnotherOnesAnnouncementWaitsForTheOriginThatIsLinked) {
    const LinkId q = node.links_with(2), origin = node.links_with(1);
    node.announces(q, log, 0, 1);
    EXPECT_EQ(node.view(log).state, "held");
    node.passes(1ms);
    node.announces(origin, log, 0, 0);
    node.passes(1us);
    EXPECT_THAT(node.hears<frames::Graft>(q), IsEmpty());
    EXPECT_THAT(node.hears<frames::Graft>(origin), SizeIs(1));
}

TEST_F(MeshTrees, TheWaitEndsAfterFiveMillisecondsWithWhoeverAnnounced) {
    const LinkId q = node.links_with(2);
    node.links_with(1);
    node.announces(q, log, 0, 1);
    node.passes(6ms);
    EXPECT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
}

TEST_F(MeshTrees, AHeadThatTheOriginKnowsNothingOfIsNotBelieved) {
    const LinkId origin = node.links_with(1), liar = node.links_with(2);
    node.attach(origin, log, 5);
    node.announces(liar, log, Seq{1} << 39, 0);
    node.passes(2s);
    node.says(liar, frames::SkipFrame{node.names(liar, log), {6, Seq{1} << 39}, Skip::Lost});
    node.sends(liar, log, make_block(log, Seq{1} << 38, 1));
    EXPECT_THAT(node.opened, IsEmpty());
    EXPECT_EQ(node.view(log).head, 5u);
    node.sends(origin, log, make_block(log, 6, 1));
    EXPECT_EQ(node.view(log).head, 6u);
    EXPECT_FALSE(node.delivered.back().late);
}

TEST_F(MeshTrees, AHeadThatIsNotAheadChangesNothing) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 5);
    node.clear();
    node.digests(q, log, 5);
    node.passes(1s);
    EXPECT_THAT(node.hears<frames::Graft>(q), IsEmpty());
    EXPECT_EQ(node.view(log).parent, peer_id(1));
}

TEST_F(MeshTrees, ANeighbourThatStaysAheadBecomesTheParent) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 5);
    node.clear();
    node.digests(q, log, 8);
    node.passes(100ms);
    EXPECT_THAT(node.hears<frames::Graft>(q), IsEmpty()) << "the parent has time to deliver";
    node.passes(100ms);
    ASSERT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Graft>(q)[0].from, 6u);
    EXPECT_EQ(node.hears<frames::Graft>(q)[0].why, Why::Lag);
    EXPECT_THAT(node.hears<frames::Prune>(p), SizeIs(1));
    node.accepts(q, log, 8, 1);
    EXPECT_EQ(node.view(log).parent, peer_id(2));
    EXPECT_EQ(node.mesh->counters().switches, 1u);
}

TEST_F(MeshTrees, AParentThatCatchesUpInTimeStays) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 5);
    node.clear();
    node.digests(q, log, 8);
    node.passes(50ms);
    node.sends(p, log, make_block(log, 6, 3));
    node.passes(1s);
    EXPECT_THAT(node.hears<frames::Graft>(q), IsEmpty());
    EXPECT_EQ(node.view(log).parent, peer_id(1));
}

TEST_F(MeshTrees, TheLagTimerCanBeArmedAgain) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 5);
    node.digests(q, log, 8);
    node.sends(p, log, make_block(log, 6, 3));
    node.passes(300ms);
    node.clear();
    node.digests(q, log, 9);
    node.passes(300ms);
    EXPECT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
}

TEST_F(MeshTrees, ARefusedGraftTriesTheAlternativesThatAreLinked) {
    const LinkId q = node.links_with(1), other = node.links_with(2);
    node.announces(q, log, 3);
    node.digests(other, log, 3);
    node.clear();
    node.says(q, frames::GraftNo{node.names(q, log), 1, {peer_id(9), peer_id(2)}});
    EXPECT_THAT(node.hears<frames::Graft>(other), SizeIs(1));
}

TEST_F(MeshTrees, ARefusedGraftWithoutAnAlternativeAsksEverybody) {
    const LinkId q = node.links_with(1), other = node.links_with(2);
    node.announces(q, log, 0);
    node.clear();
    node.says(q, frames::GraftNo{node.names(q, log), 1, {}});
    EXPECT_EQ(node.view(log).state, "orphan");
    EXPECT_THAT(node.hears<frames::Query>(q), SizeIs(1));
    EXPECT_THAT(node.hears<frames::Query>(other), SizeIs(1));
}

TEST_F(MeshTrees, AGraftWithoutAnAnswerIsARefusal) {
    const LinkId q = node.links_with(1), other = node.links_with(2);
    node.announces(q, log, 3);
    node.digests(other, log, 3);
    node.clear();
    node.passes(150ms);
    EXPECT_THAT(node.hears<frames::Graft>(other), SizeIs(1));
}

TEST_F(MeshTrees, BlocksAreDeliveredInOrderAndPassedOnToChildren) {
    const LinkId p = node.links_with(1), child = node.links_with(2);
    node.attach(p, log);
    node.grafts(child, log, 1);
    ASSERT_THAT(node.hears<frames::GraftOk>(child), SizeIs(1));
    EXPECT_EQ(node.hears<frames::GraftOk>(child)[0].depth, 1);
    node.sends(p, log, make_block(log, 1, 2));
    node.sends(p, log, make_block(log, 3, 1));
    ASSERT_THAT(node.delivered, SizeIs(2));
    EXPECT_EQ(node.delivered[0].block.first, 1u);
    EXPECT_EQ(node.delivered[1].block.first, 3u);
    EXPECT_THAT(node.gets(child), ElementsAre(1u, 3u));
    EXPECT_THAT(node.gets(p), IsEmpty());
    EXPECT_EQ(node.hears<frames::Data>(child)[0].hops, 1);
}

TEST_F(MeshTrees, BlocksThatNobodyAskedForAreCountedAndTheirSenderPrunedOnce) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.clear();
    node.sends(q, log, make_block(log, 2, 1));
    node.sends(q, log, make_block(log, 3, 1));
    EXPECT_THAT(node.delivered, IsEmpty());
    EXPECT_EQ(node.mesh->counters().unasked, 2u);
    EXPECT_THAT(node.hears<frames::Prune>(q), SizeIs(1));
    EXPECT_THAT(node.hears<frames::Prune>(p), IsEmpty());
}

TEST_F(MeshTrees, ADuplicateOfWhoWasAskedIsCounted) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.digests(q, log, 5);
    node.passes(200ms);
    node.clear();
    node.sends(q, log, make_block(log, 2, 1));
    node.sends(q, log, make_block(log, 3, 1));
    EXPECT_THAT(node.delivered, IsEmpty());
    EXPECT_EQ(node.mesh->counters().duplicates, 2u);
    EXPECT_THAT(node.hears<frames::Prune>(q), IsEmpty());
}

TEST_F(MeshTrees, TwoParentsOverlapWithoutADuplicateDelivery) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.digests(q, log, 5);
    node.passes(200ms);
    node.accepts(q, log, 5, 1);
    node.clear();
    node.sends(p, log, make_block(log, 4, 1));
    node.sends(q, log, make_block(log, 4, 1), 1);
    node.sends(q, log, make_block(log, 5, 1), 1);
    ASSERT_THAT(node.delivered, SizeIs(2));
    EXPECT_EQ(node.view(log).watermark, 5u);
    EXPECT_THAT(node.hears<frames::Prune>(p), IsEmpty()) << "it has been told already";
}

TEST_F(MeshTrees, ABlockBehindAHoleOpensAGap) {
    const LinkId p = node.links_with(1);
    node.attach(p, log, 3);
    node.sends(p, log, make_block(log, 7, 2));
    ASSERT_THAT(node.opened, SizeIs(1));
    EXPECT_EQ(node.opened[0].range, (SeqRange{4, 6}));
    EXPECT_EQ(node.view(log).head, 8u);
    EXPECT_EQ(node.view(log).watermark, 3u);
    EXPECT_FALSE(node.remembered.empty());
}

TEST_F(MeshTrees, ALateBlockFillsItsHole) {
    const LinkId p = node.links_with(1);
    node.attach(p, log, 3);
    node.sends(p, log, make_block(log, 7, 2));
    node.clear();
    node.sends(p, log, make_block(log, 4, 3));
    ASSERT_THAT(node.delivered, SizeIs(1));
    EXPECT_TRUE(node.delivered[0].late);
    ASSERT_THAT(node.closed, SizeIs(1));
    EXPECT_EQ(node.closed[0].range, (SeqRange{4, 6}));
    EXPECT_TRUE(node.closed[0].repaired);
    EXPECT_EQ(node.view(log).watermark, 8u);
    EXPECT_TRUE(node.remembered.back().state.empty());
}

TEST_F(MeshTrees, ASkipOfTheParentIsAHoleAndGoesOnToChildren) {
    const LinkId p = node.links_with(1), child = node.links_with(2);
    node.attach(p, log, 3);
    node.grafts(child, log, 4);
    node.says(p, frames::SkipFrame{node.names(p, log), {4, 9}, Skip::Evicted});
    node.sends(p, log, make_block(log, 10, 1));
    EXPECT_EQ(node.opened.size(), 1u);
    ASSERT_THAT(node.hears<frames::SkipFrame>(child), SizeIs(1));
    EXPECT_EQ(node.hears<frames::SkipFrame>(child)[0].range, (SeqRange{4, 9}));
    EXPECT_THAT(node.gets(child), ElementsAre(10u));
    EXPECT_EQ(node.view(log).missing, (std::vector<SeqRange>{{4, 9}}));
}

TEST_F(MeshTrees, ASkipOfSomebodyElseMeansNothing) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.says(q, frames::SkipFrame{node.names(q, log), {4, 9}, Skip::Lost});
    EXPECT_EQ(node.view(log).head, 3u);
}

TEST_F(MeshTrees, OfCrossingGraftsTheSideThatIsAheadStaysParent) {
    const LinkId q = node.links_with(2);
    node.attach(node.links_with(1), log, 3);
    node.give(LinkClosed{LinkId{3}, LinkEnd::Reset, ""});
    node.digests(q, log, 5);
    ASSERT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
    node.clear();
    node.grafts(q, log, 3, 1);  // it has 2, we have 3
    EXPECT_THAT(node.hears<frames::GraftOk>(q), SizeIs(1));
    ASSERT_THAT(node.hears<frames::Prune>(q), SizeIs(1));
    EXPECT_THAT(node.gets(q), ElementsAre(1u));
    EXPECT_NE(node.view(log).parent, peer_id(2));
}

TEST_F(MeshTrees, OfCrossingGraftsTheSideThatIsBehindStaysChild) {
    const LinkId q = node.links_with(2);
    node.attach(node.links_with(1), log, 3);
    node.give(LinkClosed{LinkId{3}, LinkEnd::Reset, ""});
    node.digests(q, log, 5);
    node.clear();
    node.grafts(q, log, 6, 1);
    EXPECT_THAT(node.hears<frames::GraftOk>(q), IsEmpty());
    EXPECT_THAT(node.hears<frames::GraftNo>(q), SizeIs(1));
    node.accepts(q, log, 5, 0);
    EXPECT_EQ(node.view(log).parent, peer_id(2));
}

TEST_F(MeshTrees, EqualCrossingGraftsAreDecidedByTheLowerNode) {
    Bench low(1);
    const LogKey third = log_of(9);
    const LinkId q = low.links_with(2);
    low.announces(q, third, 0, 0);
    low.passes(60ms);
    low.clear();
    low.grafts(q, third, 1, 1);
    EXPECT_THAT(low.hears<frames::GraftOk>(q), testing::Not(IsEmpty())) << "we are the lower one";
}

TEST_F(MeshTrees, MoreChildrenThanMayBeAreReferredToOthers) {
    const LinkId p = node.links_with(1);
    node.attach(p, log);
    for (std::uint8_t i = 100; i < 140; ++i) node.member(i);
    for (std::uint8_t i = 100; i < 116; ++i) node.grafts(node.links_with(i), log, 1);
    const LinkId late = node.links_with(130);
    node.grafts(late, log, 1);
    EXPECT_THAT(node.hears<frames::GraftOk>(late), IsEmpty());
    ASSERT_THAT(node.hears<frames::GraftNo>(late), SizeIs(1));
    EXPECT_THAT(node.hears<frames::GraftNo>(late)[0].alternatives, SizeIs(4));
}

TEST_F(MeshTrees, APrunedChildGetsNothingMore) {
    const LinkId p = node.links_with(1), child = node.links_with(2);
    node.attach(p, log);
    node.grafts(child, log, 1);
    node.says(child, frames::Prune{node.names(child, log), 1});
    node.sends(p, log, make_block(log, 1));
    EXPECT_THAT(node.gets(child), IsEmpty());
    EXPECT_EQ(node.view(log).children, 0u);
}

TEST_F(MeshTrees, AParentThatClosesIsReplacedByANeighbourThatIsAhead) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.digests(q, log, 4);
    node.clear();
    node.says(p, frames::Prune{node.names(p, log), 3});
    EXPECT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
}

TEST_F(MeshTrees, AShedChildMovesToTheAlternativeAndThenLeaves) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.clear();
    node.says(p, frames::Shed{node.names(p, log), peer_id(2)});
    ASSERT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Graft>(q)[0].why, Why::Shed);
    EXPECT_THAT(node.hears<frames::Prune>(p), IsEmpty());
    EXPECT_EQ(node.view(log).parent, peer_id(1));
    node.accepts(q, log, 3, 1);
    EXPECT_THAT(node.hears<frames::Prune>(p), SizeIs(1));
    EXPECT_EQ(node.view(log).parent, peer_id(2));
}

TEST_F(MeshTrees, AShedChildWhoseAlternativeRefusesStays) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.says(p, frames::Shed{node.names(p, log), peer_id(2)});
    node.says(q, frames::GraftNo{node.names(q, log), 1, {}});
    EXPECT_EQ(node.view(log).parent, peer_id(1));
    EXPECT_EQ(node.view(log).state, "attached");
}

TEST_F(MeshTrees, ALostParentIsSoughtWithOneQueryForAllItsLogs) {
    node.member(1);
    const LogKey second = log_of(1, 2);
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.attach(p, second, 2);
    node.clear();
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    ASSERT_THAT(node.hears<frames::Query>(q), SizeIs(1));
    EXPECT_THAT(node.hears<frames::Query>(q)[0].logs, SizeIs(2));
    EXPECT_EQ(node.view(log).state, "orphan");
}

TEST_F(MeshTrees, AnAnswerThatIsAheadIsGrafted) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    node.clear();
    node.says(q, frames::QueryReply{{{node.names(q, log), 5, 4, true}}});
    node.passes(5ms);
    ASSERT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Graft>(q)[0].from, 4u);
}

TEST_F(MeshTrees, AnEqualAnswerCountsOnlyIfItIsAttachedAndNotDeeper) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3, 1);  // depth 2
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    node.clear();
    const auto lx = node.names(q, log);
    node.says(q, frames::QueryReply{{{lx, 3, 3, true}}});
    node.passes(5ms);
    EXPECT_THAT(node.hears<frames::Graft>(q), IsEmpty()) << "it is deeper";
    node.says(q, frames::QueryReply{{{lx, 3, 2, false}}});
    node.passes(5ms);
    EXPECT_THAT(node.hears<frames::Graft>(q), IsEmpty()) << "it has no parent itself";
    node.says(q, frames::QueryReply{{{lx, 3, 2, true}}});
    node.passes(5ms);
    EXPECT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
}

TEST_F(MeshTrees, AQueryIsAnsweredWithWhatWeHave) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.says(q, frames::Query{{node.names(q, log)}});
    ASSERT_THAT(node.hears<frames::QueryReply>(q), SizeIs(1));
    const auto row = node.hears<frames::QueryReply>(q)[0].rows.at(0);
    EXPECT_EQ(row.head, 3u);
    EXPECT_EQ(row.depth, 1);
    EXPECT_TRUE(row.attached);
    node.says(p, frames::Query{{node.names(p, log)}});
    EXPECT_FALSE(node.hears<frames::QueryReply>(p)[0].rows.at(0).attached) << "we have it from it";
}

TEST_F(MeshTrees, AnOrphanAsksAgainMoreAndMoreRarely) {
    node.member(1);
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    node.clear();
    node.passes(7500ms);
    EXPECT_THAT(node.hears<frames::Query>(q), SizeIs(3)) << "after 1, 2 and 4 s";
}

TEST_F(MeshTrees, ChildrenOfAnOrphanLearnThatItLeadsNowhereAndThenHowDeepItIs) {
    node.member(1);
    const LinkId p = node.links_with(1), q = node.links_with(2), child = node.links_with(3);
    node.attach(p, log, 3);
    node.grafts(child, log, 4);
    node.clear();
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    ASSERT_THAT(node.hears<frames::GraftOk>(child), SizeIs(1));
    EXPECT_EQ(node.hears<frames::GraftOk>(child)[0].depth, 255);
    node.says(q, frames::QueryReply{{{node.names(q, log), 3, 1, true}}});
    node.passes(5ms);
    node.accepts(q, log, 3, 5);
    ASSERT_THAT(node.hears<frames::GraftOk>(child), SizeIs(2));
    EXPECT_EQ(node.hears<frames::GraftOk>(child)[1].depth, 6);
    EXPECT_THAT(node.hears<frames::Prune>(child), IsEmpty());
}

TEST_F(MeshTrees, BelowAnOrphanNobodyIsAParentForThoseAbove) {
    node.member(1);
    const LinkId p = node.links_with(2), q = node.links_with(3);
    node.attach(p, log, 3, 1);
    node.accepts(p, log, 3, 255);  // it has lost its own parent
    EXPECT_EQ(node.view(log).state, "attached");
    node.says(q, frames::Query{{node.names(q, log)}});
    ASSERT_THAT(node.hears<frames::QueryReply>(q), SizeIs(1));
    EXPECT_FALSE(node.hears<frames::QueryReply>(q)[0].rows.at(0).attached);
    node.clear();
    node.passes(1100ms);
    EXPECT_THAT(node.hears<frames::Query>(q), SizeIs(1)) << "another neighbour may have a way";
    node.says(q, frames::QueryReply{{{node.names(q, log), 3, 1, true}}});
    node.passes(5ms);
    EXPECT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
    node.accepts(q, log, 3, 1);
    EXPECT_EQ(node.view(log).parent, peer_id(3));
    EXPECT_THAT(node.hears<frames::Prune>(p), SizeIs(1));
}

TEST_F(MeshTrees, AParentThatLeadsNowhereAndHasNoMoreIsNotTaken) {
    node.member(1);
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    node.says(q, frames::QueryReply{{{node.names(q, log), 3, 1, true}}});
    node.passes(5ms);
    node.clear();
    node.accepts(q, log, 3, 255);
    EXPECT_EQ(node.view(log).state, "orphan");
    EXPECT_THAT(node.hears<frames::Prune>(q), SizeIs(1));
}

TEST_F(MeshTrees, WhatAParentWithoutAWaySendsShowsNoWay) {
    node.member(1);
    const LinkId p = node.links_with(2), q = node.links_with(3);
    node.attach(p, log, 3, 255);
    EXPECT_EQ(node.view(log).state, "attached");
    EXPECT_EQ(node.view(log).head, 3u);
    node.says(q, frames::Query{{node.names(q, log)}});
    ASSERT_THAT(node.hears<frames::QueryReply>(q), SizeIs(1));
    EXPECT_FALSE(node.hears<frames::QueryReply>(q)[0].rows.at(0).attached);
    node.grafts(q, log, 1);
    for (const auto& data : node.hears<frames::Data>(q)) EXPECT_EQ(data.hops, 255);
    node.sends(p, log, make_block(log, 4), 0);
    node.clear();
    node.says(q, frames::Query{{node.names(q, log)}});
    EXPECT_TRUE(node.hears<frames::QueryReply>(q).at(0).rows.at(0).attached)
        << "this one came from the origin";
}

TEST_F(MeshTrees, AnOrphanThatNeverHadADepthDoesNotAskWhoHasNoParentEither) {
    node.member(1);
    const LinkId p = node.links_with(2), q = node.links_with(3);
    node.attach(p, log, 3, 255);
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    node.clear();
    const auto lx = node.names(q, log);
    node.says(q, frames::QueryReply{{{lx, 3, 255, false}}});
    node.passes(5ms);
    EXPECT_THAT(node.hears<frames::Graft>(q), IsEmpty());
    node.says(q, frames::QueryReply{{{lx, 3, 1, true}}});
    node.passes(5ms);
    EXPECT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
}

TEST_F(MeshTrees, ACircleIsADepthThatGrowsTooFar) {
    node.member(1);
    const LinkId p = node.links_with(2);
    node.attach(p, log, 3, 1);
    node.accepts(p, log, 3, 99);
    EXPECT_EQ(node.view(log).state, "attached");
    EXPECT_EQ(node.view(log).depth, 100);
    node.clear();
    node.accepts(p, log, 3, 100);
    EXPECT_EQ(node.view(log).state, "orphan");
    EXPECT_THAT(node.hears<frames::Prune>(p), SizeIs(1));
}

TEST_F(MeshTrees, AnOrphanOfALogThatIsOverAsksNobodyAgain) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 3);
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    node.clear();
    node.passes(1min);
    EXPECT_THAT(node.hears<frames::Query>(q), IsEmpty());
    EXPECT_EQ(node.view(log).state, "closed");
}

TEST_F(MeshTrees, ANewLinkDoesNotDisturbATree) {
    const LinkId p = node.links_with(1);
    node.attach(p, log, 3);
    const LinkId q = node.links_with(2);
    node.announces(q, log, 3, 0);
    node.passes(1s);
    EXPECT_THAT(node.hears<frames::Graft>(q), IsEmpty());
}

TEST_F(MeshTrees, InAFullMeshTheOriginReplacesWhoeverPassedItsLogOn) {
    const LinkId q = node.links_with(2);
    node.attach(q, log, 3, 1);
    EXPECT_EQ(node.view(log).depth, 2);
    node.clear();
    const LinkId origin = node.connects();
    node.greets(origin, 1);
    frames::Vector vector{0xFFFF, true, {}};
    vector.rows.push_back({log, 1, 3, 3, Hlc{5}, {}});
    node.says(origin, vector);
    ASSERT_THAT(node.hears<frames::Graft>(origin), SizeIs(1));
    node.accepts(origin, log, 3, 0);
    EXPECT_EQ(node.view(log).parent, peer_id(1));
    EXPECT_THAT(node.hears<frames::Prune>(q), SizeIs(1));
}

TEST_F(MeshTrees, WhatIsPublishedGoesToChildrenAtOnce) {
    const LinkId q = node.links_with(2);
    const LogKey own{node.config.node, node.config.epoch, kDataLane};
    node.grafts(q, own, 1);
    node.give(Sealed{own, make_block(own, 1, 4)});
    EXPECT_THAT(node.gets(q), ElementsAre(1u));
    EXPECT_EQ(node.hears<frames::Data>(q)[0].hops, 0);
}

TEST_F(MeshTrees, TheFasterNeighbourOfTwoRacesBecomesTheParent) {
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.attach(p, log, 1);
    for (Seq seq = 2; seq <= 3; ++seq) {
        EXPECT_THAT(node.hears<frames::Graft>(q), IsEmpty());
        node.says(q, frames::Race{node.names(q, log), seq});
        node.passes(40ms);
        node.sends(p, log, make_block(log, seq, 1, block_flag::kRace, 20, node.wall() - 50'000));
    }
    ASSERT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Graft>(q)[0].why, Why::Race);
    EXPECT_EQ(node.view(log).parent, peer_id(1)) << "until the other has said yes";
    node.accepts(q, log, 3, 0);
    EXPECT_EQ(node.view(log).parent, peer_id(2));
}

TEST_F(MeshTrees, ARaceBlockIsToldToNeighboursOutsideTheTree) {
    const LinkId p = node.links_with(1), q = node.links_with(2), child = node.links_with(3);
    node.attach(p, log);
    node.grafts(child, log, 1);
    node.sends(p, log, make_block(log, 1, 1, block_flag::kRace));
    EXPECT_THAT(node.hears<frames::Race>(q), SizeIs(1));
    EXPECT_THAT(node.hears<frames::Race>(p), IsEmpty());
    EXPECT_THAT(node.hears<frames::Race>(child), IsEmpty());
}

TEST_F(MeshTrees, FarBehindItGoesOnNearTheHeadAndLeavesAHole) {
    const LinkId p = node.links_with(1);
    node.announces(p, log, 9'000'000, 0);
    ASSERT_THAT(node.hears<frames::Graft>(p), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Graft>(p)[0].from, 8'999'001u);
    ASSERT_THAT(node.opened, SizeIs(1));
    EXPECT_EQ(node.opened[0].range, (SeqRange{1, 8'999'000}));
}

TEST_F(MeshTrees, WithTooManyHolesItDoesNotJumpAgain) {
    const LinkId p = node.links_with(1);
    node.attach(p, log, 1);
    for (Seq i = 1; i <= 32; ++i) node.sends(p, log, make_block(log, 1 + 2 * i));
    EXPECT_THAT(node.view(log).missing, SizeIs(32));
    const LinkId q = node.links_with(2);
    node.digests(q, log, 200'000);
    node.clear();
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    ASSERT_THAT(node.hears<frames::Graft>(q), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Graft>(q)[0].from, 66u);
}

TEST_F(MeshTrees, TheLogsOfALostParentSpreadOverTheNeighbours) {
    const LinkId p = node.links_with(1);
    std::vector<LinkId> others;
    for (std::uint8_t i = 2; i < 6; ++i) others.push_back(node.links_with(i));
    for (std::uint8_t n = 100; n < 140; ++n) {
        node.attach(p, log_of(n), 1);
    }
    for (std::uint8_t n = 100; n < 140; ++n)
        for (const LinkId q : others) node.digests(q, log_of(n), 2);
    node.clear();
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    for (const LinkId q : others) EXPECT_GE(node.hears<frames::Graft>(q).size(), 4u);
}

}  // namespace
}  // namespace anode::mesh::test
