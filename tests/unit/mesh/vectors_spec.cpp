#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/mesh/holders.hpp"
#include "unit/mesh/bench.hpp"
#include "unit/mesh/net.hpp"

/// Vectors: what is listed, what only counts in sums, and what audits do with them.
namespace anode::mesh::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint8_t kP = 3, kQ = 4;

LogKey old_log(unsigned number) {
    LogKey log = log_of(9, kDataLane, 10);
    log.node.bytes[1] = static_cast<std::uint8_t>(number >> 8);
    log.node.bytes[2] = static_cast<std::uint8_t>(number);
    return log;
}
/// A node that has been up for a while and found many logs in its store.
struct Librarian : Bench {
    explicit Librarian(unsigned logs) {
        now = Instant{1h};
        config.node = peer_id(50);
        mesh = std::make_unique<Mesh>(config, Rng(7));
        Start start;
        for (unsigned i = 0; i < logs; ++i)
            start.logs.push_back({old_log(i), {{1, 10}}, Hlc::at(wall()), Hlc::at(wall()), {}});
        give(start);
    }
    std::set<LogKey> listed(LinkId link) {
        std::set<LogKey> logs;
        for (const auto& vector : hears<frames::Vector>(link))
            for (const auto& row : vector.rows) logs.insert(row.log);
        return logs;
    }
    LinkId greeted(std::uint8_t number) {
        member(number);
        const LinkId id = connects();
        greets(id, number);
        return id;
    }
};
bool last_was_last(const std::vector<frames::Vector>& vectors) {
    return !vectors.empty() && vectors.back().last;
}

TEST(MeshVectors, FewLogsAreAllListedAtOnce) {
    Librarian node(500);
    const LinkId p = node.greeted(kP);
    EXPECT_THAT(node.hears<frames::VectorRoot>(p), IsEmpty());
    EXPECT_THAT(node.listed(p), SizeIs(500));
    EXPECT_TRUE(last_was_last(node.hears<frames::Vector>(p)));
}

TEST(MeshVectors, ALinkIsUpOnlyWhenBothVectorsAreThrough) {
    Librarian node(10);
    const LinkId p = node.greeted(kP);
    EXPECT_THAT(node.ups, IsEmpty());
    node.says(p, frames::Vector{0xFFFF, true, {}});
    EXPECT_THAT(node.ups, SizeIs(1));
}

TEST(MeshVectors, ManyLogsAreSumsFirstAndOnlyBucketsThatDifferAreListed) {
    Librarian one(2000), other(2000);
    const LinkId p = one.greeted(kP), q = other.greeted(kQ);
    const auto root = one.hears<frames::VectorRoot>(p);
    auto theirs = other.hears<frames::VectorRoot>(q);
    ASSERT_THAT(root, SizeIs(1));
    ASSERT_THAT(theirs, SizeIs(1));
    // Both found the same in their stores.
    EXPECT_EQ(root[0].buckets, theirs[0].buckets);
    one.clear();
    theirs[0].buckets[17] ^= 1;
    one.says(p, theirs[0]);
    const auto listed = one.listed(p);
    EXPECT_GT(listed.size(), 0u);
    EXPECT_LT(listed.size(), 40u);
    EXPECT_TRUE(last_was_last(one.hears<frames::Vector>(p)));
    for (const auto& vector : one.hears<frames::Vector>(p))
        EXPECT_TRUE(vector.bucket == 17 || vector.rows.empty());
    one.says(p, frames::Vector{17, true, {}});
    EXPECT_THAT(one.ups, SizeIs(1));
}

TEST(MeshVectors, LogsThatChangedLatelyAreAlwaysListed) {
    Librarian node(2000);
    node.give(Sealed{log_of(50), make_block(log_of(50), 1, 3)});
    const LinkId p = node.greeted(kP);
    EXPECT_EQ(node.listed(p), (std::set<LogKey>{log_of(50)}));
    node.passes(11s);
    const LinkId q = node.greeted(kQ);
    EXPECT_THAT(node.listed(q), IsEmpty());
}

