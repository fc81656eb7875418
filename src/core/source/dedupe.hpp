#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

/// A bounded memory of what was seen. Source: recipes, section 3 (`dedupe`); sources, C32.
namespace anode::source {

/// Ids seen within a time and up to a count. The oldest are forgotten first.
/// Thread: confined. Memory: 24 bytes an id in the queue and 8 or 16 in the table; grows by
/// doubling, never beyond `max`.
class Dedupe {
public:
    Dedupe(Duration keep, std::uint64_t max);

    /// True if `id` is new (and is remembered now). `now` may go back: an id lives `keep` from when
    /// it came.
    bool insert(const Hash128& id, WallTime now);
    [[nodiscard]] bool contains(const Hash128& id, WallTime now) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return count_; }

    /// The state from the record after `mark` on, oldest first, 24 bytes a record (big endian: id
    /// high, id low, time). `mark` moves behind the last one, so that the next call gives only what
    /// is new.
    [[nodiscard]] Bytes export_after(std::uint64_t& mark) const;
    /// Takes exported records, in any number of calls; expired ones are left out. Malformed if cut
    /// in a record.
    Result<void> import(BytesView records, WallTime now);

private:
    struct Seen {
        Hash128 id;
        WallTime time = 0;
    };
    /// The tag is part of the id: most probes need not look at the ring, which is out of the cache.
    struct Slot {
        std::uint32_t place = 0;  ///< in the ring, plus one; 0: free
        std::uint32_t tag = 0;
    };
    [[nodiscard]] std::size_t slot_of(const Hash128& id) const noexcept;
    void expire(WallTime now);
    void forget_oldest();
    void grow();
    void erase(const Hash128& id);

    WallTime keep_;
    std::uint64_t max_;
    std::vector<Seen> ring_;  ///< power of two
    std::uint64_t head_ = 0;  ///< absolute number of the oldest record
    std::size_t count_ = 0;
    std::vector<Slot> table_;  ///< linear probing; at most half full
};

}  // namespace anode::source
