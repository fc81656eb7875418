#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "unit/membership/swim/desk.hpp"

/// Section 5: the probe cycle, as memberlist keeps it.
namespace anode::membership {
namespace {

using desk::Desk;
using testing::SizeIs;
using wire::Type;

class SwimProbe : public testing::Test {
protected:
    SwimProbe() { desk.start(); }
    /// Goes on until bob is pinged; whoever else is, answers.
    std::uint32_t until_pinged() {
        for (int i = 0; i < 900 && desk.asked("bob") == 0; ++i) {
            desk.forget_sent();
            desk.pass(10ms);
            for (const auto& ping : desk.said(Type::Ping)) {
                if (ping.node != "bob") acks(ping.seq, ping.node);
            }
        }
        return desk.asked("bob");
    }
    void acks(std::uint32_t seq, std::string_view from = "bob") {
        desk.hears(wire::Ack{seq, {}}, Desk::address_of(from));
    }
    Desk desk;
};

TEST_F(SwimProbe, AskTheMemberByNameAndTellOurAddress) {
    desk.hears_alive("bob", 1);
    ASSERT_NE(until_pinged(), 0u);
    const auto ping = desk.said(Type::Ping, "bob").at(0);
    EXPECT_EQ(ping.from, "us");
    EXPECT_EQ(ping.address, desk.config.advertise);
    EXPECT_TRUE(desk.sent_to("bob").back().crc);
}

TEST_F(SwimProbe, AnAckIsASuccessWithARoundTrip) {
    desk.hears_alive("bob", 1);
    const auto seq = until_pinged();
    desk.pass(20ms);
    acks(seq);
    desk.pass(900ms);
    EXPECT_EQ(desk.counters.probe_failures, 0u);
    EXPECT_GE(desk.swim().member("bob")->rtt, 20ms);
}

TEST_F(SwimProbe, AfterTheTimeLimitOthersAndAStreamAreAsked) {
    for (const char* name : {"bob", "carol", "dave", "erin"}) desk.hears_alive(name, 1);
    const auto seq = until_pinged();
    desk.forget_sent();
    desk.pass(480ms);
    EXPECT_THAT(desk.said(Type::IndirectPing, "bob"), SizeIs(0));
    desk.pass(30ms);
    const auto asked = desk.said(Type::IndirectPing, "bob");
    ASSERT_THAT(asked, SizeIs(3));
    EXPECT_EQ(asked[0].seq, seq);
    EXPECT_TRUE(asked[0].nack);
    ASSERT_FALSE(desk.stream_pings.empty());
    EXPECT_EQ(desk.stream_pings.back().seq, seq);
}

TEST_F(SwimProbe, ARelayedAckIsASuccessWithoutARoundTrip) {
    for (const char* name : {"bob", "carol"}) desk.hears_alive(name, 1);
    const auto seq = until_pinged();
    desk.pass(600ms);
    acks(seq, "carol");
    desk.pass(500ms);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Alive);
    EXPECT_EQ(desk.swim().member("bob")->rtt, 0s);
}

TEST_F(SwimProbe, AStreamThatAnswersSavesTheMember) {
    desk.hears_alive("bob", 1);
    const auto seq = until_pinged();
    desk.pass(600ms);
    desk.swim().stream_answer(seq, Swim::StreamAnswer::Acked, desk.now);
    desk.pass(500ms);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Alive);
}

TEST_F(SwimProbe, SilenceMakesASuspicionOfOurOwnAndWearsOnUs) {
    desk.hears_alive("bob", 1);
    until_pinged();
    desk.pass(1010ms);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Suspect);
    EXPECT_EQ(desk.counters.probe_failures, 1u);
    EXPECT_EQ(desk.counters.health_score, 1u);
}

TEST_F(SwimProbe, NacksThatCameKeepOurScore) {
    for (const char* name : {"bob", "carol"}) desk.hears_alive(name, 1);
    const auto seq = until_pinged();
    const auto score = desk.counters.health_score;
    desk.pass(600ms);
    desk.hears(wire::Nack{seq});
    desk.pass(410ms);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Suspect);
    EXPECT_EQ(desk.counters.health_score, score);
}

TEST_F(SwimProbe, ASuspectIsPingedWithTheAccusationAndNothingElse) {
    desk.hears_alive("bob", 1);
    desk.hears_alive("carol", 1);
    desk.hears_suspect("bob", 1, "carol");
    until_pinged();
    const auto packets = desk.sent_to("bob");
    const auto buddy = std::find_if(packets.begin(), packets.end(), [](const desk::Sent& packet) {
        return packet.parts[0].type == Type::Ping;
    });
    ASSERT_NE(buddy, packets.end());
    ASSERT_THAT(buddy->parts, SizeIs(2));
    EXPECT_EQ(buddy->parts[1].type, Type::Suspect);
    EXPECT_EQ(buddy->parts[1].from, "us");
}

TEST_F(SwimProbe, ARefusedDatagramAsksTheOthersAtOnce) {
    for (const char* name : {"bob", "carol"}) desk.hears_alive(name, 1);
    until_pinged();
    desk.swim().datagram_refused(Desk::address_of("bob"), desk.now);
    desk.pass(1ms);
    EXPECT_THAT(desk.said(Type::IndirectPing, "bob"), SizeIs(1));
}

