#include "core/membership/notices.hpp"

#include "unit/membership/node/desk.hpp"

/// What an operator reads about input that was thrown away.
namespace anode::membership::spec {
namespace {

struct NoticesSpec : testing::Test {
    bool told(Drop reason, Address from, bool stream = false) {
        return notices.due(sentence(reason), from, stream, now);
    }
    Notices notices;
    Instant now{1h};
};

TEST_F(NoticesSpec, AReasonIsToldOncePerSource) {
    EXPECT_TRUE(told(Drop::Key, kBob));
    EXPECT_FALSE(told(Drop::Key, kBob));
    EXPECT_TRUE(told(Drop::Label, kBob));
    EXPECT_TRUE(told(Drop::Key, kCarol));
}

TEST_F(NoticesSpec, AfterTenMinutesItIsToldAgain) {
    EXPECT_TRUE(told(Drop::Key, kBob));
    now += 9min;
    EXPECT_FALSE(told(Drop::Key, kBob));
    now += 1min;
    EXPECT_TRUE(told(Drop::Key, kBob));
}

TEST_F(NoticesSpec, TheChangingPortsOfStreamsAreOneSource) {
    EXPECT_TRUE(told(Drop::Label, Address::v4(10, 0, 0, 2, 40'001), true));
    EXPECT_FALSE(told(Drop::Label, Address::v4(10, 0, 0, 2, 40'002), true));
}

TEST_F(NoticesSpec, BothFormsOfAnIPv4AddressAreOneSource) {
    Bytes mapped(10, '\0');
    mapped += "\xFF\xFF";
    mapped.append(kBob.ip_bytes());
    EXPECT_TRUE(told(Drop::Label, kBob));
    EXPECT_FALSE(told(Drop::Label, Address::from(mapped, kBob.port)));
}

TEST_F(NoticesSpec, AFloodOfForgedSourcesIsToldAFewTimesAndRemembersABoundedNumber) {
    std::size_t told_times = 0;
    for (unsigned i = 0; i < 100'000; ++i) {
        now += 1ms;
        const auto high = static_cast<std::uint8_t>(i >> 8);
        told_times += told(Drop::Key, Address::v4(11, static_cast<std::uint8_t>(i >> 16), high,
                                                  static_cast<std::uint8_t>(i), 1))
                          ? 1
                          : 0;
    }
    EXPECT_LE(told_times, 64u + 100u);
    EXPECT_LE(notices.remembered(), Notices::kRememberedMax);
}

TEST_F(NoticesSpec, TheOneToldLeastRecentlyIsForgottenFirst) {
    EXPECT_TRUE(told(Drop::Key, kBob));
    for (unsigned i = 0; i < Notices::kRememberedMax; ++i) {
        now += 500ms;  // two a second: every other one is told
        told(Drop::Key, Address::v4(11, 0, static_cast<std::uint8_t>(i >> 8),
                                    static_cast<std::uint8_t>(i), 1));
    }
    EXPECT_FALSE(told(Drop::Key, kBob)) << "it was among the 1,024 that are remembered";
    for (unsigned i = 0; i < Notices::kRememberedMax; ++i) {
        now += 400us;
        told(Drop::Crc, Address::v4(12, 0, static_cast<std::uint8_t>(i >> 8),
                                    static_cast<std::uint8_t>(i), 1));
    }
    EXPECT_LE(notices.remembered(), Notices::kRememberedMax);
}

TEST(Drops, OnlyTheWorthReadingMakeANoticeAndAllAreCounted) {
    Desk desk;
    desk.shared.now = Instant{1h};
    desk.shared.drop(Drop::Stale, kBob, {}, false);
    desk.shared.drop(Drop::Key, kBob, "no key fits", false);
    desk.shared.drop(Drop::Key, kBob, "no key fits", false);
    EXPECT_EQ(desk.shared.counters.dropped[static_cast<std::size_t>(Drop::Stale)], 1u);
    EXPECT_EQ(desk.shared.counters.dropped[static_cast<std::size_t>(Drop::Key)], 2u);
    EXPECT_EQ(desk.shared.counters.decrypt_errors, 2u);
    const auto notices = desk.outputs<Notice>();
    ASSERT_EQ(notices.size(), 1u);
    EXPECT_EQ(notices[0].address, kBob);
    EXPECT_EQ(notices[0].detail, "no key fits");
}

TEST(Drops, WhatIsShownOfForeignBytesIsShortAndPrintable) {
    Desk desk;
    desk.shared.drop(Drop::Label, kBob, Bytes(500, '\x1b'), false);
    desk.shared.drop(Drop::Label, kCarol, Bytes(500, '\xFE'), false);
    for (const Notice& notice : desk.outputs<Notice>()) {
        EXPECT_LE(notice.detail.size(), 600u);
        EXPECT_THAT(notice.detail, testing::Not(testing::HasSubstr("\x1b")));
    }
}

}  // namespace
}  // namespace anode::membership::spec
