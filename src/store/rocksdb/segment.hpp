#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/rocksdb/summary.hpp"
#include "store/rocksdb/topics.hpp"

/// A segment: some hundred consecutive blocks, indexed together. The open one is indexed in memory
/// and built again from its blocks after a crash; when it closes, its index is written at once.
namespace anode::rocks {

inline constexpr std::size_t kSegmentBlocksMax = 512;
inline constexpr std::uint64_t kSegmentPayloadBytesMax = 32ull << 20;

/// What is known of a block without reading it.
struct BlockMeta {
    Arrival first;
    std::uint32_t count = 0;
    std::uint64_t min_hlc = 0, max_hlc = 0;
    std::uint64_t stored_bytes = 0;  ///< 0: removed by retention, its place is kept
    std::uint64_t payload_bytes = 0;

    [[nodiscard]] Arrival last() const noexcept { return first.plus(count - 1); }
    [[nodiscard]] bool removed() const noexcept { return stored_bytes == 0; }
    [[nodiscard]] WallTime min_ts() const noexcept { return Hlc{min_hlc}.micros(); }
    [[nodiscard]] WallTime max_ts() const noexcept { return Hlc{max_hlc}.micros(); }
};
using BlockList = std::vector<BlockMeta>;
Bytes encode_block_list(const BlockList& blocks);
Result<BlockList> decode_block_list(BytesView bytes);

/// What one segment holds of one topic.
struct SegmentTopic {
    std::uint32_t topic = 0;
    TopicCounts counts;
};
Bytes encode_topic_list(const std::vector<SegmentTopic>& topics);
Result<std::vector<SegmentTopic>> decode_topic_list(BytesView bytes);

/// Which blocks of a segment hold a topic: places in its BlockList, rising.
using Postings = std::vector<std::uint32_t>;
Bytes encode_postings(const Postings& postings);
Result<Postings> decode_postings(BytesView bytes);

/// Which part of a segment's bytes belongs to topics of one retention rule (or kNoRule).
struct RuleShare {
    std::uint16_t rule = kNoRule;
    double part = 0;
};

/// A closed segment, in few bytes: all of them are in memory while the store is open.
struct SegmentHead {
    Arrival first, last;
    std::uint32_t blocks = 0;
    std::uint64_t messages = 0;
    std::uint64_t stored_bytes = 0, payload_bytes = 0;
    std::uint64_t min_hlc = 0, max_hlc = 0;
    /// Shares of the retention rules; not stored, filled when the rules are known.
    std::vector<RuleShare> by_rule;
    bool by_rule_known = false;
    std::uint32_t rules_passed = 0;  ///< of by_rule, when the blocks were last looked at

    [[nodiscard]] WallTime min_ts() const noexcept { return Hlc{min_hlc}.micros(); }
    [[nodiscard]] WallTime max_ts() const noexcept { return Hlc{max_hlc}.micros(); }
    [[nodiscard]] Bytes encoded() const;
    static Result<SegmentHead> decoded(BytesView bytes);
};

/// The newest blocks, indexed in memory. Thread: guarded by the index's lock.
struct OpenSegment {
    struct TopicState {
        TopicCounts counts;
        Postings postings;
    };
    BlockList blocks;
    std::unordered_map<std::uint32_t, TopicState> topics;
    std::unordered_map<Bytes, LastPlace> last;  ///< by last_key()
    std::uint64_t messages = 0, stored_bytes = 0, payload_bytes = 0;

    /// `numbers` are those of the summary's topics.
    void add(const Summary& summary, const std::vector<std::uint32_t>& numbers);
    [[nodiscard]] bool empty() const noexcept { return blocks.empty(); }
    [[nodiscard]] bool full() const noexcept {
        return blocks.size() >= kSegmentBlocksMax || payload_bytes >= kSegmentPayloadBytesMax;
    }
    [[nodiscard]] SegmentHead head() const;
    [[nodiscard]] std::vector<SegmentTopic> topic_list() const;
};

}  // namespace anode::rocks
