#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/mesh/bans.hpp"
#include "unit/mesh/bench.hpp"

/// Peers that may speak and mean no good: dissemination, section 8.5.
namespace anode::mesh::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Offender* offender(const std::vector<Offender>& all, std::uint8_t number) {
    for (const Offender& one : all)
        if (one.peer == peer_id(number)) return &one;
    return nullptr;
}
std::uint64_t count_of(const Bench& node, std::uint8_t number, Fault fault) {
    const auto all = node.mesh->offenders();
    const Offender* found = offender(all, number);
    return found == nullptr ? 0 : found->counts[static_cast<std::size_t>(fault)];
}

TEST(MeshHostile, WhoBreaksTheProtocolStandsInTheBookWithKindNameAndBan) {
    Bench node;
    frames::Hello hello;
    hello.name = "mallory";
    const LinkId id = node.links_with(1, hello);
    node.says(id, frames::Announce{77, 1, 0, 0});
    const auto all = node.mesh->offenders();
    const Offender* found = offender(all, 1);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->name, "mallory");
    EXPECT_EQ(found->counts[static_cast<std::size_t>(Fault::UnknownLog)], 1u);
    EXPECT_EQ(found->bans, 1u);
    EXPECT_EQ(found->banned_until, node.now + 60s);
    ASSERT_FALSE(node.notices.empty());
    EXPECT_THAT(node.notices.back().detail, testing::HasSubstr("left alone for 60 s"));
}

TEST(MeshHostile, EachFurtherBanLastsTwiceAsLongAndAtMostAnHour) {
    Bans bans;
    Instant now{1h};
    std::vector<Duration> lasted;
    for (int i = 0; i < 8; ++i) {
        lasted.push_back(bans.ban(peer_id(1), now));
        now += lasted.back();
    }
    EXPECT_THAT(lasted, ElementsAre(60s, 120s, 240s, 480s, 960s, 1920s, 1h, 1h));
    EXPECT_EQ(bans.ban(peer_id(1), now + 25h), 60s) << "forgiven after a day";
}

