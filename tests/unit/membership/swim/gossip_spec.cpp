#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/membership/swim/queue.hpp"
#include "unit/membership/swim/desk.hpp"

/// Section 7: what waits to be gossiped, and how packets are filled.
namespace anode::membership {
namespace {

using desk::Desk;
using testing::ElementsAre;
using testing::SizeIs;
using wire::Type;

/// What one fetch takes, as the user payloads in order.
std::vector<std::string> fetch(GossipQueue& queue, std::size_t limit, std::uint32_t transmits) {
    wire::PacketWriter writer;
    writer.begin({.compression = false}, limit, false);
    queue.fetch(writer, 0, transmits);
    std::vector<std::string> out;
    if (writer.parts() == 0) return out;
    const std::array<std::uint8_t, KeyRing::kNonceBytes> nonce{};
    wire::PacketReader().read(
        {}, writer.finish(nonce),
        [&](const wire::Message& message) {
            out.emplace_back(std::get<wire::User>(message).payload);
        },
        [](Drop, std::string_view) {});
    return out;
}
Bytes user(std::string_view payload) {
    Bytes out;
    wire::encode(wire::User{payload}, out);
    return out;
}

TEST(SwimQueue, TakesTheLeastSentThenTheLongestThenTheNewest) {
    GossipQueue queue(10, 1000);
    queue.add(user("aa"));
    EXPECT_THAT(fetch(queue, 1400, 9), ElementsAre("aa"));
    queue.add(user("b1"));
    queue.add(user("b2"));
    queue.add(user("cccc"));
    EXPECT_THAT(fetch(queue, 1400, 9), ElementsAre("cccc", "b2", "b1", "aa"));
}

TEST(SwimQueue, FillsWhatIsLeftWithWhatFits) {
    GossipQueue queue(10, 1000);
    queue.add(user(std::string(40, 'x')));
    queue.add(user(std::string(30, 'y')));
    queue.add(user("z"));
    EXPECT_THAT(fetch(queue, 56, 9), ElementsAre(std::string(40, 'x'), "z"));
}

TEST(SwimQueue, ForgetsAMessageOnceItWasSentItsNumberOfTimes) {
    GossipQueue queue(10, 1000);
    queue.add(user("a"));
    for (int i = 0; i < 4; ++i) EXPECT_THAT(fetch(queue, 1400, 4), SizeIs(1));
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.bytes(), 0u);
}

TEST(SwimQueue, ANewerMessageAboutANameDisplacesTheOlder) {
    GossipQueue queue(10, 1000);
    queue.add(7, user("suspect"), false, true);
    queue.add(8, user("other"), false);
    queue.add(7, user("alive"), true);
    EXPECT_EQ(queue.size(), 2u);
    EXPECT_TRUE(queue.farewell_gone());
    EXPECT_THAT(fetch(queue, 1400, 4), ElementsAre("alive", "other"));
}

TEST(SwimQueue, WhenFullTheMostSentGoesFirst) {
    GossipQueue queue(2, 1000);
    queue.add(user("old"));
    fetch(queue, 1400, 9);
    queue.add(user("new"));
    EXPECT_EQ(queue.add(user("newest")), 1u);
    EXPECT_THAT(fetch(queue, 1400, 9), ElementsAre("newest", "new"));
}

class SwimGossip : public testing::Test {
protected:
    void known(int members) {
        desk.start();
        for (int i = 0; i < members; ++i) desk.hears_alive("m" + std::to_string(i), 1);
    }
    std::size_t transmissions(std::string_view about) {
        return desk.said(Type::Alive, about).size();
    }
    Desk desk;
};

TEST_F(SwimGossip, SendsANewsAsOftenAsTheSizeOfTheClusterAsks) {
    desk.config.timing.probe_interval = 0s;
    known(4);
    desk.pass(5s);
    EXPECT_EQ(transmissions("m3"), 4u);
    for (int i = 4; i < 9; ++i) desk.hears_alive("m" + std::to_string(i), 1);
    desk.forget_sent();
    desk.hears_alive("m9", 1);
    desk.pass(5s);
    EXPECT_EQ(transmissions("m9"), 8u);
}

TEST_F(SwimGossip, GoesToTheRecentlyDeadAndNeverToTheLeft) {
    desk.config.timing.probe_interval = 0s;
    known(1);
    desk.hears_dead("m0", 1, "x");
    desk.pass(2s);
    EXPECT_FALSE(desk.sent_to("m0").empty());
    desk.hears_alive("m0", 2);
    desk.hears_dead("m0", 2, "m0");
    desk.forget_sent();
    desk.swim().broadcast("hello", desk.now);
    desk.pass(2s);
    EXPECT_TRUE(desk.sent_to("m0").empty());
}

TEST_F(SwimGossip, NeverPassesThePacketsLimit) {
    known(200);
    for (int i = 0; i < 50; ++i) desk.swim().broadcast(std::string(100, 'u'), desk.now);
    desk.pass(10s);
    for (const auto& packet : desk.sent) {
        EXPECT_LE(packet.bytes, 1400u);
        EXPECT_LE(packet.parts.size(), 127u);
    }
}

TEST_F(SwimGossip, KeepsAShareForTheApplicationWhileMembersChurn) {
    known(200);
    desk.swim().broadcast("hello", desk.now);
    desk.pass(300ms);
    EXPECT_FALSE(desk.said(Type::User).empty());
}

TEST_F(SwimGossip, RidesOnPings) {
    desk.config.timing.gossip_interval = 0s;
    known(2);
    desk.pass(3s);
    EXPECT_GE(transmissions("us"), 1u);
}

TEST_F(SwimGossip, AnApplicationsMessageOfAnotherComesOutOnce) {
    known(1);
    desk.hears(wire::User{"payload"});
    EXPECT_EQ(std::get<UserMessage>(desk.outputs.back()).payload, "payload");
    desk.pass(2s);
    EXPECT_THAT(desk.said(Type::User), SizeIs(0));
}

TEST_F(SwimGossip, NewMetadataRaisesOurIncarnationAndIsTold) {
    known(1);
    desk.swim().set_meta("tags", desk.now);
    EXPECT_EQ(desk.swim().incarnation(), 2u);
    desk.pass(2s);
    const auto told = desk.said(Type::Alive, "us");
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().meta, "tags");
}

}  // namespace
}  // namespace anode::membership
