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

    Result<std::optional<Arrival>> refill(Arrival position, Candidates& out) override {
        for (;;) {
            Arrival end;
            const auto segment = context_.index.read([&](const IndexState& state) {
                return context_.ascending() ? next_up(state, position, out, end)
                                            : next_down(state, position, out);
            });
            if (!out.empty()) return std::nullopt;
            if (!segment) return end;
            const auto blocks = context_.blocks_of(*segment);
            if (!blocks) return std::unexpected(blocks.error());
            if (*blocks) take(**blocks, position, out);
            if (!out.empty()) return std::nullopt;
            position = context_.ascending() ? segment->last : segment->first;
        }
    }

private:
    template <class Blocks>
    void take(const Blocks& blocks, Arrival position, Candidates& out) const {
        for (const auto& block : blocks) {
            if (!context_.wants(block, position)) continue;
            if (context_.ascending()) {
                out.push_back(block);
            } else {
                out.push_front(block);
            }
        }
    }

    /// The next closed segment, or the open one's blocks in `out`, or neither and the end.
    std::optional<SegmentHead> next_up(const IndexState& state, Arrival position, Candidates& out,
                                       Arrival& end) const {
        for (std::size_t i = state.segment_at(position.plus(1)); i < state.segments.size(); ++i) {
            if (context_.wants(state.segments[i])) return state.segments[i];
        }
        take(state.open.blocks, position, out);
        end = state.committed;
        return std::nullopt;
    }

    std::optional<SegmentHead> next_down(const IndexState& state, Arrival position,
                                         Candidates& out) const {
        take(state.open.blocks, position, out);
        if (!out.empty()) return std::nullopt;
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
