#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/membership/swim/desk.hpp"

/// Section 6 of the memberlist protocol page, row by row.
namespace anode::membership {
namespace {

using desk::Desk;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using wire::Type;

class SwimStates : public testing::Test {
protected:
    SwimStates() { desk.start(); }
    void in_state(MemberState state, Incarnation incarnation = 5) {
        desk.hears_alive("bob", incarnation);
        if (state == MemberState::Suspect) desk.hears_suspect("bob", incarnation, "carol");
        if (state == MemberState::Dead) desk.hears_dead("bob", incarnation, "carol");
        if (state == MemberState::Left) desk.hears_dead("bob", incarnation, "bob");
        ASSERT_EQ(desk.state_of("bob"), state);
    }
    Desk desk;
};

TEST_F(SwimStates, AStartEntersOurselvesAtIncarnationOne) {
    EXPECT_EQ(desk.swim().incarnation(), 1u);
    EXPECT_THAT(desk.changes_of("us"), ElementsAre(Change::Joined));
    EXPECT_EQ(desk.swim().count(MemberState::Alive), 1u);
}

TEST_F(SwimStates, AnUnknownMemberThatIsAliveJoins) {
    desk.hears_alive("bob", 1);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Alive);
    EXPECT_THAT(desk.changes_of("bob"), ElementsAre(Change::Joined));
}

TEST_F(SwimStates, AnAliveWithIncarnationZeroLeavesNoStub) {
    desk.hears_alive("bob", 0);
    EXPECT_FALSE(desk.swim().member("bob").has_value());
}

TEST_F(SwimStates, AccusationsOfTheUnknownAreIgnored) {
    desk.hears_suspect("bob", 1, "carol");
    desk.hears_dead("bob", 1, "carol");
    desk.hears_dead("bob", 1, "bob");
    EXPECT_FALSE(desk.swim().member("bob").has_value());
}

TEST_F(SwimStates, AnAliveThatIsNotNewerChangesNothingInAnyState) {
    for (const auto state :
         {MemberState::Alive, MemberState::Suspect, MemberState::Dead, MemberState::Left}) {
        Desk other;
        other.start();
        other.hears_alive("bob", 5);
        if (state == MemberState::Suspect) other.hears_suspect("bob", 5, "carol");
        if (state == MemberState::Dead) other.hears_dead("bob", 5, "carol");
        if (state == MemberState::Left) other.hears_dead("bob", 5, "bob");
        other.hears_alive("bob", 5);
        other.hears_alive("bob", 4);
        EXPECT_EQ(other.state_of("bob"), state);
        EXPECT_EQ(other.incarnation_of("bob"), 5u);
    }
}

TEST_F(SwimStates, ANewerAliveBringsBackTheSuspectTheDeadAndTheLeft) {
    in_state(MemberState::Suspect);
    desk.hears_alive("bob", 6);
    EXPECT_THAT(desk.changes_of("bob"),
                ElementsAre(Change::Joined, Change::Suspected, Change::Refuted));
    desk.hears_dead("bob", 6, "carol");
    desk.hears_alive("bob", 7);
    desk.hears_dead("bob", 7, "bob");
    desk.hears_alive("bob", 8);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Alive);
    EXPECT_THAT(desk.changes_of("bob"),
                ElementsAre(Change::Joined, Change::Suspected, Change::Refuted, Change::Died,
                            Change::Joined, Change::Left, Change::Joined));
}

TEST_F(SwimStates, NewMetadataOfAnAliveMemberIsAnUpdate) {
    in_state(MemberState::Alive);
    wire::Alive changed = desk.alive_of("bob", 6);
    changed.meta = "new";
    desk.hears(changed);
    EXPECT_THAT(desk.changes_of("bob"), ElementsAre(Change::Joined, Change::Updated));
    EXPECT_EQ(desk.swim().member("bob")->meta, "new");
}

TEST_F(SwimStates, AccusationsBelowTheIncarnationAreIgnored) {
    in_state(MemberState::Alive);
    desk.hears_suspect("bob", 4, "carol");
    desk.hears_dead("bob", 4, "carol");
    desk.hears_dead("bob", 4, "bob");
    EXPECT_EQ(desk.state_of("bob"), MemberState::Alive);
}

TEST_F(SwimStates, AnAccusationAtOrAboveMakesASuspectOrADeath) {
    in_state(MemberState::Alive);
    desk.hears_suspect("bob", 7, "carol");
    EXPECT_EQ(desk.state_of("bob"), MemberState::Suspect);
    EXPECT_EQ(desk.incarnation_of("bob"), 7u);
    desk.hears_dead("bob", 7, "carol");
    EXPECT_EQ(desk.state_of("bob"), MemberState::Dead);
}

