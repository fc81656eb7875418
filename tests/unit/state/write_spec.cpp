#include "unit/state/cluster.hpp"

namespace anode::state {
namespace {

using namespace test;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(StateWrite, AWriteIsPersistedThenSpreadThenToldAndAnswered) {
    Node node(1);
    const auto item = node.write("source", "feed", "v1");
    ASSERT_TRUE(item);
    EXPECT_EQ(item->version, 1u);
    ASSERT_THAT(node.last, SizeIs(4));
    EXPECT_TRUE(std::holds_alternative<Persist>(node.last[0]));
    EXPECT_TRUE(std::holds_alternative<Spread>(node.last[1]));
    EXPECT_TRUE(std::get<Changed>(node.last[2]).local);
    EXPECT_EQ(std::get<Written>(node.last[3]).id, 7u);
    EXPECT_EQ(node.state->find("source", "feed")->value, "v1");
}

TEST(StateWrite, AConditionHoldsOnlyForTheStampThatIsThere) {
    Node node(1);
    const auto first = node.write("source", "feed", "v1", "");
    ASSERT_TRUE(first);
    EXPECT_EQ(node.write("source", "feed", "v2", "").error().code, Errc::Conflict);
    const auto second = node.write("source", "feed", "v2", first->stamp.text());
    ASSERT_TRUE(second);
    EXPECT_EQ(second->version, 2u);
    EXPECT_EQ(node.write("source", "feed", "v3", first->stamp.text()).error().code, Errc::Conflict);
}

TEST(StateWrite, ADeletedRegisterIsLikeNoneButItsVersionGoesOn) {
    Node node(1);
    EXPECT_EQ(node.write("source", "feed", std::nullopt).error().code, Errc::NotFound);
    ASSERT_TRUE(node.write("source", "feed", "v1"));
    ASSERT_TRUE(node.write("source", "feed", std::nullopt));
    EXPECT_EQ(node.state->find("source", "feed"), nullptr);
    EXPECT_THAT(node.state->all("source"), IsEmpty());
    EXPECT_EQ(node.write("source", "feed", std::nullopt).error().code, Errc::NotFound);
    EXPECT_EQ(node.write("source", "feed", "v2", "")->version, 3u);
}

TEST(StateWrite, SizesRateKeysAndBytesAreBounded) {
    Limits limits;
    limits.keys_max = 20;
    limits.write_burst = 30;
    limits.writes_per_second = 10;
    limits.bytes_max = 100'000;
    Node node(1, limits);
    EXPECT_EQ(node.write("source", "a", Bytes(65'537, 'x')).error().code, Errc::TooLarge);
    EXPECT_EQ(node.write(std::string(33, 'k'), "a", "").error().code, Errc::TooLarge);
    EXPECT_EQ(node.write("source", std::string(257, 'k'), "").error().code, Errc::TooLarge);
    EXPECT_EQ(node.write("", "a", "").error().code, Errc::Malformed);
    ASSERT_TRUE(node.write("source", "a", Bytes(60'000, 'x')));
    EXPECT_EQ(node.write("source", "b", Bytes(60'000, 'x')).error().code, Errc::NoSpace);
    for (int i = 0; i < 19; ++i) ASSERT_TRUE(node.write("source", "k" + std::to_string(i), "v"));
    EXPECT_EQ(node.write("source", "one more", "v").error().code, Errc::NoSpace);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(node.write("source", "k1", "v"));
    EXPECT_EQ(node.write("source", "k1", "v").error().code, Errc::Overloaded);
    EXPECT_EQ(node.write("owner", "too many keys still", "v").error().code, Errc::NoSpace);
    node.passes(200ms);
    EXPECT_TRUE(node.write("source", "k1", "v"));
}

TEST(StateWrite, ClaimsAreNotCountedAgainstTheRate) {
    Node node(1);
    for (int i = 0; i < 5'000; ++i) ASSERT_TRUE(node.write("owner", std::to_string(i), "v"));
    EXPECT_TRUE(node.write("source", "a", "v"));
}

TEST(StateWrite, WhatANodeBringsFromItsFilesIsNotCountedAgainstTheRateAndBoundedAllTheSame) {
    Limits limits;
    limits.keys_max = 3'000;
    Node node(1, limits);
    const auto bring = [&](int i) {
        Write write{7, "source", "s" + std::to_string(i), "v", false, {}};
        write.adopted = true;
        return only<Written>(node.give(write)).at(0).item;
    };
    for (int i = 0; i < 3'000; ++i) ASSERT_TRUE(bring(i));
    EXPECT_EQ(bring(3'000).error().code, Errc::NoSpace);
    for (int i = 0; i < 1'000; ++i)
        ASSERT_TRUE(node.write("source", "s1", "w")) << "all of it is left";
    EXPECT_EQ(node.write("source", "s1", "w").error().code, Errc::Overloaded);
}

TEST(StateWrite, StampsRiseAboveEveryStampSeenWhateverTheClockDoes) {
    Node one(1), two(2);
    two.wall += 5'000'000;
    const auto theirs = two.write("source", "feed", "theirs");
    const Bytes entry = two.entry();
    one.give(Arrived{entry});
    const auto ours = one.write("source", "feed", "ours");
    EXPECT_GT(ours->stamp.hlc, theirs->stamp.hlc);
    one.wall -= 3'600'000'000;
    const auto later = one.write("source", "feed", "later");
    EXPECT_GT(later->stamp.hlc, ours->stamp.hlc);
    EXPECT_EQ(one.state->find("source", "feed")->value, "later");
    one.restart();
    EXPECT_EQ(one.state->find("source", "feed")->value, "later");
    EXPECT_GT(one.write("source", "other", "x")->stamp.hlc, later->stamp.hlc);
}

TEST(StateWrite, ARevocationIsNeverCleared) {
    Node one(1), two(2);
    ASSERT_TRUE(one.write("token", "t", "secret"));
    const Bytes made = one.entry();
    two.give(Arrived{made});
    ASSERT_TRUE(one.write("token", "t", std::nullopt, {}, true));
    const Bytes revoked = one.entry();
    EXPECT_EQ(one.state->find("token", "t")->value, "secret");
    two.passes(1h);
    ASSERT_TRUE(two.write("token", "t", "edited later"));
    const Bytes edited = two.entry();
    two.give(Arrived{revoked});
    one.passes(1h);
    one.give(Arrived{edited});
    for (Node* node : {&one, &two}) {
        EXPECT_TRUE(node->state->find("token", "t")->revoked);
        EXPECT_EQ(node->state->find("token", "t")->value, "edited later");
        node->restart();
        EXPECT_TRUE(node->state->find("token", "t")->revoked);
    }
    EXPECT_EQ(one.state->hash(), two.state->hash());
    one.passes(240h);
    ASSERT_TRUE(one.write("token", "t", "again"));
    EXPECT_TRUE(one.state->find("token", "t")->revoked);
}

TEST(StateWrite, ALostUpdateShowsInTheHistoryOfBothSides) {
    Node one(1), two(2);
    ASSERT_TRUE(one.write("source", "feed", "first"));
    two.give(Arrived{one.entry()});
    two.passes(1ms);
    one.write("source", "feed", "from one");
    two.passes(1ms);
    two.write("source", "feed", "from two");
    const Bytes from_one = one.entry(), from_two = two.entry();
    one.give(Arrived{from_two});
    EXPECT_THAT(only<Changed>(two.give(Arrived{from_one})), IsEmpty());
    for (const Node* node : {&one, &two}) {
        EXPECT_EQ(node->state->find("source", "feed")->value, "from two");
        const auto history = node->state->history("source", "feed");
        ASSERT_THAT(history, SizeIs(2));
        EXPECT_EQ(history[0].item.value, "from one");
        EXPECT_TRUE(history[0].lost);
        EXPECT_EQ(history[1].item.value, "first");
        EXPECT_FALSE(history[1].lost);
    }
}

TEST(StateWrite, TheNewestSixteenEarlierValuesAreKeptOverARestart) {
    Node node(1);
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(node.write("source", "feed", std::to_string(i)));
    node.restart();
    const auto history = node.state->history("source", "feed");
    ASSERT_THAT(history, SizeIs(16));
    EXPECT_EQ(history.front().item.value, "28");
    EXPECT_EQ(history.back().item.value, "13");
    EXPECT_THAT(node.disk, SizeIs(17));
    EXPECT_EQ(node.state->find("source", "feed")->value, "29");
}

}  // namespace
}  // namespace anode::state
