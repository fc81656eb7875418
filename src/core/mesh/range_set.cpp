#include "core/mesh/range_set.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

std::uint64_t size_of(SeqRange range) noexcept { return range.last - range.first + 1; }

/// The first range that ends at or behind `seq`.
auto ending_from(const std::vector<SeqRange>& ranges, Seq seq) {
    return std::ranges::lower_bound(ranges, seq, {}, &SeqRange::last);
}

}  // namespace

std::uint64_t RangeSet::add(SeqRange range) {
    if (range.first > range.last) return 0;
    std::uint64_t fresh = size_of(range);
    // Everything that overlaps or touches becomes one.
    const Seq before = range.first == 0 ? 0 : range.first - 1;
    const auto from = ranges_.begin() + (ending_from(ranges_, before) - ranges_.cbegin());
    auto to = from;
    SeqRange joined = range;
    for (; to != ranges_.end() && (range.last == ~Seq{0} || to->first <= range.last + 1); ++to) {
        const SeqRange overlap{std::max(to->first, range.first), std::min(to->last, range.last)};
        if (overlap.first <= overlap.last) fresh -= size_of(overlap);
        joined = {std::min(joined.first, to->first), std::max(joined.last, to->last)};
    }
    if (from == to) {
        ranges_.insert(from, joined);
    } else {
        *from = joined;
        ranges_.erase(from + 1, to);
    }
    return fresh;
}

std::uint64_t RangeSet::remove(SeqRange range) {
    if (range.first > range.last) return 0;
    std::uint64_t gone = 0;
    std::vector<SeqRange> kept;
    for (const SeqRange& have : ranges_) {
        const SeqRange overlap{std::max(have.first, range.first), std::min(have.last, range.last)};
        if (overlap.first > overlap.last) {
            kept.push_back(have);
            continue;
        }
        gone += size_of(overlap);
        if (have.first < overlap.first) kept.push_back({have.first, overlap.first - 1});
        if (overlap.last < have.last) kept.push_back({overlap.last + 1, have.last});
    }
    if (gone != 0) ranges_ = std::move(kept);
    return gone;
}

bool RangeSet::contains(Seq seq) const noexcept {
    const auto found = ending_from(ranges_, seq);
    return found != ranges_.end() && found->first <= seq;
}

bool RangeSet::covers(SeqRange range) const noexcept {
    if (range.first > range.last) return true;
    const auto found = ending_from(ranges_, range.last);
    return found != ranges_.end() && found->first <= range.first;
}

std::vector<SeqRange> RangeSet::missing_of(SeqRange range) const {
    std::vector<SeqRange> missing;
    Seq next = range.first;
    for (auto have = ending_from(ranges_, range.first);
         have != ranges_.end() && have->first <= range.last; ++have) {
        if (next < have->first) missing.push_back({next, have->first - 1});
        if (have->last >= range.last) return missing;
        next = have->last + 1;
    }
    if (next <= range.last) missing.push_back({next, range.last});
    return missing;
}

std::vector<SeqRange> RangeSet::common(SeqRange range) const {
    std::vector<SeqRange> both;
    for (auto have = ending_from(ranges_, range.first);
         have != ranges_.end() && have->first <= range.last; ++have)
        both.push_back({std::max(have->first, range.first), std::min(have->last, range.last)});
    return both;
}

std::uint64_t RangeSet::count() const noexcept {
    std::uint64_t total = 0;
    for (const SeqRange& range : ranges_) total += size_of(range);
    return total;
}

}  // namespace anode::mesh