TEST_F(SwimStates, TheDeadStayDeadWhenTheySeemToLeave) {
    in_state(MemberState::Dead);
    desk.hears_dead("bob", 9, "bob");
    EXPECT_EQ(desk.state_of("bob"), MemberState::Dead);
    EXPECT_EQ(desk.incarnation_of("bob"), 5u);
}

TEST_F(SwimStates, ASuspicionOfTheDeadAndTheLeftIsIgnored) {
    in_state(MemberState::Left);
    desk.hears_suspect("bob", 9, "carol");
    EXPECT_EQ(desk.state_of("bob"), MemberState::Left);
}

TEST_F(SwimStates, AStaleAliveBelowAnyEvidenceDoesNotResurrect) {
    desk.hears_alive("bob", 1);
    desk.hears_dead("bob", 1, "carol");
    desk.hears_dead("bob", 10, "carol");
    desk.hears_alive("bob", 2);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Dead);
    desk.hears_alive("bob", 11);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Alive);
}

TEST_F(SwimStates, WhoAnnouncesItselfStaleWhileHeldDeadIsTold) {
    in_state(MemberState::Dead);
    desk.forget_sent();
    desk.hears_alive("bob", 1);
    ASSERT_THAT(desk.sent_to("bob"), SizeIs(1));
    const desk::Said told = desk.sent_to("bob")[0].parts[0];
    EXPECT_EQ(told.type, Type::Suspect);
    EXPECT_EQ(told.incarnation, 5u);
    EXPECT_EQ(told.from, "us");
}

struct Accused {
    const char* how;
    Incarnation accused, after;
};
TEST_F(SwimStates, WeRefuteAboveTheAccusationAndNeverLower) {
    for (const Accused& one : {Accused{"suspect", 7, 8}, {"dead", 8, 9}, {"dead", 5, 9}}) {
        if (std::string_view(one.how) == "suspect") {
            desk.hears_suspect("us", one.accused, "carol");
        } else {
            desk.hears_dead("us", one.accused, "carol");
        }
        EXPECT_EQ(desk.swim().incarnation(), one.after) << one.how << one.accused;
    }
    wire::Alive foreign = desk.alive_of("us", 20);
    foreign.meta = "foreign";
    desk.hears(foreign);
    EXPECT_EQ(desk.swim().incarnation(), 21u);
    EXPECT_EQ(desk.swim().member("us")->meta, "");
    EXPECT_EQ(desk.counters.refutations, 3u);
    EXPECT_EQ(desk.counters.health_score, 3u);
}

TEST_F(SwimStates, OurOwnAliveComingBackIsNothingNew) {
    desk.hears_alive("us", 1);
    EXPECT_EQ(desk.swim().incarnation(), 1u);
}

TEST_F(SwimStates, ARefutationGoesStraightToTheAccuser) {
    desk.hears_alive("carol", 1);
    desk.forget_sent();
    desk.hears_suspect("us", 1, "carol");
    ASSERT_THAT(desk.sent_to("carol"), SizeIs(1));
    EXPECT_EQ(desk.sent_to("carol")[0].parts[0].type, Type::Alive);
    EXPECT_EQ(desk.sent_to("carol")[0].parts[0].incarnation, 2u);
}

TEST_F(SwimStates, AnAccusationAtTheHighestIncarnationCannotWrapOurs) {
    for (const Incarnation high : {0xFFFFFFFFu, 0xFFFFFFF0u, 0xFFFFFFEFu, 0x80000000u})
        desk.hears_suspect("us", high, "carol");
    EXPECT_EQ(desk.swim().incarnation(), 1u);
    for (int i = 0; i < 10; ++i)
        desk.hears_suspect("us", desk.swim().incarnation() + (1u << 30), "carol");
    EXPECT_LE(desk.swim().incarnation(), kIncarnationMax);
    EXPECT_GT(desk.swim().incarnation(), 1u);
}

