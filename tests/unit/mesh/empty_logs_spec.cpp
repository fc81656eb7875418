#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/mesh/bench.hpp"
#include "unit/mesh/net.hpp"

/// A log that has carried nothing is nobody's business, and a quiet mesh is quiet.
namespace anode::mesh::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(EmptyLogs, NobodyHearsOfALogBeforeItsFirstBlock) {
    Bench node;
    const LinkId q = node.links_with(1);
    node.passes(5s);
    EXPECT_THAT(node.hears<frames::LogDef>(q), IsEmpty());
    EXPECT_THAT(node.hears<frames::Announce>(q), IsEmpty());
    for (const auto& vector : node.hears<frames::Vector>(q)) EXPECT_THAT(vector.rows, IsEmpty());
}

TEST(EmptyLogs, TheFirstBlockAnnouncesItsLogAndTheNextOnesDoNot) {
    Bench node;
    const LinkId q = node.links_with(1);
    const LogKey own{node.config.node, node.config.epoch, kDataLane};
    node.give(Sealed{own, make_block(own, 1)});
    ASSERT_THAT(node.hears<frames::Announce>(q), SizeIs(1));
    EXPECT_EQ(node.hears<frames::Announce>(q)[0].head, 1u);
    EXPECT_EQ(node.hears<frames::Announce>(q)[0].depth, 0);
    node.give(Sealed{own, make_block(own, 2)});
    EXPECT_THAT(node.hears<frames::Announce>(q), SizeIs(1));
    node.grafts(q, own, 1);
    EXPECT_THAT(node.gets(q), ElementsAre(1u, 2u));
}

TEST(EmptyLogs, AVectorThatNamesAnEmptyLogMakesNoLogOfIt) {
    Bench node;
    const LinkId q = node.connects();
    node.greets(q, 1);
    frames::Vector vector{0xFFFF, true, {}};
    vector.rows.push_back({log_of(1), 1, 0, 0, Hlc{}, {}});
    node.says(q, vector);
    EXPECT_EQ(node.view(log_of(1)).log.node, NodeId{});
    EXPECT_THAT(node.hears<frames::Graft>(q), IsEmpty());
}

TEST(EmptyLogs, OneThatWasAnnouncedAndNeverCameIsForgottenAndWelcomeLater) {
    Bench node;
    const LinkId q = node.links_with(1);
    node.announces(q, log_of(1), 0, 0);
    node.give(LinkClosed{q, LinkEnd::Reset, ""});
    node.clear();
    EXPECT_EQ(node.view(log_of(1)).state, "closed");
    node.passes(12min);
    EXPECT_EQ(node.view(log_of(1)).log.node, NodeId{});
    EXPECT_THAT(node.retirements, IsEmpty()) << "the store knows nothing of it";
    const LinkId again = node.links_with(1);
    node.announces(again, log_of(1), 1, 0);
    EXPECT_THAT(node.hears<frames::Graft>(again), SizeIs(1));
}

TEST(EmptyLogs, AnEmptyOrphanAsksOnceAndIsNoUnrest) {
    Bench node;
    node.member(1);
    const LinkId p = node.links_with(1), q = node.links_with(2);
    node.announces(p, log_of(7), 0, 3);
    node.passes(60ms);
    node.give(LinkClosed{p, LinkEnd::Reset, ""});
    node.clear();
    node.passes(1min);
    EXPECT_THAT(node.hears<frames::Query>(q), IsEmpty());
}

TEST(EmptyLogs, OneWhoseBlocksComeAfterItsGraftWasGivenUpIsSoughtAgain) {
    Bench node;
    node.member(1);
    const LinkId p = node.links_with(1);
    const LogKey log = log_of(1);
    node.announces(p, log, 3, 0);
    node.passes(500ms);
    EXPECT_EQ(node.view(log).state, "orphan") << "no answer in time";
    // Too late: we are no child any more, yet what was on the way is taken.
    node.accepts(p, log, 3, 0);
    node.sends(p, log, make_block(log, 1, 3));
    const auto lx = node.names(p, log);
    node.says(p, frames::QueryReply{{{lx, 3, 0, true}}});
    EXPECT_EQ(node.view(log).head, 3u);
    EXPECT_EQ(node.view(log).state, "orphan");
    EXPECT_THAT(node.mesh->unrest(), testing::HasSubstr("/1 at 3: an orphan"));
    node.clear();
    node.passes(5s);
    ASSERT_THAT(node.hears<frames::Query>(p), testing::Not(IsEmpty()));
    node.says(p, frames::QueryReply{{{lx, 3, 0, true}}});
    node.passes(5ms);
    EXPECT_THAT(node.hears<frames::Graft>(p), SizeIs(1));
}

