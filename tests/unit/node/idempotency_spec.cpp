#include "core/node/idempotency.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "base/varint.hpp"

namespace anode {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr WallTime kNoon = 1'700'000'000'000'000;
constexpr WallTime kMinute = 60'000'000;

Idempotency::Known known(WallTime at, std::uint64_t body = 1) {
    return {{body, body}, at, {{1, 2}, {3, 4}}};
}

TEST(IdempotencySpec, AKeyIsKnownForTenMinutes) {
    Idempotency window;
    window.remember("k", known(kNoon));
    ASSERT_NE(window.find("k", kNoon), nullptr);
    EXPECT_THAT(window.find("k", kNoon)->ids, SizeIs(2));
    EXPECT_NE(window.find("k", kNoon + 10 * kMinute), nullptr);
    EXPECT_EQ(window.find("k", kNoon + 10 * kMinute + 1), nullptr) << "even before it is expired";
    EXPECT_EQ(window.find("other", kNoon), nullptr);
}

TEST(IdempotencySpec, AKeyBelongsToItsTopic) {
    EXPECT_NE(Idempotency::name("a", "b"), Idempotency::name("b", "a"));
    EXPECT_NE(Idempotency::name("a.b", "c"), Idempotency::name("a", ".bc"));
}

TEST(IdempotencySpec, ExpiryNamesWhatIsGone) {
    Idempotency window;
    window.remember("old", known(kNoon));
    window.remember("new", known(kNoon + 5 * kMinute));
    EXPECT_THAT(window.expire(kNoon + 10 * kMinute), IsEmpty());
    EXPECT_THAT(window.expire(kNoon + 11 * kMinute), ElementsAre("old"));
    EXPECT_EQ(window.size(), 1U);
}

TEST(IdempotencySpec, AKeyThatIsUsedAgainLivesOn) {
    Idempotency window;
    window.remember("k", known(kNoon, 1));
    window.remember("k", known(kNoon + 9 * kMinute, 2));
    EXPECT_THAT(window.expire(kNoon + 11 * kMinute), IsEmpty());
    ASSERT_NE(window.find("k", kNoon + 11 * kMinute), nullptr);
    EXPECT_EQ(window.find("k", kNoon + 11 * kMinute)->body.low, 2U);
    EXPECT_THAT(window.expire(kNoon + 20 * kMinute), ElementsAre("k"));
}

TEST(IdempotencySpec, TooManyKeysPushTheOldestOut) {
    Idempotency window(2);
    for (const char* name : {"a", "b", "c", "d"}) window.remember(name, known(kNoon));
    EXPECT_THAT(window.expire(kNoon), ElementsAre("a", "b"));
    EXPECT_EQ(window.size(), 2U);
}

TEST(IdempotencySpec, AForgottenKeyIsFree) {
    Idempotency window;
    window.remember("k", known(kNoon));
    window.forget("k");
    window.forget("k");
    EXPECT_EQ(window.find("k", kNoon), nullptr);
    EXPECT_THAT(window.expire(kNoon + 20 * kMinute), IsEmpty());
}

TEST(IdempotencySpec, ARecordReadsBackAsItWas) {
    const auto before = known(kNoon, 0xdeadbeef);
    const auto after = Idempotency::decode(Idempotency::encode(before));
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(after->body, before.body);
    EXPECT_EQ(after->at, before.at);
    EXPECT_EQ(after->ids, before.ids);
}

TEST(IdempotencySpec, EveryCutOfARecordIsCorrupt) {
    const Bytes whole = Idempotency::encode(known(kNoon));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto read = Idempotency::decode(BytesView(whole).substr(0, length));
        ASSERT_FALSE(read.has_value()) << length;
        EXPECT_EQ(read.error().code, Errc::Corrupt);
    }
    EXPECT_FALSE(Idempotency::decode(whole + "x").has_value()) << "nor may anything follow";
}

TEST(IdempotencySpec, ACountThatCannotBeIsCorruptAndReservesNothing) {
    Bytes record = Idempotency::encode({{1, 1}, kNoon, {}});
    record.pop_back();
    put_varint(record, ~std::uint64_t{0});
    EXPECT_FALSE(Idempotency::decode(record).has_value());
}

TEST(IdempotencySpec, ATimeThatCannotBeIsCorrupt) {
    for (const WallTime at :
         {WallTime{-1}, std::numeric_limits<WallTime>::max(), std::numeric_limits<WallTime>::min()})
        EXPECT_FALSE(Idempotency::decode(Idempotency::encode(known(at))).has_value()) << at;
}

TEST(IdempotencySpec, AnyBytesAreReadOrRefused) {
    Rng rng(3);
    for (int round = 0; round < 20'000; ++round) {
        Bytes bytes(rng.below(80), '\0');
        for (char& byte : bytes) byte = static_cast<char>(rng.below(256));
        if (const auto read = Idempotency::decode(bytes)) {
            Idempotency window;
            window.remember("k", *read);
            (void)window.find("k", kNoon);
            (void)window.expire(kNoon);
        }
    }
}

}  // namespace
}  // namespace anode