TEST_F(SwimStates, AnotherAddressIsAConflictUnlessTheNameWasLeft) {
    wire::Alive other = desk.alive_of("bob", 9);
    other.address = Address::v4(10, 9, 9, 9, 7946);
    for (const auto state : {MemberState::Alive, MemberState::Suspect, MemberState::Dead}) {
        Desk one;
        one.start();
        one.hears_alive("bob", 5);
        if (state == MemberState::Suspect) one.hears_suspect("bob", 5, "carol");
        if (state == MemberState::Dead) one.hears_dead("bob", 5, "carol");
        one.hears(other);
        EXPECT_EQ(one.state_of("bob"), state);
        EXPECT_EQ(one.counters.conflicts, 1u);
    }
    in_state(MemberState::Left, 20);
    desk.hears(other);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Alive);
    EXPECT_EQ(desk.incarnation_of("bob"), 9u);
}

TEST_F(SwimStates, AMappedAddressConflictsWithItsFourByteForm) {
    in_state(MemberState::Alive);
    wire::Alive mapped = desk.alive_of("bob", 6);
    const Address four = mapped.address;
    Bytes sixteen(10, '\0');
    sixteen += "\xff\xff";
    sixteen += four.ip_bytes();
    mapped.address = Address::from(sixteen, four.port);
    desk.hears(mapped);
    EXPECT_EQ(desk.counters.conflicts, 1u);
    EXPECT_EQ(desk.incarnation_of("bob"), 5u);
}

TEST(SwimReclaim, ADeadNameMayBeTakenOverAfterTheReclaimTime) {
    Desk desk;
    desk.config.timing.dead_reclaim = 10s;
    desk.start();
    desk.hears_alive("bob", 5);
    desk.hears_dead("bob", 5, "carol");
    wire::Alive other = desk.alive_of("bob", 1);
    other.address = Address::v4(10, 9, 9, 9, 7946);
    desk.hears(other);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Dead);
    desk.pass(11s);
    desk.hears(other);
    EXPECT_EQ(desk.state_of("bob"), MemberState::Alive);
    EXPECT_EQ(desk.incarnation_of("bob"), 1u);
}

TEST_F(SwimStates, AnnouncementsThatCannotBeMeantAreDroppedByReason) {
    wire::Alive bad = desk.alive_of("", 1);
    desk.hears(bad);
    EXPECT_EQ(desk.drops(Drop::Name), 1u);
    bad = desk.alive_of("bob", 1);
    bad.versions.bytes = {0, 0, 0, 0, 0, 0};
    desk.hears(bad);
    bad = desk.alive_of("bob", 1);
    bad.versions_size = 0;
    desk.hears(bad);
    bad = desk.alive_of("bob", 1);
    bad.versions.bytes = {1, 5, 6, 0, 0, 0};
    desk.hears(bad);
    EXPECT_EQ(desk.drops(Drop::Versions), 3u);
    bad = desk.alive_of("bob", 0xFFFFFFF0u);
    desk.hears(bad);
    EXPECT_EQ(desk.drops(Drop::Incarnation), 1u);
    bad = desk.alive_of("bob", 1);
    bad.address = Address::v4(224, 0, 0, 1, 7946);
    desk.hears(bad);
    bad.address = Address{};
    desk.hears(bad);
    EXPECT_EQ(desk.drops(Drop::Address), 2u);
    bad = desk.alive_of("bob", 1);
    const Bytes big(513, 'm');
    bad.meta = big;
    desk.hears(bad);
    EXPECT_EQ(desk.drops(Drop::Meta), 1u);
    EXPECT_FALSE(desk.swim().member("bob").has_value());
}

TEST(SwimLimits, ATableThatIsFullTakesNobodyMore) {
    Desk desk;
    desk.config.members_max = 3;
    desk.start();
    for (const char* name : {"a", "b", "c", "d"}) desk.hears_alive(name, 1);
    EXPECT_EQ(desk.swim().size(), 3u);
    EXPECT_EQ(desk.drops(Drop::Full), 2u);
}

TEST_F(SwimStates, ALeaveIsToldGossipedAndEndsAccusations) {
    in_state(MemberState::Alive);
    desk.swim().leave(desk.now);
    EXPECT_EQ(desk.state_of("us"), MemberState::Left);
    desk.hears_suspect("us", 9, "carol");
    desk.hears_alive("us", 30);
    EXPECT_EQ(desk.swim().incarnation(), 1u);
    desk.pass(5s);
    const auto told = desk.said(Type::Dead, "us");
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told[0].from, "us");
    EXPECT_EQ(std::count_if(desk.outputs.begin(), desk.outputs.end(),
                            [](const Output& o) { return std::holds_alternative<HasLeft>(o); }),
              1);
}

TEST_F(SwimStates, AloneALeaveIsDoneAtOnce) {
    desk.swim().leave(desk.now);
    EXPECT_TRUE(std::holds_alternative<HasLeft>(desk.outputs.back()));
}

