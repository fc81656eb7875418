#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/mesh/bulk_rate.hpp"
#include "core/mesh/holders.hpp"
#include "unit/mesh/bench.hpp"

/// Repair of one node, its neighbours played frame by frame: who is asked for what, and what becomes of the answers.
namespace anode::mesh::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint8_t kP = 3, kQ = 4, kOrigin = 9;

class MeshPulls : public testing::Test {
protected:
    MeshPulls() {
        for (const std::uint8_t number : {kP, kQ}) node.member(number);
        p = node.links_with(kP);
        q = node.links_with(kQ);
        log = log_of(kOrigin);
    }
    /// Its parent p jumps: 1..100 are a hole.
    void opens_hole(const std::function<void()>& then = [] {}) {
        node.attach(p, log);
        node.sends(p, log, make_block(log, 101));
        ASSERT_THAT(node.opened, SizeIs(1));
        then();
        node.passes(1ms);
    }
    void claims(LinkId link, Seq head, Seq lowest = 1, std::vector<SeqRange> gaps = {}) {
        frames::Vector vector;
        vector.bucket = 0xFFFF;
        vector.last = false;
        vector.rows.push_back({log, lowest, head, head, Hlc::at(node.wall()), gaps});
        if (!gaps.empty()) vector.rows[0].watermark = gaps.front().first - 1;
        node.says(link, vector);
    }
    /// The peer takes the connection that was dialled for repair.
    LinkId accepts_dial(std::uint8_t number) {
        for (const Dial& dial : node.dials) {
            if (dial.peer != peer_id(number)) continue;
            const LinkId id = dial.id;
            node.give(LinkOpened{id});
            frames::Hello hello;
            hello.purpose = Purpose::Bulk;
            hello.bulk_window = 1u << 20;
            node.greets(id, number, hello);
            return id;
        }
        return kNone;
    }
    LinkId opens_bulk(std::uint8_t number, std::uint32_t window = 1u << 20) {
        const LinkId id = node.connects();
        frames::Hello hello;
        hello.purpose = Purpose::Bulk;
        hello.bulk_window = window;
        node.greets(id, number, hello);
        return id;
    }
    void chunk(LinkId link, std::uint32_t request, Seq first, std::uint32_t count) {
        node.says(link, frames::Chunk{request, log, *make_block(log, first, count).wire});
    }
    /// Where the log begins and its first hole, as a newcomer is told.
    SeqRange holding_of_view() {
        const LinkId late = node.links_with(30);
        for (const auto& vector : node.hears<frames::Vector>(late))
            for (const auto& row : vector.rows)
                if (row.log == log) return {row.lowest, row.gaps.empty() ? 0 : row.gaps[0].last};
        return {};
    }
    frames::Pull pull_on(LinkId link) {
        const auto pulls = node.hears<frames::Pull>(link);
        EXPECT_FALSE(pulls.empty());
        return pulls.empty() ? frames::Pull{} : pulls.back();
    }

    static constexpr LinkId kNone{0};
    Bench node;
    LinkId p, q;
    LogKey log;
};

TEST_F(MeshPulls, AHoleIsPulledOverAConnectionOfItsOwn) {
    opens_hole();
    ASSERT_THAT(node.dials, SizeIs(1));
    EXPECT_EQ(node.dials[0].peer, peer_id(kP));
    const LinkId bulk = accepts_dial(kP);
    const auto pull = pull_on(bulk);
    EXPECT_EQ(pull.log, log);
    EXPECT_EQ(pull.ranges, (std::vector<SeqRange>{{1, 100}}));
    chunk(bulk, pull.request, 1, 100);
    node.says(bulk, frames::PullEnd{pull.request, 0, 0});
    EXPECT_THAT(node.closed, SizeIs(1));
    EXPECT_TRUE(node.closed[0].repaired);
    EXPECT_EQ(node.closed[0].range, (SeqRange{1, 100}));
    EXPECT_TRUE(node.delivered.back().late);
    EXPECT_EQ(node.view(log).watermark, 101u);
}

TEST_F(MeshPulls, WhoDoesNotFeedUsIsAskedBeforeWhoDoes) {
    opens_hole([&] { claims(q, 101); });
    ASSERT_THAT(node.dials, SizeIs(1));
    EXPECT_EQ(node.dials[0].peer, peer_id(kQ));
}

