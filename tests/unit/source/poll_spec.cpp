#include "unit/source/machine_stage.hpp"

/// Polling: recipes, section 7.
namespace anode::source::spec {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

std::string poll(std::string_view more = "") {
    return R"({"name":"p","type":"rest","url":"https://x.example/rows","topic":"p.row","backoff":{"min":"100ms","max":"1s"})" +
           (more.empty() ? std::string() : "," + std::string(more)) + "}";
}
constexpr std::string_view kRows =
    R"("rows":"features","map":{"key":"id","id":"v"},"dedupe":{"by":["key","id"],"keep":"1h"},"poll":{"every":"60s","jitter":"0 %"})";

TEST(PollSpec, AsksAtOnceAndThenEveryPeriod) {
    Stage stage(poll(R"("poll":{"every":"60s","jitter":"0 %"})"));
    stage.start();
    ASSERT_THAT(stage.requests, SizeIs(1));
    EXPECT_EQ(stage.requests[0].method, "GET");
    EXPECT_EQ(stage.state(), "connecting");
    stage.answers(200, R"({"p":1.0})");
    EXPECT_EQ(stage.state(), "live");
    EXPECT_THAT(stage.payloads(), ElementsAre(R"({"p":1.0})"));
    ASSERT_TRUE(stage.status().next_due.has_value());
    EXPECT_EQ(*stage.status().next_due, stage.now.wall + 60'000'000);
    stage.passes(59s);
    EXPECT_THAT(stage.requests, SizeIs(1));
    stage.passes(1s);
    EXPECT_THAT(stage.requests, SizeIs(2));
}

TEST(PollSpec, JitterAddsUpToItsShareOfThePeriod) {
    Stage stage(poll(R"("poll":{"every":"100s"})"));
    stage.start();
    std::vector<WallTime> times;
    for (int n = 0; n < 20; ++n) {
        const WallTime before = stage.now.wall;
        stage.answers(200, "{}");
        const std::size_t count = stage.requests.size();
        while (stage.requests.size() == count) stage.passes(10ms);
        EXPECT_GE(stage.now.wall - before, 100'000'000);
        EXPECT_LE(stage.now.wall - before, 110'100'000);
        times.push_back(stage.now.wall - before);
    }
    EXPECT_NE(times.front(), times.back());
}

TEST(PollSpec, AlignedPollsComeBehindTheServersGrid) {
    Stage stage(poll(R"("poll":{"every":"10s","align":true,"offset":"2s","jitter":"0 %"})"));
    stage.start();
    stage.passes(3s);
    stage.answers(200, "{}");
    EXPECT_EQ(*stage.status().next_due % 10'000'000, 2'000'000);
    stage.passes(9s);
    EXPECT_THAT(stage.requests, SizeIs(2));
}

TEST(PollSpec, AHeaderOfTheServerOverridesThePeriod) {
    Stage stage(
        poll(R"("poll":{"every":"10s","jitter":"0 %","interval_header":"X-Poll-Interval"})"));
    stage.start();
    stage.answers(200, "{}", {{"x-poll-interval", "45"}});
    stage.passes(44s);
    EXPECT_THAT(stage.requests, SizeIs(1));
    stage.passes(1s);
    EXPECT_THAT(stage.requests, SizeIs(2));
}

// -- validators (C30, C41) -------------------------------------------------------------------------------

TEST(PollSpec, ETagAndLastModifiedAreUsedWithoutAsking) {
    Stage stage(poll(kRows));
    stage.start();
    EXPECT_THAT(stage.requests[0].headers, Not(Contains(Pair("If-None-Match", testing::_))));
    stage.answers(200, R"({"features":[{"id":"a","v":1}]})",
                  {{"ETag", "W/\"x\""}, {"Last-Modified", "Tue, 24 Nov 2026 16:20:06 GMT"}});
    stage.passes(60s);
    EXPECT_THAT(stage.requests[1].headers, Contains(Pair("If-None-Match", "W/\"x\"")));
    EXPECT_THAT(stage.requests[1].headers,
                Contains(Pair("If-Modified-Since", "Tue, 24 Nov 2026 16:20:06 GMT")));
    stage.answers(304, "", {{"ETag", "W/\"x\""}});
    EXPECT_EQ(stage.state(), "live");
    EXPECT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.status().polls.not_modified, 1u);
    EXPECT_EQ(stage.status().polls.fresh, 1u);
}

