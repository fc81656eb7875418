#include <gmock/gmock.h>

#include "support.hpp"

namespace anode::store_spec {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

WallTime today() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// The store as neighbours ask for it: by log and sequence.
class LogsSpec : public StoreSpec {
protected:
    static LogKey log() { return {.node = {{1, 2, 3}}, .epoch = {7}, .lane = kDataLane}; }
    std::vector<std::pair<Seq, Seq>> reads_log(Seq from, Seq to, std::size_t bytes_max = 1 << 20) {
        const auto blocks = store->log_blocks(log(), from, to, bytes_max);
        EXPECT_TRUE(blocks) << blocks.error().what;
        std::vector<std::pair<Seq, Seq>> ranges;
        for (const LogBlock& block : *blocks) {
            EXPECT_TRUE(decode_block(log(), block.wire, Arrival{1}));
            ranges.emplace_back(block.first, block.first + block.count - 1);
        }
        return ranges;
    }
    /// Blocks of the same log that lie elsewhere in it: as repair brings them.
    void stores_from(Seq first, std::uint32_t count, std::string_view topic = "a") {
        BlockBuilder builder;
        for (std::uint32_t i = 0; i < count; ++i) {
            Draft draft;
            draft.topic = topic;
            draft.payload = "1";
            builder.add(Hlc::at(source.now() + i), draft);
        }
        const BlockPtr block = builder.seal(log(), first, next_);
        next_ = next_.plus(count);
        const auto done = commits({.blocks = {block}, .records = {}});
        ASSERT_TRUE(done) << done.error().what;
    }
    void SetUp() override {
        StoreSpec::SetUp();
        next_ = store->first_free();
    }
    void reopens_log() {
        reopens();
        next_ = store->first_free();
    }
    Arrival next_;
};

TEST_F(LogsSpec, AnEmptyStoreKnowsNoLog) {
    EXPECT_THAT(store->logs(), IsEmpty());
    EXPECT_THAT(reads_log(1, 100), IsEmpty());
}

TEST_F(LogsSpec, BlocksAreFoundBySequenceInTheOpenSegmentAndAfterAStart) {
    stores_from(1, 3);
    stores_from(4, 2);
    for (int start = 0; start < 2; ++start) {
        EXPECT_THAT(reads_log(1, 5), ElementsAre(Pair(1, 3), Pair(4, 5)));
        EXPECT_THAT(reads_log(2, 3), ElementsAre(Pair(1, 3)));
        EXPECT_THAT(reads_log(5, 99), ElementsAre(Pair(4, 5)));
        EXPECT_THAT(reads_log(6, 99), IsEmpty());
        const auto logs = store->logs();
        ASSERT_EQ(logs.size(), 1u);
        EXPECT_EQ(logs[0].log, log());
        EXPECT_THAT(logs[0].had, ElementsAre(Pair(1, 5)));
        EXPECT_EQ(logs[0].lowest, 1u);
        reopens_log();
    }
}

TEST_F(LogsSpec, RunsOfClosedSegmentsAndRepairedHolesComeInOrderOfSequence) {
    for (Seq seq = 1; seq <= 600; ++seq) stores_from(seq, 1);    // closes a segment
    for (Seq seq = 701; seq <= 710; ++seq) stores_from(seq, 1);  // a hole is left …
    for (int start = 0; start < 2; ++start) {
        EXPECT_THAT(store->logs()[0].had, ElementsAre(Pair(1, 600), Pair(701, 710)));
        reopens_log();
    }
    for (Seq seq = 601; seq <= 1300; ++seq)  // … and filled, over a further segment
        if (seq < 701 || seq > 710) stores_from(seq, 1);
    EXPECT_THAT(store->logs()[0].had, ElementsAre(Pair(1, 1300)));
    const auto all = reads_log(1, 1300);
    ASSERT_EQ(all.size(), 1300u);
    for (Seq seq = 1; seq <= 1300; ++seq) ASSERT_EQ(all[seq - 1].first, seq);
    EXPECT_LT(reads_log(1, 1300, 1000).size(), 30u) << "about as many bytes as asked for";
    reopens_log();
    EXPECT_EQ(reads_log(590, 720).size(), 131u);
}

TEST_F(LogsSpec, WhatRetentionTookCountsAsHadAndIsNotServed) {
    const WallTime now = today();
    source.now_is(now - 3 * kHour);
    stores_from(1, 3);
    store->set_retention({{.name = "r", .topics = patterns("a"), .age = 2h, .bytes = {}}});
    store->apply_retention(now);
    source.now_is(now);
    stores_from(4, 2);
    for (int start = 0; start < 2; ++start) {
        const auto logs = store->logs();
        ASSERT_EQ(logs.size(), 1u);
        EXPECT_THAT(logs[0].had, ElementsAre(Pair(1, 5)));
        EXPECT_EQ(logs[0].lowest, 4u);
        EXPECT_THAT(reads_log(1, 5), ElementsAre(Pair(4, 5)));
        reopens_log();
        store->set_retention({{.name = "r", .topics = patterns("a"), .age = 2h, .bytes = {}}});
    }
    ASSERT_TRUE(store->forget_log(log()));
    EXPECT_THAT(store->logs(), IsEmpty());
    EXPECT_THAT(payloads(finds({.topics = patterns("a")})).size(), 2u) << "its messages stay";
}

TEST_F(LogsSpec, ABlockThatComesEncodedIsStoredAsItCame) {
    BlockBuilder builder;
    Draft draft;
    draft.topic = "a";
    draft.payload = std::string(2000, '7');
    builder.add(Hlc::at(kNoon), draft);
    const BlockPtr block = builder.seal(log(), 1, next_);
    const auto wire = std::make_shared<const Bytes>(encode_block(*block, BlockCodec::Lz4));
    ASSERT_NE(*wire, encode_block(*block));
    ASSERT_TRUE(commits(
        {.blocks = {block}, .wires = {std::make_shared<const BlockWire>(wire)}, .records = {}}));
    const auto blocks = store->log_blocks(log(), 1, 1, 1 << 20);
    ASSERT_TRUE(blocks);
    ASSERT_EQ(blocks->size(), 1u);
    EXPECT_EQ(blocks->front().wire, *wire);
}

}  // namespace
}  // namespace anode::store_spec
