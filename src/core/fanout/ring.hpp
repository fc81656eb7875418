#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"

namespace anode::fanout {

/// Where a frame ends and what has been told by then.
struct Mark {
    std::uint64_t end = 0;       ///< offset behind the frame
    std::uint64_t messages = 0;  ///< messages up to here, since the beginning
    Arrival arrival;             ///< the newest one told by then
};

/// A log of ready bytes with offsets that only rise. Frames never cross a chunk, so that a chunk can
/// be written from where it lies. Holds only what somebody has yet to read.
/// Thread: confined.
class Ring {
public:
    void append(BytesView frame, Arrival arrival, std::uint64_t messages = 1);

    [[nodiscard]] std::uint64_t head() const noexcept { return head_; }  ///< the next byte's offset
    [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }

    /// The bytes from `from` on, as up to `out.size()` slices. `from` has not been released.
    std::size_t slices(std::uint64_t from, std::span<BytesView> out) const noexcept;
    /// Messages that were complete at or before `offset`.
    [[nodiscard]] std::uint64_t messages_at(std::uint64_t offset) const noexcept;
    /// The last mark at or before `offset`; one of offset 0 if there is none that is known.
    [[nodiscard]] Mark mark_at(std::uint64_t offset) const noexcept;
    /// The end of the frame that `offset` lies in; `offset` itself at a frame's edge.
    [[nodiscard]] std::uint64_t frame_end(std::uint64_t offset) const noexcept;
    /// The first frame edge from which at most `bytes` and `messages` are left.
    [[nodiscard]] std::uint64_t edge_with_left(std::uint64_t bytes,
                                               std::uint64_t messages) const noexcept;
    /// Nobody needs what lies before `offset`.
    void release(std::uint64_t offset);
    [[nodiscard]] std::size_t held_bytes() const noexcept;

private:
    struct Chunk {
        std::uint64_t begin = 0;
        std::size_t used = 0, room = 0;
        std::unique_ptr<char[]> bytes;
    };
    Chunk& chunk_for(std::size_t bytes);

    std::deque<Chunk> chunks_;
    std::deque<Mark> marks_;
    Mark released_;  ///< the last mark that was released
    std::uint64_t head_ = 0;
    std::uint64_t messages_ = 0;
    Arrival newest_;
    Chunk spare_;  ///< kept over a quiet moment between two messages of a busy stream
};

}  // namespace anode::fanout
