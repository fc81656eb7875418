#include "core/mesh/log_state.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "base/varint.hpp"

namespace anode::mesh {
namespace {

constexpr std::size_t kReasonsMax = 64;

}  // namespace

void LogState::settle() noexcept {
    // The watermark climbs over whatever stands right above it, had or given up, until something is missing.
    for (bool climbed = true; climbed;) {
        climbed = false;
        for (const RangeSet* set : {&have_above_, &skipped_}) {
            for (const SeqRange& range : set->ranges()) {
                if (range.first > watermark_ + 1) break;
                if (range.last > watermark_) {
                    watermark_ = range.last;
                    climbed = true;
                }
            }
        }
    }
    have_above_.remove({0, watermark_});
    if (head_ < watermark_) head_ = watermark_;
}

std::vector<SeqRange> LogState::have(SeqRange range, Hlc first, Hlc last) {
    if (first_hlc_.value == 0 || (first.value != 0 && first < first_hlc_)) first_hlc_ = first;
    last_hlc_ = std::max(last_hlc_, last);
    // Had beats given up: what was skipped and turns up is had after all.
    std::vector<SeqRange> fresh = skipped_.common(range);
    if (!fresh.empty()) {
        skipped_.remove(range);
        std::vector<std::pair<SeqRange, Skip>> kept;
        for (const auto& [given_up, why] : reasons_) {
            RangeSet rest;
            rest.add(given_up);
            rest.remove(range);
            for (const SeqRange& part : rest.ranges()) kept.emplace_back(part, why);
        }
        reasons_ = std::move(kept);
    }
    if (range.last > watermark_) {
        const SeqRange above{std::max(range.first, watermark_ + 1), range.last};
        for (const SeqRange& part : have_above_.missing_of(above)) fresh.push_back(part);
        have_above_.add(above);
        head_ = std::max(head_, range.last);
        settle();
    }
    RangeSet joined;
    for (const SeqRange& part : fresh) joined.add(part);
    // What repair brings below the beginning is retained from now on.
    if (!joined.empty()) lowest_ = std::min(lowest_, joined.ranges().front().first);
    return joined.ranges();
}

std::vector<SeqRange> LogState::jump(Seq to) {
    if (to <= head_) return {};
    std::vector<SeqRange> holes;
    for (const SeqRange& part : have_above_.missing_of({head_ + 1, to}))
        for (const SeqRange& open : skipped_.missing_of(part)) holes.push_back(open);
    head_ = to;
    settle();
    return holes;
}

std::vector<SeqRange> LogState::lose(SeqRange range) {
    range.last = std::min(range.last, head_);
    range.first = std::max<Seq>(range.first, 1);
    if (range.first > range.last) return {};
    // From the first of it on, what was had is told one by one.
    if (range.first <= watermark_) {
        const SeqRange below{range.first, std::exchange(watermark_, range.first - 1)};
        for (const SeqRange& had : skipped_.missing_of(below)) have_above_.add(had);
    }
    std::vector<SeqRange> lost = have_above_.common(range);
    have_above_.remove(range);
    settle();
    return lost;
}

std::vector<SeqRange> LogState::skip(SeqRange range, Skip why) {
    std::vector<SeqRange> changed;
    if (range.last <= watermark_) return changed;
    range.first = std::max(range.first, watermark_ + 1);
    for (const SeqRange& part : have_above_.missing_of(range))
        for (const SeqRange& open : skipped_.missing_of(part)) changed.push_back(open);
    for (const SeqRange& part : changed) {
        skipped_.add(part);
        reasons_.emplace_back(part, why);
    }
    head_ = std::max(head_, range.last);
    // Bounded: the two oldest ranges of one reason become one, which may span what was had in between.
    while (reasons_.size() > kReasonsMax) {
        const auto next = std::find_if(
            reasons_.begin() + 1, reasons_.end(),
            [&](const auto& entry) { return entry.second == reasons_.front().second; });
        if (next != reasons_.end())
            next->first.first = std::min(next->first.first, reasons_.front().first.first);
        reasons_.erase(reasons_.begin());
    }
    settle();
    return changed;
}

void LogState::set_durable(Seq upto) noexcept { durable_ = std::max(durable_, upto); }
void LogState::set_lowest(Seq lowest) noexcept { lowest_ = std::max(lowest_, lowest); }

bool LogState::has(Seq seq) const noexcept {
    if (seq == 0) return false;
    if (seq <= watermark_) return !skipped_.contains(seq);
    return have_above_.contains(seq);
}

bool LogState::settled(Seq seq) const noexcept {
    return seq <= watermark_ || have_above_.contains(seq) || skipped_.contains(seq);
}

std::vector<SeqRange> LogState::missing() const {
    std::vector<SeqRange> holes;
    if (head_ <= watermark_) return holes;
    for (const SeqRange& part : have_above_.missing_of({watermark_ + 1, head_}))
        for (const SeqRange& open : skipped_.missing_of(part)) holes.push_back(open);
    return holes;
}

std::size_t LogState::gaps() const { return missing().size(); }

std::uint64_t LogState::missing_count() const {
    std::uint64_t total = 0;
    for (const SeqRange& hole : missing()) total += hole.last - hole.first + 1;
    return total;
}

Seq LogState::contiguous_from() const noexcept {
    if (head_ == 0 || !has(head_)) return head_ + 1;
    if (!have_above_.empty()) return have_above_.ranges().back().first;
    Seq from = 1;
    // Below the watermark all is had but what was given up.
    const auto& given_up = skipped_.ranges();
    for (auto range = given_up.rbegin(); range != given_up.rend(); ++range)
        if (range->last <= head_) {
            from = range->last + 1;
            break;
        }
    return from;
}

std::uint64_t LogState::hash() const noexcept {
    Bytes flat;
    log_.append_to(flat);
    put_le(flat, watermark_);
    put_le(flat, head_);
    for (const SeqRange& range : have_above_.ranges()) {
        put_le(flat, range.first);
        put_le(flat, range.last);
    }
    return hash64(flat);
}

Bytes LogState::remember() const {
    Bytes out;
    out.push_back(1);
    put_varint(out, head_);
    put_varint(out, reasons_.size());
    for (const auto& [range, why] : reasons_) {
        put_varint(out, range.first);
        put_varint(out, range.last - range.first);
        out.push_back(static_cast<char>(why));
    }
    return out;
}

Result<void> LogState::recall(BytesView remembered) {
    if (remembered.empty()) return {};
    ByteReader in(remembered);
    const auto version = in.le<std::uint8_t>();
    const auto head = in.varint();
    const auto count = in.varint();
    if (!version || !head || !count) return fail(Errc::Truncated, "log state: ends early");
    if (*version != 1) return fail(Errc::Unsupported, "log state: version");
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto first = in.varint();
        const auto length = in.varint();
        const auto why = in.le<std::uint8_t>();
        if (!first || !length || !why)
            return fail(Errc::Truncated, "log state: ends inside a range");
        if (*first == 0 || *length > ~Seq{0} - *first ||
            *why > static_cast<std::uint8_t>(Skip::Unreadable))
            return fail(Errc::Malformed, "log state: range");
        (void)skip({*first, *first + *length}, static_cast<Skip>(*why));
    }
    (void)jump(*head);
    return {};
}

}  // namespace anode::mesh
