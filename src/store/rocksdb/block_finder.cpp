#include <algorithm>

#include "store/rocksdb/finder.hpp"

namespace anode::rocks {

Result<std::shared_ptr<const BlockList>> FinderContext::blocks_of(
    const SegmentHead& segment) const {
    auto blocks = index.block_list(segment.first);
    if (blocks) return blocks;
    if (blocks.error().code == Errc::NotFound) return nullptr;
    if (blocks.error().code != Errc::Corrupt) return blocks;
    reader.quarantine(segment.first, segment.last, blocks.error().what);
    return nullptr;
}

namespace {

class BlockFinder final : public Finder {
public:
    explicit BlockFinder(const FinderContext& context) : context_(context) {}

    Result<bool> refill(Stretch stretch, Candidates& out) override {
        for (;;) {
            const auto segment = context_.index.read([&](const IndexState& state) {
                return context_.ascending() ? next_up(state, stretch, out)
                                            : next_down(state, stretch, out);
            });
            if (!out.empty()) return true;
            if (!segment) return false;
            const auto blocks = context_.blocks_of(*segment);
            if (!blocks) return std::unexpected(blocks.error());
            if (*blocks) take(**blocks, stretch, out);
            if (!out.empty()) return true;
            stretch.position = context_.ascending() ? segment->last : segment->first;
        }
    }

private:
    template <class Blocks>
    void take(const Blocks& blocks, const Stretch& stretch, Candidates& out) const {
        for (const auto& block : blocks) {
            if (!context_.wants(block, stretch)) continue;
            if (context_.ascending()) {
                out.push_back(block);
            } else {
                out.push_front(block);
            }
        }
    }

    /// The next closed segment, or the open one's blocks in `out`, or neither at the end.
    std::optional<SegmentHead> next_up(const IndexState& state, const Stretch& stretch,
                                       Candidates& out) const {
        for (std::size_t i = state.segment_at(stretch.position.plus(1)); i < state.segments.size();
             ++i) {
            if (state.segments[i].first > stretch.upto) return std::nullopt;
            if (context_.wants(state.segments[i])) return state.segments[i];
        }
        take(state.open.blocks, stretch, out);
        return std::nullopt;
    }

    std::optional<SegmentHead> next_down(const IndexState& state, const Stretch& stretch,
                                         Candidates& out) const {
        take(state.open.blocks, stretch, out);
        if (!out.empty()) return std::nullopt;
        const Arrival position = stretch.position;
        std::size_t above = state.segment_at(position);
        if (above < state.segments.size() && state.segments[above].first < position) ++above;
        for (std::size_t i = above; i-- > 0;) {
            if (context_.wants(state.segments[i])) return state.segments[i];
        }
        return std::nullopt;
    }

    FinderContext context_;
};

}  // namespace

std::unique_ptr<Finder> make_block_finder(const FinderContext& context) {
    return std::make_unique<BlockFinder>(context);
}

}  // namespace anode::rocks
