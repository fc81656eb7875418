#include "api/http/rates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anode::api {
namespace {

using What = RateLimits::What;
using ::testing::HasSubstr;

class RatesSpec : public ::testing::Test {
protected:
    unsigned admitted(std::string_view who, unsigned tries) {
        unsigned count = 0;
        for (unsigned i = 0; i < tries; ++i)
            count += limits.take(What::Requests, who, 1, now).admitted ? 1 : 0;
        return count;
    }

    metrics::Registry metrics;
    RateLimits limits{10, 100, metrics};
    Instant now{Duration(1h)};
};

TEST_F(RatesSpec, TwiceASecondsWorthComesAtOnceThenTheRateHolds) {
    EXPECT_EQ(admitted("t", 100), 20U);
    now += 1s;
    EXPECT_EQ(admitted("t", 100), 10U);
    now += 1h;
    EXPECT_EQ(admitted("t", 100), 20U);
}

TEST_F(RatesSpec, EachCallerHasABucketOfItsOwn) {
    EXPECT_EQ(admitted("a", 100), 20U);
    EXPECT_EQ(admitted("b", 100), 20U);
}

TEST_F(RatesSpec, ARefusalSaysWhenToTryAgainAndIsCounted) {
    admitted("t", 20);
    const auto verdict = limits.take(What::Requests, "t", 1, now);
    EXPECT_FALSE(verdict.admitted);
    EXPECT_EQ(verdict.retry_after, 100ms);
    EXPECT_EQ(verdict.quota, 20U);
    EXPECT_EQ(verdict.window, 2s);
    EXPECT_EQ(verdict.left, 0U);
    EXPECT_THAT(metrics.prometheus(), HasSubstr("anode_rate_limited_total{what=\"requests\"} 1"));
    now += verdict.retry_after;
    EXPECT_TRUE(limits.take(What::Requests, "t", 1, now).admitted);
}

TEST_F(RatesSpec, ALargeBatchIsTakenAndPaidForAfterwards) {
    EXPECT_TRUE(limits.take(What::Messages, "t", 1000, now).admitted);
    EXPECT_EQ(limits.take(What::Messages, "t", 1, now).retry_after, 8s + 10ms);
    now += 9s;
    EXPECT_TRUE(limits.take(What::Messages, "t", 1, now).admitted);
}

TEST_F(RatesSpec, WithoutALimitEverythingPasses) {
    RateLimits open{0, 0, metrics};
    for (const What what : {What::Requests, What::Messages, What::Trials}) {
        const auto verdict = open.take(what, "t", 1'000'000, now);
        EXPECT_TRUE(verdict.admitted);
        EXPECT_FALSE(verdict.limited);
    }
}

TEST_F(RatesSpec, ManyCallersShareTheLastBucketInsteadOfGrowingMemory) {
    for (std::size_t i = 0; i < RateLimits::kCallersMax + 1000; ++i)
        admitted("a" + std::to_string(i), 1);
    unsigned passed = 0;
    for (unsigned i = 0; i < 2000; ++i) passed += admitted("late" + std::to_string(i), 1);
    EXPECT_LT(passed, 2000U);
    now += 2h;
    EXPECT_EQ(admitted("fresh", 100), 20U);
}

}  // namespace
}  // namespace anode::api
