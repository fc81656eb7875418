#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "store/rocksdb/index.hpp"
#include "store/rocksdb/reader.hpp"
#include "store/rocksdb/selection.hpp"

/// Which blocks a scan has to read, segment by segment.
namespace anode::rocks {

/// The times a scan wants, or only what retention hides.
struct Window {
    std::optional<WallTime> from;   ///< inclusive
    std::optional<WallTime> to;     ///< exclusive
    std::optional<Horizon> hidden;  ///< only where this may hide something

    /// False if nothing of a block or segment with these bounds can be wanted.
    [[nodiscard]] bool admits(WallTime min_ts, WallTime max_ts, Arrival first) const noexcept {
        return !(from && max_ts < *from) && !(to && min_ts >= *to) &&
               !(hidden && !hidden->hides(min_ts, first));
    }
};

/// The stretch of arrivals a scan looks for next. Blocks after `upto` may hold topics that the scan's
/// selection does not know yet.
struct Stretch {
    Arrival position;
    Arrival upto;  ///< counts if ascending
};

struct FinderContext {
    const Index& index;
    const Database& database;
    Reader& reader;
    Order order = Order::Ascending;
    Window window;

    [[nodiscard]] bool ascending() const noexcept { return order == Order::Ascending; }
    [[nodiscard]] bool wants(const BlockMeta& block, const Stretch& stretch) const noexcept {
        return !block.removed() &&
               (ascending() ? block.last() > stretch.position && block.first <= stretch.upto
                            : block.first < stretch.position) &&
               window.admits(block.min_ts(), block.max_ts(), block.first);
    }
    [[nodiscard]] bool wants(const SegmentHead& segment) const noexcept {
        return window.admits(segment.min_ts(), segment.max_ts(), segment.first);
    }
    /// The blocks of a closed segment; null if retention removed it or its list is damaged.
    [[nodiscard]] Result<std::shared_ptr<const BlockList>> blocks_of(
        const SegmentHead& segment) const;
};

using Candidates = std::deque<BlockMeta>;

/// Finds candidates in a stretch: after its position if ascending, before it if descending.
/// Thread: one at a time. Errors: Corrupt (a damaged index row), Io.
class Finder {
public:
    virtual ~Finder() = default;
    /// Appends the candidates of the next segment that has some, in the scan's order, and returns
    /// true; or false, because the stretch has no more.
    virtual Result<bool> refill(Stretch stretch, Candidates& out) = 0;
};

/// Every block.
std::unique_ptr<Finder> make_block_finder(const FinderContext& context);
/// Blocks that hold a topic of `selection`, which must outlive the finder and may grow.
std::unique_ptr<Finder> make_posting_finder(const FinderContext& context,
                                            const Selection& selection);

}  // namespace anode::rocks
