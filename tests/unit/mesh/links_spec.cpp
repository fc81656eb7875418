#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/mesh/bench.hpp"
#include "unit/mesh/net.hpp"

/// Connections from dialling to their end: dissemination, sections 2.1, 2.3 and 8.
namespace anode::mesh::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(MeshLinks, OfTwoNodesTheLowerDials) {
    Net net;
    Node &a = net.add(1), &b = net.add(2);
    net.introduce_all();
    net.run(1s);
    EXPECT_THAT(a.dials, SizeIs(1));
    EXPECT_THAT(b.dials, IsEmpty());
    EXPECT_EQ(a.ups.size(), 1u);
    EXPECT_EQ(b.ups.size(), 1u);
}

TEST(MeshLinks, TheOtherDialsIfItHasNotBeenDialledForThreeSeconds) {
    Net net;
    Node &a = net.add(1), &b = net.add(2);
    net.introduce(b, a);
    net.run(2900ms);
    EXPECT_THAT(b.dials, IsEmpty());
    net.run(200ms);
    EXPECT_THAT(b.dials, SizeIs(1));
    EXPECT_EQ(b.link_state(a.id), "up");
}

TEST(MeshLinks, OfSimultaneousConnectionsOneStaysAndBothAgreeWhich) {
    Net net;
    Node &a = net.add(1), &b = net.add(2);
    net.introduce(b, a);
    net.run(3s - 50us);
    net.introduce(a, b);
    net.run(500ms);
    ASSERT_THAT(a.dials, SizeIs(1));
    ASSERT_THAT(b.dials, SizeIs(1));
    ASSERT_THAT(a.mesh->links(), SizeIs(1));
    ASSERT_THAT(b.mesh->links(), SizeIs(1));
    EXPECT_TRUE(a.mesh->links()[0].dialled) << "the lower one's stays";
    EXPECT_FALSE(b.mesh->links()[0].dialled);
    net.publish(a);
    net.publish(b);
    net.run(500ms);
    EXPECT_EQ(a.view(b.log()).watermark, 1u);
    EXPECT_EQ(b.view(a.log()).watermark, 1u);
}

TEST(MeshLinks, ARestartedNodeReplacesItsOldConnectionAtOnce) {
    Net net;
    Node &a = net.add(1), &b = net.add(2);
    net.introduce_all();
    net.run(100ms);
    net.unplug(a);
    a.conns.clear();
    net.restart(a);
    net.run(300ms);
    EXPECT_EQ(b.link_state(a.id), "up");
    EXPECT_THAT(b.mesh->links(), SizeIs(1));
    ASSERT_THAT(b.downs, SizeIs(1));
    EXPECT_EQ(b.downs[0].end, LinkEnd::Closed);
    EXPECT_THAT(b.ups, SizeIs(2));
}

TEST(MeshLinks, ANodeOfAnotherClusterIsRefusedAndLeftAloneForAMinute) {
    Net net;
    Node& a = net.add(1);
    Node& b = net.add(2, [](Config& config) { config.cluster = "vineyard"; });
    net.introduce_all();
    net.run(30s);
    EXPECT_EQ(a.up_links(), 0u);
    EXPECT_THAT(a.dials, SizeIs(1));
    EXPECT_GE(b.mesh->counters().refused, 1u);
    net.run(60s);
    EXPECT_THAT(a.dials, SizeIs(2));
}

TEST(MeshLinks, HelloIsChecked) {
    const auto code_for = [](std::uint8_t number, frames::Hello hello) {
        Bench node;
        const LinkId id = node.connects();
        node.greets(id, number, std::move(hello));
        const auto errors = node.hears<frames::ErrorFrame>(id);
        EXPECT_THAT(node.closes, ElementsAre(id));
        return errors.empty() ? 0 : errors[0].code;
    };
    frames::Hello hello;
    hello.cluster = "vineyard";
    EXPECT_EQ(code_for(1, hello), 2);
    hello = {};
    hello.protocol = hello.protocol_min = 9;
    EXPECT_EQ(code_for(1, hello), 3);
    EXPECT_EQ(code_for(50, {}), 7) << "our own identity";
}