TEST_F(MeshPulls, AUnitThatDoesNotMoveForTenSecondsGoesToAnotherHolder) {
    opens_hole([&] { claims(q, 101); });
    const LinkId bulk = accepts_dial(kQ);
    const auto first = pull_on(bulk);
    node.passes(9s);
    EXPECT_EQ(accepts_dial(kP), kNone);
    node.passes(2s);
    const LinkId other = accepts_dial(kP);
    ASSERT_NE(other, kNone);
    EXPECT_EQ(pull_on(other).ranges, first.ranges);
    // What the first one sends after all fills nothing, and is no fault.
    chunk(bulk, first.request, 1, 100);
    EXPECT_THAT(node.closed, IsEmpty());
    EXPECT_THAT(node.closes, IsEmpty());
}

TEST_F(MeshPulls, ABusyPeerIsAskedAgainWhenItSaid) {
    opens_hole();
    const LinkId bulk = accepts_dial(kP);
    node.says(bulk, frames::PullEnd{pull_on(bulk).request, 1, 700});
    node.clear();
    node.passes(600ms);
    EXPECT_THAT(node.hears<frames::Pull>(bulk), IsEmpty());
    node.passes(200ms);
    EXPECT_THAT(node.hears<frames::Pull>(bulk), SizeIs(1));
}

TEST_F(MeshPulls, ASkipOfAPeerSettlesNothing) {
    opens_hole();
    const LinkId bulk = accepts_dial(kP);
    const auto pull = pull_on(bulk);
    node.says(bulk, frames::SkipFrame{node.names(bulk, log), {1, 100}, Skip::Lost});
    node.says(bulk, frames::PullEnd{pull.request, 0, 0});
    node.passes(20s);
    EXPECT_THAT(node.closed, IsEmpty());
    EXPECT_EQ(node.view(log).missing, (std::vector<SeqRange>{{1, 100}}));
}

TEST_F(MeshPulls, APeerThatDoesNotGiveWhatItClaimsIsLeftAloneLongerEachTime) {
    opens_hole();
    const LinkId bulk = accepts_dial(kP);
    std::vector<Instant> asked;
    std::size_t answered = 0;
    for (int i = 0; i < 3000 && asked.size() < 4; ++i) {
        const auto pulls = node.hears<frames::Pull>(bulk);
        if (pulls.size() > answered) {
            answered = pulls.size();
            asked.push_back(node.now);
            node.says(bulk, frames::PullEnd{pulls.back().request, 2, 0});
        }
        node.passes(100ms);
    }
    ASSERT_THAT(asked, SizeIs(4));
    EXPECT_GE(asked[1] - asked[0], 1s);
    EXPECT_GE(asked[2] - asked[1], 2s);
    EXPECT_GE(asked[3] - asked[2], 4s);
}

TEST_F(MeshPulls, AChunkThatNobodyAskedForIsAFault) {
    opens_hole();
    const LinkId bulk = accepts_dial(kP);
    chunk(bulk, pull_on(bulk).request, 500, 2);
    EXPECT_THAT(node.closes, testing::Contains(bulk));
}

TEST_F(MeshPulls, AChunkThatIsNotWhatItsChecksumSaysIsAFault) {
    opens_hole();
    const LinkId bulk = accepts_dial(kP);
    Bytes wire = *make_block(log, 1, 100).wire;
    wire.back() = static_cast<char>(wire.back() ^ 1);
    node.says(bulk, frames::Chunk{pull_on(bulk).request, log, wire});
    EXPECT_THAT(node.closes, testing::Contains(bulk));
    EXPECT_THAT(node.closed, IsEmpty());
}

TEST_F(MeshPulls, WhatAPeerSaysItLacksIsNotAskedOfIt) {
    opens_hole([&] {
        claims(q, 101, 1, {{1, 60}});
        claims(p, 101, 61);
    });
    const LinkId bulk = accepts_dial(kQ);
    ASSERT_NE(bulk, kNone);
    EXPECT_EQ(pull_on(bulk).ranges, (std::vector<SeqRange>{{61, 100}}));
}

TEST_F(MeshPulls, WhatNoNeighbourRetainsIsExpiredAfterAMoment) {
    opens_hole([&] { claims(p, 101, 61); });
    const LinkId bulk = accepts_dial(kP);
    chunk(bulk, pull_on(bulk).request, 61, 40);
    node.passes(10s);
    ASSERT_THAT(node.closed, SizeIs(2));
    EXPECT_FALSE(node.closed[1].repaired);
    EXPECT_EQ(node.closed[1].why, Skip::Expired);
    EXPECT_EQ(node.closed[1].range, (SeqRange{1, 60}));
    EXPECT_THAT(node.view(log).missing, IsEmpty());
}

