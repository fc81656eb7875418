#include "unit/state/cluster.hpp"

namespace anode::state {
namespace {

using namespace test;

/// Random writes; entries that are lost, repeated and late; links that break; nodes that restart from what they persisted.
class Chaos {
public:
    explicit Chaos(std::uint64_t seed) : rng_(seed), cluster_(2 + rng_.below(4)) {
        for (auto& node : cluster_.nodes) node->wall += rng_.between(-4'000'000, 4'000'000);
    }
    void run() {
        for (int i = 0; i < 400; ++i) {
            step();
            cluster_.passes(20ms, 20ms);
        }
    }
    /// All links, and time; what is still under way may be lost.
    void quiet() {
        for (std::size_t a = 0; a < count(); ++a)
            for (std::size_t b = a + 1; b < count(); ++b) cluster_.link(a, b);
        cluster_.passes(40s);
    }
    const Cluster& cluster() const { return cluster_; }
    std::set<std::string> revoked;

private:
    std::size_t count() const { return cluster_.nodes.size(); }
    void step() {
        const std::size_t at = rng_.below(count()), other = rng_.below(count());
        switch (rng_.below(8)) {
            case 0:
            case 1:
            case 2:
                return write(at);
            case 3:
            case 4:
                return arrive();
            case 5:
                if (at != other) cluster_.link(at, other);
                return;
            case 6:
                if (at != other) cluster_.cut(at, other);
                return;
            default:
                if (rng_.chance(0.2)) cluster_.restart(at);
        }
    }
    void write(std::size_t at) {
        const std::string key = std::to_string(rng_.below(12));
        std::optional<Bytes> value;
        if (!rng_.chance(0.2)) value = std::to_string(rng_.below(1'000));
        const bool revoke = rng_.chance(0.05);
        cluster_.nodes[at]->write("token", key, value, {}, revoke);
        if (revoke) revoked.insert(key);
        cluster_.take(at, cluster_.nodes[at]->last);
    }
    void arrive() {
        if (cluster_.spread.empty()) return;
        const std::size_t pick = rng_.below(cluster_.spread.size());
        const auto entry = cluster_.spread[pick];
        if (!rng_.chance(0.3))
            cluster_.spread.erase(cluster_.spread.begin() + static_cast<std::ptrdiff_t>(pick));
        if (rng_.chance(0.3)) return;
        cluster_.nodes[entry.to]->give(Arrived{entry.bytes});
    }

    Rng rng_;
    Cluster cluster_;
};

TEST(StateConvergence, AfterQuietAllNodesHoldTheSameWhateverHappened) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Chaos chaos(seed);
        chaos.run();
        chaos.quiet();
        ASSERT_TRUE(chaos.cluster().agree()) << "seed " << seed;
        for (const auto& node : chaos.cluster().nodes) {
            ASSERT_NE(node->in_sync_at, 0) << "seed " << seed;
            for (const Item* item : node->state->all("token"))
                ASSERT_EQ(item->revoked, chaos.revoked.contains(item->key)) << "seed " << seed;
            const auto hash = node->state->hash();
            node->restart();
            ASSERT_EQ(node->state->hash(), hash) << "seed " << seed;
        }
    }
}

TEST(StateConvergence, TheSameEntriesInAnyOrderGiveTheSameMapAndHistory) {
    Rng rng(3);
    std::vector<Bytes> entries;
    for (int i = 0; i < 60; ++i) {
        Item item{"source",        std::to_string(rng.below(4)),
                  std::nullopt,    1 + rng.below(5),
                  rng.chance(0.1), {}};
        if (rng.chance(0.8)) item.value = std::to_string(rng.below(3));
        item.stamp = {Hlc::at(1'700'000'000'000'000 + static_cast<WallTime>(rng.below(10))),
                      node_of(static_cast<std::uint8_t>(rng.below(3)))};
        entries.push_back(encode(item));
    }
    std::optional<std::uint64_t> hash;
    for (int run = 0; run < 50; ++run) {
        for (std::size_t i = entries.size(); i > 1; --i)
            std::swap(entries[i - 1], entries[rng.below(i)]);
        Node node(9);
        for (const Bytes& entry : entries) node.give(Arrived{entry});
        if (!hash) hash = node.state->hash();
        ASSERT_EQ(node.state->hash(), *hash) << "order " << run;
    }
}

TEST(StateConvergence, WhatIsEncodedIsDecodedTheSame) {
    Rng rng(4);
    for (int i = 0; i < 1'000; ++i) {
        Item item{Bytes(1 + rng.below(32), 'k'),
                  Bytes(1 + rng.below(256), 'n'),
                  std::nullopt,
                  1 + rng.next() % 1'000,
                  rng.chance(0.5),
                  {Hlc{rng.next()}, node_of(7)}};
        if (rng.chance(0.7)) item.value = Bytes(rng.below(2'000), 'v');
        const auto back = decode(encode(item), 64u << 10);
        ASSERT_TRUE(back);
        EXPECT_EQ(order(*back, item), std::strong_ordering::equal);
        EXPECT_EQ(view(*back), view(item));
        EXPECT_EQ(back->revoked, item.revoked);
    }
}

}  // namespace
}  // namespace anode::state
