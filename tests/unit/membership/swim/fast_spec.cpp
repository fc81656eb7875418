#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/membership/swim/desk.hpp"
#include "unit/membership/swim/town.hpp"

/// The fast profile: what members of ours do among themselves.
namespace anode::membership {
namespace {

using desk::Desk;
using testing::SizeIs;
using town::Health;
using town::Town;
using wire::Type;

std::size_t deaths(const Town& town) {
    return static_cast<std::size_t>(
        std::count_if(town.events.begin(), town.events.end(),
                      [](const town::Event& event) { return event.change == Change::Died; }));
}

TEST(SwimFast, ASilentDeathIsKnownToFiftyWithinTwoSecondsAtAnyLossUpToThirtyPercent) {
    for (const double loss : {0.0, 0.1, 0.2, 0.3}) {
        Town town({.size = 50, .seed = 11});
        town.meet();
        town.set_loss(loss);
        town.set(7, Health::Silent);
        const Instant died = town.now();
        town.run(4s);
        const Duration known = town.all_know(7, died);
        EXPECT_GT(known, 0s) << loss;
        EXPECT_LE(known, 2s) << loss;
    }
}

TEST(SwimFast, NobodyAliveIsDeclaredDeadAtFortyPercentLoss) {
    Town town({.size = 50, .seed = 5});
    town.meet();
    town.set_loss(0.4);
    town.run(25s);
    EXPECT_EQ(deaths(town), 0u);
}

TEST(SwimFast, AKilledProcessWhoseLinksBreakIsKnownToFiftyWithinThreeTenthsOfASecond) {
    Town town({.size = 50, .seed = 3});
    town.meet();
    town.set(9, Health::Killed);
    const Instant died = town.now();
    town.run(1ms);
    for (const std::size_t neighbour : {10u, 11u, 12u, 13u})
        town.swim(neighbour).link_lost(Town::name(9), town.now());
    town.run(1s);
    const Duration known = town.all_know(9, died);
    EXPECT_GT(known, 0s);
    EXPECT_LE(known, 300ms);
}

TEST(SwimFast, ALostLinkAloneIsNoVerdict) {
    Town town({.size = 10, .seed = 3});
    town.meet();
    for (std::size_t node = 1; node < 10; ++node)
        town.swim(node).link_lost(Town::name(0), town.now());
    town.run(3s);
    EXPECT_EQ(deaths(town), 0u);
}

TEST(SwimFast, ANodeHeldUpShortlyRefutesAndStaysAMember) {
    Town town({.size = 20, .seed = 8});
    town.meet();
    town.pause(4, 700ms);
    town.run(5s);
    EXPECT_EQ(deaths(town), 0u);
    for (std::size_t node = 0; node < 20; ++node)
        EXPECT_EQ(town.swim(node).count(MemberState::Alive), 20u);
}

TEST(SwimFast, ANodeHeldUpLongComesBackEverywhereAndBlamesNobody) {
    Town town({.size = 20, .seed = 8});
    town.meet();
    town.pause(4, 10s);
    town.run(12s);
    EXPECT_GE(town.counters(4).stalls, 1u);
    town.run(4s);
    for (const auto& event : town.events) {
        if (event.change == Change::Died) EXPECT_EQ(event.member, Town::name(4));
    }
    for (std::size_t node = 0; node < 20; ++node)
        EXPECT_EQ(town.swim(node).count(MemberState::Alive), 20u) << node;
}

TEST(SwimFast, EqualSeedsRunEqually) {
    const auto run = [] {
        Town town({.size = 15, .seed = 21});
        town.meet();
        town.set_loss(0.3);
        town.run(10s);
        return std::pair(town.packets, town.bytes);
    };
    EXPECT_EQ(run(), run());
}

TEST(SwimFast, TwoNodesDoNotLoseEachOtherToChance) {
    Town town({.size = 2, .seed = 2});
    town.meet();
    town.set_loss(0.3);
    town.run(60s);
    EXPECT_EQ(deaths(town), 0u);
}

TEST(SwimFast, OldProfileTakesAsLongAsMemberlist) {
    Town town({.size = 50, .seed = 4, .fast = false});
    town.meet();
    town.set(7, Health::Silent);
    const Instant died = town.now();
    town.run(30s);
    EXPECT_GE(town.all_know(7, died), 6s);
    EXPECT_LE(town.all_know(7, died), 12s);
}

TEST(SwimFast, ForeignMembersAmongOursAreJudgedAsTheyJudge) {
    Town town({.size = 12, .seed = 6, .foreign = 6});
    town.meet();
    town.run(20s);
    EXPECT_TRUE(town.events.empty());
    Instant died = town.now();
    town.set(11, Health::Silent);
    town.run(2s);
    EXPECT_EQ(town.deaths_seen(11), 0u);
    town.run(18s);
    EXPECT_GE(town.all_know(11, died), 4s);
    died = town.now();
    town.set(1, Health::Silent);
    town.run(3s);
    EXPECT_GT(town.all_know(1, died), 0s);
}

TEST(SwimFast, WhateverIsHeardNeverBreaksUsAndNeverTakesUsOut) {
    Rng chaos(99);
    Desk one(true);
    one.start();
    const std::vector<std::string> names{"us", "bob", "carol", "dave", "", std::string(300, 'n')};
    const std::vector<Bytes> metas{"", Desk::fast_meta(), Bytes(600, 'm'), "foreign"};
    for (int i = 0; i < 20'000; ++i) {
        const std::string& node = names[chaos.below(names.size())];
        const std::string& from = names[chaos.below(names.size())];
        const auto incarnation = static_cast<Incarnation>(
            chaos.chance(0.1) ? chaos.next() : chaos.below(2ull * one.swim().incarnation() + 3));
        const auto seq = static_cast<std::uint32_t>(
            chaos.chance(0.5) ? one.asked("bob") + chaos.below(3) : chaos.next());
        const Address source = Desk::address_of(from);
        wire::Alive alive{incarnation,
                          node,
                          Desk::address_of(chaos.chance(0.9) ? node : from),
                          metas[chaos.below(metas.size())],
                          {},
                          6};
        if (chaos.chance(0.1))
            alive.versions.bytes[chaos.below(6)] = static_cast<std::uint8_t>(chaos.next());
        switch (chaos.below(8)) {
            case 0:
                one.hears(wire::Ping{seq, node, source, from}, source);
                break;
            case 1:
                one.hears(wire::IndirectPing{seq, source, node, true, source, from}, source);
                break;
            case 2:
                one.hears(wire::Ack{seq, "x"}, source);
                break;
            case 3:
                one.hears(wire::Nack{seq}, source);
                break;
            case 4:
                one.hears(wire::Suspect{{incarnation, node, from}}, source);
                break;
            case 5:
                one.hears(wire::Dead{{incarnation, node, from}}, source);
                break;
            case 6:
                one.hears(alive, source);
                break;
            default:
                one.swim().stream_answer(seq, static_cast<Swim::StreamAnswer>(chaos.below(3)),
                                         one.now);
        }
        if (chaos.chance(0.05)) one.swim().link_lost(node, one.now);
        if (chaos.chance(0.01)) one.swim().forget(node, one.now);
        one.pass(Duration{chaos.between(0, 60'000'000)});
        if (one.sent.size() > 100) one.sent.clear();
        one.outputs.clear();
        ASSERT_EQ(one.state_of("us"), MemberState::Alive);
        ASSERT_LE(one.swim().incarnation(), kIncarnationMax);
        ASSERT_LE(one.swim().size(), 4u);
    }
}

class SwimFastDesk : public testing::Test {
protected:
    SwimFastDesk() {
        desk.start();
        desk.hears_alive("bob", 1, true);
        desk.hears_alive("carol", 1, true);
        desk.hears_alive("dave", 1, true);
        desk.forget_sent();
    }
    Desk desk{true};
};

TEST_F(SwimFastDesk, AJurorAsksTheSuspectAtOnceWithTheAccusationFirst) {
    desk.hears_suspect("bob", 1, "carol");
    ASSERT_THAT(desk.sent_to("bob"), SizeIs(1));
    const desk::Sent asked = desk.sent_to("bob")[0];
    ASSERT_THAT(asked.parts, SizeIs(2));
    EXPECT_EQ(asked.parts[0].type, Type::Suspect);
    EXPECT_EQ(asked.parts[1].type, Type::Ping);
    ASSERT_THAT(desk.stream_pings, SizeIs(1));
    EXPECT_EQ(desk.stream_pings[0].node, "bob");
}

TEST_F(SwimFastDesk, AJurorConfirmsOnlyAfterItsOwnQuestionsWentUnanswered) {
    desk.hears_suspect("bob", 1, "carol");
    const auto ours = [&] {
        return std::count_if(desk.sent.begin(), desk.sent.end(), [](const desk::Sent& packet) {
            return packet.to != Desk::address_of("bob") &&
                   std::any_of(packet.parts.begin(), packet.parts.end(), [](const desk::Said& one) {
                       return one.type == Type::Suspect && one.node == "bob" && one.from == "us";
                   });
        });
    };
    desk.pass(90ms);
    EXPECT_EQ(ours(), 0);
    desk.pass(400ms);
    EXPECT_GT(ours(), 0);
}

TEST_F(SwimFastDesk, OurAckCarriesOurRefutation) {
    const Address carol = Desk::address_of("carol");
    desk.hears_suspect("us", 1, "carol");
    desk.forget_sent();
    desk.hears(wire::Ping{5, "us", carol, "carol"}, carol);
    const desk::Sent answer = desk.sent_to("carol").at(0);
    EXPECT_EQ(answer.parts[0].type, Type::Ack);
    EXPECT_EQ(answer.parts[1].type, Type::Alive);
    EXPECT_EQ(answer.parts[1].incarnation, 2u);
}

TEST_F(SwimFastDesk, AMemberThatAnswersUsIsNotDeclaredDeadByUs) {
    desk.hears_suspect("bob", 1, "carol");
    for (int i = 0; i < 80; ++i) {
        desk.pass(50ms);
        const auto asked = desk.said(Type::Ping, "bob");
        if (!asked.empty()) desk.hears(wire::Ack{asked.back().seq, {}}, Desk::address_of("bob"));
    }
    EXPECT_EQ(desk.state_of("bob"), MemberState::Suspect);
}

TEST_F(SwimFastDesk, WhoStillSpreadsASuspicionIsToldTheVerdict) {
    desk.hears_dead("bob", 1, "carol");
    desk.pass(100ms);
    desk.forget_sent();
    desk.hears(wire::Suspect{{1, "bob", "dave"}}, Desk::address_of("dave"));
    const auto told = desk.sent_to("dave");
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told[0].parts[0].type, Type::Dead);
}

TEST_F(SwimFastDesk, AForeignMemberIsProbedAndJudgedTheOldWay) {
    desk.hears_alive("erin", 1);
    EXPECT_FALSE(desk.swim().member("erin")->fast);
    EXPECT_TRUE(desk.swim().member("bob")->fast);
    desk.forget_sent();
    desk.hears_suspect("erin", 1, "carol");
    EXPECT_TRUE(desk.sent_to("erin").empty());
    desk.pass(3900ms);
    EXPECT_EQ(desk.state_of("erin"), MemberState::Suspect);
}

TEST_F(SwimFastDesk, NewsGoesOutWithinTwentyMilliseconds) {
    desk.pass(2s);
    desk.forget_sent();
    desk.swim().broadcast("hello", desk.now);
    desk.pass(21ms);
    EXPECT_FALSE(desk.said(Type::User).empty());
}

}  // namespace
}  // namespace anode::membership