TEST(PollSpec, AnAnswerThatCouldNotBeReadIsNeverAskedFor304) {
    Stage stage(poll(kRows));
    stage.start();
    stage.answers(200, "<html>", {{"ETag", "\"bad\""}});
    EXPECT_EQ(stage.status().polls.parse, 1u);
    EXPECT_THAT(stage.letters, SizeIs(1));
    stage.passes(1s);
    ASSERT_THAT(stage.requests, SizeIs(2));
    EXPECT_THAT(stage.requests[1].headers, Not(Contains(Pair("If-None-Match", testing::_))));
}

TEST(PollSpec, TheSameBodyIsNoNewsWhereTheDefinitionSaysSo) {
    Stage stage(poll(R"("poll":{"every":"10s","jitter":"0 %","same":"body"})"));
    stage.start();
    stage.answers(200, R"({"a":1})");
    stage.passes(10s);
    stage.answers(200, R"({"a":1})");
    stage.passes(10s);
    stage.answers(200, R"({"a":2})");
    EXPECT_THAT(stage.rows, SizeIs(2));
    EXPECT_EQ(stage.status().polls.same, 1u);
    EXPECT_EQ(stage.status().polls.fresh, 2u);
}

TEST(PollSpec, OutcomesAreCounted) {
    Stage stage(poll(R"("poll":{"every":"1s","jitter":"0 %"})"));
    stage.start();
    stage.answers(500, "oops");
    EXPECT_EQ(stage.state(), "backoff");
    stage.passes(2s);
    stage.answers(404, "");
    stage.passes(2s);
    stage.request_fails(ErrorClass::Timeout);
    stage.passes(2s);
    stage.answers(204, "");
    EXPECT_EQ(stage.state(), "live");
    const PollCounts polls = stage.status().polls;
    EXPECT_EQ(polls.server_error, 1u);
    EXPECT_EQ(polls.client_error, 1u);
    EXPECT_EQ(polls.timeout, 1u);
    EXPECT_EQ(polls.same, 1u);
}

TEST(PollSpec, RowsThatAreNoRowsAreAShapeErrorAndTheNextPollIsTried) {
    Stage stage(poll(kRows));
    stage.start();
    stage.answers(200, R"({"features":7})");
    EXPECT_EQ(stage.status().polls.parse, 1u);
    EXPECT_EQ(stage.state(), "backoff");
    stage.passes(1s);
    stage.answers(200, R"({"features":[{"id":"ok","v":1}]})");
    EXPECT_EQ(stage.state(), "live");
    EXPECT_THAT(stage.rows, SizeIs(1));
}

// -- limits and budgets (C12, C31) -----------------------------------------------------------------------

TEST(PollSpec, TooManyRequestsIsObeyedAndShown) {
    Stage stage(poll(R"("poll":{"every":"200ms"})"));
    stage.start();
    stage.answers(429, "slow down", {{"Retry-After", "3"}});
    EXPECT_EQ(stage.state(), "limited");
    stage.passes(2999ms);
    EXPECT_THAT(stage.requests, SizeIs(1));
    stage.passes(1ms);
    EXPECT_THAT(stage.requests, SizeIs(2));
    stage.answers(200, "{}");
    EXPECT_EQ(stage.state(), "live");
}

TEST(PollSpec, TheBudgetOfRequestsHolds) {
    Stage stage(poll(R"("poll":{"every":"100ms","jitter":"0 %"},"rate":{"requests":"2/10s"})"));
    stage.start();
    for (int n = 0; n < 300; ++n) {
        while (!stage.asked.empty()) stage.answers(200, "{}");
        stage.passes(100ms);
    }
    EXPECT_EQ(stage.requests.size(), 7u) << "two in each ten seconds, and the next two begin";
}

