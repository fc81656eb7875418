#include "core/membership/contacts.hpp"

#include <algorithm>
#include <set>

#include "unit/membership/node/desk.hpp"

/// Bootstrap addresses and lost members.
namespace anode::membership::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct ContactsSpec : testing::Test, ContactsPort {
    struct Join {
        Address to;
        std::uint64_t ticket;
        bool lost;
    };
    Result<void> join(const Address& to, std::uint64_t ticket, bool lost) override {
        if (no_streams) return fail(Errc::Overloaded, "too many streams");
        joins.push_back({to, ticket, lost});
        return {};
    }
    bool alive_at(const Address& address) override {
        return std::ranges::find(alive, address) != alive.end();
    }
    bool alone() override { return alive.empty(); }
    std::vector<Address> lost() override { return lost_members; }

    void start(std::vector<std::string> texts) {
        desk.shared.config.contacts = std::move(texts);
        contacts.start();
    }
    void passes(Duration time) {
        const Instant end = desk.shared.now + time;
        while (contacts.due() <= end) {
            desk.shared.now = std::max(desk.shared.now, contacts.due());
            contacts.tick();
            contacts.look_around();
            if (auto_fail) fail_all();
        }
        desk.shared.now = end;
    }
    /// Every join under way ends like this.
    void fail_all() { end_all(fail(Errc::Refused, "nobody listens there")); }
    void end_all(const Result<void>& how) {
        for (const Join& one : std::exchange(joins, {})) {
            times.push_back(desk.shared.now);
            contacts.joined(one.ticket, how);
        }
    }
    std::vector<Address> joining() {
        std::vector<Address> to;
        for (const Join& one : joins) to.push_back(one.to);
        return to;
    }

    Desk desk;
    Contacts contacts{desk.shared, *this};
    std::vector<Join> joins;
    std::vector<Address> alive, lost_members;
    std::vector<Instant> times;
    bool no_streams = false, auto_fail = false;
};

TEST_F(ContactsSpec, AnAddressIsJoinedAtOnce) {
    start({"10.0.0.2"});
    EXPECT_THAT(joining(), ElementsAre(kBob));
    EXPECT_THAT(desk.outputs<Resolve>(), IsEmpty());
}

TEST_F(ContactsSpec, ANameIsLookedUpEachTimeAnew) {
    start({"seed"});
    ASSERT_THAT(desk.take<Resolve>(), SizeIs(1));
    contacts.resolved({"seed:7946", {kBob}});
    EXPECT_THAT(joining(), ElementsAre(kBob));
    fail_all();
    passes(2s);
    EXPECT_THAT(desk.take<Resolve>(), SizeIs(1));
    contacts.resolved({"seed:7946", {kCarol}});
    EXPECT_THAT(joining(), ElementsAre(kCarol));
}

TEST_F(ContactsSpec, EveryAddressOfANameIsJoinedButOurOwnAndThoseThatAreMembers) {
    const Address dave = Address::v4(10, 0, 0, 4, 7946);
    start({"seed"});
    alive = {kCarol};
    contacts.resolved({"seed:7946", {kUs, kBob, kCarol, dave}});
    EXPECT_THAT(joining(), ElementsAre(kBob, dave));
}

TEST_F(ContactsSpec, AContactThatIsAnAliveMemberNeedsNothing) {
    start({"10.0.0.2"});
    alive = {kBob};
    end_all({});
    passes(10min);
    EXPECT_THAT(joins, IsEmpty());
}

TEST_F(ContactsSpec, AloneThePausesDoubleUpToHalfAMinuteWithJitter) {
    auto_fail = true;
    start({"10.0.0.2"});
    fail_all();
    passes(5min);
    std::vector<double> pauses;
    for (std::size_t i = 1; i < times.size(); ++i) {
        pauses.push_back(std::chrono::duration<double>(times[i] - times[i - 1]).count());
    }
    ASSERT_GE(pauses.size(), 8u);
    double expected = 1;
    for (const double pause : pauses) {
        EXPECT_GE(pause, expected * 0.75);
        EXPECT_LE(pause, expected * 1.25);
        expected = std::min(expected * 2, 30.0);
    }
}

TEST_F(ContactsSpec, InCompanyAContactIsTriedEveryHalfToWholeMinute) {
    auto_fail = true;
    alive = {kCarol};
    start({"10.0.0.2"});
    fail_all();
    passes(10min);
    EXPECT_GE(times.size(), 10u);
    EXPECT_LE(times.size(), 21u);
}