TEST_F(MeshPulls, AHoleThatNobodyHasAskedAboutIsComparedAgain) {
    opens_hole([&] { claims(p, 101, 1, {{1, 100}}); });
    node.clear();
    node.passes(30s);
    // Both neighbours were asked for their sums again; meanwhile p has filled its hole.
    ASSERT_GE(node.hears<frames::VectorRoot>(p).size(), 1u);
    EXPECT_GE(node.hears<frames::VectorRoot>(q).size(), 1u);
    EXPECT_THAT(node.dials, IsEmpty());
    claims(p, 101);
    node.passes(1ms);
    EXPECT_EQ(node.dials.at(0).peer, peer_id(kP));
}

TEST_F(MeshPulls, WhatIsOlderThanTheHorizonIsExpiredOnlyIfNobodyHasItStill) {
    opens_hole([&] {
        claims(q, 101, 1, {{1, 50}});
        claims(p, 101, 1, {{1, 50}});
    });
    const LinkId bulk = accepts_dial(kQ);
    node.wall_error = 48 * 3'600'000'000;
    node.passes(8s);
    ASSERT_THAT(node.closed, SizeIs(1));
    EXPECT_EQ(node.closed[0].range, (SeqRange{1, 50}));
    EXPECT_EQ(node.closed[0].why, Skip::Expired);
    chunk(bulk, pull_on(bulk).request, 51, 50);
    EXPECT_TRUE(node.closed.back().repaired);
}

TEST_F(MeshPulls, WhatIsOlderThanTheHistoryAskedForIsNotPulled) {
    Config config;
    config.history = 1h;
    node = Bench(50, config);
    for (const std::uint8_t number : {kP, kQ}) node.member(number);
    p = node.links_with(kP);
    q = node.links_with(kQ);
    node.attach(p, log);
    node.sends(p, log, make_block(log, 101, 1, 0, 20, node.wall()));
    node.passes(1ms);
    const LinkId bulk = accepts_dial(kP);
    const auto old = node.wall() - 2 * 3'600'000'000;
    node.says(bulk,
              frames::Chunk{pull_on(bulk).request, log, *make_block(log, 81, 20, 0, 20, old).wire});
    ASSERT_THAT(node.closed, SizeIs(2));
    EXPECT_TRUE(node.closed[0].repaired);
    EXPECT_EQ(node.closed[1].range, (SeqRange{1, 80}));
    EXPECT_EQ(node.closed[1].why, Skip::BeforeJoin);
}

TEST_F(MeshPulls, WhatOurOwnRetentionPassedIsExpired) {
    opens_hole([&] { claims(p, 101, 1, {{1, 100}}); });
    node.attach(p, log);
    node.sends(p, log, make_block(log, 102, 10));
    node.give(Retained{log, 105});
    node.passes(2s);
    ASSERT_THAT(node.closed, SizeIs(1));
    EXPECT_EQ(node.closed[0].range, (SeqRange{1, 100}));
    EXPECT_EQ(node.closed[0].why, Skip::Expired);
}

TEST_F(MeshPulls, WhereTheStoreBeginsIsNotWhereTheLogBegins) {
    opens_hole();
    // The first that can be read is 101, because the rest has not been repaired yet.
    node.give(Retained{log, 101});
    node.passes(2s);
    EXPECT_THAT(node.closed, IsEmpty());
    EXPECT_EQ(holding_of_view().first, 1u);
    const LinkId bulk = accepts_dial(kP);
    chunk(bulk, pull_on(bulk).request, 51, 50);
    EXPECT_EQ(node.view(log).lowest, 51u);
    node.passes(5s);
    EXPECT_EQ(node.view(log).missing, (std::vector<SeqRange>{{1, 50}}));
}

