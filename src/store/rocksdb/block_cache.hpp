#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <unordered_map>

#include "core/message/block.hpp"

namespace anode::rocks {

/// Decoded blocks by arrival, the least recently used evicted first. Thread: any.
/// Limits: about `bytes_max`, counted as the blocks' bodies and tables.
class BlockCache {
public:
    explicit BlockCache(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

    [[nodiscard]] BlockPtr find(Arrival first);
    void insert(const BlockPtr& block);
    void forget(Arrival first);
    void clear();

private:
    static std::uint64_t cost(const Block& block);
    void evict_past_limit();

    std::mutex mutex_;
    std::uint64_t bytes_max_;
    std::uint64_t bytes_ = 0;
    std::list<BlockPtr> recent_;  ///< most recently used first
    std::unordered_map<std::uint64_t, std::list<BlockPtr>::iterator> by_arrival_;
};

}  // namespace anode::rocks
