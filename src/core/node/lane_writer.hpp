#pragma once

#include <cstdint>

#include "core/message/block.hpp"
#include "core/message/hlc.hpp"

namespace anode {

/// Where a message stands in its log, known as soon as it is taken in.
struct Place {
    MessageId id;
    Seq seq = 0;
    Hlc hlc;
};

/// The single writer of one lane of this run: gives sequence numbers and stamps, and collects the open block.
/// Thread: the engine's.
/// Source: dissemination, sections 1.1 to 1.3. The arrival index is given when a block is sealed, so that the blocks of
/// several lanes follow each other without holes in one store.
class LaneWriter {
public:
    explicit LaneWriter(const LogKey& log) : log_(log) {}

    /// No room for `payload_bytes` more: seal first.
    [[nodiscard]] bool full(std::size_t payload_bytes) const noexcept {
        return open_.full(payload_bytes);
    }
    [[nodiscard]] bool empty() const noexcept { return open_.empty(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return open_.bytes(); }
    [[nodiscard]] const LogKey& log() const noexcept { return log_; }
    [[nodiscard]] Seq head() const noexcept { return next_ - 1; }

    /// Takes a message in. The clock is shared by the lanes of a node, so that ids rise over all of them.
    Place add(const Draft& draft, HlcClock& clock, WallTime wall);
    /// Makes the block of what was added since the last one and moves `next_arrival` past it. Not when empty().
    BlockPtr seal(Arrival& next_arrival, std::uint8_t block_flags = 0);

private:
    LogKey log_;
    Seq next_ = 1;
    Seq open_first_ = 1;
    BlockBuilder open_;
};

}  // namespace anode