TEST_F(SwimStates, TheDeadAndTheLeftAreReapedWhenTheRoundEnds) {
    in_state(MemberState::Dead);
    desk.hears_alive("eve", 1);
    desk.hears_dead("eve", 1, "eve");
    desk.pass(29s);
    EXPECT_EQ(desk.swim().size(), 3u);
    desk.pass(6s);
    EXPECT_EQ(desk.swim().size(), 1u);
    EXPECT_EQ(desk.changes_of("bob").back(), Change::Forgotten);
}

TEST_F(SwimStates, OnlyTheDeadCanBeForgottenAtOnce) {
    in_state(MemberState::Alive);
    desk.swim().forget("bob", desk.now);
    EXPECT_TRUE(desk.swim().member("bob").has_value());
    desk.hears_dead("bob", 5, "carol");
    EXPECT_THAT(desk.swim().lost(), ElementsAre(Desk::address_of("bob")));
    desk.swim().forget("bob", desk.now);
    EXPECT_FALSE(desk.swim().member("bob").has_value());
    EXPECT_THAT(desk.swim().lost(), IsEmpty());
}

TEST_F(SwimStates, EqualViewsHaveEqualHashesWhateverTheOrder) {
    Desk other;
    other.start();
    desk.hears_alive("a", 1);
    desk.hears_alive("b", 1);
    other.hears_alive("b", 1);
    other.hears_alive("a", 4);
    EXPECT_EQ(desk.swim().view_hash(), other.swim().view_hash());
    other.hears_suspect("a", 4, "b");
    EXPECT_NE(desk.swim().view_hash(), other.swim().view_hash());
}

wire::NodeState state_of(std::string_view name, std::uint8_t state, Incarnation incarnation) {
    return {.name = name,
            .address = Desk::address_of(name),
            .incarnation = incarnation,
            .state = state};
}

TEST_F(SwimStates, AMergeTakesADeathForASuspicionAndADepartureForOne) {
    for (const char* name : {"a", "b", "c"}) desk.hears_alive(name, 3);
    ASSERT_TRUE(desk.swim().merge({state_of("a", 2, 3), state_of("b", 3, 3), state_of("c", 1, 3),
                                   state_of("d", 0, 1), state_of("e", 2, 1), state_of("f", 9, 1)},
                                  desk.now));
    EXPECT_EQ(desk.state_of("a"), MemberState::Suspect);
    EXPECT_EQ(desk.state_of("b"), MemberState::Left);
    EXPECT_EQ(desk.state_of("c"), MemberState::Suspect);
    EXPECT_EQ(desk.state_of("d"), MemberState::Alive);
    EXPECT_FALSE(desk.swim().member("e"));
    EXPECT_FALSE(desk.swim().member("f"));
}

TEST_F(SwimStates, AMergeThatHoldsUsDeadMakesUsClimbAboveOurFormerSelf) {
    ASSERT_TRUE(desk.swim().merge({state_of("us", 2, 41)}, desk.now));
    EXPECT_EQ(desk.swim().incarnation(), 42u);
    ASSERT_TRUE(desk.swim().merge({state_of("us", 3, 50)}, desk.now));
    EXPECT_EQ(desk.swim().incarnation(), 51u);
}

TEST_F(SwimStates, AMergeWithOtherDelegateVersionsIsRefusedWhole) {
    wire::NodeState serf = state_of("serf", 0, 1);
    serf.versions.bytes = {1, 5, 2, 2, 5, 4};
    const auto merged = desk.swim().merge({state_of("a", 0, 1), serf}, desk.now);
    ASSERT_FALSE(merged.has_value());
    EXPECT_EQ(merged.error().code, Errc::Refused);
    EXPECT_EQ(desk.swim().size(), 1u);
    wire::NodeState bare = state_of("bare", 2, 1);
    bare.versions_size = 0;
    EXPECT_FALSE(desk.swim().merge({bare}, desk.now).has_value());
}

TEST_F(SwimStates, ASnapshotHoldsEveryStateWithItsHighestIncarnation) {
    desk.hears_alive("a", 3);
    desk.hears_dead("a", 3, "b");
    desk.hears_dead("a", 8, "b");
    std::vector<wire::NodeState> all;
    desk.swim().snapshot(all);
    ASSERT_THAT(all, SizeIs(2));
    EXPECT_EQ(all[1].name, "a");
    EXPECT_EQ(all[1].state, 2);
    EXPECT_EQ(all[1].incarnation, 8u);
}

}  // namespace
}  // namespace anode::membership
