#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

#include "core/mesh/types.hpp"

namespace anode::mesh {

/// The latest blocks of all logs, by log and sequence, bounded by bytes. The oldest by arrival goes first.
/// Children of a tree read from here: a child is a cursor, not a queue.
class BlockCache {
public:
    explicit BlockCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    void add(const LogKey& log, WireBlock block);
    /// The block that holds `seq`.
    [[nodiscard]] const WireBlock* find(const LogKey& log, Seq seq) const;
    /// The lowest sequence from which on everything up to the log's newest cached block is here; nothing if nothing is.
    [[nodiscard]] std::optional<Seq> contiguous_from(const LogKey& log) const;
    void forget(const LogKey& log);
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }

private:
    struct ByLog {
        std::map<Seq, WireBlock> blocks;  ///< by first sequence
    };
    std::size_t bytes_max_, bytes_ = 0;
    std::uint64_t evicted_ = 0;
    std::map<LogKey, ByLog> logs_;
    std::deque<std::pair<LogKey, Seq>> order_;
};

}  // namespace anode::mesh
