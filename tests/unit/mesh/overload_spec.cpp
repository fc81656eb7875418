#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/mesh/bench.hpp"

/// Credit, order of sending, and what happens when a node has more than its links carry: dissemination, sections 2.4 and 4.
namespace anode::mesh::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct MeshOverload : testing::Test {
    Bench node;
    const LogKey own{node.config.node, node.config.epoch, kDataLane};
    const LogKey system{node.config.node, node.config.epoch, kSystemLane};
    Seq head = 0;

    void seals(std::size_t bytes, const LogKey& log) {
        node.give(Sealed{log, make_block(log, ++head, 1, 0, bytes, node.wall())});
    }
};

TEST_F(MeshOverload, WithoutCreditNothingIsSent) {
    frames::Hello hello;
    hello.live_window = 2000;
    const LinkId child = node.links_with(1, hello);
    node.grafts(child, own, 1);
    for (int i = 0; i < 5; ++i) seals(1000, own);
    EXPECT_THAT(node.gets(child), ElementsAre(1u, 2u));
    node.says(child, frames::Credit{1, 1100});
    EXPECT_THAT(node.gets(child), ElementsAre(1u, 2u, 3u));
}

TEST_F(MeshOverload, CreditIsGivenBackForWhatCameIn) {
    const LinkId p = node.links_with(1);
    node.attach(p, log_of(1));
    node.clear();
    node.sends(p, log_of(1), make_block(log_of(1), 1));
    EXPECT_THAT(node.hears<frames::Credit>(p), IsEmpty()) << "small change waits a little";
    node.passes(120ms);
    ASSERT_THAT(node.hears<frames::Credit>(p), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Credit>(p)[0].bytes, make_block(log_of(1), 1).wire->size());
    node.clear();
    node.sends(p, log_of(1), make_block(log_of(1), 2, 1, 0, 900'000));
    EXPECT_THAT(node.hears<frames::Credit>(p), SizeIs(1)) << "large notes do not";
}

TEST_F(MeshOverload, ASocketThatIsFullIsLeftAlone) {
    const LinkId child = node.links_with(1);
    node.grafts(child, own, 1);
    node.clogged = true;
    for (int i = 0; i < 10; ++i) seals(50'000, own);
    EXPECT_THAT(node.gets(child), SizeIs(3)) << "128 KiB are enough";
    node.give(LinkRoom{child, 0});
    EXPECT_THAT(node.gets(child), SizeIs(6));
}

TEST_F(MeshOverload, LaneZeroOvertakesData) {
    const LinkId child = node.links_with(1);
    node.grafts(child, own, 1);
    node.grafts(child, system, 1);
    node.clogged = true;
    for (int i = 0; i < 6; ++i) seals(50'000, own);
    node.give(Sealed{system, make_block(system, 1)});
    node.clear();
    node.give(LinkRoom{child, 0});
    ASSERT_FALSE(node.hears<frames::Data>(child).empty());
    EXPECT_EQ(node.meant(child, node.hears<frames::Data>(child)[0].lx), system);
}

TEST_F(MeshOverload, StreamsShareALinkByBytes) {
    const LinkId p = node.links_with(1), child = node.links_with(2);
    std::vector<LogKey> logs;
    for (std::uint8_t n = 100; n < 104; ++n) {
        logs.push_back(log_of(n));
        node.attach(p, logs.back());
        node.grafts(child, logs.back(), 1);
    }
    node.clogged = true;
    seals(200'000, own);
    node.grafts(child, own, 1);
    for (Seq seq = 1; seq <= 20; ++seq)
        for (const LogKey& log : logs)
            node.sends(p, log, make_block(log, seq, 1, 0, log == logs[0] ? 40'000 : 10'000));
    node.clear();
    for (int i = 0; i < 4; ++i) node.give(LinkRoom{child, 0});
    std::map<LogKey, std::size_t> bytes;
    for (const auto& data : node.hears<frames::Data>(child)) ++bytes[node.meant(child, data.lx)];
    for (const LogKey& log : logs) EXPECT_GE(bytes[log], 1u);
    EXPECT_LT(bytes[logs[0]], bytes[logs[1]]) << "large blocks count for more";
}

TEST_F(MeshOverload, WhenMostChildrenWaitForOurEgressTheLogBecomesATree) {
    std::vector<LinkId> children;
    for (std::uint8_t i = 1; i <= 5; ++i) {
        children.push_back(node.links_with(i));
        node.grafts(children.back(), own, 1);
    }
    node.clogged = true;
    for (int i = 0; i < 10; ++i) seals(100'000, own);
    node.passes(350ms);
    std::size_t sheds = 0;
    for (const LinkId child : children)
        for (const auto& shed : node.hears<frames::Shed>(child)) {
            ++sheds;
            EXPECT_NE(shed.alternative, NodeId{});
        }
    EXPECT_GE(sheds, 4u);
    EXPECT_EQ(node.mesh->counters().sheds, sheds);
}

TEST_F(MeshOverload, OneSlowChildIsItsOwnFault) {
    std::vector<LinkId> children;
    for (std::uint8_t i = 1; i <= 5; ++i) {
        children.push_back(node.links_with(i));
        node.grafts(children.back(), own, 1);
    }
    node.stuck.insert(children[2]);
    for (int i = 0; i < 10; ++i) seals(100'000, own);
    node.passes(1s);
    EXPECT_EQ(node.mesh->counters().sheds, 0u);
}

TEST_F(MeshOverload, WhatNobodyElseHasForLongSlowsPublishersDown) {
    const LinkId child = node.links_with(1);
    node.grafts(child, own, 1);
    seals(1000, own);
    node.says(child, frames::Credit{1, 2000});
    node.passes(4900ms);
    EXPECT_THAT(node.throttles, IsEmpty());
    node.passes(2s);
    ASSERT_FALSE(node.throttles.empty());
    EXPECT_GT(node.throttles.back(), 0.2);
    EXPECT_LT(node.throttles.back(), 0.6);
    node.passes(5s);
    EXPECT_EQ(node.throttles.back(), 1.0);
    const LogKey log = own;
    node.says(child, frames::Ack{{{node.names(child, log), 1, 0}}});
    node.passes(200ms);
    EXPECT_EQ(node.throttles.back(), 0.0);
}

TEST_F(MeshOverload, WithoutALinkNobodyIsSlowedDown) {
    for (int i = 0; i < 200; ++i) seals(1'000'000, own);
    node.passes(20s);
    EXPECT_THAT(node.throttles, IsEmpty());
}

TEST_F(MeshOverload, BehindAHoleNothingIsAcknowledgedAsStored) {
    const LinkId p = node.links_with(1);
    const LogKey log = log_of(1);
    node.attach(p, log, 3);
    node.sends(p, log, make_block(log, 7, 2));
    node.clear();
    node.give(Stored{log, 8});
    node.passes(200ms);
    const auto acks = node.hears<frames::Ack>(p);
    ASSERT_THAT(acks, SizeIs(1));
    EXPECT_EQ(acks[0].rows.at(0).memory, 8u);
    EXPECT_EQ(acks[0].rows.at(0).durable, 3u);
}

TEST_F(MeshOverload, AnOldLogOfANodeThatIsGoneIsRetiredAndStaysAway) {
    Config config;
    config.horizon = 1h;
    Bench other(50, config);
    const LinkId p = other.links_with(1);
    other.member(1);
    const LogKey log = log_of(9);
    other.attach(p, log, 3);
    other.passes(30min);
    EXPECT_THAT(other.retirements, IsEmpty());
    other.passes(35min);
    ASSERT_THAT(other.retirements, ElementsAre(log));
    other.announces(p, log, 3);
    EXPECT_EQ(other.view(log).head, 0u);
    EXPECT_EQ(other.view(log).state, "");
    other.sends(p, log, make_block(log, 4));
    EXPECT_EQ(other.state(p, 1), "up") << "frames about it are passed over";
}

}  // namespace
}  // namespace anode::mesh::test