TEST(MeshVectors, AHugeVectorIsSentInPieces) {
    Librarian node(20'000);
    const LinkId p = node.greeted(kP);
    frames::VectorRoot nothing;
    nothing.buckets.assign(256, 0);
    node.says(p, nothing);
    node.passes(1s);
    EXPECT_THAT(node.listed(p), SizeIs(20'000));
    EXPECT_TRUE(last_was_last(node.hears<frames::Vector>(p)));
    EXPECT_THAT(node.closes, IsEmpty());
}

TEST(MeshVectors, AHeadThatIsFarTooHighIsAFault) {
    Librarian node(1);
    const LinkId p = node.greeted(kP);
    frames::Vector vector;
    vector.rows.push_back({old_log(0), 1, Seq{1} << 50, Seq{1} << 50, Hlc{}, {}});
    node.says(p, vector);
    EXPECT_THAT(node.closes, testing::Contains(p));
}

TEST(MeshVectors, APeerMayNotAskForSumsAllTheTime) {
    Librarian node(1000);
    const LinkId p = node.greeted(kP);
    const auto root = node.hears<frames::VectorRoot>(p).at(0);
    for (int i = 0; i < 10; ++i) {
        node.says(p, root);
        node.says(p, frames::Vector{0xFFFF, true, {}});
    }
    EXPECT_THAT(node.hears<frames::VectorRoot>(p), SizeIs(1));
    node.passes(6s);
    node.says(p, root);
    EXPECT_THAT(node.hears<frames::VectorRoot>(p), SizeIs(2));
}

TEST(MeshVectors, WhatExpiredAtTheLowEndIsNoHole) {
    LogState state(log_of(1));
    (void)state.have({101, 200}, Hlc{1}, Hlc{2});
    (void)state.skip({1, 50}, Skip::Expired);
    (void)state.skip({51, 60}, Skip::Lost);
    const Holding holding = holding_of(state);
    EXPECT_EQ(holding.lowest, 51u);
    EXPECT_EQ(holding.lacks.ranges(), (std::vector<SeqRange>{{51, 100}}));
}

// -- audits ----------------------------------------------------------------------------------------

TEST(MeshAudits, WhereAllAreNeighboursOneLinkComparesAgain) {
    Net net;
    Node& a = net.add(1);
    Node& b = net.add(2);
    net.introduce_all();
    for (int i = 0; i < 5; ++i) net.publish(a, 3);
    net.run(60s);
    EXPECT_GE(a.mesh->counters().audits, 1u);
    EXPECT_GE(b.mesh->counters().audits, 1u);
    EXPECT_EQ(a.link_state(b.id), "up");
    EXPECT_EQ(a.mesh->counters().protocol_errors + b.mesh->counters().protocol_errors, 0u);
}

TEST(MeshAudits, AMemberThatIsNotANeighbourIsVisitedEveryHalfMinute) {
    Bench node;
    for (std::uint8_t number = 100; number < 200; ++number) node.member(number);
    node.passes(19s);
    EXPECT_EQ(node.mesh->counters().audits, 0u);
    node.passes(22s);
    EXPECT_EQ(node.mesh->counters().audits, 1u);
    node.passes(280s);
    EXPECT_NEAR(static_cast<double>(node.mesh->counters().audits), 10, 3);
}

/// The node visits somebody, who says this; what it did about it.
struct Visited {
    explicit Visited(std::size_t ahead, std::size_t level) {
        for (std::uint8_t number = 100; number < 200; ++number) node.member(number);
        node.passes(19s);
        node.clear();
        while (node.mesh->counters().audits == 0) node.passes(100ms);
        link = node.dials.back().id;
        node.give(LinkOpened{link});
        frames::Hello hello;
        hello.purpose = Purpose::Audit;
        node.greets(link, node.dials.back().peer.bytes[0], hello);
        frames::Vector vector;
        for (std::size_t i = 0; i < ahead + level; ++i) {
            const WallTime at = i < ahead ? node.wall() : node.wall() - 3'600'000'000;
            vector.rows.push_back(
                {old_log(i), 1, i < ahead ? 10u : 0u, i < ahead ? 10u : 0u, Hlc::at(at), {}});
        }
        node.says(link, vector);
    }
    [[nodiscard]] bool split() const {
        return std::ranges::any_of(node.notices, [](const Notice& one) {
            return one.what == "the overlay has come apart";
        });
    }
    Bench node;
    LinkId link;
};

TEST(MeshAudits, AStrangerFarAheadInManyLogsMeansThatTheOverlayCameApart) {
    EXPECT_TRUE(Visited(10, 90).split());
    EXPECT_FALSE(Visited(1, 99).split());
}

TEST(MeshAudits, WhatAStrangerHasAndNoNeighbourBringsIsPulledInOrder) {
    Visited visited(1, 0);
    Bench& node = visited.node;
    node.passes(1ms);
    const auto pulls = node.hears<frames::Pull>(visited.link);
    ASSERT_THAT(pulls, SizeIs(1));
    EXPECT_EQ(pulls[0].ranges, (std::vector<SeqRange>{{1, 10}}));
    const WireBlock block = make_block(old_log(0), 1, 10);
    node.says(visited.link, frames::Chunk{pulls[0].request, old_log(0), *block.wire});
    node.says(visited.link, frames::PullEnd{pulls[0].request, 0, 0});
    EXPECT_EQ(node.view(old_log(0)).watermark, 10u);
    // There is nothing left to do: the visit ends.
    node.passes(3s);
    EXPECT_THAT(node.closes, testing::Contains(visited.link));
}

TEST(MeshAudits, AVisitBringsWhatIsMissingAndEnds) {
    Net net;
    std::vector<Node*> nodes;
    const auto rings = [](Config& config) {
        config.full_mesh_up_to = 2;
        config.audit = 3s;
    };
    for (std::uint8_t number = 1; number <= 40; ++number) nodes.push_back(&net.add(number, rings));
    net.introduce_all();
    for (int i = 0; i < 5; ++i) net.publish(*nodes[0], 3);
    net.run(20s);
    for (const Node* node : nodes) {
        EXPECT_EQ(node->view(nodes[0]->log()).watermark, 15u);
        EXPECT_GT(node->mesh->counters().audits, 2u);
        EXPECT_EQ(node->mesh->counters().protocol_errors, 0u);
        EXPECT_LE(std::ranges::count(node->mesh->links(), Purpose::Audit, &LinkView::purpose), 8);
    }
}

}  // namespace
}  // namespace anode::mesh::test
