#include "core/mesh/block_cache.hpp"

#include <gtest/gtest.h>

namespace anode::mesh {
namespace {

WireBlock block(Seq first, std::uint32_t count, std::size_t bytes) {
    return {first, count, Hlc{first}, Hlc{first}, std::make_shared<const Bytes>(bytes, 'x')};
}
LogKey log_of(Lane lane) { return LogKey{{}, {1}, lane}; }

TEST(BlockCache, FindsTheBlockThatHoldsASequence) {
    BlockCache cache(1000);
    cache.add(log_of(1), block(1, 10, 50));
    cache.add(log_of(1), block(11, 5, 50));
    ASSERT_NE(cache.find(log_of(1), 7), nullptr);
    EXPECT_EQ(cache.find(log_of(1), 7)->first, 1u);
    EXPECT_EQ(cache.find(log_of(1), 15)->first, 11u);
    EXPECT_EQ(cache.find(log_of(1), 16), nullptr);
    EXPECT_EQ(cache.find(log_of(0), 7), nullptr);
    EXPECT_EQ(cache.contiguous_from(log_of(1)), 1u);
}

TEST(BlockCache, TheOldestGoesFirstAndTheNewestStays) {
    BlockCache cache(120);
    cache.add(log_of(1), block(1, 1, 50));
    cache.add(log_of(0), block(1, 1, 50));
    cache.add(log_of(1), block(2, 1, 50));
    EXPECT_EQ(cache.find(log_of(1), 1), nullptr);
    EXPECT_NE(cache.find(log_of(0), 1), nullptr);
    EXPECT_EQ(cache.bytes(), 100u);
    EXPECT_EQ(cache.evicted(), 1u);
    cache.add(log_of(1), block(3, 1, 5000));
    EXPECT_NE(cache.find(log_of(1), 3), nullptr);
    EXPECT_EQ(cache.contiguous_from(log_of(1)), 3u);
}

TEST(BlockCache, AHoleEndsTheContiguousRun) {
    BlockCache cache(1000);
    cache.add(log_of(1), block(1, 2, 10));
    cache.add(log_of(1), block(5, 2, 10));
    cache.add(log_of(1), block(7, 2, 10));
    EXPECT_EQ(cache.contiguous_from(log_of(1)), 5u);
    cache.forget(log_of(1));
    EXPECT_EQ(cache.bytes(), 0u);
    EXPECT_EQ(cache.contiguous_from(log_of(1)), std::nullopt);
}

}  // namespace
}  // namespace anode::mesh
