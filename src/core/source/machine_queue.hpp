#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/source/machine_io.hpp"

/// Rows that wait: for the node's intake (C39), for a snapshot, for the last page of a poll.
namespace anode::source {

/// A row with its bytes. Its `value` is absent: that ended with the shaper's call.
class KeptRow {
public:
    explicit KeptRow(const Row& row);
    [[nodiscard]] const Row& row() const noexcept { return row_; }
    [[nodiscard]] Row& row() noexcept { return row_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return size_; }

private:
    std::unique_ptr<char[]> text_;
    std::size_t size_ = 0;
    Row row_;
};

/// The bounded queue of one source (`limits.queue`), used while the node's intake is full.
/// `stop`: takes what was read before reading stopped; `drop`: forgets the oldest; `conflate`: keeps
/// the newest per topic and key, and forgets the oldest where that is not enough.
/// Memory: at most the limit and the rows of one frame.
class RowQueue {
public:
    RowQueue(std::uint64_t bytes_max, LimitsSpec::Full full) : bytes_max_(bytes_max), full_(full) {}

    struct Outcome {
        std::uint64_t lost = 0, conflated = 0;
    };
    Outcome push(const Row& row);
    /// Moves rows of about `bytes_max` out to `rows`; they live until the next call of release().
    void release(std::vector<Row>& rows, std::size_t bytes_max);
    void end_release() noexcept { released_.clear(); }

    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return live_; }
    /// Time to stop reading: half of the room is used.
    [[nodiscard]] bool filling() const noexcept { return bytes_ * 2 >= bytes_max_; }
    [[nodiscard]] bool full() const noexcept { return bytes_ >= bytes_max_; }

private:
    bool conflate(const Row& row);
    void index_all();
    bool drop_oldest();

    std::uint64_t bytes_max_;
    LimitsSpec::Full full_;
    std::deque<std::unique_ptr<KeptRow>> rows_;  ///< null: replaced by a newer one
    std::uint64_t front_ = 0;                    ///< absolute place of rows_.front()
    std::size_t live_ = 0;
    std::uint64_t bytes_ = 0;
    bool conflating_ = false;
    std::unordered_map<std::string, std::uint64_t> newest_;  ///< topic and key → absolute place
    std::vector<std::unique_ptr<KeptRow>> released_;
};

}  // namespace anode::source
