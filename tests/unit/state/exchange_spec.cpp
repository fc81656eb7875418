#include "core/state/frames.hpp"
#include "unit/state/cluster.hpp"

namespace anode::state {
namespace {

using namespace test;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(StateExchange, BothSidesOfANewLinkCompleteEachOther) {
    Cluster cluster(2);
    cluster.nodes[0]->write("source", "a", "of one");
    cluster.nodes[1]->write("pipeline", "b", "of two");
    cluster.link(0, 1);
    cluster.passes(5s);
    EXPECT_TRUE(cluster.agree());
    EXPECT_EQ(cluster.nodes[0]->state->find("pipeline", "b")->value, "of two");
    EXPECT_EQ(cluster.nodes[1]->state->find("source", "a")->value, "of one");
    EXPECT_NE(cluster.nodes[0]->in_sync_at, 0);
    EXPECT_NE(cluster.nodes[1]->in_sync_at, 0);
}

TEST(StateExchange, WhatAnEntryDidNotBringComesWithTheNextLook) {
    Cluster cluster(3);
    cluster.link(0, 1);
    cluster.link(1, 2);
    cluster.passes(5s);
    cluster.nodes[0]->write("source", "a", "v");  // its entry is lost
    cluster.passes(15s);
    EXPECT_TRUE(cluster.agree());
    EXPECT_EQ(cluster.nodes[2]->state->find("source", "a")->value, "v");
}

TEST(StateExchange, ALargeMapGoesOverInPortions) {
    Cluster cluster(2);
    for (int i = 0; i < 40; ++i)
        for (int j = 0; j < 10; ++j)
            ASSERT_TRUE(
                cluster.nodes[1]->write("source", std::to_string(i * 10 + j), Bytes(20'000, 'x')));
    cluster.link(0, 1);
    cluster.deliver();
    EXPECT_FALSE(cluster.agree()) << "8 MB in one step";
    cluster.passes(3s);
    EXPECT_TRUE(cluster.agree());
    EXPECT_LT(cluster.frame_bytes_max, 256u << 10);
}

TEST(StateExchange, MapsThatAgreeCostOneFrameAPeriod) {
    Cluster cluster(2);
    cluster.nodes[0]->write("source", "a", "v");
    cluster.link(0, 1);
    cluster.passes(20s);
    const std::size_t before = cluster.frames;
    cluster.passes(100s);
    EXPECT_LE(cluster.frames - before, 44u);
}

TEST(StateExchange, MalformedFramesAreDroppedCountedAndToldOnce) {
    Node node(1);
    node.write("source", "a", "v");
    node.give(PeerUp{node_of(2)});
    const Bytes bytes = encode(*node.state->find("source", "a"));
    std::size_t notices = 0;
    std::uint64_t sent = 0;
    const auto feed = [&](std::uint8_t type, BytesView body) {
        ++sent;
        notices += only<Notice>(node.give(FromPeer{node_of(2), type, body})).size();
    };
    feed(40, "");
    feed(40, Bytes(2'049, '\1'));
    feed(41, Bytes("\1\0\0\xff\xff\xff\xff\x0f", 8));
    feed(42, Bytes("\1\0\xff\xff\xff\xff\x0f", 7));
    feed(43, "what");
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        ++sent;
        notices += only<Notice>(node.give(Arrived{BytesView(bytes).substr(0, cut)})).size();
    }
    EXPECT_EQ(node.state->counters().malformed, sent);
    EXPECT_EQ(notices, 2u) << "one for the peer, one for the lane";
    EXPECT_EQ(node.state->keys(), 1u);
}

TEST(StateExchange, RandomBytesNeverDoMoreThanCount) {
    Rng rng(5);
    Node node(1);
    node.write("source", "a", "v");
    node.give(PeerUp{node_of(2)});
    const Bytes seed = encode(*node.state->find("source", "a"));
    for (int i = 0; i < 20'000; ++i) {
        Bytes body = seed;
        body.insert(0, Bytes("\1\0\1", 3));
        for (int n = 0; n < 3; ++n) body[rng.below(body.size())] = static_cast<char>(rng.next());
        body.resize(rng.below(body.size() + 1));
        node.give(FromPeer{node_of(2), static_cast<std::uint8_t>(40 + rng.below(3)), body});
        node.give(Arrived{body});
    }
    EXPECT_GT(node.state->counters().malformed, 10'000u);
}

TEST(StateExchange, AnEntryOfAnUnknownKindIsCarriedAndOneOfAnUnknownFormatIsNot) {
    Node one(1), two(2);
    one.write("kind of tomorrow", "a", "v");
    Bytes entry = one.entry();
    two.give(Arrived{entry});
    EXPECT_EQ(two.state->find("kind of tomorrow", "a")->value, "v");
    entry[0] = 2;
    two.give(Arrived{entry});
    EXPECT_EQ(two.state->counters().malformed, 1u);
}

TEST(StateExchange, ValuesOfOthersAreRefusedAQuarterPastTheLimit) {
    Limits limits;
    limits.keys_max = 8;
    Node one(1), two(2, limits);
    for (int i = 0; i < 20; ++i) {
        one.write("source", std::to_string(i), "v");
        two.give(Arrived{one.entry()});
    }
    EXPECT_EQ(two.state->keys(), 10u);
    EXPECT_EQ(two.state->counters().over_limit, 10u);
}

TEST(StateExchange, AnAuditByANodeThatIsNoNeighbourIsAnswered) {
    Node node(1);
    const auto out = node.give(FromPeer{node_of(9), 40, frames::encode(frames::Root{true, {}})});
    EXPECT_THAT(only<SendPeer>(out), SizeIs(1));
}

}  // namespace
}  // namespace anode::state
