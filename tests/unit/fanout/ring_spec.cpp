#include "core/fanout/ring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/rng.hpp"
#include "core/fanout/tail.hpp"

namespace anode::fanout {
namespace {

std::string read_all(const Ring& ring, std::uint64_t from) {
    std::array<BytesView, 64> slices;
    std::string out;
    const std::size_t count = ring.slices(from, slices);
    for (std::size_t i = 0; i < count; ++i) out += slices[i];
    return out;
}

TEST(Ring, GivesEveryReaderTheBytesFromItsOffset) {
    Ring ring;
    ring.append("one", {1});
    const std::uint64_t between = ring.head();
    ring.append("two", {2});
    EXPECT_EQ(read_all(ring, 0), "onetwo");
    EXPECT_EQ(read_all(ring, between), "two");
    EXPECT_EQ(read_all(ring, ring.head()), "");
}

TEST(Ring, KnowsTheFrameAndTheMessagesAtAnOffset) {
    Ring ring;
    ring.append("aaaa", {10});
    ring.append("bbbb", {20}, 3);
    EXPECT_EQ(ring.frame_end(1), 4U);
    EXPECT_EQ(ring.frame_end(4), 4U) << "an edge lies in no frame";
    EXPECT_EQ(ring.messages_at(3), 0U);
    EXPECT_EQ(ring.messages_at(4), 1U);
    EXPECT_EQ(ring.messages_at(8), 4U);
    EXPECT_EQ(ring.mark_at(7).arrival, Arrival{10});
}

TEST(Ring, LetsGoOfWhatEverybodyHasPassedAndRemembersWhereThatWas) {
    Ring ring;
    for (std::uint64_t n = 1; n <= 1000; ++n) ring.append(std::string(1000, 'x'), {n});
    ring.release(500'000);
    EXPECT_LT(ring.held_bytes(), 700'000U);
    EXPECT_EQ(ring.messages_at(500'000), 500U);
    ring.release(ring.head());
    EXPECT_EQ(ring.mark_at(ring.head()).arrival, Arrival{1000});
    EXPECT_EQ(ring.messages_at(ring.head()), 1000U);
    EXPECT_LE(ring.held_bytes(), std::size_t{64} << 10);
}

TEST(Ring, FindsTheEdgeFromWhichLittleEnoughIsLeft) {
    Ring ring;
    for (std::uint64_t n = 1; n <= 100; ++n) ring.append(std::string(10, 'x'), {n});
    EXPECT_EQ(ring.edge_with_left(95, 1000), 910U);
    EXPECT_EQ(ring.edge_with_left(10'000, 4), 960U);
    EXPECT_EQ(ring.edge_with_left(10'000, 1000), 0U);
}

TEST(Ring, AnyMixOfFramesReadsAndReleasesGivesBackTheSameBytes) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Rng rng(seed);
        Ring ring;
        std::string written, read;
        for (std::uint64_t n = 1; n <= 500; ++n) {
            const std::string frame(rng.below(rng.chance(0.02) ? 200'000 : 300) + 1,
                                    static_cast<char>('a' + n % 26));
            ring.append(frame, {n});
            written += frame;
            if (!rng.chance(0.3)) continue;
            std::string piece = read_all(ring, read.size());
            piece.resize(rng.below(piece.size() + 1));
            read += piece;
            ring.release(read.size());
        }
        for (std::string piece; !(piece = read_all(ring, read.size())).empty();) read += piece;
        ASSERT_EQ(read, written) << "seed " << seed;
    }
}

BlockPtr block_of(std::uint64_t first, int count) {
    BlockBuilder builder;
    for (int i = 0; i < count; ++i) {
        Draft draft;
        draft.topic = "a.b";
        draft.payload = "1";
        builder.add({(first + static_cast<std::uint64_t>(i)) << 16}, draft);
    }
    return builder.seal({}, first, {first});
}

TEST(Tail, WalksWhatArrivedBehindAPosition) {
    Tail tail({0});
    tail.push(block_of(1, 3));
    tail.push(block_of(4, 3));
    std::vector<std::uint64_t> seen;
    tail.walk({2}, [&](const Block& block, std::uint32_t index) {
        seen.push_back(block.first_arrival().value + index);
        return seen.size() < 3;
    });
    EXPECT_THAT(seen, ::testing::ElementsAre(3, 4, 5));
}

TEST(Tail, KeepsWhatIsNotCommittedUntilItHasToLetGo) {
    Tail tail({0});
    for (std::uint64_t n = 0; n < 10; ++n) tail.push(block_of(1 + 10 * n, 10));
    tail.trim({50}, 0, 1 << 20);
    EXPECT_EQ(tail.after(), Arrival{50});
    tail.trim({50}, 0, 0);
    EXPECT_EQ(tail.after(), Arrival{100});
    EXPECT_EQ(tail.head(), Arrival{100});
}

}  // namespace
}  // namespace anode::fanout
