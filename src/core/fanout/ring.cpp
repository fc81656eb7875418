#include "core/fanout/ring.hpp"

#include <algorithm>
#include <cstring>

namespace anode::fanout {

namespace {
constexpr std::size_t kFirstChunk = 16 << 10;
constexpr std::size_t kChunk = 64 << 10;
}  // namespace

Ring::Chunk& Ring::chunk_for(std::size_t bytes) {
    if (!chunks_.empty() && chunks_.back().room - chunks_.back().used >= bytes)
        return chunks_.back();
    Chunk chunk;
    if (spare_.bytes && spare_.room >= bytes) {
        chunk = std::move(spare_);
        spare_ = {};
    } else {
        chunk.room = std::max(bytes, chunks_.empty() ? kFirstChunk : kChunk);
        chunk.bytes = std::make_unique_for_overwrite<char[]>(chunk.room);
    }
    chunk.begin = head_;
    chunk.used = 0;
    chunks_.push_back(std::move(chunk));
    return chunks_.back();
}

void Ring::append(BytesView frame, Arrival arrival, std::uint64_t messages) {
    Chunk& chunk = chunk_for(frame.size());
    std::memcpy(chunk.bytes.get() + chunk.used, frame.data(), frame.size());
    chunk.used += frame.size();
    head_ += frame.size();
    messages_ += messages;
    newest_ = std::max(newest_, arrival);
    marks_.push_back({head_, messages_, newest_});
}

std::size_t Ring::slices(std::uint64_t from, std::span<BytesView> out) const noexcept {
    if (from >= head_) return 0;
    auto chunk = chunks_.begin();
    if (chunks_.size() > 1) {
        chunk = std::upper_bound(chunks_.begin(), chunks_.end(), from,
                                 [](std::uint64_t at, const Chunk& c) { return at < c.begin; });
        --chunk;
    }
    std::size_t count = 0;
    for (; chunk != chunks_.end() && count < out.size(); ++chunk) {
        const std::size_t skip = from > chunk->begin ? from - chunk->begin : 0;
        out[count++] = BytesView(chunk->bytes.get() + skip, chunk->used - skip);
    }
    return count;
}

Mark Ring::mark_at(std::uint64_t offset) const noexcept {
    if (!marks_.empty() && offset >= marks_.back().end) return marks_.back();
    const auto after =
        std::upper_bound(marks_.begin(), marks_.end(), offset,
                         [](std::uint64_t at, const Mark& mark) { return at < mark.end; });
    return after == marks_.begin() ? released_ : *std::prev(after);
}

std::uint64_t Ring::messages_at(std::uint64_t offset) const noexcept {
    return offset >= head_ ? messages_ : mark_at(offset).messages;
}

std::uint64_t Ring::frame_end(std::uint64_t offset) const noexcept {
    const auto at =
        std::lower_bound(marks_.begin(), marks_.end(), offset,
                         [](const Mark& mark, std::uint64_t wanted) { return mark.end < wanted; });
    if (mark_at(offset).end == offset || at == marks_.end()) return offset;
    return at->end;
}

std::uint64_t Ring::edge_with_left(std::uint64_t bytes, std::uint64_t messages) const noexcept {
    const auto fits = [&](const Mark& mark) {
        return head_ - mark.end <= bytes && messages_ - mark.messages <= messages;
    };
    if (fits(released_)) return released_.end;
    const auto at = std::partition_point(marks_.begin(), marks_.end(),
                                         [&](const Mark& mark) { return !fits(mark); });
    return at == marks_.end() ? head_ : at->end;
}

void Ring::release(std::uint64_t offset) {
    while (!chunks_.empty() && chunks_.front().begin + chunks_.front().used <= offset) {
        Chunk& front = chunks_.front();
        if (front.room > spare_.room && front.room <= kChunk) spare_ = std::move(front);
        chunks_.pop_front();
    }
    const std::uint64_t kept_from = chunks_.empty() ? head_ : chunks_.front().begin;
    while (!marks_.empty() && marks_.front().end <= std::min(offset, kept_from)) {
        released_ = marks_.front();
        marks_.pop_front();
    }
}

std::size_t Ring::held_bytes() const noexcept {
    std::size_t bytes = spare_.room;
    for (const Chunk& chunk : chunks_) bytes += chunk.room;
    return bytes;
}

}  // namespace anode::fanout
