#include <limits>

#include "base/rng.hpp"
#include "base/text.hpp"

namespace anode::text {
namespace {

TEST(DurationSpec, ReadsANumberWithItsUnit) {
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("5s"), 5s);
    EXPECT_EQ(parse_duration("90m"), 90min);
    EXPECT_EQ(parse_duration("2h"), 2h);
    EXPECT_EQ(parse_duration("30d"), 24h * 30);
    EXPECT_EQ(parse_duration("7us"), 7us);
    EXPECT_EQ(parse_duration("7ns"), 7ns);
    EXPECT_EQ(parse_duration("0"), 0ns);
}

TEST(DurationSpec, RefusesTheRest) {
    for (const char* text : {"", "5", "s", "-5s", "+5s", "5 s", "1.5s", "5S", "5sec", "1h30m",
                             "106752d", "99999999999999999999s"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(DurationSpec, WritesTheShortestExactFormThatReadsBack) {
    EXPECT_EQ(duration(250ms), "250ms");
    EXPECT_EQ(duration(5000ms), "5s");
    EXPECT_EQ(duration(120min), "2h");
    EXPECT_EQ(duration(90min), "90m");
    EXPECT_EQ(duration(24h * 30), "30d");
    EXPECT_EQ(duration(0ns), "0s");
    EXPECT_EQ(duration(-5s), "-5s");
    EXPECT_EQ(duration(Duration::min()), "-9223372036854775808ns");
    Rng rng(1);
    for (int round = 0; round < 2000; ++round) {
        const Duration value{static_cast<std::int64_t>(rng.next() >> (1 + rng.below(60)))};
        EXPECT_EQ(parse_duration(duration(value)), value);
    }
}

TEST(SizeSpec, ReadsBinaryAndDecimalUnits) {
    EXPECT_EQ(parse_size("64KiB"), 65536u);
    EXPECT_EQ(parse_size("1GiB"), 1u << 30);
    EXPECT_EQ(parse_size("500B"), 500u);
    EXPECT_EQ(parse_size("10MB"), 10'000'000u);
    EXPECT_EQ(parse_size("1kB"), 1000u);
    EXPECT_EQ(parse_size("123"), 123u);
    for (const char* text : {"", "KiB", "-1", "1 KiB", "1.5GiB", "1Kib", "16384PiB", "1GiBx"})
        EXPECT_FALSE(parse_size(text)) << text;
}

TEST(SizeSpec, WritesTheShortestExactFormThatReadsBack) {
    EXPECT_EQ(size(65536), "64KiB");
    EXPECT_EQ(size(500), "500B");
    EXPECT_EQ(size(0), "0B");
    EXPECT_EQ(size(1025), "1025B");
    Rng rng(2);
    for (int round = 0; round < 2000; ++round) {
        const std::uint64_t value = rng.next() >> rng.below(64);
        EXPECT_EQ(parse_size(size(value)), value);
    }
}

TEST(NumberSpec, ReadsWholeTextsOnly) {
    EXPECT_EQ(parse_u64("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(parse_i64("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(parse_double("1e3"), 1000.0);
    for (const char* text : {"", "-1", "+1", " 1", "1 ", "18446744073709551616", "0x1"})
        EXPECT_FALSE(parse_u64(text)) << text;
    for (const char* text : {"", "-", "+1", "1.0", "9223372036854775808"})
        EXPECT_FALSE(parse_i64(text)) << text;
    for (const char* text : {"", "inf", "nan", "1e999", "1x", " 1"})
        EXPECT_FALSE(parse_double(text)) << text;
}

TEST(NumberSpec, WritesWhatItReads) {
    Rng rng(3);
    for (int round = 0; round < 5000; ++round) {
        const std::uint64_t value = rng.next() >> rng.below(64);
        std::string text;
        append_u64(text, value);
        EXPECT_EQ(text, std::to_string(value));
        text.clear();
        append_i64(text, static_cast<std::int64_t>(value));
        EXPECT_EQ(text, std::to_string(static_cast<std::int64_t>(value)));
    }
    std::string text;
    append_i64(text, std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(text, "-9223372036854775808");
}

}  // namespace
}  // namespace anode::text
