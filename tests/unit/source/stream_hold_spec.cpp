#include "unit/source/machine_stage.hpp"

/// Snapshots and backfill: recipes, section 6.
namespace anode::source::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string delta(int first, int last, std::string_view key = "A") {
    return R"({"s":")" + std::string(key) + R"(","U":)" + std::to_string(first) + R"(,"u":)" +
           std::to_string(last) + "}";
}
std::string book(std::string_view more = "") {
    return R"({"name":"book","type":"websocket","url":"wss://x.example/","topic":"book.{.s}","map":{"key":"s"},)"
           R"("items":{"sym":["a","b"]},"connect":[{"send":{"sub":[{"$each":"{sym}"}]}}],)"
           R"("continuity":{"rule":"range","first":"U","last":"u","on_gap":"snapshot"},)"
           R"("snapshot":{"get":"https://x.example/depth?symbol={sym:upper}","settle":"1s","retry":2,"align":{"at":"lastUpdateId","first":"U","last":"u"})" +
           std::string(more) + "}}";
}

TEST(StreamHoldSpec, DeltasWaitForASnapshotThatIsAlignedWithThem) {
    Stage stage(book());
    stage.start().opened();
    stage.says(delta(10, 12));
    stage.says(delta(13, 15));
    EXPECT_THAT(stage.rows, IsEmpty());
    stage.passes(1s);
    ASSERT_THAT(stage.requests, SizeIs(1));
    EXPECT_EQ(stage.requests[0].url, "https://x.example/depth?symbol=A");
    stage.says(delta(16, 16));
    stage.answers(200, R"({ "lastUpdateId": 13, "bids": [] })");
    ASSERT_THAT(stage.rows, SizeIs(3));
    EXPECT_EQ(stage.rows[0].kind, Kind::Snapshot);
    EXPECT_EQ(stage.rows[0].topic, "book.A");
    EXPECT_EQ(stage.rows[0].key, "A");
    EXPECT_EQ(stage.rows[0].payload, R"({"lastUpdateId":13,"bids":[]})");
    EXPECT_EQ(stage.rows[1].payload, delta(13, 15)) << "what the snapshot holds is discarded";
    EXPECT_EQ(stage.rows[2].payload, delta(16, 16));
    stage.says(delta(17, 17));
    EXPECT_THAT(stage.rows, SizeIs(4));
}

