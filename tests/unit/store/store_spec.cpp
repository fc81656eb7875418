#include <gmock/gmock.h>

#include <fstream>

#include "support.hpp"

namespace anode::store_spec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// -- opening -------------------------------------------------------------------------------------

TEST_F(StoreSpec, ANewStoreIsEmptyAndMakesItsDirectory) {
    EXPECT_THAT(reads(">"), IsEmpty());
    EXPECT_EQ(store->first_free().run(), 1U);
    EXPECT_EQ(store->committed().plus(1), store->first_free());
    EXPECT_TRUE(std::filesystem::exists(directory.path() + "/disk-version"));
}

TEST_F(StoreSpec, EachOpenBeginsARunOfItsOwnAndKeepsTheTag) {
    const auto tag = store->tag();
    reopens();
    EXPECT_EQ(store->first_free().run(), 2U);
    reopens();
    EXPECT_EQ(store->first_free().run(), 3U);
    EXPECT_EQ(store->tag(), tag);
}

TEST_F(StoreSpec, ASecondOpenIsAConflictThatNamesPathAndProcess) {
    const auto second = Store::open({.directory = directory.path()});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::Conflict);
    EXPECT_THAT(second.error().what, HasSubstr(directory.path()));
    EXPECT_THAT(second.error().what, HasSubstr(std::to_string(::getpid())));
}

TEST_F(StoreSpec, AnotherDiskVersionIsRefusedAndBothAreTold) {
    store.reset();
    std::ofstream(directory.path() + "/disk-version") << "77\n";
    const auto opened = Store::open({.directory = directory.path()});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::Unsupported);
    EXPECT_THAT(opened.error().what, HasSubstr("77"));
    EXPECT_THAT(opened.error().what, HasSubstr(std::to_string(kDiskVersion)));
}

TEST_F(StoreSpec, APathThatIsNoDirectoryIsAnIoErrorThatNamesIt) {
    const std::string file = directory.path() + "/file";
    std::ofstream(file) << "x";
    const auto opened = Store::open({.directory = file + "/below"});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::Io);
    EXPECT_THAT(opened.error().what, HasSubstr(file));
}

// -- writing and reading back --------------------------------------------------------------------

TEST_F(StoreSpec, WhatWasCommittedIsReadInOrderOfArrival) {
    stores({{"a.b", "1"}, {"a.c", "2"}});
    stores({{"a.b", "3"}});
    EXPECT_THAT(reads(">"), ElementsAre("1", "2", "3"));
    EXPECT_THAT(reads("a.b"), ElementsAre("1", "3"));
    EXPECT_THAT(reads("a.*", Order::Descending), ElementsAre("3", "2", "1"));
    EXPECT_EQ(store->committed().plus(1), source.next());
}

TEST_F(StoreSpec, ItIsStillThereAfterAReopen) {
    stores({{"a.b", "1", "k"}, {"a.c", "2"}});
    const Hlc stamp = store->last_hlc();
    reopens();
    EXPECT_THAT(reads(">"), ElementsAre("1", "2"));
    EXPECT_EQ(store->last_hlc(), stamp);
    stores({{"a.b", "3"}});
    reopens();
    EXPECT_THAT(reads("a.b"), ElementsAre("1", "3"));
    EXPECT_EQ(store->topic("a.b")->messages, 2U);
}

TEST_F(StoreSpec, DoneIsCalledInTheOrderOfAppends) {
    std::mutex mutex;
    std::vector<int> order;
    for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(
            store->append({.blocks = {source.block({{"a", std::to_string(i)}})}, .records = {}},
                          [&, i](const Result<void>& done) {
                              ASSERT_TRUE(done);
                              const std::lock_guard lock(mutex);
                              order.push_back(i);
                          }));
    }
    ASSERT_TRUE(store->flush());
    const std::lock_guard lock(mutex);
    ASSERT_EQ(order.size(), 200U);
    EXPECT_TRUE(std::ranges::is_sorted(order));
    EXPECT_EQ(store->queued_bytes(), 0U);
}

TEST_F(StoreSpec, ABlockWhoseArrivalDoesNotRiseIsRefused) {
    stores({{"a", "1"}});
    source.starts_at(store->first_free(), kNoon);
    const auto again = commits({.blocks = {source.block({{"a", "2"}})}, .records = {}});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::Conflict);
    EXPECT_THAT(reads("a"), ElementsAre("1"));
}

