#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "store/rocksdb/database.hpp"
#include "store/rocksdb/index.hpp"
#include "store/rocksdb/reader.hpp"

namespace anode::rocks {

/// Hides what is too old or too much, by moving the rules' horizons, and then frees blocks in which
/// every message is hidden. A segment is looked at when all of one rule's messages in it are past.
/// Thread: any; works are done one at a time.
class Retention {
public:
    Retention(Database& database, Index& index, Reader& reader)
        : database_(database), index_(index), reader_(reader) {}

    /// Puts new rules in force; ages count at once, bytes with the next apply().
    void set_rules(std::vector<RetentionRule> rules, WallTime now);
    Result<void> apply(WallTime now);
    Result<void> purge(const PatternSet& topics, WallTime before);

private:
    struct Removal;

    static void hide_by_age(IndexState& state, WallTime now);
    Result<void> close_if_past(WallTime now);
    Result<void> learn_shares();
    Result<void> hide_by_bytes();
    Result<Arrival> byte_horizon(std::uint16_t rule, std::uint64_t bytes_max) const;
    Result<void> free_past();
    Result<void> free_segment(Arrival first);
    Result<void> plan(Removal& removal) const;
    Result<bool> block_is_past(Removal& removal, BlockMeta& meta) const;
    Result<void> remove(Removal& removal);
    void settle_floor();

    Database& database_;
    Index& index_;
    Reader& reader_;
    std::mutex one_at_a_time_;
    Arrival open_first_;       ///< where the open segment began when last looked at
    WallTime open_since_ = 0;  ///< and when it was first seen
};

}  // namespace anode::rocks
