#include "api/live/reader.hpp"

#include <algorithm>

namespace anode::api {

namespace {

constexpr std::size_t kScanMessages = 1024;
constexpr std::size_t kScanBytes = 256 << 10;
constexpr std::size_t kTailVisits = 16'384;

fanout::Judge& judge_of_thread() {
    thread_local fanout::Judge judge;
    return judge;
}

PatternSet all_topics(const std::vector<fanout::Clause>& clauses) {
    std::vector<Pattern> patterns;
    for (const fanout::Clause& clause : clauses)
        for (const Pattern& pattern : clause.selector->topics.patterns())
            if (std::ranges::find(patterns, pattern) == patterns.end()) patterns.push_back(pattern);
    return PatternSet(std::move(patterns));
}

Arrival arrival_of(const Found& found) { return found.block->first_arrival().plus(found.index); }

}  // namespace

Reader::Reader(fanout::Picker::Want want, std::uint32_t store_tag, Arrival after,
               std::vector<Found> first)
    : picker_(std::move(want), store_tag),
      position_(after),
      pending_(std::move(first)),
      pending_is_first_(!pending_.empty()) {}

void Reader::forget_scan() {
    scan_.reset();
    if (pending_is_first_) return;
    pending_.clear();
    next_pending_ = 0;
}

/// False if the piece is full before what was found is used up.
bool Reader::take_pending(std::uint64_t messages_max, fanout::Piece& piece) {
    for (; next_pending_ < pending_.size(); ++next_pending_) {
        if (piece.bytes.size() >= kPieceBytes || picker_.open_messages(piece) >= messages_max)
            return false;
        const Found& found = pending_[next_pending_];
        picker_.take(*found.block, found.index, judge_of_thread(), piece);
        if (!pending_is_first_) position_ = arrival_of(found);
    }
    pending_.clear();
    next_pending_ = 0;
    pending_is_first_ = false;
    return true;
}

Reader::Outcome Reader::step_store(const Store& store, std::uint64_t messages_max) {
    Outcome out;
    bool room = take_pending(messages_max, out.piece);
    if (room && !scan_) {
        Query query;
        query.topics = all_topics(picker_.want().pass);
        query.after = position_;
        query.from = picker_.want().from;
        scan_ = store.scan(std::move(query));
    }
    while (room && out.piece.bytes.size() < kPieceBytes) {
        const Arrival committed = store.committed();
        const auto more = scan_->next(pending_, kScanMessages, kScanBytes);
        if (!more) {
            out.failed = true;
            out.why = more.error().what;
            break;
        }
        const bool found_some = !pending_.empty();
        room = take_pending(messages_max, out.piece);
        if (!room) break;
        position_ = std::max(position_, scan_->position());
        if (*more || found_some) continue;
        position_ = std::max(position_, committed);
        out.at_end = true;
        break;
    }
    picker_.finish(out.piece);
    return out;
}

Reader::Outcome Reader::step_tail(const fanout::Tail& tail, std::uint64_t messages_max) {
    Outcome out;
    forget_scan();
    std::size_t visits = 0;
    out.at_end = true;
    if (!take_pending(messages_max, out.piece)) {
        out.at_end = false;
    } else {
        tail.walk(position_, [&](const Block& block, std::uint32_t index) {
            if (out.piece.bytes.size() >= kPieceBytes || ++visits > kTailVisits ||
                picker_.open_messages(out.piece) >= messages_max) {
                out.at_end = false;
                return false;
            }
            if (!block.hides(index)) picker_.take(block, index, judge_of_thread(), out.piece);
            position_ = block.first_arrival().plus(index);
            return true;
        });
        if (out.at_end) position_ = std::max(position_, tail.head());
    }
    picker_.finish(out.piece);
    return out;
}

}  // namespace anode::api
