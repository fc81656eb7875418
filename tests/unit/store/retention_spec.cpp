#include <gmock/gmock.h>

#include "support.hpp"

namespace anode::store_spec {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

RetentionRule keeps(std::string_view topics, std::optional<Duration> age,
                    std::optional<std::uint64_t> bytes = {}) {
    return {.name = "r", .topics = patterns(topics), .age = age, .bytes = bytes};
}

class RetentionSpec : public StoreSpec {
protected:
    /// Rules whose ages count from `now`, which the clock of this machine must not disturb: the
    /// specs live in the past, so that ages are made long enough to reach there.
    void applies(std::vector<RetentionRule> rules, WallTime now) {
        store->set_retention(std::move(rules));
        store->apply_retention(now);
    }
    /// Wall time now, because rules count their ages from it.
    static WallTime today() {
        return std::chrono::duration_cast<std::chrono::microseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    }
};

TEST_F(RetentionSpec, WhatIsTooOldIsHiddenAtOnceAndItsGapIsTold) {
    const WallTime now = today();
    source.now_is(now - 3 * kHour);
    stores({{"a", "old"}, {"b", "old b"}});
    const Arrival old = store->committed();
    source.now_is(now - kHour);
    stores({{"a", "young"}});
    EXPECT_FALSE(store->removed_since(patterns("a"), {}));
    applies({keeps("a", 2h)}, now);
    EXPECT_THAT(reads("a"), ElementsAre("young"));
    EXPECT_THAT(reads(">"), ElementsAre("old b", "young"));
    EXPECT_TRUE(store->removed_since(patterns("a"), {}));
    EXPECT_FALSE(store->removed_since(patterns("b"), {}));
    EXPECT_FALSE(store->removed_since(patterns("a"), old));
    EXPECT_THAT(payloads(*store->last(patterns(">"), 10)), ElementsAre("old b", "young"));
}

TEST_F(RetentionSpec, TheFirstRuleThatMatchesHolds) {
    const WallTime now = today();
    source.now_is(now - 3 * kHour);
    stores({{"a.keep", "1"}, {"a.drop", "2"}, {"other", "3"}});
    applies({keeps("a.keep", 24h), keeps("a.>", 2h), keeps("a.keep", 1h)}, now);
    EXPECT_THAT(reads(">"), ElementsAre("1", "3"));
}

TEST_F(RetentionSpec, BlocksAreFreedWhenEveryMessageInThemIsPast) {
    const WallTime now = today();
    source.now_is(now - 3 * kHour);
    stores({{"a", "1"}, {"a", "2"}});
    stores({{"a", "3"}, {"b", "4"}});
    reopens();
    source.now_is(now - kHour);
    stores({{"a", "5"}});
    const Arrival kept = store->committed();
    EXPECT_EQ(store->stats().blocks, 3U);
    applies({keeps("a", 2h)}, now);
    EXPECT_THAT(reads(">"), ElementsAre("4", "5"));
    EXPECT_EQ(store->stats().messages, 3U);
    EXPECT_EQ(store->topic("a")->messages, 2U) << "the mixed block still counts";
    applies({keeps("a", 2h), keeps("b", 2h)}, now);
    EXPECT_EQ(store->stats().messages, 1U);
    EXPECT_EQ(store->oldest(), kept);
    EXPECT_FALSE(store->topic("b"));
    EXPECT_TRUE(store->removed_since(patterns("b"), {}));
    EXPECT_TRUE(store->removed_since(patterns("*"), {}));
    EXPECT_FALSE(store->removed_since(patterns("*"), Arrival{kept.value - 1}));
    reopens();
    EXPECT_THAT(reads(">"), ElementsAre("5"));
    EXPECT_TRUE(store->removed_since(patterns("b"), {}));
    EXPECT_EQ(store->topic("a")->messages, 1U);
}

TEST_F(RetentionSpec, TheOpenSegmentIsFreedToo) {
    const WallTime now = today();
    source.now_is(now - 3 * kHour);
    stores({{"a", "1"}});
    applies({keeps("a", 2h)}, now);
    EXPECT_EQ(store->stats().blocks, 0U);
    EXPECT_EQ(store->oldest(), store->committed().plus(1));
    EXPECT_THAT(store->topics("", "", 10), IsEmpty());
    EXPECT_THAT(*store->last(patterns(">"), 10), IsEmpty());
}

TEST_F(RetentionSpec, MoreThanTheBytesOfARuleGoesOldestFirst) {
    const WallTime now = today();
    source.now_is(now);
    std::string noise;
    for (int i = 0; i < 100; ++i) noise += std::to_string(i * 7919 % 1000);
    for (int i = 0; i < 20; ++i) stores({{"a", std::to_string(i) + noise}});
    const auto all = store->stats().bytes;
    ASSERT_GT(all, 0U);
    applies({keeps("a", std::nullopt, 1500)}, now);
    const auto left = reads("a");
    EXPECT_LT(left.size(), 20U);
    EXPECT_GT(left.size(), 0U);
    EXPECT_TRUE(left.empty() || left.back() == "19" + noise);
    EXPECT_TRUE(store->removed_since(patterns("a"), {}));
}

TEST_F(RetentionSpec, TopicsOfTheSystemHaveARuleOfTheirOwn) {
    const WallTime now = today();
    source.now_is(now - 91 * 24 * kHour);
    stores({{"$sys.audit", "too old"}, {"a", "1"}});
    source.now_is(now - 89 * 24 * kHour);
    stores({{"$sys.audit", "kept"}});
    applies({keeps(">", 24h * 365)}, now);
    EXPECT_THAT(reads("$sys.>"), ElementsAre("kept"));
    EXPECT_THAT(reads(">"), ElementsAre("1"));
    applies({keeps("$sys.>", 1h)}, now);
    EXPECT_THAT(reads("$sys.>"), IsEmpty());
}

TEST_F(RetentionSpec, APurgeHidesAndFreesWhatMatchesAndSurvivesAReopen) {
    source.now_is(kNoon);
    stores({{"a", "1"}, {"b", "2"}});
    stores({{"a", "3"}});
    source.now_is(kNoon + kHour);
    stores({{"a", "4"}});
    ASSERT_TRUE(store->purge(patterns("a"), kNoon + kHour));
    EXPECT_THAT(reads(">"), ElementsAre("2", "4"));
    EXPECT_EQ(store->stats().messages, 3U);
    EXPECT_TRUE(store->removed_since(patterns("a"), {}));
    EXPECT_FALSE(store->removed_since(patterns("b"), {}));
    reopens();
    EXPECT_THAT(reads(">"), ElementsAre("2", "4"));
    EXPECT_TRUE(store->removed_since(patterns("a"), {}));
}

TEST_F(RetentionSpec, LastValuesGoWithTheirBlocks) {
    source.now_is(kNoon);
    stores({{"a", "1", "x"}});
    reopens();
    source.now_is(kNoon + kHour);
    stores({{"a", "2", "y"}});
    ASSERT_TRUE(store->purge(patterns("a"), kNoon + kHour));
    ASSERT_TRUE(store->compact());
    EXPECT_THAT(payloads(*store->last(patterns("a"), 10)), ElementsAre("2"));
}

}  // namespace
}  // namespace anode::store_spec
