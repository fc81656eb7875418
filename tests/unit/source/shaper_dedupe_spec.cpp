#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "base/rng.hpp"
#include "core/source/dedupe.hpp"
#include "core/source/source_time.hpp"

namespace anode::source::spec {
namespace {

Hash128 id(std::uint64_t n) { return {n, n * 0x9e3779b97f4a7c15}; }

TEST(ShaperDedupeSpec, AnIdIsNewOnce) {
    Dedupe seen(10s, 100);
    EXPECT_TRUE(seen.insert(id(1), 0));
    EXPECT_FALSE(seen.insert(id(1), 1));
    EXPECT_TRUE(seen.contains(id(1), 1));
    EXPECT_FALSE(seen.contains(id(2), 1));
}

TEST(ShaperDedupeSpec, AnIdIsForgottenAfterItsTime) {
    Dedupe seen(10s, 100);
    seen.insert(id(1), 0);
    EXPECT_TRUE(seen.contains(id(1), 9'999'999));
    EXPECT_FALSE(seen.contains(id(1), 10'000'000));
    EXPECT_TRUE(seen.insert(id(1), 10'000'000));
}

TEST(ShaperDedupeSpec, BeyondTheCountTheOldestIsForgotten) {
    Dedupe seen(1h, 3);
    for (std::uint64_t n = 1; n <= 4; ++n) seen.insert(id(n), 0);
    EXPECT_EQ(seen.size(), 3u);
    EXPECT_FALSE(seen.contains(id(1), 0));
    EXPECT_TRUE(seen.contains(id(2), 0));
}

TEST(ShaperDedupeSpec, AnExportIsTakenElsewhereAndGoesOnWhereItEnded) {
    Dedupe here(1h, 100'000), there(1h, 100'000);
    std::uint64_t mark = 0;
    for (std::uint64_t n = 0; n < 5000; ++n) here.insert(id(n), static_cast<WallTime>(n));
    ASSERT_TRUE(there.import(here.export_after(mark), 5000).has_value());
    here.insert(id(6000), 6000);
    const Bytes more = here.export_after(mark);
    EXPECT_EQ(more.size(), 24u);
    ASSERT_TRUE(there.import(more, 6000).has_value());
    EXPECT_EQ(there.size(), 5001u);
    for (std::uint64_t n = 0; n < 5000; ++n) EXPECT_FALSE(there.insert(id(n), 6000));
    EXPECT_TRUE(here.export_after(mark).empty());
}

TEST(ShaperDedupeSpec, ExpiredAndCutRecordsAreNotTaken) {
    Dedupe here(10s, 100), there(10s, 100);
    std::uint64_t mark = 0;
    here.insert(id(1), 0);
    const Bytes records = here.export_after(mark);
    ASSERT_TRUE(there.import(records, 20'000'000).has_value());
    EXPECT_EQ(there.size(), 0u);
    EXPECT_FALSE(there.import(records.substr(1), 0).has_value());
}

TEST(ShaperDedupeSpec, ItAgreesWithASimpleModel) {
    Rng rng(7);
    Dedupe seen(1ms, 2000);
    std::deque<std::pair<std::uint64_t, WallTime>> order;
    std::set<std::uint64_t> model;
    WallTime now = 0;
    for (int step = 0; step < 50'000; ++step) {
        now += static_cast<WallTime>(rng.below(2));
        const std::uint64_t n = rng.below(4000);
        while (!order.empty() && order.front().second + 1000 <= now) {
            model.erase(order.front().first);
            order.pop_front();
        }
        const bool fresh = model.insert(n).second;
        if (fresh) {
            order.emplace_back(n, now);
            if (order.size() > 2000) {
                model.erase(order.front().first);
                order.pop_front();
            }
        }
        ASSERT_EQ(seen.insert(id(n), now), fresh) << "step " << step;
        ASSERT_EQ(seen.size(), order.size());
    }
}

// -- the source's own time ------------------------------------------------------------------------------------

TEST(ShaperTimeSpec, NumbersAreToldByTheirSize) {
    EXPECT_EQ(parse_source_time("1700000000", TimeUnit::Auto), 1'700'000'000'000'000);
    EXPECT_EQ(parse_source_time("1700000000123", TimeUnit::Auto), 1'700'000'000'123'000);
    EXPECT_EQ(parse_source_time("1700000000123456", TimeUnit::Auto), 1'700'000'000'123'456);
    EXPECT_EQ(parse_source_time("1700000000123456789", TimeUnit::Auto), 1'700'000'000'123'456);
}

TEST(ShaperTimeSpec, FractionsAreKeptExactly) {
    EXPECT_EQ(parse_source_time("1700000000.12", TimeUnit::Auto), 1'700'000'000'120'000);
    EXPECT_EQ(parse_source_time("1618678142.5575359", TimeUnit::Seconds), 1'618'678'142'557'535);
    EXPECT_EQ(parse_source_time("1700000000123.5", TimeUnit::Millis), 1'700'000'000'123'500);
    EXPECT_EQ(parse_source_time("1.7e9", TimeUnit::Auto), 1'700'000'000'000'000);
}

TEST(ShaperTimeSpec, HexadecimalSecondsAreRead) {
    EXPECT_EQ(parse_source_time("0x6553f100", TimeUnit::Auto), 1'700'000'000'000'000);
}

TEST(ShaperTimeSpec, CalendarsMayLackSecondsAndZone) {
    const WallTime noon = *parse_source_time("2026-11-25T12:00:00Z", TimeUnit::Auto);
    EXPECT_EQ(parse_source_time("2026-11-25T12:00", TimeUnit::Auto), noon);
    EXPECT_EQ(parse_source_time("2026-11-25T12:00:00", TimeUnit::Auto), noon);
    EXPECT_EQ(parse_source_time("2026-11-25 12:00:00", TimeUnit::Rfc3339), noon);
    EXPECT_EQ(parse_source_time("2026-11-25T13:00:00.5+01:00", TimeUnit::Auto), noon + 500'000);
}

TEST(ShaperTimeSpec, WhatIsNoTimeIsNone) {
    for (const char* text : {"", "soon", "-5", "0x", "12:00", "1.2.3", "99999999999999999999",
                             "nan", "2026-13-45T99:99"}) {
        EXPECT_EQ(parse_source_time(text, TimeUnit::Auto), std::nullopt) << text;
    }
    EXPECT_EQ(parse_source_time("2026-11-25T12:00:00Z", TimeUnit::Millis), std::nullopt);
}

}  // namespace
}  // namespace anode::source::spec