TEST_F(MeshPulls, UnderPressureNoCreditGoesBack) {
    opens_hole();
    const LinkId bulk = accepts_dial(kP);
    const auto pull = pull_on(bulk);
    node.give(Pressure{true});
    node.clear();
    chunk(bulk, pull.request, 1, 50);
    node.passes(1s);
    const auto bulk_credit = [&] {
        std::size_t bytes = 0;
        for (const auto& credit : node.hears<frames::Credit>(bulk))
            bytes += credit.live == 2 ? credit.bytes : 0;
        return bytes;
    };
    EXPECT_EQ(bulk_credit(), 0u);
    node.give(Pressure{false});
    node.passes(1s);
    EXPECT_EQ(bulk_credit(), make_block(log, 1, 50).wire->size());
}

// -- serving ---------------------------------------------------------------------------------------

TEST_F(MeshPulls, BlocksInMemoryAreSentAndTheRestIsSkipped) {
    node.attach(p, log, 10);
    const LinkId bulk = opens_bulk(kQ);
    node.says(bulk, frames::Pull{7, log, {{1, 20}}, 1u << 20});
    EXPECT_THAT(node.hears<frames::Chunk>(bulk), SizeIs(1));
    const auto skips = node.hears<frames::SkipFrame>(bulk);
    ASSERT_THAT(skips, SizeIs(1));
    EXPECT_EQ(skips[0].range, (SeqRange{11, 20}));
    EXPECT_EQ(skips[0].why, Skip::Missing);
    const auto ends = node.hears<frames::PullEnd>(bulk);
    ASSERT_THAT(ends, SizeIs(1));
    EXPECT_EQ(ends[0].request, 7u);
    EXPECT_EQ(ends[0].why, 0);
}

TEST_F(MeshPulls, ALogThatIsNotKnownHereEndsAtOnce) {
    const LinkId bulk = opens_bulk(kQ);
    node.says(bulk, frames::Pull{7, log_of(77), {{1, 20}}, 1u << 20});
    const auto ends = node.hears<frames::PullEnd>(bulk);
    ASSERT_THAT(ends, SizeIs(1));
    EXPECT_EQ(ends[0].why, 0);
    EXPECT_THAT(node.hears<frames::SkipFrame>(bulk), IsEmpty());
}

TEST_F(MeshPulls, AFifthSessionIsTurnedAway) {
    node.attach(p, log, 10);
    std::vector<LinkId> bulks;
    for (std::uint8_t number = 20; number < 25; ++number) {
        node.member(number);
        // Nobody of them takes anything: the sessions stay.
        const LinkId bulk = opens_bulk(number, 0);
        node.says(bulk, frames::Pull{number, log, {{1, 10}}, 1u << 20});
        bulks.push_back(bulk);
    }
    for (int i = 0; i < 4; ++i) EXPECT_THAT(node.hears<frames::PullEnd>(bulks[i]), IsEmpty());
    const auto ends = node.hears<frames::PullEnd>(bulks[4]);
    ASSERT_THAT(ends, SizeIs(1));
    EXPECT_EQ(ends[0].why, 1);
    EXPECT_GE(ends[0].retry_ms, 500u);
    // Who takes nothing does not hold a session for ever.
    node.passes(31s);
    EXPECT_THAT(node.hears<frames::PullEnd>(bulks[0]), SizeIs(1));
}

TEST_F(MeshPulls, NothingIsSentBeyondTheReceiversCredit) {
    node.attach(p, log);
    for (Seq seq = 1; seq <= 10; ++seq) node.sends(p, log, make_block(log, seq, 1, 0, 1000));
    const LinkId bulk = opens_bulk(kQ, 2500);
    node.says(bulk, frames::Pull{7, log, {{1, 10}}, 1u << 20});
    node.passes(1s);
    EXPECT_THAT(node.hears<frames::Chunk>(bulk), SizeIs(3));
    node.says(bulk, frames::Credit{2, 1u << 20});
    EXPECT_THAT(node.hears<frames::Chunk>(bulk), SizeIs(10));
}

TEST_F(MeshPulls, AUnitEndsAtItsLimitOfBytes) {
    node.attach(p, log);
    for (Seq seq = 1; seq <= 10; ++seq) node.sends(p, log, make_block(log, seq, 1, 0, 1000));
    const LinkId bulk = opens_bulk(kQ);
    node.says(bulk, frames::Pull{7, log, {{1, 10}}, 2500});
    EXPECT_THAT(node.hears<frames::Chunk>(bulk), SizeIs(3));
    EXPECT_EQ(node.hears<frames::PullEnd>(bulk).at(0).why, 2);
}