TEST(MeshHostile, InventedIdentitiesCostNoMemory) {
    Bans bans;
    FaultBook book;
    NodeId id;
    for (int i = 0; i < 10'000; ++i) {
        id.bytes[0] = static_cast<std::uint8_t>(i);
        id.bytes[1] = static_cast<std::uint8_t>(i >> 8);
        (void)bans.ban(id, Instant{1h});
        (void)book.note(id, false, "x", Fault::Flood, "too much", Instant{1h});
    }
    EXPECT_EQ(bans.size(), Bans::kPeersMax);
    EXPECT_EQ(book.all().size(), FaultBook::kStrangersMax + 1);
    EXPECT_EQ(book.all().front().counts[static_cast<std::size_t>(Fault::Flood)],
              10'000 - FaultBook::kStrangersMax)
        << "the others together";
    (void)book.note(peer_id(200), true, "b", Fault::Heads, "lies", Instant{1h});
    EXPECT_EQ(book.all().size(), FaultBook::kStrangersMax + 2) << "a member still has a place";
    (void)book.note(id, false, "x", Fault::Flood, "too much", Instant{3h});
    EXPECT_EQ(book.all().size(), 3u) << "strangers are forgotten after an hour";
}

TEST(MeshHostile, AFloodOfPingsEndsInABan) {
    Config config;
    config.asks_burst = 1000;
    config.asks_per_second = 100;
    Bench node(50, config);
    const LinkId id = node.links_with(1), other = node.links_with(2);
    for (int i = 0; i < 2000 && node.closes.empty(); ++i) node.says(id, frames::Ping{});
    EXPECT_THAT(node.closes, ElementsAre(id));
    EXPECT_EQ(count_of(node, 1, Fault::Flood), 1u);
    EXPECT_EQ(node.state(other, 2), "up");
}

TEST(MeshHostile, WhatAnHonestNodeSaysOverTimeIsNoFlood) {
    Config config;
    config.asks_burst = 1000;
    config.asks_per_second = 100;
    Bench node(50, config);
    node.member(1);
    const LinkId id = node.links_with(1);
    for (int i = 0; i < 2000; ++i) {
        node.says(id, frames::Ping{});
        node.passes(100ms);
    }
    EXPECT_EQ(node.state(id, 1), "up");
}

TEST(MeshHostile, ALogThatHadAnotherNameIsAFault) {
    Bench node;
    const LinkId id = node.links_with(1);
    node.says(id, frames::LogDef{1, log_of(1)});
    node.says(id, frames::LogDef{1, log_of(1)});
    EXPECT_THAT(node.closes, IsEmpty());
    node.says(id, frames::LogDef{1, log_of(2)});
    EXPECT_THAT(node.closes, ElementsAre(id));
}

TEST(MeshHostile, AHeadFarAheadIsAFaultInEveryFrameThatTellsOne) {
    constexpr Seq kFar = Seq{1} << 45;
    const auto faults = [&](auto say) {
        Bench node;
        const LinkId id = node.links_with(1), other = node.links_with(2);
        node.attach(other, log_of(2), 3);
        const auto lx = node.names(id, log_of(2));
        say(node, id, lx);
        return count_of(node, 1, Fault::FarAhead) == 1 && node.view(log_of(2)).head == 3;
    };
    EXPECT_TRUE(faults(
        [&](Bench& node, LinkId id, auto lx) { node.says(id, frames::Announce{lx, kFar, 0, 0}); }));
    EXPECT_TRUE(faults([&](Bench& node, LinkId id, auto lx) {
        node.says(id, frames::Graft{lx, kFar, 1, frames::Why::Open});
    }));
    EXPECT_TRUE(faults([&](Bench& node, LinkId id, auto lx) {
        node.says(id, frames::QueryReply{{{lx, kFar, 0, true}}});
    }));
    EXPECT_TRUE(
        faults([&](Bench& node, LinkId id, auto lx) { node.says(id, frames::Race{lx, kFar}); }));
    EXPECT_TRUE(faults([&](Bench& node, LinkId id, auto lx) {
        node.says(id, frames::Data{lx, 0, *make_block(log_of(2), kFar).wire});
    }));
    EXPECT_TRUE(faults([&](Bench& node, LinkId id, auto) {
        node.says(id, frames::Vector{0xFFFF, true, {{log_of(2), 1, kFar, kFar, Hlc{1}, {}}}});
    }));
}

TEST(MeshHostile, AQuestionThatNamesALogAgainAndAgainIsAFault) {
    Bench node;
    const LinkId id = node.links_with(1);
    const auto lx = node.names(id, log_of(1));
    node.says(id, frames::Query{{lx}});
    EXPECT_THAT(node.closes, IsEmpty());
    node.says(id, frames::Query{std::vector<frames::Alias>(1000, lx)});
    EXPECT_THAT(node.closes, ElementsAre(id));
    EXPECT_THAT(node.hears<frames::QueryReply>(id), IsEmpty());
}

TEST(MeshHostile, NoSequenceComesNearTheEndOfNumbers) {
    Bench node;
    const LinkId id = node.links_with(1);
    const auto lx = node.names(id, log_of(1));
    Bytes bytes;
    frames::encode(frames::SkipFrame{lx, {1, (Seq{1} << 62) + 5}, Skip::Missing}, bytes);
    node.give(LinkBytes{id, bytes});
    EXPECT_THAT(node.closes, ElementsAre(id));
}

TEST(MeshHostile, ABlockThatNobodyAskedForIsNotTaken) {
    Bench node;
    const LinkId origin = node.links_with(1), other = node.links_with(2);
    node.attach(origin, log_of(1), 3);
    node.delivered.clear();
    node.sends(other, log_of(1), make_block(log_of(1), 4));
    EXPECT_THAT(node.delivered, IsEmpty());
    EXPECT_EQ(count_of(node, 2, Fault::Unasked), 1u);
    node.sends(origin, log_of(1), make_block(log_of(1), 4));
    EXPECT_THAT(node.delivered, SizeIs(1));
}

TEST(MeshHostile, TwoBlocksInOnePlaceAreToldOfAndTheFirstStays) {
    Bench node;
    const LinkId origin = node.links_with(1);
    node.attach(origin, log_of(1), 3);
    node.delivered.clear();
    node.sends(origin, log_of(1), make_block(log_of(1), 1, 3));
    EXPECT_EQ(count_of(node, 1, Fault::Forged), 0u) << "the same again";
    node.sends(origin, log_of(1), make_block(log_of(1), 1, 3, 0, 21));
    EXPECT_EQ(count_of(node, 1, Fault::Forged), 1u);
    EXPECT_THAT(node.delivered, IsEmpty());
}

TEST(MeshHostile, ABlockThatOverlapsThoseWeHaveIsNotTaken) {
    Bench node;
    const LinkId origin = node.links_with(1);
    node.attach(origin, log_of(1), 3);
    node.delivered.clear();
    node.sends(origin, log_of(1), make_block(log_of(1), 2, 4));
    EXPECT_THAT(node.delivered, IsEmpty()) << "2 and 3 would be shown twice";
    EXPECT_EQ(count_of(node, 1, Fault::Forged), 1u);
    EXPECT_EQ(node.view(log_of(1)).head, 3u);
}

TEST(MeshHostile, BlocksFullOfHolesAreLeftForAMinute) {
    Bench node;
    const LinkId id = node.links_with(1);
    node.announces(id, log_of(1), 0);
    node.accepts(id, log_of(1), 0);
    for (Seq seq = 2; seq < 2000; seq += 2) node.sends(id, log_of(1), make_block(log_of(1), seq));
    EXPECT_LE(node.view(log_of(1)).missing.size(), 8u * 32u + 1);
    EXPECT_EQ(count_of(node, 1, Fault::Heads), 1u);
    EXPECT_EQ(node.mesh->counters().heads_ignored, 1u);
    EXPECT_EQ(node.state(id, 1), "up");
}

TEST(MeshHostile, WhoDoesNotServeWhatItClaimsIsNotBelievedForAMinute) {
    Bench node;
    node.member(1);
    const LinkId id = node.links_with(1);
    node.announces(id, log_of(9), 5);
    for (int i = 0; i < 4; ++i) {
        node.passes(1100ms);
        node.digests(id, log_of(9), 6 + static_cast<Seq>(i));
    }
    EXPECT_EQ(node.mesh->counters().heads_ignored, 1u);
    EXPECT_EQ(count_of(node, 1, Fault::Heads), 1u);
    node.clear();
    node.digests(id, log_of(9), 20);
    node.passes(2s);
    EXPECT_THAT(node.hears<frames::Graft>(id), IsEmpty());
    node.passes(60s);
    node.digests(id, log_of(9), 21);
    node.passes(2s);
    EXPECT_FALSE(node.hears<frames::Graft>(id).empty()) << "then it has another chance";
}

TEST(MeshHostile, InventedLogsLeaveRoomForThoseOfMembers) {
    Config config;
    config.logs_max = 20;
    Bench node(50, config);
    const LinkId id = node.links_with(1);
    for (std::uint8_t i = 100; i < 130; ++i) node.announces(id, log_of(i), 1);
    EXPECT_EQ(node.mesh->counters().logs, 10u);
    node.member(2);
    node.announces(id, log_of(2), 1);
    EXPECT_EQ(node.view(log_of(2)).log, log_of(2));
}

TEST(MeshHostile, VisitorsShareAFewPlacesAndNeighboursHaveTheirOwn) {
    Bench node;
    frames::Hello bulk;
    bulk.purpose = Purpose::Bulk;
    std::size_t refused = 0;
    for (std::uint8_t i = 100; i < 140; ++i) {
        const LinkId id = node.connects();
        node.greets(id, i, bulk);
        refused += node.hears<frames::Bye>(id).size();
    }
    EXPECT_EQ(refused, 8u);
    EXPECT_EQ(node.mesh->counters().links_refused, 8u);
    node.links_with(1);
    const LinkId repair = node.connects();
    node.greets(repair, 1, bulk);
    EXPECT_THAT(node.hears<frames::Bye>(repair), IsEmpty());
}

TEST(MeshHostile, WhoGraftsEverythingDoesNotMakeTheStoreReadEverything) {
    Bench node;
    const LinkId id = node.links_with(1);
    Start start;
    for (std::uint8_t i = 100; i < 160; ++i) {
        KnownLog log;
        log.log = log_of(i);
        log.have = {{1, 100}};
        start.logs.push_back(log);
    }
    node.give(start);
    for (std::uint8_t i = 100; i < 160; ++i) node.grafts(id, log_of(i), 1);
    EXPECT_EQ(node.loads.size(), 16u);
    // Each answer makes room for the next question, and everybody is served in the end.
    for (std::size_t done = 0; done < node.loads.size(); ++done) {
        const Load load = node.loads[done];
        node.give(Loaded{load.id, {make_block(load.log, 1, 100)}});
    }
    EXPECT_EQ(node.loads.size(), 60u);
    EXPECT_THAT(node.gets(id), SizeIs(60));
}

TEST(MeshHostile, WhatTheApplicationFindsStandsInTheSameBookAndIsToldOnceAMinute) {
    Bench node;
    for (int i = 0; i < 5; ++i)
        node.give(Blame{peer_id(3), Fault::Foreign, "a node speaks of what is not its own", "$x"});
    EXPECT_EQ(count_of(node, 3, Fault::Foreign), 5u);
    EXPECT_THAT(node.notices, SizeIs(1));
    EXPECT_EQ(node.notices[0].peer, peer_id(3));
    node.passes(61s);
    node.give(Blame{peer_id(3), Fault::Foreign, "a node speaks of what is not its own", "$x"});
    EXPECT_THAT(node.notices, SizeIs(2));
}

}  // namespace
}  // namespace anode::mesh::test
