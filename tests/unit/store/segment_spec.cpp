#include "store/rocksdb/segment.hpp"

#include <gmock/gmock.h>

#include "base/rng.hpp"
#include "store/rocksdb/block_cache.hpp"
#include "store/rocksdb/reader.hpp"
#include "support.hpp"

namespace anode::rocks {
namespace {

using store_spec::BlockSource;

BlockList some_blocks(Rng& rng) {
    BlockList blocks;
    Arrival next{rng.next() >> 20};
    for (std::uint64_t n = rng.below(50); n > 0; --n) {
        BlockMeta block;
        block.first = next.plus(rng.below(3));
        block.count = static_cast<std::uint32_t>(1 + rng.below(5000));
        block.min_hlc = rng.next() >> 1;  // not rising: origins differ
        block.max_hlc = block.min_hlc + rng.below(1 << 30);
        block.stored_bytes = rng.below(100'000);
        block.payload_bytes = rng.below(100'000);
        next = block.last().plus(1);
        blocks.push_back(block);
    }
    return blocks;
}

TEST(SegmentRows, BlockListsComeBackAsTheyWere) {
    Rng rng(1);
    for (int round = 0; round < 200; ++round) {
        const BlockList blocks = some_blocks(rng);
        const auto again = decode_block_list(encode_block_list(blocks));
        ASSERT_TRUE(again);
        ASSERT_EQ(again->size(), blocks.size());
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            EXPECT_EQ((*again)[i].first, blocks[i].first);
            EXPECT_EQ((*again)[i].count, blocks[i].count);
            EXPECT_EQ((*again)[i].min_hlc, blocks[i].min_hlc);
            EXPECT_EQ((*again)[i].max_hlc, blocks[i].max_hlc);
            EXPECT_EQ((*again)[i].stored_bytes, blocks[i].stored_bytes);
            EXPECT_EQ((*again)[i].payload_bytes, blocks[i].payload_bytes);
        }
    }
}

TEST(SegmentRows, PostingsComeBackAsTheyWere) {
    Rng rng(2);
    for (int round = 0; round < 200; ++round) {
        Postings postings;
        std::uint32_t place = 0;
        for (std::uint64_t n = rng.below(300); n > 0; --n) {
            postings.push_back(place += static_cast<std::uint32_t>(1 + rng.below(500)));
        }
        EXPECT_EQ(decode_postings(encode_postings(postings)), postings);
    }
}

TEST(SegmentRows, TopicListsAndHeadsComeBackAsTheyWere) {
    const std::vector<SegmentTopic> topics = {
        {.topic = 3, .counts = {7, 100, 2000, 3000, {900}}},
        {.topic = 70'000, .counts = {1, 0, -5, -5, {12}}},
    };
    const auto again = decode_topic_list(encode_topic_list(topics));
    ASSERT_TRUE(again);
    ASSERT_EQ(again->size(), 2U);
    EXPECT_EQ((*again)[1].topic, 70'000U);
    EXPECT_EQ((*again)[1].counts.first_ts, -5);
    EXPECT_EQ((*again)[1].counts.last_arrival, Arrival{12});
    SegmentHead head;
    head.first = {5};
    head.last = {600};
    head.blocks = 12;
    head.min_hlc = 77;
    head.max_hlc = 99;
    const auto head_again = SegmentHead::decoded(head.encoded());
    ASSERT_TRUE(head_again);
    EXPECT_EQ(head_again->last, head.last);
    EXPECT_EQ(head_again->max_hlc, 99U);
}

TEST(SegmentRows, DamagedRowsAreErrorsAndNeverCrash) {
    Rng rng(3);
    for (int round = 0; round < 2000; ++round) {
        Bytes row = encode_block_list(some_blocks(rng));
        if (rng.chance(0.5)) row.resize(rng.below(row.size() + 1));
        for (std::uint64_t n = rng.below(4); n > 0 && !row.empty(); --n) {
            row[rng.below(row.size())] = static_cast<char>(rng.next());
        }
        const auto blocks = decode_block_list(row);
        const auto topics = decode_topic_list(row);
        const auto postings = decode_postings(row);
        const auto head = SegmentHead::decoded(row);
        for (const auto code : {blocks ? Errc::Corrupt : blocks.error().code,
                                topics ? Errc::Corrupt : topics.error().code,
                                postings ? Errc::Corrupt : postings.error().code,
                                head ? Errc::Corrupt : head.error().code}) {
            EXPECT_EQ(code, Errc::Corrupt);
        }
    }
}

TEST(StoredBlocks, ABlockComesBackAndABrokenOneDoesNot) {
    BlockSource source;
    source.starts_at({1000}, store_spec::kNoon);
    const BlockPtr block = source.block({{"a", "1"}, {"b", std::string(2000, 'x')}});
    Bytes value;
    block->log().append_to(value);
    value += encode_block(*block);
    const auto again = from_stored(value, {1000});
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->body(), block->body());
    EXPECT_EQ((*again)->log(), block->log());
    for (std::size_t i = 0; i < value.size(); ++i) {
        value[i] = static_cast<char>(~value[i]);
        const auto broken = from_stored(value, {1000});
        EXPECT_FALSE(broken && (*broken)->body() == block->body() &&
                     (*broken)->log() == block->log())
            << "byte " << i;
        value[i] = static_cast<char>(~value[i]);
    }
}

TEST(BlockCacheSpec, ItStaysBelowItsLimitAndForgetsTheOldest) {
    BlockSource source;
    source.starts_at({1}, store_spec::kNoon);
    BlockCache cache(20'000);
    std::vector<BlockPtr> blocks;
    for (int i = 0; i < 20; ++i) {
        blocks.push_back(source.block({{"a", std::string(3000, 'x')}}));
        cache.insert(blocks.back());
        EXPECT_NE(cache.find(blocks.front()->first_arrival()), nullptr) << "used, so it stays";
    }
    EXPECT_NE(cache.find(blocks.front()->first_arrival()), nullptr);
    EXPECT_NE(cache.find(blocks.back()->first_arrival()), nullptr);
    EXPECT_EQ(cache.find(blocks[5]->first_arrival()), nullptr);
    cache.forget(blocks.back()->first_arrival());
    EXPECT_EQ(cache.find(blocks.back()->first_arrival()), nullptr);
}

}  // namespace
}  // namespace anode::rocks