TEST(MeshLinks, AFrameBeforeHelloAndASecondHelloEndTheLink) {
    Bench node;
    const LinkId early = node.connects();
    node.says(early, frames::Ping{});
    EXPECT_THAT(node.closes, ElementsAre(early));
    const LinkId twice = node.links_with(1);
    node.clear();
    node.greets(twice, 1);
    EXPECT_THAT(node.closes, ElementsAre(twice));
}

TEST(MeshLinks, WhoDoesNotGreetIsClosed) {
    Bench node;
    const LinkId id = node.connects();
    node.passes(3100ms);
    EXPECT_THAT(node.closes, ElementsAre(id));
    EXPECT_THAT(node.mesh->links(), IsEmpty());
}

TEST(MeshLinks, StrangersAreFew) {
    Bench node;
    for (int i = 0; i < 64; ++i) node.connects();
    EXPECT_THAT(node.closes, IsEmpty());
    const LinkId late = node.connects();
    EXPECT_THAT(node.closes, ElementsAre(late));
    EXPECT_EQ(node.mesh->counters().refused, 1u);
}

TEST(MeshLinks, ALinkWithoutVectorsIsUpAfterFiveSeconds) {
    Bench node;
    const LinkId id = node.connects();
    node.greets(id, 1);
    EXPECT_EQ(node.state(id, 1), "sync");
    node.passes(5100ms);
    EXPECT_EQ(node.state(id, 1), "up");
    EXPECT_THAT(node.ups, ElementsAre(peer_id(1)));
}

TEST(MeshLinks, SilenceIsFollowedByPingsAndThenByTheEnd) {
    Bench node;
    const LinkId id = node.links_with(1);
    node.clear();
    node.goes_silent(id);
    node.passes(1100ms);
    EXPECT_GE(node.hears<frames::Ping>(id).size(), 1u);
    EXPECT_THAT(node.downs, IsEmpty());
    node.passes(500ms);
    ASSERT_THAT(node.downs, SizeIs(1));
    EXPECT_EQ(node.downs[0].end, LinkEnd::TimedOut);
    EXPECT_THAT(node.closes, ElementsAre(id));
}

TEST(MeshLinks, PingsMeasureTheRoundTripAndTheOffsetOfTheClock) {
    Bench node;
    const LinkId id = node.links_with(1);
    ASSERT_THAT(node.hears<frames::Ping>(id), SizeIs(1));
    const auto ping = node.hears<frames::Ping>(id)[0];
    node.passes(10ms);
    frames::Pong pong;
    pong.nonce = ping.nonce;
    pong.wall = node.wall() - 5000 - 2'000'000;
    node.says(id, pong);
    ASSERT_THAT(node.offsets, SizeIs(1));
    EXPECT_EQ(node.offsets[0].rtt, 10ms);
    EXPECT_EQ(node.offsets[0].offset, 2s) << "ours is ahead by this";
}