TEST(PollSpec, AnEmptyBudgetToldByTheServerIsWaitedFor) {
    Stage stage(poll(
        R"("poll":{"every":"1s","jitter":"0 %"},"rate":{"remaining":"X-Left","retry_after":"X-Reset"})"));
    stage.start();
    stage.answers(200, "{}", {{"X-Left", "0"}, {"X-Reset", "30"}});
    stage.passes(29s);
    EXPECT_THAT(stage.requests, SizeIs(1));
    stage.passes(1s);
    EXPECT_THAT(stage.requests, SizeIs(2));
}

TEST(PollSpec, OnlySoManyRequestsRunAtOnce) {
    Stage stage(
        poll(R"("items":{"id":["a","b","c"]},"query":{"q":"{id}"},"rate":{"concurrency":1})"));
    stage.start();
    EXPECT_THAT(stage.asked, SizeIs(1));
    stage.answers(200, "{}");
    EXPECT_THAT(stage.asked, SizeIs(1));
    EXPECT_THAT(stage.requests[1].url, HasSubstr("q=b"));
}

TEST(PollSpec, APollIsNotStartedWhileTheNodeIsFull) {
    Stage stage(poll(R"("poll":{"every":"1s","jitter":"0 %"})"));
    stage.start();
    stage.answers(200, "{}");
    stage.step(in::Pressure{true});
    stage.passes(1min);
    EXPECT_THAT(stage.requests, SizeIs(1));
    stage.step(in::Pressure{false});
    stage.passes(2s);
    EXPECT_GE(stage.requests.size(), 2u);
}

// -- items (C45) -----------------------------------------------------------------------------------------

TEST(PollSpec, SeveralItemsGoIntoOneRequest) {
    Stage stage(poll(
        R"("items":{"lat":["1","2","3"]},"query":{"latitude":{"join":",","of":["{lat}"]}},"poll":{"batch":{"items":2}})"));
    stage.start();
    ASSERT_THAT(stage.requests, SizeIs(2));
    EXPECT_EQ(stage.requests[0].url, "https://x.example/rows?latitude=1,2");
    EXPECT_EQ(stage.requests[1].url, "https://x.example/rows?latitude=3");
}

