#include "core/node/content_window.hpp"

#include <gtest/gtest.h>

namespace anode {
namespace {

TEST(ContentWindow, AnEventIsNewOnce) {
    ContentWindow window;
    EXPECT_FALSE(window.repeats("a", {1, 2}));
    EXPECT_TRUE(window.repeats("a", {1, 2}));
    EXPECT_FALSE(window.repeats("a", {2, 1}));
    EXPECT_FALSE(window.repeats("b", {1, 2})) << "another source's ids are other ids";
}

TEST(ContentWindow, AStateIsNewWheneverItDiffersFromTheLastOneOfItsPlace) {
    ContentWindow window;
    EXPECT_FALSE(window.repeats_state("a", {7, 5}));
    EXPECT_TRUE(window.repeats_state("a", {7, 5}));
    EXPECT_FALSE(window.repeats_state("a", {7, 6}));
    EXPECT_FALSE(window.repeats_state("a", {7, 5})) << "it came back: that is news";
    EXPECT_FALSE(window.repeats_state("a", {8, 5}));
    EXPECT_FALSE(window.repeats_state("b", {7, 5}));
}

TEST(ContentWindow, ForgetsTheOldestAndStaysBounded) {
    ContentWindow window(100);
    for (std::uint64_t i = 0; i < 1000; ++i) {
        EXPECT_FALSE(window.repeats("a", {i, i}));
        EXPECT_FALSE(window.repeats_state("a", {i, i}));
        EXPECT_LE(window.size(), 400u);
        if (i >= 100) {
            EXPECT_TRUE(window.repeats("a", {i - 99, i - 99}));
        }
    }
    EXPECT_FALSE(window.repeats("a", {1, 1})) << "long gone";
}

TEST(HashSet64, HoldsWhatWasPutIn) {
    HashSet64 set;
    EXPECT_FALSE(set.contains(0));
    for (std::uint64_t i = 0; i < 5000; ++i) {
        ASSERT_FALSE(set.contains(i << 20)) << "the low bits are all alike: one long run of slots";
        set.insert(i << 20);
        ASSERT_TRUE(set.contains(i << 20));
    }
    EXPECT_EQ(set.size(), 5000u);
    EXPECT_TRUE(set.contains(0));
    EXPECT_FALSE(set.contains(1 << 19));
}

}  // namespace
}  // namespace anode
