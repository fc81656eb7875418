#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "core/message/block.hpp"

namespace anode::fanout {

/// The newest blocks, in order of arrival: what the store may not have committed yet, and a little
/// more, so that short absences are served from memory.
/// Thread: confined.
class Tail {
public:
    /// `head`: the last arrival before the first block that will come.
    explicit Tail(Arrival head) : after_(head), head_(head) {}

    void push(BlockPtr block);
    /// Lets go of the oldest blocks that are committed while more than `keep_bytes` are held, and of
    /// any while more than `max_bytes` are.
    void trim(Arrival committed, std::size_t keep_bytes, std::size_t max_bytes);
    /// Forgets everything; the blocks up to `head` are missing here.
    void reset(Arrival head);

    /// Everything that arrived behind this is here.
    [[nodiscard]] Arrival after() const noexcept { return after_; }
    [[nodiscard]] Arrival head() const noexcept { return head_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    /// Calls `visit(block, index)` for what arrived behind `from` (≥ after()), in order, until it
    /// answers false.
    template <class Visit>
    void walk(Arrival from, Visit visit) const {
        for (auto it = first_behind(from); it != blocks_.end(); ++it) {
            const Block& block = **it;
            std::uint32_t index = 0;
            if (from >= block.first_arrival())
                index = static_cast<std::uint32_t>(from.value - block.first_arrival().value + 1);
            for (; index < block.count(); ++index)
                if (!visit(block, index)) return;
        }
    }

private:
    [[nodiscard]] std::deque<BlockPtr>::const_iterator first_behind(Arrival from) const;

    std::deque<BlockPtr> blocks_;
    std::size_t bytes_ = 0;
    Arrival after_, head_;
};

}  // namespace anode::fanout
