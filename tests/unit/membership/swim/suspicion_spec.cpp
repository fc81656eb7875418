#include "core/membership/swim/suspicion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/membership/swim/desk.hpp"

/// Section 6.4: how long a suspicion runs.
namespace anode::membership {
namespace {

using desk::Desk;

TEST(SwimSuspicionTimes, FollowTheTableOfTheLan) {
    const Timing lan = Timing::lan();
    const auto two = SuspicionTimes::slow(lan, 2);
    EXPECT_EQ(two.min, 4s);
    EXPECT_EQ(two.max, 24s);
    EXPECT_EQ(two.confirmations, 0u);
    EXPECT_EQ(two.after(0), 4s);
    const auto five = SuspicionTimes::slow(lan, 5);
    EXPECT_EQ(five.after(0), 24s);
    EXPECT_EQ(five.after(1), 11381ms);
    EXPECT_EQ(five.after(2), 4s);
    EXPECT_EQ(SuspicionTimes::slow(lan, 100).after(1), 22762ms);
    EXPECT_EQ(SuspicionTimes::slow(lan, 1000).after(1), 34144ms);
    EXPECT_EQ(SuspicionTimes::slow(lan, 10'000).after(1), 45525ms);
    EXPECT_EQ(SuspicionTimes::slow(lan, 10'000).after(2), 16s);
}

TEST(SwimSuspicionTimes, FollowTheTableOfTheWan) {
    Timing wan;
    wan.suspicion_mult = 6;
    wan.probe_interval = 5s;
    EXPECT_EQ(SuspicionTimes::slow(wan, 5).confirmations, 0u);
    EXPECT_EQ(SuspicionTimes::slow(wan, 5).after(0), 30s);
    const auto ten = SuspicionTimes::slow(wan, 10);
    EXPECT_EQ(ten.after(0), 180s);
    EXPECT_EQ(ten.after(1), 115398ms);
    EXPECT_EQ(ten.after(2), 77609ms);
    EXPECT_EQ(ten.after(3), 50797ms);
    EXPECT_EQ(ten.after(4), 30s);
}

TEST(SwimSuspicionTimes, OfFastMembersRunFromThreeSecondsDownToSixTenths) {
    const FastTiming fast;
    const auto many = SuspicionTimes::fast(fast, 50, false);
    EXPECT_EQ(many.after(0), 3s);
    EXPECT_EQ(many.after(1), 1800ms);
    EXPECT_EQ(many.after(3), 600ms);
    EXPECT_EQ(SuspicionTimes::fast(fast, 2, false).after(0), 1500ms);
    EXPECT_LE(SuspicionTimes::fast(fast, 50, true).after(3), 150ms);
}

class SwimSuspicion : public testing::Test {
protected:
    SwimSuspicion() {
        desk.start();
        for (const char* name : {"bob", "carol", "dave", "erin"}) desk.hears_alive(name, 1);
    }
    Desk desk;
};

TEST_F(SwimSuspicion, WithoutConfirmationsRunsToTheMaximum) {
    desk.hears_suspect("bob", 1, "carol");
    // Probes of our own would confirm it; the others answer nothing here, so they are told apart by time.
    EXPECT_EQ(desk.state_of("bob"), MemberState::Suspect);
    desk.hears_suspect("bob", 1, "carol");
    desk.pass(3900ms);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Suspect);
}

TEST_F(SwimSuspicion, TwoOtherVoicesBringItDownToTheMinimum) {
    desk.hears_suspect("bob", 1, "carol");
    desk.hears_suspect("bob", 1, "dave");
    desk.hears_suspect("bob", 1, "erin");
    const Instant began = desk.now;
    desk.pass(3990ms);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Suspect);
    desk.pass(began + 4100ms - desk.now);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Dead);
    EXPECT_GE(desk.counters.deaths, 1u);
}

TEST_F(SwimSuspicion, ANewVoiceIsGossipedAgainTheOriginatorIsNot) {
    desk.hears_suspect("bob", 1, "carol");
    desk.pass(5s);
    desk.forget_sent();
    desk.hears_suspect("bob", 1, "dave");
    desk.pass(300ms);
    bool dave = false;
    for (const auto& one : desk.said(wire::Type::Suspect, "bob")) dave |= one.from == "dave";
    EXPECT_TRUE(dave);
}

TEST_F(SwimSuspicion, ARefutationEndsIt) {
    desk.hears_suspect("bob", 1, "carol");
    desk.hears_alive("bob", 2);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Alive);
    EXPECT_EQ(desk.changes_of("bob").back(), Change::Refuted);
}

}  // namespace
}  // namespace anode::membership