TEST_F(StoreSpec, AFullQueueIsOverloadedAndNothingIsQueued) {
    wanted.queue_bytes_max = 10'000;
    reopens();
    const std::string large(6'000, 'x');
    Result<void> refused;
    bool called = false;
    int accepted = 0;
    for (int i = 0; i < 1000 && refused; ++i) {
        refused = store->append({.blocks = {source.block({{"a", large}})}, .records = {}},
                                [&called](const Result<void>& done) { called = called || !done; });
        accepted += refused ? 1 : 0;
    }
    ASSERT_TRUE(store->flush());
    ASSERT_FALSE(refused) << "the queue never filled";
    EXPECT_EQ(refused.error().code, Errc::Overloaded);
    EXPECT_FALSE(called);
    EXPECT_EQ(reads("a").size(), static_cast<std::size_t>(accepted));
}

// -- pages, times, positions ---------------------------------------------------------------------

TEST_F(StoreSpec, PagesJoinWithoutHoleOrRepeatInBothDirections) {
    for (int i = 0; i < 10; ++i) {
        stores({{"a", std::to_string(3 * i)}, {"b", "-"}, {"a", std::to_string(3 * i + 1)}});
    }
    for (const Order order : {Order::Ascending, Order::Descending}) {
        std::vector<std::string> all;
        std::optional<Arrival> after;
        for (;;) {
            const auto scan =
                store->scan({.topics = patterns("a"), .order = order, .after = after});
            std::vector<Found> page;
            const auto more = scan->next(page, 3, 1 << 20);
            ASSERT_TRUE(more);
            if (!*more) break;
            EXPECT_LE(page.size(), 3U);
            for (const auto& one : payloads(page)) all.push_back(one);
            after = scan->position();
        }
        EXPECT_EQ(all, reads("a", order));
        EXPECT_EQ(all.size(), 20U);
    }
}

TEST_F(StoreSpec, AnAscendingScanGoesOnWithWhatCameLater) {
    stores({{"a", "1"}});
    const auto scan = store->scan({.topics = patterns("a")});
    std::vector<Found> found;
    ASSERT_TRUE(*scan->next(found, 10, 1000));
    ASSERT_FALSE(*scan->next(found, 10, 1000));
    EXPECT_EQ(scan->position(), store->committed());
    stores({{"b", "no"}, {"a", "2"}});
    ASSERT_TRUE(*scan->next(found, 10, 1000));
    EXPECT_THAT(payloads(found), ElementsAre("1", "2"));
}

TEST_F(StoreSpec, AWildcardScanFindsTopicsThatAppearLater) {
    const auto scan = store->scan({.topics = patterns("a.*")});
    std::vector<Found> found;
    ASSERT_FALSE(*scan->next(found, 10, 1000));
    stores({{"a.new", "1"}, {"b", "2"}});
    ASSERT_TRUE(*scan->next(found, 10, 1000));
    EXPECT_THAT(payloads(found), ElementsAre("1"));
}

TEST_F(StoreSpec, FromIsInclusiveAndToIsExclusive) {
    source.now_is(kNoon);
    stores({{"a", "0"}, {"a", "1"}, {"a", "2"}, {"a", "3"}});
    const Query query{.topics = patterns("a"), .from = kNoon + 1, .to = kNoon + 3};
    EXPECT_THAT(payloads(finds(query)), ElementsAre("1", "2"));
}

TEST_F(StoreSpec, ATimeIsFoundAtItsBlockOrEarlier) {
    source.now_is(kNoon);
    stores({{"a", "0"}});
    source.now_is(kNoon + kHour);
    const Arrival second = source.next();
    stores({{"a", "1"}});
    EXPECT_EQ(store->at_time(0), store->first_free());
    EXPECT_EQ(store->at_time(kNoon + 1), second);
    EXPECT_EQ(store->at_time(kNoon + 2 * kHour), store->committed().plus(1));
}

TEST_F(StoreSpec, BlocksAreGivenWholeAfterAnArrival) {
    stores({{"a", "1"}, {"a", "2"}});
    const Arrival first = store->committed();
    stores({{"b", "3"}});
    const auto all = store->blocks({}, 1 << 20);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->size(), 2U);
    const auto later = store->blocks(first, 1 << 20);
    ASSERT_TRUE(later);
    ASSERT_EQ(later->size(), 1U);
    EXPECT_EQ(later->front()->entry(0).payload, "3");
}

