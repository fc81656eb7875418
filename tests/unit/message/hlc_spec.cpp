#include "core/message/hlc.hpp"

#include "core/message/message.hpp"
#include "unit/message/support.hpp"

namespace anode {
namespace {

constexpr WallTime kNow = 1'767'225'600'123'456;

TEST(HlcSpec, KeepsTheMicrosecond) {
    EXPECT_EQ(Hlc::at(kNow).micros(), kNow);
    EXPECT_EQ(Hlc::at(kNow).millis(), static_cast<std::uint64_t>(kNow / 1000));
}

TEST(HlcSpec, RisesWhateverTheWallClockDoes) {
    Rng rng(1);
    HlcClock clock;
    Hlc last;
    for (int i = 0; i < 100'000; ++i) {
        const Hlc now = clock.tick(kNow + rng.between(-5000, 5000));
        ASSERT_GT(now, last);
        ASSERT_GE(now.micros(), last.micros());
        last = now;
    }
}

TEST(HlcSpec, GoesOnFromAPeersStampUnlessItIsTooFarAhead) {
    HlcClock clock;
    EXPECT_TRUE(clock.observe(Hlc::at(kNow + 1'000'000), kNow));
    EXPECT_GT(clock.tick(kNow), Hlc::at(kNow + 1'000'000));
    EXPECT_FALSE(clock.observe(Hlc::at(kNow + 60'000'000), kNow));
    EXPECT_LT(clock.tick(kNow), Hlc::at(kNow + 2'000'000));
}

TEST(KindSpec, HasNamesBothWays) {
    for (const Kind kind : {Kind::Set, Kind::Delete, Kind::Retract, Kind::Snapshot})
        EXPECT_EQ(parse_kind(name(kind)), kind);
    EXPECT_FALSE(parse_kind("Set"));
    EXPECT_FALSE(parse_kind(""));
}

}  // namespace
}  // namespace anode