TEST_F(MeshPulls, WhileAChildOfOursLagsRepairGoesAtItsFloor) {
    node.attach(p, log);
    for (Seq seq = 1; seq <= 400; ++seq) node.sends(p, log, make_block(log, seq, 1, 0, 10'000));
    const LinkId bulk = opens_bulk(kQ, 64u << 20);
    const auto sent_in = [&](Duration time) {
        node.clear();
        const Instant end = node.now + time;
        std::size_t bytes = 0;
        std::uint32_t request = 1;
        node.says(bulk, frames::Pull{request, log, {{1, 400}}, 4u << 20});
        while (node.now < end) {
            node.passes(50ms);
            for (const auto& one : node.hears<frames::Chunk>(bulk)) bytes += one.block.size();
            node.says(bulk, frames::Credit{2, 16u << 20});
            const bool over = !node.hears<frames::PullEnd>(bulk).empty();
            node.clear();
            if (over) node.says(bulk, frames::Pull{++request, log, {{1, 400}}, 4u << 20});
        }
        return bytes;
    };
    (void)sent_in(3s);  // it finds out how much goes through
    const std::size_t free = sent_in(2s);
    EXPECT_GT(free, 10'000'000u);
    // A child that takes nothing: it waits for what it wants.
    node.stuck.insert(q);
    node.grafts(q, log, 1);
    (void)sent_in(2s);
    const std::size_t hindered = sent_in(2s);
    EXPECT_GT(hindered, 2u * 200'000);
    EXPECT_LT(hindered, 2u * 400'000);
}

TEST_F(MeshPulls, WhoCannotBeDialledIsAskedToDialUs) {
    opens_hole();
    node.give(LinkClosed{node.dials.at(0).id, LinkEnd::Refused, ""});
    ASSERT_THAT(node.hears<frames::Pull>(p), SizeIs(1));
    const LinkId bulk = opens_bulk(kP);
    node.passes(2s);
    EXPECT_EQ(pull_on(bulk).ranges, (std::vector<SeqRange>{{1, 100}}));
}

TEST_F(MeshPulls, WhoAsksToBeDialledIsDialledOnce) {
    for (int i = 0; i < 5; ++i) node.says(p, frames::Pull{7, log, {{1, 10}}, 1});
    ASSERT_THAT(node.dials, SizeIs(1));
    EXPECT_EQ(node.dials[0].peer, peer_id(kP));
    node.give(LinkClosed{node.dials[0].id, LinkEnd::Refused, ""});
    node.says(p, frames::Pull{7, log, {{1, 10}}, 1});
    EXPECT_THAT(node.dials, SizeIs(1));
    EXPECT_THAT(node.closes, IsEmpty());
}

// -- rates -----------------------------------------------------------------------------------------

TEST(BulkRate, GrowsWhileNothingLagsAndIsHalvedWhenSomethingDoes) {
    Instant now{};
    BulkRate rate(256 * 1024, now);
    const auto passes = [&](bool lags, int steps) {
        for (int i = 0; i < steps; ++i) rate.advance(now += 100ms, lags, 0, 0);
    };
    passes(false, 100);
    const double high = rate.rate();
    EXPECT_GT(high, 10e6);
    passes(true, 1);
    EXPECT_DOUBLE_EQ(rate.rate(), high / 2);
    passes(true, 100);
    EXPECT_DOUBLE_EQ(rate.rate(), 256 * 1024);
}

TEST(BulkRate, LeavesHalfOfTheUplinkToLiveTraffic) {
    Instant now{};
    BulkRate rate(256 * 1024, now);
    std::uint64_t live = 0;
    for (int i = 0; i < 200; ++i) rate.advance(now += 100ms, false, 0, ++live);
    EXPECT_LE(rate.rate(), 6.25e6);
}

TEST(BulkRate, SendsAtLeastTheFloorWhateverLags) {
    Instant now{};
    BulkRate rate(256 * 1024, now);
    std::size_t sent = 0;
    for (int i = 0; i < 10'000; ++i) {
        rate.advance(now += 1ms, true, sent, 0);
        while (rate.may_send()) {
            rate.spend(10'000);
            sent += 10'000;
        }
        EXPECT_LE(rate.next(), now + 100ms);
    }
    EXPECT_GT(sent, 10 * 240'000u);
    EXPECT_LT(sent, 10 * 290'000u);
}

}  // namespace
}  // namespace anode::mesh::test
