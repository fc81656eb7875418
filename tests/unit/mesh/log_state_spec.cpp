#include "core/mesh/log_state.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.hpp"

namespace anode::mesh {
namespace {

using Ranges = std::vector<SeqRange>;

LogState log_with(SeqRange had) {
    LogState log(LogKey{});
    log.have(had, Hlc{10}, Hlc{20});
    return log;
}

TEST(LogState, ANewLogHasNothing) {
    const LogState log(LogKey{});
    EXPECT_EQ(log.watermark(), 0u);
    EXPECT_EQ(log.head(), 0u);
    EXPECT_TRUE(log.missing().empty());
    EXPECT_EQ(log.contiguous_from(), 1u);
}

TEST(LogState, InOrderTheWatermarkFollowsTheHead) {
    const LogState log = log_with({1, 5});
    EXPECT_EQ(log.watermark(), 5u);
    EXPECT_EQ(log.head(), 5u);
    EXPECT_TRUE(log.has(1));
    EXPECT_FALSE(log.has(6));
    EXPECT_EQ(log.contiguous_from(), 1u);
}

TEST(LogState, AJumpLeavesAHoleThatFillsAgain) {
    LogState log = log_with({1, 5});
    EXPECT_EQ(log.jump(9), (Ranges{{6, 9}}));
    EXPECT_EQ(log.head(), 9u);
    EXPECT_EQ(log.have({10, 12}, Hlc{30}, Hlc{40}), (Ranges{{10, 12}}));
    EXPECT_EQ(log.watermark(), 5u);
    EXPECT_EQ(log.contiguous_from(), 10u);
    EXPECT_EQ(log.missing(), (Ranges{{6, 9}}));
    EXPECT_EQ(log.have({7, 8}, Hlc{22}, Hlc{23}), (Ranges{{7, 8}}));
    EXPECT_EQ(log.missing(), (Ranges{{6, 6}, {9, 9}}));
    log.have({6, 9}, Hlc{21}, Hlc{24});
    EXPECT_EQ(log.watermark(), 12u);
    EXPECT_TRUE(log.missing().empty());
}

TEST(LogState, WhatIsGivenUpSettlesTheWatermark) {
    LogState log = log_with({1, 5});
    log.jump(9);
    log.have({10, 12}, Hlc{30}, Hlc{40});
    EXPECT_EQ(log.skip({6, 9}, Skip::Lost), (Ranges{{6, 9}}));
    EXPECT_EQ(log.watermark(), 12u);
    EXPECT_FALSE(log.has(7));
    EXPECT_TRUE(log.settled(7));
    EXPECT_EQ(log.contiguous_from(), 10u);
}

TEST(LogState, HadBeatsGivenUpWhenItTurnsUpLate) {
    LogState log = log_with({1, 5});
    log.skip({6, 9}, Skip::Lost);
    EXPECT_EQ(log.have({8, 11}, Hlc{30}, Hlc{40}), (Ranges{{8, 11}}));
    EXPECT_TRUE(log.has(8));
    EXPECT_FALSE(log.has(7));
    EXPECT_EQ(log.watermark(), 11u);
}

TEST(LogState, WhatTheStoreCannotKnowIsRemembered) {
    LogState log = log_with({1, 5});
    log.skip({6, 7}, Skip::Expired);
    log.jump(20);
    LogState again(LogKey{});
    again.have({1, 5}, Hlc{10}, Hlc{20});
    ASSERT_TRUE(again.recall(log.remember()));
    EXPECT_EQ(again.head(), 20u);
    EXPECT_EQ(again.watermark(), 7u);
    EXPECT_EQ(again.missing(), (Ranges{{8, 20}}));
    EXPECT_EQ(again.hash(), log.hash());
}

TEST(LogState, DamagedMemoriesAreRefusedAndNeverRead) {
    LogState log = log_with({1, 5});
    log.skip({6, 7}, Skip::Expired);
    const Bytes good = log.remember();
    for (std::size_t cut = 1; cut < good.size(); ++cut)
        EXPECT_FALSE(LogState(LogKey{}).recall(BytesView(good).substr(0, cut))) << cut;
    Bytes bad = good;
    bad[0] = 9;
    EXPECT_EQ(LogState(LogKey{}).recall(bad).error().code, Errc::Unsupported);
}

/// Each sequence goes up only: missing, given up, had.
TEST(LogState, AgreesWithAModelOfSingleSequences) {
    enum Status { Missing, GivenUp, Had };
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        Rng rng(seed);
        LogState log(LogKey{});
        std::map<Seq, Status> model;
        Seq head = 0;
        for (int step = 0; step < 40; ++step) {
            const Seq first = 1 + rng.below(40);
            const SeqRange range{first, first + rng.below(6)};
            const auto kind = rng.below(3);
            Ranges changed;
            std::uint64_t expected = 0;
            if (kind == 0) {
                changed = log.have(range, Hlc{first}, Hlc{first});
                for (Seq seq = range.first; seq <= range.last; ++seq) {
                    expected += model[seq] != Had;
                    model[seq] = Had;
                }
                head = std::max(head, range.last);
            } else if (kind == 1) {
                changed = log.skip(range, Skip::Lost);
                for (Seq seq = range.first; seq <= range.last; ++seq) {
                    expected += model[seq] == Missing;
                    model[seq] = std::max(model[seq], GivenUp);
                }
                head = std::max(head, range.last);
            } else {
                (void)log.jump(range.last);
                head = std::max(head, range.last);
                expected = 0;
            }
            std::uint64_t told = 0;
            for (const SeqRange& part : changed) told += part.last - part.first + 1;
            if (kind != 2) {
                ASSERT_EQ(told, expected) << "seed " << seed << " step " << step;
            }
            ASSERT_EQ(log.head(), head) << "seed " << seed;
            Seq watermark = 0;
            while (watermark < head && model[watermark + 1] != Missing) ++watermark;
            ASSERT_EQ(log.watermark(), watermark) << "seed " << seed << " step " << step;
            for (Seq seq = 1; seq <= head; ++seq) {
                ASSERT_EQ(log.has(seq), model[seq] == Had)
                    << "seed " << seed << " step " << step << " seq " << seq;
                ASSERT_EQ(log.settled(seq), model[seq] != Missing)
                    << "seed " << seed << " seq " << seq;
            }
        }
    }
}

}  // namespace
}  // namespace anode::mesh
