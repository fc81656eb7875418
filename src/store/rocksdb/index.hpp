#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "store/rocksdb/database.hpp"
#include "store/rocksdb/log_index.hpp"
#include "store/rocksdb/rules.hpp"
#include "store/rocksdb/segment.hpp"
#include "store/rocksdb/topics.hpp"

namespace anode::rocks {

/// What is known in memory of everything stored.
struct IndexState {
    TopicDirectory topics;
    std::deque<SegmentHead> segments;  ///< closed, rising
    OpenSegment open;
    LogIndex logs;
    Rules rules;
    Arrival committed;  ///< all up to here can be read
    Hlc last_hlc;
    std::uint64_t generation = 0;  ///< counts segments closed

    /// The first closed segment that ends at or after `arrival`; size() if none.
    [[nodiscard]] std::size_t segment_at(Arrival arrival) const;
    [[nodiscard]] const SegmentHead* segment(Arrival first) const;
    [[nodiscard]] Horizon horizon(const Topic& topic) const {
        return rules.horizon(topic.rule).with({topic.purged_before, {}});
    }
    [[nodiscard]] TopicCounts counts(std::uint32_t topic) const;
    /// How a segment with these topics is shared among the retention rules.
    [[nodiscard]] std::vector<RuleShare> shares(const std::vector<SegmentTopic>& list) const;
    [[nodiscard]] Arrival oldest() const;
};

/// The index of the store: closed segments in the database, the open one in memory.
/// Thread: any; readers share a lock. Changes are made by one mutator at a time, which holds
/// mutating() while it plans, writes to the database and then changes the state.
class Index {
public:
    explicit Index(Database& database) : database_(database) {}

    /// Reads what is stored. Corrupt if rows are damaged: then wipe() and recover() build it again.
    Result<void> load();
    /// Forgets the whole index, in memory and on disk.
    Result<void> wipe();

    template <class Read>
    auto read(Read&& read) const {
        const std::shared_lock lock(mutex_);
        return read(static_cast<const IndexState&>(state_));
    }
    template <class Change>
    auto change(Change&& change) {
        const std::unique_lock lock(mutex_);
        return change(state_);
    }
    [[nodiscard]] std::unique_lock<std::mutex> mutating() {
        return std::unique_lock(mutate_mutex_);
    }

    // -- with mutating() held ---------------------------------------------------------------------
    /// Indexes committed blocks.
    void add(const std::vector<Summary>& summaries);
    /// Writes the index of the open segment and starts a new one.
    Result<void> close_segment(bool checkpoint);
    /// Topic rows that differ from the disk, with all closed segments counted.
    void put_checkpoint(Batch& batch);
    /// Takes over what put_checkpoint() wrote.
    void checkpointed();
    void forget_block_list(Arrival segment);

    /// The blocks of a closed segment. Kept for the next call if it was asked for lately.
    Result<std::shared_ptr<const BlockList>> block_list(Arrival segment) const;
    Result<std::vector<SegmentTopic>> topic_list(Arrival segment) const;
    /// Where the blocks of the logs lie in a closed segment.
    Result<std::vector<LogIndex::Run>> runs(Arrival segment) const;
    /// The block that holds this arrival, if it is still there.
    Result<std::optional<BlockMeta>> block_of(Arrival arrival) const;

private:
    Result<void> load_segments();
    Result<void> load_logs();
    Result<void> load_topics();
    Result<void> count_since_checkpoint();
    void put_segment(Batch& batch, const IndexState& state, bool checkpoint) const;
    void fold_open(IndexState& state, bool checkpoint);

    Database& database_;
    mutable std::shared_mutex mutex_;
    IndexState state_;
    std::mutex mutate_mutex_;
    std::uint32_t topics_stored_ = 0;      ///< topics that have a row
    std::optional<Arrival> counted_upto_;  ///< the last segment that the stored rows count
    unsigned closed_since_checkpoint_ = 0;

    struct CachedList {
        Arrival segment;
        std::shared_ptr<const BlockList> blocks;
    };
    mutable std::mutex lists_mutex_;
    mutable std::list<CachedList> lists_;  ///< most recently used first
};

}  // namespace anode::rocks