// -- last values and topics ----------------------------------------------------------------------

TEST_F(StoreSpec, LastGivesTheNewestOfEachTopicAndKeyOldestFirst) {
    stores({{"a", "1", "x"}, {"a", "2", "y"}, {"a", "3", "x"}, {"b", "4"}});
    stores({{"b", "5"}, {"a", "6", "y", Kind::Delete}});
    const auto check = [&] {
        const auto found = store->last(patterns(">"), 100);
        ASSERT_TRUE(found);
        EXPECT_THAT(payloads(*found), ElementsAre("3", "5", "6"));
        EXPECT_EQ(message_of(found->back()).kind, Kind::Delete);
    };
    check();
    reopens();
    check();
    const auto newest = store->last(patterns("a,b"), 2);
    ASSERT_TRUE(newest);
    EXPECT_THAT(payloads(*newest), ElementsAre("5", "6"));
}

TEST_F(StoreSpec, LastFollowsTheStampNotTheArrival) {
    source.now_is(kNoon + kHour);
    stores({{"a", "newer"}});
    source.now_is(kNoon);
    stores({{"a", "older, late"}});
    EXPECT_THAT(payloads(*store->last(patterns("a"), 10)), ElementsAre("newer"));
    reopens();
    stores({{"a", "older still"}});
    EXPECT_THAT(payloads(*store->last(patterns("a"), 10)), ElementsAre("newer"));
}

TEST_F(StoreSpec, TopicsAreListedByNameInPages) {
    stores({{"m.b", "1"}, {"m.a", "22"}, {"x", "1"}, {"m.c", "1"}, {"m.a", "4"}});
    const auto names = [](const std::vector<TopicInfo>& topics) {
        std::vector<std::string> all;
        for (const auto& topic : topics) all.push_back(topic.topic);
        return all;
    };
    EXPECT_THAT(names(store->topics("m.", "", 2)), ElementsAre("m.a", "m.b"));
    EXPECT_THAT(names(store->topics("m.", "m.b", 2)), ElementsAre("m.c"));
    const auto info = store->topic("m.a");
    ASSERT_TRUE(info);
    EXPECT_EQ(info->messages, 2U);
    EXPECT_EQ(info->bytes, 3U);
    EXPECT_EQ(info->last_arrival, store->committed());
    EXPECT_FALSE(store->topic("m.z"));
}

// -- records -------------------------------------------------------------------------------------

TEST_F(StoreSpec, RecordsAreKeptBySpaceAndCanBeRemoved) {
    ASSERT_TRUE(store->put({{"s", "a", "1"}, {"s", "b", "2"}, {"other", "a", "3"}}));
    ASSERT_TRUE(store->put({{"s", "a", std::nullopt}}));
    reopens();
    EXPECT_FALSE(store->record("s", "a"));
    EXPECT_EQ(store->record("s", "b"), "2");
    EXPECT_THAT(store->records("s"), ElementsAre(std::pair(std::string("b"), Bytes("2"))));
    EXPECT_EQ(store->record("other", "a"), "3");
}

TEST_F(StoreSpec, RecordsGoWithTheirBlock) {
    ASSERT_TRUE(
        commits({.blocks = {source.block({{"a", "1"}})}, .records = {{"position", "src", "17"}}}));
    EXPECT_EQ(store->record("position", "src"), "17");
    EXPECT_THAT(reads("a"), ElementsAre("1"));
}

TEST_F(StoreSpec, ASpaceWithAZeroByteIsRefused) {
    const auto refused = store->put({{std::string("s\0x", 3), "a", "1"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::Malformed);
}

TEST_F(StoreSpec, StatsCountWhatIsThere) {
    stores({{"a", "1"}, {"b", "2"}});
    stores({{"a", "3"}});
    const auto stats = store->stats();
    EXPECT_EQ(stats.messages, 3U);
    EXPECT_EQ(stats.blocks, 2U);
    EXPECT_EQ(stats.topics, 2U);
    EXPECT_EQ(stats.quarantined, 0U);
    EXPECT_FALSE(stats.full);
    EXPECT_EQ(stats.oldest_ts, kNoon);
    EXPECT_GT(stats.disk_total, 0U);
}

}  // namespace
}  // namespace anode::store_spec