TEST(EmptyLogs, AnEmptyOrphanIsSoughtWhenSomebodyHasItsFirstBlock) {
    Bench node;
    node.member(1);
    const LinkId p = node.links_with(1);
    node.announces(p, log_of(1), 0, 0);
    node.passes(500ms);
    EXPECT_EQ(node.view(log_of(1)).state, "orphan");
    node.clear();
    // It is not asked just now, since it did not answer; and it says so once only.
    node.digests(p, log_of(1), 1);
    EXPECT_THAT(node.hears<frames::Graft>(p), IsEmpty());
    node.passes(5s);
    EXPECT_THAT(node.hears<frames::Query>(p), testing::Not(IsEmpty()));
}

struct QuietMesh : testing::Test {
    Net net;
    std::vector<Node*> nodes;
    static constexpr std::uint8_t kNodes = 10;
    static constexpr auto kSeconds = 20;

    QuietMesh() {
        for (std::uint8_t i = 1; i <= kNodes; ++i) nodes.push_back(&net.add(i));
        net.introduce_all();
        net.run(5s);
    }
    [[nodiscard]] static double each(std::uint64_t count) {
        return static_cast<double>(count) / kNodes / kSeconds;
    }
};

TEST_F(QuietMesh, PingsAreAllThatANodeSendsWhenNothingHappens) {
    net.tally.clear();
    net.run(std::chrono::seconds(kSeconds));
    std::uint64_t others = 0, pings = 0, bytes = 0;
    for (const auto& [type, sent] : net.tally) {
        const bool ping = type == frames::Type::Ping || type == frames::Type::Pong;
        (ping ? pings : others) += sent.frames;
        bytes += sent.bytes;
    }
    // An exchange for each half second of silence on each link would be 36 frames.
    EXPECT_LT(each(pings), 26);
    EXPECT_LT(each(bytes), 1000);
    // A comparison with one neighbour in half a minute.
    EXPECT_LT(each(others), 0.3);
}

TEST_F(QuietMesh, AMessageASecondOfEachNodeCostsFewFramesBesideTheBlocks) {
    net.run(500ms);
    for (int second = 0; second < 3; ++second) {
        for (Node* node : nodes) {
            net.publish(*node);
            net.run(97ms);
        }
    }
    net.tally.clear();
    for (int second = 0; second < kSeconds; ++second)
        for (Node* node : nodes) {
            net.publish(*node);
            net.run(100ms);
        }
    const auto rate = [&](frames::Type type) { return each(net.tally[type].frames); };
    EXPECT_NEAR(rate(frames::Type::Data), 9, 0.1);
    EXPECT_LT(rate(frames::Type::Digest), 16)
        << "two a second on each link at most, in one direction";
    EXPECT_LT(rate(frames::Type::Ack), 20);
    EXPECT_LT(rate(frames::Type::Credit), 20);
    EXPECT_EQ(net.tally[frames::Type::Query].frames, 0u);
    for (const Node* node : nodes) EXPECT_EQ(node->mesh->counters().duplicates, 0u);
}

TEST_F(QuietMesh, TheFirstMessageOfANodeIsAsFastAsARoundTripMore) {
    net.publish(*nodes[0]);
    net.run(3 * kHop + 100us);  // told, asked for, sent
    for (const Node* node : nodes)
        if (node != nodes[0]) EXPECT_THAT(node->deliveries, SizeIs(1));
}

}  // namespace
}  // namespace anode::mesh::test
