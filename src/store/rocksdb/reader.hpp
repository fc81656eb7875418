#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "store/rocksdb/block_cache.hpp"
#include "store/rocksdb/database.hpp"
#include "store/rocksdb/meters.hpp"
#include "store/rocksdb/segment.hpp"

namespace anode::rocks {

/// A block is stored as its log's key and what encode_block() made.
Result<BlockPtr> from_stored(BytesView value, Arrival first);

/// Reads blocks and checks each. One that is damaged is put in quarantine: counted, logged once and
/// from then on left out, never served.
/// Thread: any.
class Reader {
public:
    Reader(const Database& database, Meters& meters, std::uint64_t cache_bytes)
        : database_(database), meters_(meters), cache_(cache_bytes) {}

    /// Null if the block is in quarantine or was removed; Io if it cannot be read now.
    /// `keep` leaves it in the cache.
    Result<BlockPtr> load(const BlockMeta& meta, bool keep = true);
    [[nodiscard]] BlockCache& cache() noexcept { return cache_; }

    /// Writes down which of its entries a block hides, if it hides any, so that they stay hidden when it is read again.
    void put_hidden(Batch& batch, const Block& block);
    Result<void> load_hidden();
    /// Marks a block read by other ways than load().
    void hide(BlockPtr& block, Arrival first) const;

    void quarantine(Arrival first, Arrival last, const std::string& why);
    [[nodiscard]] std::uint64_t quarantined() const noexcept { return count_.load(); }
    /// A place in quarantine ends after this arrival.
    [[nodiscard]] bool damage_after(Arrival after) const;
    /// Retention has passed: forget what lies below.
    void forget_below(Arrival floor);

private:
    [[nodiscard]] bool in_quarantine(Arrival first) const;

    const Database& database_;
    Meters& meters_;
    BlockCache cache_;
    mutable std::mutex mutex_;
    std::map<std::uint64_t, std::uint64_t> damaged_;  ///< first arrival → last
    std::map<std::uint64_t, std::vector<std::uint32_t>>
        hidden_;  ///< by first arrival; few blocks hide any
    std::atomic<std::uint64_t> count_{0};
};

}  // namespace anode::rocks
