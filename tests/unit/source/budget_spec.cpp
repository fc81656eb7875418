#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/source/backoff.hpp"
#include "core/source/budget.hpp"
#include "core/source/machine_queue.hpp"
#include "core/source/poll_pages.hpp"
#include "core/source/stream_overlap.hpp"

/// The small parts of source machines.
namespace anode::source {
namespace {

TEST(BudgetSpec, NoWindowEverHoldsMoreThanTheRate) {
    const Rate rate{5, 1s};
    Bucket bucket;
    Rng rng(1);
    std::vector<Instant> spent;
    Instant now{};
    for (int n = 0; n < 5000; ++n) {
        now += Duration(rng.between(0, 150'000'000));
        const Duration wait = bucket.take(rate, now);
        if (wait == Duration::zero()) {
            spent.push_back(now);
        } else {
            EXPECT_EQ(bucket.take(rate, now + wait - 1ns) > Duration::zero(), true);
        }
    }
    for (std::size_t i = 5; i < spent.size(); ++i) EXPECT_GE(spent[i] - spent[i - 5], 1s);
    EXPECT_GT(spent.size(), 1000u);
}

TEST(BudgetSpec, HugeRatesAreKeptInProportion) {
    const Rate rate{1'000'000, 24h};
    Bucket bucket;
    std::uint64_t spent = 0;
    for (Instant now{}; now < Instant{} + 60s; now += 10ms) {
        spent += bucket.take(rate, now) == Duration::zero() ? 1 : 0;
    }
    EXPECT_LE(spent, 8192u);
    EXPECT_GT(spent, 600u);
}

TEST(BudgetSpec, AHeldBucketWaitsForItsTime) {
    Bucket bucket;
    bucket.hold_until(Instant{} + 3s);
    EXPECT_EQ(bucket.take({}, Instant{} + 1s), 2s);
    EXPECT_EQ(bucket.take({}, Instant{} + 3s), 0s);
}

TEST(BudgetSpec, SourcesOfAProviderShareItsBooksAndNodesShareItsRate) {
    Budgets budgets;
    EXPECT_EQ(&budgets.of("provider:x"), &budgets.of("provider:x"));
    EXPECT_NE(&budgets.of("provider:x"), &budgets.of("provider:y"));
    budgets.set_share("provider:x", 0.25);
    const Rate part = Budgets::part(budgets.of("provider:x"), {1, 10s});
    EXPECT_EQ(part.count, 1u);
    EXPECT_EQ(part.per, 40s);
}

TEST(BackoffSpec, PausesAreEvenBetweenTheShortestAndADoublingCeiling) {
    Rng rng(4);
    BackoffSpec spec;
    spec.min = 1s;
    spec.max = 60s;
    Backoff backoff(spec);
    Duration ceiling = 2s;
    for (int n = 0; n < 50; ++n) {
        const Duration pause = backoff.next(rng);
        EXPECT_GE(pause, 1s);
        EXPECT_LE(pause, ceiling);
        ceiling = std::min<Duration>(60s, ceiling * 2);
    }
    backoff.reset();
    EXPECT_LE(backoff.next(rng), 2s);
}

TEST(BackoffSpec, WhenToComeBackIsReadInEveryForm) {
    const WallTime now = 1'767'225'600'000'000;
    EXPECT_EQ(parse_retry_after("3", now), 3s);
    EXPECT_EQ(parse_retry_after(" 0.5 ", now), 500ms);
    EXPECT_EQ(parse_retry_after("1767225660", now), 60s);
    EXPECT_EQ(parse_retry_after("Thu, 01 Jan 2026 00:01:00 GMT", now), 60s);
    EXPECT_EQ(parse_retry_after("-5", now), 0s);
    EXPECT_EQ(parse_retry_after("1e300", now), 24h) << "nonsense is capped";
    EXPECT_EQ(parse_retry_after("soon", now), std::nullopt);
}

TEST(RowQueueSpec, KeptRowsOutliveWhatTheyWereMadeFrom) {
    RowQueue queue(1 << 20, LimitsSpec::Full::Stop);
    {
        std::string topic = "a.b", payload = "{\"n\":1}";
        Row row;
        row.topic = topic;
        row.payload = payload;
        queue.push(row);
        topic = payload = "gone";
    }
    std::vector<Row> rows;
    queue.release(rows, 1 << 20);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].topic, "a.b");
    EXPECT_EQ(rows[0].payload, "{\"n\":1}");
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.bytes(), 0u);
}

TEST(RowQueueSpec, BalancesWhateverIsPushed) {
    for (const auto full : {LimitsSpec::Full::Drop, LimitsSpec::Full::Conflate}) {
        Rng rng(9);
        RowQueue queue(20'000, full);
        std::uint64_t pushed = 0, gone = 0, out = 0;
        for (int n = 0; n < 3000; ++n) {
            const std::string key = "k" + std::to_string(rng.below(100));
            const std::string payload(rng.below(300), 'x');
            Row row;
            row.topic = "t";
            row.key = key;
            row.payload = payload;
            const RowQueue::Outcome outcome = queue.push(row);
            ++pushed;
            gone += outcome.lost + outcome.conflated;
            EXPECT_LE(queue.bytes(), 20'000u);
            if (rng.chance(0.02)) {
                std::vector<Row> rows;
                queue.release(rows, rng.below(40'000));
                out += rows.size();
                queue.end_release();
            }
        }
        EXPECT_EQ(pushed, gone + out + queue.size());
    }
}

TEST(OverlapSpec, ARowGoesOutAsOftenAsOneConnectionBroughtIt) {
    Overlap overlap;
    const ConnId a{1}, b{2};
    const Instant now{};
    EXPECT_TRUE(overlap.fresh(a, 7, now));
    EXPECT_FALSE(overlap.fresh(b, 7, now));
    EXPECT_TRUE(overlap.fresh(b, 7, now)) << "the second one of b comes first";
    EXPECT_FALSE(overlap.fresh(a, 7, now));
    EXPECT_TRUE(overlap.fresh(a, 8, now));
}

TEST(PagesSpec, TheNextLinkIsFoundAmongOthers) {
    const Headers headers{
        {"link",
         "<https://x/1>; rel=\"prev\", </2?a=1,2>; rel=\"next last\", <https://x/9>; rel=last"}};
    EXPECT_EQ(next_link(headers), "/2?a=1,2");
    EXPECT_EQ(next_link(Headers{{"Link", "<broken"}}), std::nullopt);
    EXPECT_EQ(next_link(Headers{{"Link", "<a>; rel=prev"}}), std::nullopt);
}

TEST(PagesSpec, OnlyTheSameHostIsFollowed) {
    EXPECT_EQ(resolve("https://x.example/a?b=1", "?b=2").value(), "https://x.example/a?b=2");
    EXPECT_EQ(resolve("https://x.example/a", "/c").value(), "https://x.example/c");
    EXPECT_EQ(resolve("https://x.example/a", "https://X.example/c").value(), "https://X.example/c");
    EXPECT_FALSE(resolve("https://x.example/a", "https://y.example/c").has_value());
    EXPECT_FALSE(resolve("https://x.example/a", "http://x.example/c").has_value());
    EXPECT_FALSE(resolve("https://x.example/a", "//y.example/c").has_value());
    EXPECT_FALSE(resolve("https://x.example/a", "token123").has_value());
}

}  // namespace
}  // namespace anode::source