TEST(PollSpec, ARequestThatNamesAnItemIsMadeForEach) {
    Stage stage(
        R"({"name":"p","type":"rest","url":"https://x.example/{id}","topic":"p.{id}","items":{"id":["a","b"]}})");
    stage.start();
    ASSERT_THAT(stage.requests, SizeIs(2));
    stage.answers(200, R"({"x":1})");
    EXPECT_EQ(stage.rows.at(0).topic, "p.a");
    stage.answers(500, "");
    EXPECT_THAT(stage.items(), ElementsAre(Pair("a", "ok"), Pair("b", "pending")));
}

// -- diff (C40) ------------------------------------------------------------------------------------------

constexpr std::string_view kDiff =
    R"("rows":"features","map":{"key":"id","time":"t","unit":"s"},"poll":{"every":"10s","jitter":"0 %","diff":{"key":"id","version":"v","vanish":"delete","window":"1h"}})";

TEST(PollSpec, ADiffTellsNewChangedAndVanishedRows) {
    Stage stage(poll(kDiff));
    stage.start();
    stage.answers(200, R"({"features":[{"id":"a","v":1},{"id":"b","v":1}]})");
    EXPECT_THAT(stage.rows, SizeIs(2));
    stage.rows.clear();
    stage.passes(10s);
    stage.answers(200, R"({"features":[{"id":"a","v":2}]})");
    ASSERT_THAT(stage.rows, SizeIs(2));
    EXPECT_EQ(stage.rows[0].payload, R"({"id":"a","v":2})");
    EXPECT_EQ(stage.rows[1].kind, Kind::Delete);
    EXPECT_EQ(stage.rows[1].key, "b");
    stage.rows.clear();
    stage.passes(10s);
    stage.answers(200, R"({"features":[{"id":"a","v":2}]})");
    EXPECT_THAT(stage.rows, IsEmpty());
    EXPECT_EQ(stage.status().polls.same, 1u);
}

TEST(PollSpec, ADiffGoesOnWhereAnEarlierRunEnded) {
    Stage first(poll(kDiff));
    first.start();
    first.answers(200, R"({"features":[{"id":"a","v":1},{"id":"b","v":1}]})");
    first.passes(10s);
    first.answers(200, R"({"features":[{"id":"a","v":2},{"id":"b","v":1}]})");
    Restored restored;
    for (const OutRow& row : first.rows) {
        ASSERT_TRUE(row.cid.has_value());
        restored.seen.push_back({*row.cid, first.now.wall});
    }
    Stage second(poll(kDiff), restored);
    second.start();
    second.answers(200, R"({"features":[{"id":"a","v":2},{"id":"b","v":9}]})");
    EXPECT_THAT(second.payloads(), ElementsAre(R"({"id":"b","v":9})"));
    second.passes(10s);
    second.answers(200, R"({"features":[{"id":"b","v":9}]})");
    EXPECT_EQ(second.rows.back().kind, Kind::Delete);
    EXPECT_EQ(second.rows.back().key, "a");
}

TEST(PollSpec, ARowThatAgedOutIsNotDeleted) {
    Stage stage(poll(kDiff));
    stage.start();
    const std::string old = std::to_string(stage.now.wall / 1'000'000 - 3595);
    stage.answers(200, R"({"features":[{"id":"a","v":1,"t":)" + old + "}]}");
    stage.rows.clear();
    stage.passes(10s);
    stage.answers(200, R"({"features":[]})");
    EXPECT_THAT(stage.rows, IsEmpty());
}

TEST(PollSpec, AnAnswerThatIsNotWholeDeletesNothing) {
    Stage stage(poll(kDiff));
    stage.start();
    stage.answers(200, R"({"features":[{"id":"a","v":1}]})");
    stage.rows.clear();
    stage.passes(10s);
    stage.answers(200, R"({"error":true})");
    EXPECT_THAT(stage.rows, IsEmpty());
    stage.passes(10s);
    stage.answers(200, R"({"features":[{"id":"a","v":1}]})");
    EXPECT_THAT(stage.rows, IsEmpty()) << "it was known all the time";
}

// -- pages (C42, C46) ------------------------------------------------------------------------------------

std::string ids(std::initializer_list<int> all) {
    std::string text = "[";
    for (const int id : all) {
        text += (text.size() > 1 ? ",{\"id\":" : "{\"id\":") + std::to_string(id) + "}";
    }
    return text + "]";
}
Headers next_page(std::string_view url) {
    return {{"Link", "<https://x.example/first>; rel=\"prev\", <" + std::string(url) +
                         ">; rel=\"next\", <https://x.example/last>; rel=\"last\""}};
}

TEST(PollSpec, PagesAreWalkedUntilAKnownRowAndGoOutOldestFirst) {
    Stage stage(poll(
        R"("map":{"id":"id"},"dedupe":{"by":["id"],"keep":"1h"},"rows":"d","poll":{"every":"60s","jitter":"0 %","pages":{"next":"link","order":"oldest-first","max":5}})"));
    stage.start();
    stage.answers(200, R"({"d":)" + ids({3, 2}) + "}", next_page("https://x.example/rows?page=2"));
    ASSERT_THAT(stage.asked, SizeIs(1));
    EXPECT_EQ(stage.asked[0].second.url, "https://x.example/rows?page=2");
    EXPECT_THAT(stage.rows, IsEmpty());
    stage.answers(200, R"({"d":)" + ids({1}) + "}");
    EXPECT_THAT(stage.payloads(), ElementsAre(R"({"id":1})", R"({"id":2})", R"({"id":3})"));
    stage.rows.clear();
    stage.passes(60s);
    stage.answers(200, R"({"d":)" + ids({6, 5}) + "}", next_page("https://x.example/rows?page=2"));
    stage.answers(200, R"({"d":)" + ids({4, 3}) + "}", next_page("https://x.example/rows?page=3"));
    EXPECT_THAT(stage.asked, IsEmpty()) << "3 is known";
    EXPECT_THAT(stage.payloads(), ElementsAre(R"({"id":4})", R"({"id":5})", R"({"id":6})"));
    EXPECT_THAT(stage.gaps, IsEmpty());
}

TEST(PollSpec, PagesThatDoNotMeetWhatIsKnownAreAGapWithItsTimes) {
    Stage stage(poll(
        R"("map":{"id":"id","time":"t","unit":"s"},"dedupe":{"by":["id"],"keep":"1h"},"rows":"d","poll":{"every":"60s","jitter":"0 %","pages":{"next":"link","max":1}})"));
    stage.start();
    stage.answers(200, R"({"d":[{"id":1,"t":1767225000}]})");
    stage.passes(60s);
    stage.answers(200, R"({"d":[{"id":9,"t":1767225660},{"id":8,"t":1767225650}]})");
    ASSERT_THAT(stage.gaps, SizeIs(1));
    EXPECT_EQ(stage.gaps[0].cause, "no-overlap");
    EXPECT_THAT(stage.gaps[0].from, HasSubstr("2025-12-31T23:50:00"));
    EXPECT_THAT(stage.gaps[0].to, HasSubstr("2026-01-01T00:00:50"));
    EXPECT_THAT(stage.rows, SizeIs(3));
}

TEST(PollSpec, ThePageAfterMayBeAPathOrATemplate) {
    Stage path(poll(R"("rows":"d","poll":{"pages":{"next":"next_url","until":".last"}})"));
    path.start();
    path.answers(200, R"({"d":[{"a":1}],"next_url":"/more?c=2"})");
    ASSERT_THAT(path.asked, SizeIs(1));
    EXPECT_EQ(path.asked[0].second.url, "https://x.example/more?c=2");
    path.answers(200, R"({"d":[{"a":2}],"next_url":"/more?c=3","last":true})");
    EXPECT_THAT(path.asked, IsEmpty());
    EXPECT_THAT(path.rows, SizeIs(2));
    Stage number(poll(
        R"("rows":"d","map":{"id":"a"},"poll":{"pages":{"next":"https://x.example/rows?p={$page}&after={$last}","until":".end","max":2}})"));
    number.start();
    number.answers(200, R"({"d":[{"a":7}]})");
    ASSERT_THAT(number.asked, SizeIs(1));
    EXPECT_EQ(number.asked[0].second.url, "https://x.example/rows?p=2&after=7");
    number.answers(200, R"({"d":[{"a":8}]})");
    EXPECT_THAT(number.asked, IsEmpty());
}

TEST(PollSpec, ANextPageOnAnotherHostIsNotFollowed) {
    Stage stage(poll(R"("rows":"d","poll":{"pages":{"next":"link","until":".end"}})"));
    stage.start();
    stage.answers(200, R"({"d":[{"a":1}]})", next_page("https://evil.example/rows"));
    EXPECT_THAT(stage.asked, IsEmpty());
    EXPECT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.errors(ErrorClass::Feed), 1u);
}

TEST(PollSpec, APageThatFailsLosesNothingThatCame) {
    Stage stage(poll(
        R"("map":{"id":"id"},"dedupe":{"by":["id"],"keep":"1h"},"rows":"d","poll":{"every":"60s","pages":{"next":"link"}})"));
    stage.start();
    stage.answers(200, R"({"d":[{"id":1}]})", next_page("https://x.example/rows?page=2"));
    stage.answers(502, "");
    EXPECT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.state(), "backoff");
}

// -- credentials and preludes (C11, C43) -----------------------------------------------------------------

constexpr std::string_view kOAuth =
    R"("auth":{"type":"oauth2","token_url":"https://id.example/token","client_id":"me","client_secret":{"env":"CS"}},"poll":{"every":"60s","jitter":"0 %"})";

TEST(PollSpec, AnAccessTokenIsFetchedFirstAndRenewedEarly) {
    Stage stage(poll(kOAuth));
    stage.secrets.values["CS"] = "hush-hush";
    stage.start();
    ASSERT_THAT(stage.requests, SizeIs(1));
    EXPECT_EQ(stage.requests[0].url, "https://id.example/token");
    EXPECT_EQ(stage.requests[0].method, "POST");
    stage.answers(200, R"({"access_token":"T1","expires_in":600})");
    ASSERT_THAT(stage.requests, SizeIs(2));
    EXPECT_THAT(stage.requests[1].headers, Contains(Pair("Authorization", "Bearer T1")));
    for (int n = 0; n < 10; ++n) {
        while (!stage.asked.empty()) {
            const bool token = stage.asked.front().second.url.find("token") != std::string::npos;
            stage.answers(200, token ? R"({"access_token":"T2","expires_in":600})" : "{}");
        }
        stage.passes(60s);
    }
    std::size_t renewals = 0;
    for (const HttpRequest& request : stage.requests) {
        renewals += request.url == "https://id.example/token" ? 1 : 0;
    }
    EXPECT_EQ(renewals, 2u);
    EXPECT_THAT(stage.requests.back().headers, Contains(Pair("Authorization", "Bearer T2")));
}

TEST(PollSpec, ARefusedTokenIsRenewedOnceAndTheRequestRepeated) {
    Stage stage(poll(kOAuth));
    stage.secrets.values["CS"] = "hush-hush";
    stage.start();
    stage.answers(200, R"({"access_token":"T1","expires_in":600})");
    stage.answers(401, "");
    ASSERT_THAT(stage.asked, SizeIs(1));
    stage.answers(200, R"({"access_token":"T2","expires_in":600})");
    ASSERT_THAT(stage.asked, SizeIs(1));
    EXPECT_THAT(stage.asked[0].second.headers, Contains(Pair("Authorization", "Bearer T2")));
    stage.answers(200, "{}");
    EXPECT_EQ(stage.state(), "live");
}

TEST(PollSpec, CredentialsThatStayRefusedFail) {
    Stage stage(poll());
    stage.start();
    stage.answers(403, "");
    stage.passes(2s);
    stage.answers(403, "");
    EXPECT_EQ(stage.state(), "failed");
    stage.passes(1h);
    EXPECT_THAT(stage.requests, SizeIs(2));
}

TEST(PollSpec, WhatAPollNeedsIsCapturedBeforeItsFirstRequest) {
    Stage stage(
        R"({"name":"p","type":"rest","url":"https://x.example/d?t={$t}","topic":"p","connect":[{"get":"https://x.example/t","capture":{"t":"t"}}]})");
    stage.start();
    stage.answers(500, "");
    EXPECT_EQ(stage.state(), "backoff");
    stage.passes(2s);
    stage.answers(200, R"({"t":"k"})");
    ASSERT_THAT(stage.asked, SizeIs(1));
    EXPECT_EQ(stage.asked[0].second.url, "https://x.example/d?t=k");
    stage.answers(200, "{}");
    EXPECT_EQ(stage.state(), "live");
}

TEST(PollSpec, ErrorsOfABodyMayBeIgnored) {
    Stage stage(
        poll(R"("poll":{"every":"60s","jitter":"0 %"},"errors":[{"status":404,"do":"ignore"}])"));
    stage.start();
    stage.answers(404, "");
    EXPECT_EQ(stage.state(), "live");
    EXPECT_EQ(stage.status().counters.errors, 0u);
    stage.passes(60s);
    EXPECT_THAT(stage.requests, SizeIs(2));
}

TEST(PollSpec, StopForgetsRequestsAndRestartAsksAtOnce) {
    Stage stage(poll());
    stage.start();
    stage.step(in::Stop{});
    EXPECT_EQ(stage.state(), "disabled");
    EXPECT_THAT(stage.asked, IsEmpty());
    stage.passes(1h);
    EXPECT_THAT(stage.requests, SizeIs(1));
    stage.step(in::Start{});
    EXPECT_THAT(stage.asked, SizeIs(1));
}

}  // namespace
}  // namespace anode::source::spec
