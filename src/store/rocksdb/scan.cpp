#include "store/rocksdb/scan.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace anode::rocks {

BlockScan::BlockScan(const Index& index, const Database& database, Reader& reader, Query query,
                     Show show)
    : context_{index, database, reader, query.order, {query.from, query.to, {}}},
      selection_(std::move(query.topics)),
      after_(query.after),
      show_(show) {}

Result<bool> BlockScan::next(std::vector<Found>& out, std::size_t messages_max,
                             std::size_t bytes_max) {
    refresh();
    const std::size_t had = out.size();
    std::size_t bytes_left = std::max<std::size_t>(bytes_max, 1);
    messages_max = std::max<std::size_t>(messages_max, 1);
    while (out.size() - had < messages_max && bytes_left > 0) {
        if (!block_) {
            const auto more = advance();
            if (!more) return std::unexpected(more.error());
            if (!*more) break;
        }
        give(out, messages_max - (out.size() - had), bytes_left);
    }
    return out.size() > had;
}

// -- choosing blocks -----------------------------------------------------------------------------

void BlockScan::start(const IndexState& state) {
    started_ = true;
    if (after_) {
        position_ = *after_;
    } else if (!context_.ascending()) {
        position_ = state.committed.plus(1);
    }
}

void BlockScan::refresh() {
    context_.index.read([&](const IndexState& state) {
        const bool more_topics = selection_.refresh(state);
        upto_ = state.committed;
        const bool first = !started_;
        if (first) {
            start(state);
            if (show_ == Show::Hidden) {
                Horizon highest;
                for (const auto topic : selection_.topics()) {
                    highest = highest.with(state.horizon(state.topics.at(topic)));
                }
                context_.window.hidden = highest;
            }
        }
        if (first || (more_topics && postings_pay(state) != by_postings_)) {
            choose_finder(postings_pay(state));
        }
    });
}

/// Compares what both ways would cost: decoding a block, and finding one posting row, in units of
/// which a decode is some twelve.
bool BlockScan::postings_pay(const IndexState& state) const {
    constexpr std::uint64_t kDecode = 12;
    std::uint64_t blocks = state.open.blocks.size();
    for (const auto& segment : state.segments) blocks += segment.blocks;
    std::uint64_t messages = 0;
    std::uint64_t rows = 0;
    for (const auto topic : selection_.topics()) {
        const std::uint64_t of_topic = state.counts(topic).messages;
        messages += of_topic;
        rows += 1 + std::min<std::uint64_t>(of_topic, state.segments.size());
    }
    return rows + std::min(messages, blocks) * kDecode < blocks * kDecode;
}

void BlockScan::choose_finder(bool postings) {
    by_postings_ = postings;
    finder_ = postings ? make_posting_finder(context_, selection_) : make_block_finder(context_);
    candidates_.clear();
}

Result<bool> BlockScan::refill() {
    auto more = finder_->refill({position_, upto_}, candidates_);
    if (more || more.error().code != Errc::Corrupt || !by_postings_) return more;
    log::warn("store", "damaged postings, reading every block instead",
              {{"err", more.error().what}});
    choose_finder(false);
    return finder_->refill({position_, upto_}, candidates_);
}

Result<bool> BlockScan::advance() {
    for (;;) {
        if (candidates_.empty()) {
            const auto more = refill();
            if (!more) return std::unexpected(more.error());
            if (!*more) {
                position_ = context_.ascending() ? std::max(position_, upto_) : Arrival{};
                return false;
            }
        }
        const BlockMeta meta = candidates_.front();
        candidates_.pop_front();
        auto block = context_.reader.load(meta);
        if (!block) return std::unexpected(block.error());
        if (*block) {
            enter(std::move(*block));
            return true;
        }
        position_ = context_.ascending() ? meta.last() : meta.first;
    }
}

// -- inside a block ------------------------------------------------------------------------------

void BlockScan::enter(BlockPtr block) {
    block_ = std::move(block);
    context_.index.read([&](const IndexState& state) { selection_.views(state, *block_, views_); });
    const Arrival first = block_->first_arrival();
    if (context_.ascending()) {
        given_ =
            position_ >= first ? static_cast<std::uint32_t>(position_.value - first.value + 1) : 0;
    } else {
        given_ =
            block_->last_arrival() >= position_
                ? static_cast<std::uint32_t>(block_->last_arrival().value - position_.value + 1)
                : 0;
    }
    all_ = every_entry_wanted();
}

bool BlockScan::every_entry_wanted() const {
    const WallTime min_ts = block_->first_hlc().micros();
    const WallTime max_ts = block_->last_hlc().micros();
    const Window& window = context_.window;
    if (show_ == Show::Hidden || (window.from && min_ts < *window.from) ||
        (window.to && max_ts >= *window.to)) {
        return false;
    }
    return std::ranges::all_of(views_, [&](const Selection::View& view) {
        return view.wanted && !view.horizon.hides(min_ts, block_->first_arrival());
    });
}

bool BlockScan::wanted(const Entry& entry) const {
    const Selection::View& view = views_[entry.topic_index];
    const WallTime ts = entry.ts();
    const Window& window = context_.window;
    return view.wanted && !(window.from && ts < *window.from) && !(window.to && ts >= *window.to) &&
           view.horizon.hides(ts, entry.arrival) == (show_ == Show::Hidden);
}

void BlockScan::give(std::vector<Found>& out, std::size_t room, std::size_t& bytes_left) {
    const std::uint32_t count = block_->count();
    const std::size_t bytes_each = block_->raw_bytes() / count + 1;
    while (given_ < count && room > 0 && bytes_left > 0) {
        const std::uint32_t i = context_.ascending() ? given_ : count - 1 - given_;
        ++given_;
        position_ = block_->first_arrival().plus(i);
        if (block_->hides(i)) continue;
        std::size_t bytes = bytes_each;
        if (!all_) {
            const Entry entry = block_->entry(i);
            if (!wanted(entry)) continue;
            bytes = entry.payload.size() + 1;
        }
        out.push_back({block_, i});
        --room;
        bytes_left -= std::min(bytes_left, bytes);
    }
    if (given_ == count) leave();
}

void BlockScan::leave() {
    block_.reset();
    views_.clear();
}

}  // namespace anode::rocks