TEST_F(SwimProbe, EveryMemberIsAskedWithinTwoRounds) {
    std::set<std::string> names;
    for (int i = 0; i < 8; ++i) names.insert("m" + std::to_string(i));
    for (const auto& name : names) desk.hears_alive(name, 1);
    std::set<std::string> seen;
    for (int second = 0; second < 2 * 9; ++second) {
        desk.pass(1s);
        for (const auto& ping : desk.said(Type::Ping)) {
            seen.insert(ping.node);
            desk.hears(wire::Ack{ping.seq, {}}, Desk::address_of(ping.node));
        }
        desk.forget_sent();
    }
    EXPECT_EQ(seen, names);
}

TEST_F(SwimProbe, APingIsAckedToItsSourceOrElseToWhoSentIt) {
    desk.swim().set_ack_payload("pay");
    const Address carol = Desk::address_of("carol");
    desk.hears(wire::Ping{42, "us", carol, "carol"}, carol);
    desk.hears(wire::Ping{43, "", {}, ""}, carol);
    ASSERT_THAT(desk.sent_to("carol"), SizeIs(2));
    const auto acks = desk.said(Type::Ack);
    EXPECT_EQ(acks[0].seq, 42u);
    EXPECT_EQ(acks[0].payload, "pay");
    EXPECT_EQ(acks[1].seq, 43u);
}

TEST_F(SwimProbe, APingForAnotherNameIsDropped) {
    desk.hears(wire::Ping{42, "other", {}, ""});
    EXPECT_TRUE(desk.sent.empty());
    EXPECT_EQ(desk.drops(Drop::Name), 1u);
    EXPECT_TRUE(desk.swim().answers_to("us"));
    EXPECT_FALSE(desk.swim().answers_to("other"));
}

TEST_F(SwimProbe, NobodyMakesUsSendToAManyOrToAThirdPartyWithoutEnd) {
    desk.hears(wire::Ping{1, "us", Address::v4(224, 0, 0, 1, 7946), "x"});
    desk.hears(wire::IndirectPing{2, Address::v4(255, 255, 255, 255, 1), "y", true, {}, ""});
    EXPECT_EQ(desk.drops(Drop::Target), 2u);
    EXPECT_TRUE(desk.sent.empty());
    for (int i = 0; i < 1000; ++i) desk.hears(wire::Ping{3, "us", Desk::address_of("victim"), "x"});
    EXPECT_LE(desk.sent.size(), 200u);
    EXPECT_GE(desk.drops(Drop::Rate), 800u);
}

TEST_F(SwimProbe, ARelayPassesTheAckOnWithTheRequestersNumber) {
    desk.hears(wire::IndirectPing{77, Desk::address_of("bob"), "bob", true,
                                  Desk::address_of("carol"), "carol"});
    const auto ping = desk.said(Type::Ping, "bob").at(0);
    EXPECT_EQ(ping.from, "us");
    acks(ping.seq);
    const auto told = desk.said(Type::Ack);
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(told[0].seq, 77u);
    desk.pass(1s);
    EXPECT_THAT(desk.said(Type::Nack), SizeIs(0));
}

TEST_F(SwimProbe, ARelayThatHearsNothingNacksAtItsTimeLimitIfWanted) {
    desk.hears(wire::IndirectPing{77, Desk::address_of("bob"), "bob", true,
                                  Desk::address_of("carol"), "carol"});
    desk.hears(wire::IndirectPing{78, Desk::address_of("bob"), "bob", false,
                                  Desk::address_of("carol"), "carol"});
    desk.pass(490ms);
    EXPECT_THAT(desk.said(Type::Nack), SizeIs(0));
    desk.pass(20ms);
    const auto nacks = desk.said(Type::Nack);
    ASSERT_THAT(nacks, SizeIs(1));
    EXPECT_EQ(nacks[0].seq, 77u);
}

TEST_F(SwimProbe, UnknownAnswersAreIgnored) {
    desk.hears(wire::Ack{99, {}});
    desk.hears(wire::Nack{99});
    desk.swim().stream_answer(99, Swim::StreamAnswer::Refused, desk.now);
    EXPECT_TRUE(desk.sent.empty());
}

TEST_F(SwimProbe, APauseOfOurOwnIsNotTheSilenceOfOthers) {
    desk.hears_alive("bob", 1);
    const auto seq = until_pinged();
    desk.now += 10s;
    desk.swim().tick(desk.now);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Alive);
    EXPECT_EQ(desk.counters.stalls, 1u);
    EXPECT_EQ(desk.counters.health_score, 1u);
    acks(seq);
    desk.pass(100ms);
    EXPECT_EQ(desk.counters.probe_failures, 0u);
}

TEST_F(SwimProbe, TheAnswerThatWaitedThroughOurPauseCountsBeforeTheTick) {
    desk.hears_alive("bob", 1);
    const auto seq = until_pinged();
    desk.now += 10s;
    acks(seq);
    desk.swim().tick(desk.now);
    EXPECT_EQ(desk.counters.stalls, 1u);
    EXPECT_EQ(desk.counters.probe_failures, 0u);
}

}  // namespace
}  // namespace anode::membership
