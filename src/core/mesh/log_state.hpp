#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "core/mesh/range_set.hpp"
#include "core/mesh/types.hpp"

namespace anode::mesh {

/// What this node has, misses and gave up of one log. Entry status goes up only: missing, skipped, had. The one exception is
/// lose().
/// Source: dissemination, section 1.4.
class LogState {
public:
    explicit LogState(const LogKey& log) : log_(log) {}

    [[nodiscard]] const LogKey& log() const noexcept { return log_; }
    /// All sequences up to here are settled (had or skipped).
    [[nodiscard]] Seq watermark() const noexcept { return watermark_; }
    /// The highest sequence had or jumped over on the live path.
    [[nodiscard]] Seq head() const noexcept { return head_; }
    /// Below it nothing is retained here.
    [[nodiscard]] Seq lowest() const noexcept { return lowest_; }
    [[nodiscard]] Seq durable() const noexcept { return durable_; }
    [[nodiscard]] Hlc first_hlc() const noexcept { return first_hlc_; }
    [[nodiscard]] Hlc last_hlc() const noexcept { return last_hlc_; }

    /// Marks as had; raises head if it goes past it. Returns the parts that were not had before.
    std::vector<SeqRange> have(SeqRange range, Hlc first, Hlc last);
    /// The live path goes on behind `to`: what is neither had nor skipped up to it becomes missing. Returns the new holes.
    std::vector<SeqRange> jump(Seq to);
    /// What was taken for had is missing after all. Returns what changed.
    std::vector<SeqRange> lose(SeqRange range);
    /// Gives up what is missing of the range. Returns what changed.
    std::vector<SeqRange> skip(SeqRange range, Skip why);
    void set_durable(Seq upto) noexcept;
    void set_lowest(Seq lowest) noexcept;

    [[nodiscard]] bool has(Seq seq) const noexcept;
    [[nodiscard]] bool settled(Seq seq) const noexcept;
    /// Holes up to head, rising.
    [[nodiscard]] std::vector<SeqRange> missing() const;
    [[nodiscard]] std::size_t gaps() const;
    [[nodiscard]] std::uint64_t missing_count() const;
    [[nodiscard]] const RangeSet& skipped() const noexcept { return skipped_; }
    /// Why each range was given up, in order of time. Joined ranges may span what was had in between.
    [[nodiscard]] const std::vector<std::pair<SeqRange, Skip>>& reasons() const noexcept {
        return reasons_;
    }
    /// The start of the run of sequences had that ends at head; head + 1 if head itself is not had.
    [[nodiscard]] Seq contiguous_from() const noexcept;
    /// Over (log, watermark, head, holes): for vectors.
    [[nodiscard]] std::uint64_t hash() const noexcept;

    /// What the store cannot know by itself: head and skipped ranges with their reasons (≤ 64, the oldest of a reason joined).
    [[nodiscard]] Bytes remember() const;
    Result<void> recall(BytesView remembered);

private:
    void settle() noexcept;

    LogKey log_;
    Seq watermark_ = 0, head_ = 0, lowest_ = 1, durable_ = 0;
    Hlc first_hlc_, last_hlc_;
    RangeSet have_above_;  ///< above the watermark
    RangeSet skipped_;
    std::vector<std::pair<SeqRange, Skip>> reasons_;
};

}  // namespace anode::mesh