TEST_F(ContactsSpec, WhenTheLastMemberGoesThePausesOfCompanyEnd) {
    alive = {kBob};
    start({"10.0.0.2"});
    contacts.look_around();
    EXPECT_THAT(joins, IsEmpty());
    alive.clear();
    contacts.look_around();
    passes(2s);
    EXPECT_THAT(joining(), ElementsAre(kBob));
}

TEST_F(ContactsSpec, AFailureIsToldOnceAndTheEndOfItToo) {
    start({"10.0.0.2"});
    fail_all();
    for (int i = 0; i < 5; ++i) {
        passes(30s);
        fail_all();
    }
    const auto notices = desk.take<Notice>();
    ASSERT_THAT(notices, SizeIs(1));
    EXPECT_THAT(notices[0].detail, HasSubstr("10.0.0.2: nobody listens there"));
    passes(40s);
    end_all({});
    const auto ended = desk.take<Notice>();
    ASSERT_THAT(ended, SizeIs(1));
    EXPECT_EQ(ended[0].level, Notice::Level::Info);
}

TEST_F(ContactsSpec, ANameServerThatIsSilentIsGivenUpAndAskedAgain) {
    start({"seed"});
    desk.out.clear();
    passes(Contacts::kResolveTimeout + 2s);
    EXPECT_THAT(desk.outputs<Notice>()[0].detail, HasSubstr("does not answer"));
    EXPECT_THAT(desk.outputs<Resolve>(), SizeIs(1));
}

TEST_F(ContactsSpec, ANameWithoutAddressesIsTold) {
    start({"seed"});
    contacts.resolved({"seed:7946", {}});
    EXPECT_THAT(desk.outputs<Notice>()[0].detail, HasSubstr("knows no address"));
}

TEST_F(ContactsSpec, BeingOnesOwnContactIsNoTrouble) {
    start({"10.0.0.1", "seed"});
    contacts.resolved({"seed:7946", {kUs}});
    passes(3s);
    EXPECT_THAT(joins, IsEmpty());
    EXPECT_THAT(desk.outputs<Notice>(), IsEmpty());
    EXPECT_THAT(desk.outputs<Resolve>(), SizeIs(2)) << "others may appear under the name";
}

TEST_F(ContactsSpec, WhatIsNoContactIsToldAndTheOthersAreTried) {
    start({"[::1", "10.0.0.2"});
    EXPECT_THAT(desk.outputs<Notice>()[0].detail, HasSubstr("bracket"));
    EXPECT_THAT(joining(), ElementsAre(kBob));
}

TEST_F(ContactsSpec, AContactAddedAgainIsTriedAtOnce) {
    start({"10.0.0.2"});
    fail_all();
    contacts.add("10.0.0.2");
    EXPECT_THAT(joining(), ElementsAre(kBob));
}

TEST_F(ContactsSpec, WithoutAStreamTheContactIsTriedLater) {
    no_streams = true;
    start({"10.0.0.2"});
    no_streams = false;
    passes(2s);
    EXPECT_THAT(joining(), ElementsAre(kBob));
}

TEST_F(ContactsSpec, AfterLeavingNobodyIsContacted) {
    lost_members = {kBob};
    start({"10.0.0.2"});
    contacts.stop();
    fail_all();
    EXPECT_EQ(contacts.due(), Instant::max());
    contacts.add("10.0.0.3");
    EXPECT_THAT(joins, IsEmpty());
}

TEST_F(ContactsSpec, ALostMemberIsDialledAgainEveryHalfMinute) {
    lost_members = {kBob};
    alive = {kCarol};
    auto_fail = true;
    start({});
    passes(10min);
    EXPECT_GE(times.size(), 16u);
    EXPECT_LE(times.size(), 26u);
}

TEST_F(ContactsSpec, OfManyLostMembersAFewAreDrawnEachTime) {
    alive = {kCarol};
    for (std::uint8_t i = 0; i < 200; ++i) lost_members.push_back(Address::v4(10, 1, 0, i, 7946));
    start({});
    passes(40s);
    EXPECT_THAT(joins, SizeIs(Contacts::kLostAtOnce));
    std::set<std::string> distinct;
    for (const Join& one : joins) distinct.insert(one.to.text());
    EXPECT_THAT(distinct, SizeIs(Contacts::kLostAtOnce));
}

TEST_F(ContactsSpec, ContactsAreBounded) {
    std::vector<std::string> texts;
    for (int i = 0; i < 400; ++i)
        texts.push_back("10.2." + std::to_string(i / 200) + "." + std::to_string(1 + i % 200));
    start(texts);
    EXPECT_THAT(joins, SizeIs(Contacts::kContactsMax));
}

}  // namespace
}  // namespace anode::membership::spec