TEST(StreamHoldSpec, RowsWithoutNumbersNeitherWaitForASnapshotNorAreReplacedByOne) {
    Stage stage(
        R"({"name":"b","type":"websocket","url":"wss://x.example/","topic":"book.{.s}.{.e}","map":{"key":"s"},)"
        R"("snapshot":{"get":"https://x.example/d","settle":"1s","align":{"at":"lastUpdateId","first":"U","last":"u"}}})");
    stage.start().opened();
    stage.says(R"({"s":"A","e":"best","u":11})");
    ASSERT_THAT(stage.rows, SizeIs(1)) << "a best price has no first number: it is no delta";
    stage.says(R"({"s":"A","e":"depth","U":10,"u":12})");
    stage.says(R"({"s":"A","e":"trade"})");
    ASSERT_THAT(stage.rows, SizeIs(2));
    stage.passes(1s);
    stage.answers(200, R"({"lastUpdateId":12})");
    ASSERT_THAT(stage.rows, SizeIs(3));
    EXPECT_EQ(stage.rows[2].kind, Kind::Snapshot);
    EXPECT_EQ(stage.rows[2].topic, "book.A.depth") << "where the deltas go";
}

TEST(StreamHoldSpec, ASnapshotOlderThanTheFirstDeltaIsFetchedAgain) {
    Stage stage(book());
    stage.start().opened();
    stage.says(delta(10, 12));
    stage.passes(1s);
    stage.answers(200, R"({"lastUpdateId":5})");
    EXPECT_THAT(stage.rows, IsEmpty());
    stage.passes(1s);
    stage.answers(200, R"({"lastUpdateId":12})");
    EXPECT_THAT(stage.rows, SizeIs(1));
}

TEST(StreamHoldSpec, ASnapshotThatNeverComesIsAGapAndTheDeltasGoOn) {
    Stage stage(book());
    stage.start().opened();
    stage.says(delta(10, 12));
    for (int n = 0; n < 3; ++n) {
        stage.passes(1s);
        stage.answers(500, "");
    }
    EXPECT_THAT(stage.rows, SizeIs(1));
    ASSERT_THAT(stage.gaps, SizeIs(1));
    EXPECT_EQ(stage.gaps[0].cause, "snapshot");
}

TEST(StreamHoldSpec, AGapAsksForASnapshotOfThatKeyOnly) {
    Stage stage(book());
    stage.start().opened();
    for (const char* key : {"A", "B"}) {
        stage.says(delta(1, 1, key));
        stage.passes(1s);
        stage.answers(200, R"({"lastUpdateId":1})");
    }
    stage.rows.clear();
    stage.says(delta(5, 5, "A"));
    stage.says(delta(2, 2, "B"));
    EXPECT_THAT(stage.payloads(), ElementsAre(delta(2, 2, "B")));
    EXPECT_THAT(stage.gaps, SizeIs(1));
    stage.passes(1ms);
    ASSERT_THAT(stage.asked, SizeIs(1));
    EXPECT_THAT(stage.asked[0].second.url, HasSubstr("symbol=A"));
    stage.answers(200, R"({"lastUpdateId":5})");
    EXPECT_THAT(stage.rows, SizeIs(2));
    EXPECT_EQ(stage.rows[1].kind, Kind::Snapshot);
}

TEST(StreamHoldSpec, SnapshotsAreRenewedOnAPeriod) {
    Stage stage(book(R"(,"every":"10m")"));
    stage.start().opened();
    stage.says(delta(1, 1));
    stage.passes(1s);
    stage.answers(200, R"({"lastUpdateId":1})");
    for (int n = 0; n < 12; ++n) {
        stage.passes(50s);
        stage.step(in::Alive{stage.last()});
    }
    EXPECT_THAT(stage.asked, SizeIs(1));
}

TEST(StreamHoldSpec, ASnapshotInTheStreamIsMarkedAndNeedsNoRequest) {
    Stage stage(
        R"({"name":"b","type":"websocket","url":"wss://x.example/","topic":"t","map":{"key":"s"},"snapshot":{"in_band":".type == \"snapshot\""}})");
    stage.start().opened();
    stage.says(R"({"s":"A","type":"snapshot"})");
    stage.says(R"({"s":"A","type":"delta"})");
    ASSERT_THAT(stage.rows, SizeIs(2));
    EXPECT_EQ(stage.rows[0].kind, Kind::Snapshot);
    EXPECT_EQ(stage.rows[1].kind, Kind::Set);
    EXPECT_THAT(stage.requests, IsEmpty());
}

TEST(StreamHoldSpec, MoreDeltasThanTheQueueHoldsGiveUpLoudly) {
    Stage stage(book());
    stage.start().opened();
    const std::string pad(100'000, 'x');
    for (int n = 0; n < 100; ++n) {
        stage.says(R"({"s":"A","U":)" + std::to_string(n) + R"(,"u":)" + std::to_string(n) +
                   R"(,"pad":")" + pad + "\"}");
        stage.passes(1ms);
    }
    EXPECT_THAT(stage.gaps, SizeIs(1));
    EXPECT_THAT(stage.rows, SizeIs(100)) << "what was held is not lost";
}

constexpr std::string_view kBackfilled =
    R"({"name":"f","type":"websocket","url":"wss://x.example/","topic":"t.{.s}","map":{"key":"s","id":"n"},)"
    R"("dedupe":{"by":["key","id"]},"continuity":{"rule":"+1","at":"n","on_gap":"backfill"},"backfill":{"get":"https://x.example/since?from={from}&to={to}","page":2}})";
std::string numbered(int n) { return R"({"s":"A","n":)" + std::to_string(n) + "}"; }

TEST(StreamHoldSpec, WhatAGapLostIsFetchedInOrderBeforeTheKeyLivesAgain) {
    Stage stage(kBackfilled);
    stage.start().opened();
    stage.says(numbered(1));
    stage.says(numbered(5));
    stage.says(numbered(6));
    EXPECT_THAT(stage.rows, SizeIs(1));
    ASSERT_THAT(stage.asked, SizeIs(1));
    EXPECT_EQ(stage.asked[0].second.url, "https://x.example/since?from=1&to=5");
    stage.answers(200, numbered(2));
    EXPECT_EQ(stage.rows.back().payload, numbered(6)) << "less than a page: all is there";
    stage.rows.clear();

    Stage paged(kBackfilled);
    paged.start().opened();
    paged.says(numbered(1));
    paged.says(numbered(5));
    paged.answers(200, "[" + numbered(2) + "," + numbered(3) + "]");
    EXPECT_EQ(paged.state(), "live");
}

TEST(StreamHoldSpec, BackfilledRowsAreMarked) {
    Stage stage(
        R"({"name":"f","type":"websocket","url":"wss://x.example/","topic":"t.{.s}","rows":"d","map":{"key":"s","id":"n"},)"
        R"("continuity":{"rule":"+1","at":"n","on_gap":"backfill"},"backfill":{"get":"https://x.example/since?from={from}&to={to}","page":2}})");
    stage.start().opened();
    stage.says("{\"d\":[" + numbered(1) + "]}");
    stage.says("{\"d\":[" + numbered(5) + "]}");
    stage.answers(200, "{\"d\":[" + numbered(2) + "," + numbered(3) + "]}");
    ASSERT_THAT(stage.asked, SizeIs(1));
    EXPECT_EQ(stage.asked[0].second.url, "https://x.example/since?from=3&to=5");
    stage.answers(200, "{\"d\":[" + numbered(4) + "]}");
    EXPECT_THAT(stage.payloads(),
                ElementsAre(numbered(1), numbered(2), numbered(3), numbered(4), numbered(5)));
    EXPECT_EQ(stage.rows[1].flags & flag::kBackfill, flag::kBackfill);
    EXPECT_EQ(stage.rows[4].flags & flag::kBackfill, 0);
}

TEST(StreamHoldSpec, ABackfillThatFailsLetsTheKeyGoOn) {
    Stage stage(kBackfilled);
    stage.start().opened();
    stage.says(numbered(1));
    stage.says(numbered(5));
    for (int n = 0; n < 4; ++n) {
        stage.request_fails(ErrorClass::Timeout);
        stage.passes(1s);
    }
    EXPECT_THAT(stage.rows, SizeIs(2));
    EXPECT_THAT(stage.asked, IsEmpty());
}

}  // namespace
}  // namespace anode::source::spec
