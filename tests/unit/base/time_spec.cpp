#include <limits>

#include "base/rng.hpp"
#include "base/text.hpp"

namespace anode::text {
namespace {

constexpr WallTime kSecond = 1'000'000;
constexpr WallTime kNow = 1'767'225'600'123'456;  // 2026-01-01T00:00:00.123456Z

TEST(Rfc3339Spec, HasSixDigitsAndZ) {
    EXPECT_EQ(rfc3339(kNow), "2026-01-01T00:00:00.123456Z");
    EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999Z");
}

TEST(Rfc3339Spec, StaysWithinFourDigitsOfYear) {
    EXPECT_EQ(rfc3339(std::numeric_limits<WallTime>::max()), "9999-12-31T23:59:59.999999Z");
    EXPECT_EQ(rfc3339(std::numeric_limits<WallTime>::min()), "0000-01-01T00:00:00.000000Z");
}

TEST(Rfc3339Spec, ReadsBackTheSame) {
    Rng rng(1);
    for (int round = 0; round < 5000; ++round) {
        const WallTime time = rng.between(-62'000'000'000 * kSecond, 250'000'000'000 * kSecond);
        EXPECT_EQ(parse_rfc3339(rfc3339(time)), time);
    }
}

TEST(Rfc3339Spec, TakesOffsetsFractionsAndLowerCase) {
    EXPECT_EQ(parse_rfc3339("2026-01-01T00:00:00Z"), kNow - 123'456);
    EXPECT_EQ(parse_rfc3339("2026-01-01t00:00:00.123456z"), kNow);
    EXPECT_EQ(parse_rfc3339("2026-01-01 00:00:00.123456Z"), kNow);
    EXPECT_EQ(parse_rfc3339("2026-01-01T05:30:00.123456+05:30"), kNow);
    EXPECT_EQ(parse_rfc3339("2025-12-31T16:00:00.123456-08:00"), kNow);
    EXPECT_EQ(parse_rfc3339("2026-01-01T00:00:00.1Z"), kNow - 23'456);
    EXPECT_EQ(parse_rfc3339("2026-01-01T00:00:00.123456789Z"), kNow) << "nanoseconds are cut";
    EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"))
        << "leap second";
    EXPECT_TRUE(parse_rfc3339("2024-02-29T00:00:00Z"));
}

TEST(Rfc3339Spec, RefusesTheRest) {
    for (const char* text :
         {"", "2026", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00Z",
          "2026-1-1T00:00:00Z", "2026-13-01T00:00:00Z", "2025-02-29T00:00:00Z",
          "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
          "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00+0200",
          "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00Zx", " 2026-01-01T00:00:00Z",
          "+026-01-01T00:00:00Z"})
        EXPECT_FALSE(parse_rfc3339(text)) << text;
}

TEST(HttpDateSpec, ReadsAllThreeForms) {  // RFC 9110, section 5.6.7
    constexpr WallTime kThen = 784'111'777 * kSecond;
    EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kThen);
    EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kThen);
    EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kThen);
    EXPECT_EQ(http_date(kThen), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpDateSpec, ReadsBackToTheSecond) {
    Rng rng(2);
    for (int round = 0; round < 2000; ++round) {
        const WallTime time = rng.between(0, 4'000'000'000) * kSecond;
        EXPECT_EQ(parse_http_date(http_date(time + 999'999)), time);
    }
}

TEST(HttpDateSpec, RefusesTheRest) {
    for (const char* text : {"", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT",
                             "Sun, 31 Feb 1994 08:49:37 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT",
                             "Sun Nov 6 08:49:37 1994"})
        EXPECT_FALSE(parse_http_date(text)) << text;
}

}  // namespace
}  // namespace anode::text