TEST(MeshLinks, TheOffsetIsTheMedianOfTheNeighbours) {
    Bench node;
    std::vector<LinkId> ids;
    for (std::uint8_t i = 1; i <= 3; ++i) ids.push_back(node.links_with(i));
    const WallTime errors[] = {0, 3'600'000'000, 1000};
    for (std::size_t i = 0; i < 3; ++i) {
        frames::Pong pong;
        pong.nonce = node.hears<frames::Ping>(ids[i])[0].nonce;
        pong.wall = node.wall() - errors[i];
        node.says(ids[i], pong);
    }
    EXPECT_EQ(node.offsets.back().offset, 1ms);
}

TEST(MeshLinks, ClocksThatPartAreToldOfOnceAndOnceMoreWhenTheyAgree) {
    Bench node;
    const LinkId id = node.links_with(1);
    const auto answers = [&](WallTime error) {
        frames::Pong pong;
        pong.nonce = node.hears<frames::Ping>(id).back().nonce;
        pong.wall = node.wall() - error;
        node.says(id, pong);
        node.passes(7500ms);  // the next PING is out
    };
    const auto told = [&] {
        std::vector<std::string> what;
        for (const Notice& notice : node.notices)
            if (notice.what.find("clock") != std::string::npos) what.push_back(notice.detail);
        return what;
    };
    answers(0);
    EXPECT_THAT(told(), IsEmpty());
    answers(-3'600'000'000);
    ASSERT_THAT(told(), SizeIs(1));
    EXPECT_EQ(told()[0], "ours is behind by 3600000 ms");
    EXPECT_EQ(node.offsets.back().of_peer, -1h);
    answers(-3'600'000'000);
    EXPECT_THAT(told(), SizeIs(1));
    answers(0);
    EXPECT_THAT(told(), SizeIs(2));
}

TEST(MeshLinks, AWildClockDoesNoHarm) {
    Bench node;
    const LinkId id = node.links_with(1);
    frames::Pong pong;
    pong.nonce = node.hears<frames::Ping>(id)[0].nonce;
    pong.wall = std::numeric_limits<WallTime>::min();
    node.says(id, pong);
    EXPECT_EQ(node.state(id, 1), "up");
}

TEST(MeshLinks, ALinkThatTakesDataAndGivesNoCreditIsBroken) {
    Bench node;
    const LinkId id = node.links_with(1);
    const LogKey own{node.config.node, node.config.epoch, kDataLane};
    node.grafts(id, own, 1);
    node.give(Sealed{own, make_block(own, 1)});
    // Small frames still pass: the peer answers, but credit never comes.
    for (int i = 0; i < 12; ++i) {
        node.passes(500ms);
        node.says(id, frames::Ping{});
    }
    EXPECT_THAT(node.downs, SizeIs(1)) << "keep_alive() gives credit of zero bytes";
}

TEST(MeshLinks, AResetIsToldAsEvidenceAndTheLinkComesBack) {
    Net net;
    Node &a = net.add(1), &b = net.add(2);
    net.introduce_all();
    net.run(100ms);
    net.reset(a, b);
    net.run(50ms);
    ASSERT_THAT(b.downs, SizeIs(1));
    EXPECT_EQ(b.downs[0].end, LinkEnd::Reset);
    net.run(300ms);
    EXPECT_EQ(a.link_state(b.id), "up");
}

TEST(MeshLinks, ARefusedDialIsEvidenceAndIsRepeatedMoreAndMoreRarely) {
    Net net;
    Node &a = net.add(1), &b = net.add(2);
    net.kill(b);
    net.introduce(a, b);
    net.run(10s);
    // At once, then after 0.2, 0.5, 1, 2 and 5 s.
    EXPECT_THAT(a.dials, SizeIs(6));
    ASSERT_FALSE(a.downs.empty());
    EXPECT_EQ(a.downs[0].end, LinkEnd::Refused);
}

TEST(MeshLinks, AFaultClosesTheLinkAndBansThePeerForAMinute) {
    Bench node;
    const LinkId id = node.links_with(1);
    node.says(id, frames::Announce{77, 1, 0, 0});  // never defined
    EXPECT_THAT(node.hears<frames::ErrorFrame>(id), SizeIs(1));
    EXPECT_THAT(node.closes, ElementsAre(id));
    EXPECT_EQ(node.mesh->counters().protocol_errors, 1u);
    EXPECT_EQ(node.mesh->counters().bans, 1u);
    ASSERT_FALSE(node.notices.empty());
    EXPECT_EQ(node.notices.back().peer, peer_id(1));
    const LinkId again = node.connects();
    node.greets(again, 1);
    ASSERT_THAT(node.hears<frames::ErrorFrame>(again), SizeIs(1));
    EXPECT_EQ(node.hears<frames::ErrorFrame>(again)[0].code, 6);
    node.passes(61s);
    EXPECT_EQ(node.state(node.links_with(1), 1), "up");
}

TEST(MeshLinks, ABlockWhoseChecksumIsWrongAccusesItsSender) {
    Bench node;
    const LinkId id = node.links_with(1), other = node.links_with(2);
    node.attach(id, log_of(1));
    WireBlock block = make_block(log_of(1), 1);
    Bytes bad = *block.wire;
    bad.back() ^= 1;
    block.wire = std::make_shared<const Bytes>(bad);
    node.sends(id, log_of(1), block);
    EXPECT_THAT(node.delivered, IsEmpty());
    ASSERT_THAT(node.hears<frames::ErrorFrame>(id), SizeIs(1));
    EXPECT_EQ(node.hears<frames::ErrorFrame>(id)[0].code, 5);
    EXPECT_EQ(node.state(other, 2), "up");
}

TEST(MeshLinks, AnUnwantedLinkWithoutLogsIsClosedAfterHalfAMinute) {
    Bench node;
    const LinkId id = node.links_with(1);
    node.clear();
    node.passes(29s);
    EXPECT_THAT(node.closes, IsEmpty());
    node.passes(2s);
    EXPECT_THAT(node.closes, ElementsAre(id));
    ASSERT_THAT(node.hears<frames::Bye>(id), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Bye>(id)[0].reason, 0);
}

TEST(MeshLinks, UnwantedLinksAreFew) {
    Bench node;
    for (std::uint8_t i = 1; i <= 8; ++i) EXPECT_EQ(node.state(node.links_with(i), i), "up");
    const LinkId late = node.connects();
    node.greets(late, 9);
    ASSERT_THAT(node.hears<frames::Bye>(late), SizeIs(1));
    node.member(9);
    EXPECT_EQ(node.state(node.links_with(9), 9), "up") << "a neighbour is no stranger";
}

TEST(MeshLinks, ANodeThatLeavesSaysGoodbye) {
    Net net;
    Node &a = net.add(1), &b = net.add(2);
    net.introduce_all();
    net.run(100ms);
    net.give(a, Drain{});
    net.run(2500ms);
    EXPECT_EQ(a.up_links(), 0u);
    ASSERT_THAT(b.downs, SizeIs(1));
    EXPECT_EQ(b.downs[0].end, LinkEnd::Closed);
}

TEST(MeshLinks, ADrainingNodeSendsItsChildrenToItsParent) {
    Bench node;
    const LinkId p = node.links_with(1), child = node.links_with(2);
    node.attach(p, log_of(1), 2);
    node.grafts(child, log_of(1), 3);
    node.give(Drain{});
    ASSERT_THAT(node.hears<frames::Shed>(child), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Shed>(child)[0].alternative, peer_id(1));
    const LinkId late = node.links_with(3);
    EXPECT_EQ(node.state(late, 3), "none") << "nobody new";
}

TEST(MeshLinks, WhatAnotherMachineSendsIsCarriedInOrder) {
    Net net;
    Node &a = net.add(1), &b = net.add(2);
    net.introduce_all();
    net.run(100ms);
    net.give(a, SendPeer{b.id, 40, "one"});
    net.give(a, SendPeer{b.id, 69, "two"});
    net.give(a, SendPeer{node_id(9), 40, "nobody"});
    net.run(10ms);
    EXPECT_THAT(b.passed, ElementsAre(std::pair(a.id, std::string("one")),
                                      std::pair(a.id, std::string("two"))));
}

TEST(MeshLinks, APeerThatNeverReadsIsClosedBeforeItsQueueGrowsWithoutEnd) {
    Bench node;
    const LinkId id = node.links_with(1);
    node.clogged = true;
    const Bytes body(100'000, 'x');
    for (int i = 0; i < 100; ++i) node.give(SendPeer{peer_id(1), 40, body});
    EXPECT_THAT(node.closes, ElementsAre(id));
    EXPECT_EQ(node.downs.size(), 1u);
}

TEST(MeshLinks, OnARingTheNextMemberStandsInForOneThatCannotBeReached) {
    Net net;
    std::vector<Node*> nodes;
    for (std::uint8_t i = 1; i <= 40; ++i) nodes.push_back(&net.add(i));
    net.introduce_all();
    net.run(5s);
    for (Node* node : nodes) EXPECT_TRUE(node->mesh->settled());
    Node& lost = *nodes[7];
    std::vector<Node*> dialled_it;
    for (Node* node : nodes)
        for (const Dial& dial : node->dials)
            if (dial.peer == lost.id) dialled_it.push_back(node);
    ASSERT_FALSE(dialled_it.empty());
    net.kill(lost);
    const std::size_t before = dialled_it[0]->up_links();
    net.run(5s);
    EXPECT_GE(dialled_it[0]->up_links() + 1, before);
    std::size_t dials_of_others = 0;
    for (const Dial& dial : dialled_it[0]->dials) dials_of_others += dial.peer != lost.id ? 1 : 0;
    EXPECT_GT(dials_of_others, 0u);
}

}  // namespace
}  // namespace anode::mesh::test
