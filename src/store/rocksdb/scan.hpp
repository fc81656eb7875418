#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "store/rocksdb/finder.hpp"

namespace anode::rocks {

/// What a scan gives out: what is there, or what retention hides and has not freed.
enum class Show : std::uint8_t { Visible, Hidden };

/// Walks the matches of a query. By the topics' postings if they are rare, else block by block.
class BlockScan final : public Scan {
public:
    BlockScan(const Index& index, const Database& database, Reader& reader, Query query,
              Show show = Show::Visible);

    Result<bool> next(std::vector<Found>& out, std::size_t messages_max,
                      std::size_t bytes_max) override;
    Arrival position() const override { return position_; }

private:
    void start(const IndexState& state);
    [[nodiscard]] bool postings_pay(const IndexState& state) const;
    void choose_finder(bool postings);
    void refresh();
    /// Makes the next candidate the current block; false at the end.
    Result<bool> advance();
    Result<bool> refill();
    void enter(BlockPtr block);
    void leave();
    [[nodiscard]] bool every_entry_wanted() const;
    [[nodiscard]] bool wanted(const Entry& entry) const;
    /// Gives out of the current block what is wanted and fits; leaves it when it is done.
    void give(std::vector<Found>& out, std::size_t room, std::size_t& bytes_left);

    FinderContext context_;
    Selection selection_;
    std::optional<Arrival> after_;
    Show show_;
    bool started_ = false;
    bool by_postings_ = false;
    std::unique_ptr<Finder> finder_;
    Candidates candidates_;
    Arrival position_;
    Arrival upto_;  ///< committed when the selection was refreshed

    BlockPtr block_;
    std::vector<Selection::View> views_;  ///< of the block's topics
    bool all_ = false;                    ///< no entry of the block needs to be looked at
    std::uint32_t given_ = 0;             ///< entries of the block done, in the scan's order
};

}  // namespace anode::rocks
