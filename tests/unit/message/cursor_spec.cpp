#include "core/message/cursor.hpp"

#include "base/text.hpp"
#include "unit/message/support.hpp"

namespace anode {
namespace {

using test::log_of;
using test::random_bytes;

constexpr WallTime kNow = 1'767'225'600'123'456;

Cursor random_cursor(Rng& rng, std::size_t behind) {
    Cursor c{static_cast<std::uint32_t>(rng.next()),
             {rng.next()},
             static_cast<WallTime>(rng.next()),
             {}};
    for (std::size_t i = 0; i < behind; ++i)
        c.behind.push_back({log_of(static_cast<std::uint8_t>(rng.next()), rng.next()), rng.next()});
    return c;
}

TEST(CursorSpec, ReadsBackWhatItWrote) {
    Rng rng(1);
    for (int round = 0; round < 2000; ++round) {
        const Cursor cursor = random_cursor(rng, rng.below(11));
        const auto again = Cursor::parse(cursor.text());
        ASSERT_TRUE(again) << again.error().what;
        EXPECT_EQ(*again, cursor);
        EXPECT_LE(cursor.text().size(), Cursor::kBytesMax);
    }
}

TEST(CursorSpec, TheFastWayWritesTheSameText) {
    Rng rng(2);
    const Cursor cursor = random_cursor(rng, 0);
    std::string text = "x";
    Cursor::append_text(text, cursor.store, cursor.after, cursor.watermark);
    EXPECT_EQ(text, "x" + cursor.text());
    EXPECT_EQ(cursor.text().size(), Cursor::kPlainBytes);
}

TEST(CursorSpec, WithMoreAbsentLogsThanFitTheWatermarkGoesBackToWhereThoseLeftOutBegan) {
    constexpr std::uint64_t kMs = 1'700'000'000'000;
    Cursor cursor{1, {2}, kNow, {}};
    for (std::uint64_t i = 0; i < 40; ++i) cursor.behind.push_back({log_of(1, (kMs + i) << 16), 5});
    const auto again = Cursor::parse(cursor.text());
    ASSERT_TRUE(again);
    EXPECT_LE(cursor.text().size(), Cursor::kBytesMax);
    EXPECT_EQ(again->after, cursor.after);
    ASSERT_EQ(again->behind.size(), 10u);
    EXPECT_EQ(again->watermark, static_cast<WallTime>((kMs + 10) * 1000));
    for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(again->behind[i], cursor.behind[i]);
}

TEST(CursorSpec, NoticesEveryChangedCharacterAndEveryCut) {
    Rng rng(3);
    const std::string text = random_cursor(rng, 1).text();
    for (std::size_t i = 0; i < text.size(); ++i) {
        for (const char c : {'A', 'b', '0', '-', '_', '=', '.', '\0', '\xff'}) {
            std::string changed = text;
            changed[i] = c;
            if (changed != text) EXPECT_FALSE(Cursor::parse(changed)) << i << c;
        }
        EXPECT_FALSE(Cursor::parse(text.substr(0, i)));
    }
    EXPECT_FALSE(Cursor::parse(text + "AAAA"));
    EXPECT_FALSE(Cursor::parse("c2" + text.substr(2)));
    EXPECT_FALSE(Cursor::parse(std::string(600, 'A')));
}

TEST(CursorSpec, HostileTextNeverCrashes) {
    Rng rng(4);
    for (int round = 0; round < 20'000; ++round) {
        EXPECT_FALSE(Cursor::parse(random_bytes(rng, 80)));
        EXPECT_FALSE(Cursor::parse("c1." + text::base64url(random_bytes(rng, 120))));
    }
}

TEST(StartSpec, TakesWords) {
    EXPECT_EQ(parse_start("live", kNow)->at, StartAt::At::Live);
    EXPECT_EQ(parse_start("last", kNow)->at, StartAt::At::Last);
    EXPECT_EQ(parse_start("earliest", kNow)->at, StartAt::At::Earliest);
}

TEST(StartSpec, TakesACursor) {
    const Cursor cursor{7, {8}, 9, {}};
    const auto start = parse_start(cursor.text(), kNow);
    ASSERT_TRUE(start);
    EXPECT_EQ(start->at, StartAt::At::Cursor);
    EXPECT_EQ(start->cursor, cursor);
}

TEST(StartSpec, TakesTimesInThreeForms) {
    constexpr WallTime kMinute = 60'000'000;
    EXPECT_EQ(parse_start("-15m", kNow)->time, kNow - 15 * kMinute);
    EXPECT_EQ(parse_start("-15m", kNow)->at, StartAt::At::Time);
    EXPECT_EQ(parse_time("-2h", kNow), kNow - 120 * kMinute);
    EXPECT_EQ(parse_time("-250ms", kNow), kNow - 250'000);
    EXPECT_EQ(parse_time("1767225600123456", kNow), kNow);
    EXPECT_EQ(parse_time("2026-01-01T00:00:00.123456Z", 0), kNow);
    EXPECT_EQ(parse_time("2026-01-01T02:00:00.123456+02:00", 0), kNow);
}

TEST(StartSpec, RefusesTheRestWithWords) {
    for (const char* text :
         {"", "now", "Live", "15m", "-", "-15", "--15m", "-15x", "99999999999999999999", "1.5",
          "2026-13-01T00:00:00Z", "2026-01-01", "c1.", "c1.AAECAwQ", "-99999999999d"}) {
        const auto start = parse_start(text, kNow);
        ASSERT_FALSE(start) << text;
        EXPECT_EQ(start.error().code, Errc::Malformed);
        EXPECT_FALSE(start.error().what.empty());
    }
    EXPECT_FALSE(parse_time("live", kNow));
    EXPECT_FALSE(parse_time(Cursor{}.text(), kNow));
}

}  // namespace
}  // namespace anode
