#pragma once

#include <cstddef>
#include <vector>

#include "core/mesh/types.hpp"

namespace anode::mesh {

/// Inclusive ranges of sequences, rising, never touching. A handful in practice, so a sorted vector.
class RangeSet {
public:
    /// Adds and joins what touches. Returns how many sequences were new.
    std::uint64_t add(SeqRange range);
    /// Removes. Returns how many were there.
    std::uint64_t remove(SeqRange range);
    [[nodiscard]] bool contains(Seq seq) const noexcept;
    [[nodiscard]] bool covers(SeqRange range) const noexcept;
    /// The parts of `range` that are not in the set.
    [[nodiscard]] std::vector<SeqRange> missing_of(SeqRange range) const;
    [[nodiscard]] std::vector<SeqRange> common(SeqRange range) const;
    [[nodiscard]] const std::vector<SeqRange>& ranges() const noexcept { return ranges_; }
    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
    [[nodiscard]] std::uint64_t count() const noexcept;
    void clear() noexcept { ranges_.clear(); }

private:
    std::vector<SeqRange> ranges_;
};

}  // namespace anode::mesh
