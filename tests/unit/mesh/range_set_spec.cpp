#include "core/mesh/range_set.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/rng.hpp"

namespace anode::mesh {
namespace {

std::set<Seq> flat(const RangeSet& set) {
    std::set<Seq> all;
    for (const SeqRange& range : set.ranges())
        for (Seq seq = range.first; seq <= range.last; ++seq) all.insert(seq);
    return all;
}

TEST(RangeSet, RangesThatTouchBecomeOne) {
    RangeSet set;
    EXPECT_EQ(set.add({1, 3}), 3u);
    EXPECT_EQ(set.add({7, 9}), 3u);
    EXPECT_EQ(set.add({4, 6}), 3u);
    EXPECT_EQ(set.ranges(), (std::vector<SeqRange>{{1, 9}}));
}

TEST(RangeSet, TellsOnlyWhatIsNew) {
    RangeSet set;
    set.add({5, 10});
    EXPECT_EQ(set.add({1, 20}), 14u);
    EXPECT_EQ(set.add({1, 20}), 0u);
    EXPECT_EQ(set.remove({6, 7}), 2u);
    EXPECT_EQ(set.missing_of({1, 20}), (std::vector<SeqRange>{{6, 7}}));
    EXPECT_EQ(set.common({4, 8}), (std::vector<SeqRange>{{4, 5}, {8, 8}}));
}

TEST(RangeSet, AnEmptyOrUpsideDownRangeChangesNothing) {
    RangeSet set;
    EXPECT_EQ(set.add({5, 4}), 0u);
    EXPECT_TRUE(set.empty());
    EXPECT_TRUE(set.covers({5, 4}));
}

TEST(RangeSet, DoesWhatASetOfNumbersDoes) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        Rng rng(seed);
        RangeSet set;
        std::set<Seq> model;
        for (int step = 0; step < 60; ++step) {
            const Seq first = 1 + rng.below(60);
            const SeqRange range{first, first + rng.below(10)};
            const bool adds = rng.chance(0.7);
            const std::size_t before = model.size();
            for (Seq seq = range.first; seq <= range.last; ++seq) {
                if (adds)
                    model.insert(seq);
                else
                    model.erase(seq);
            }
            const std::uint64_t changed = adds ? set.add(range) : set.remove(range);
            ASSERT_EQ(changed, adds ? model.size() - before : before - model.size())
                << "seed " << seed;
            ASSERT_EQ(flat(set), model) << "seed " << seed;
            for (std::size_t i = 1; i < set.ranges().size(); ++i)
                ASSERT_GT(set.ranges()[i].first, set.ranges()[i - 1].last + 1) << "seed " << seed;
        }
    }
}

}  // namespace
}  // namespace anode::mesh
