#include <gmock/gmock.h>

#include "support.hpp"

namespace anode::store_spec {
namespace {

using ::testing::ElementsAre;

/// Messages that came from two nodes alike: kept in the log, shown once.
class HiddenSpec : public StoreSpec {
protected:
    /// As a block of another node comes in: decoded, then placed.
    void stores_hiding(const std::vector<Message>& messages, std::vector<std::uint32_t> hidden) {
        const BlockPtr made = source.block(messages);
        const Bytes wire = encode_block(*made);
        BlockPtr block = *decode_block(made->log(), wire, Arrival{});
        place_block(block, made->first_arrival(),
                    {.flags = flag::kLate, .hidden = std::move(hidden)});
        const auto done = commits({.blocks = {block}, .wires = {}, .records = {}});
        ASSERT_TRUE(done) << done.error().what;
    }
};

TEST_F(HiddenSpec, AreFoundByNoQueryNeitherBeforeNorAfterAStart) {
    stores({{"a", "first", "k"}});
    stores_hiding({{"a", "again", "k"}, {"a", "new", "m"}}, {0});
    for (int start = 0; start < 2; ++start) {
        EXPECT_THAT(reads("a"), ElementsAre("first", "new"));
        EXPECT_THAT(reads(">"), ElementsAre("first", "new"));
        EXPECT_THAT(reads("a", Order::Descending), ElementsAre("new", "first"));
        EXPECT_THAT(payloads(*store->last(patterns("a"), 10)), ElementsAre("first", "new"));
        EXPECT_EQ(store->topic("a")->messages, 2u);
        reopens();
    }
    EXPECT_EQ(store->log_blocks(source.block({{"x", "1"}})->log(), 1, 3, 1 << 20)->size(), 2u)
        << "neighbours get the block as it is";
}

TEST_F(HiddenSpec, ABlockThatHidesAllIsNoMessageOfItsTopic) {
    stores_hiding({{"b", "again"}}, {0});
    EXPECT_FALSE(store->topic("b"));
    reopens();
    EXPECT_FALSE(store->topic("b"));
}

TEST_F(HiddenSpec, EveryEntryOfALateBlockSaysSo) {
    const BlockPtr made = source.block({{"a", "1"}});
    BlockPtr block = *decode_block(made->log(), encode_block(*made), Arrival{});
    EXPECT_EQ(block->entry(0).flags, 0);
    place_block(block, Arrival{77}, {.flags = flag::kLate, .hidden = {}});
    EXPECT_EQ(block->entry(0).flags, flag::kLate);
    EXPECT_EQ(block->entry(0).arrival, Arrival{77});
}

}  // namespace
}  // namespace anode::store_spec
