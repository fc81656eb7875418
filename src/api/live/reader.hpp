#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/fanout/picker.hpp"
#include "core/fanout/tail.hpp"
#include "store/store.hpp"

namespace anode::api {

/// Reads for one listener what the ring does not hold: a replay, or what it was too slow for; also
/// whatever must be counted out (`limit`, `window`). First from the store, on a worker; then from
/// the tail of recent blocks, on the loop; both in bounded pieces, so that its memory never grows.
/// Thread: one at a time: step_store() on a worker while the loop keeps its hands off.
class Reader {
public:
    Reader(fanout::Picker::Want want, std::uint32_t store_tag, Arrival after,
           std::vector<Found> first);

    static constexpr std::size_t kPieceBytes = 96 << 10;

    struct Outcome {
        fanout::Piece piece;
        bool at_end = false;  ///< of what the store had committed
        bool failed = false;
        std::string why;
    };
    /// Reads on from position() in the store; at most `messages_max` messages are taken.
    Outcome step_store(const Store& store, std::uint64_t messages_max);
    /// The same from the tail, which must reach back to position().
    Outcome step_tail(const fanout::Tail& tail, std::uint64_t messages_max);

    /// Everything up to here has been looked at.
    [[nodiscard]] Arrival position() const noexcept { return position_; }
    void skip_to(Arrival position) {
        position_ = position;
        forget_scan();
    }
    /// What is wanted has changed: what was found for the old wish is found anew.
    void forget_scan();
    /// Whether something read earlier waits to be looked at.
    [[nodiscard]] bool has_pending() const noexcept { return next_pending_ < pending_.size(); }
    [[nodiscard]] fanout::Picker& picker() noexcept { return picker_; }

    // -- the loop's notes ---------------------------------------------------------------------------
    std::vector<std::uint32_t> sids;
    Arrival handed;          ///< everything up to here is in the listener's outbox
    bool working = false;    ///< with a worker
    bool announced = false;  ///< it has once reached the present
    std::uint64_t conflated_seen = 0;
    bool catching_up = false;  ///< because it was slow
    Instant began{};           ///< to catch up
    Instant not_before{};      ///< the store had nothing new
    Instant stuck_since = Instant::max();

private:
    bool take_pending(std::uint64_t messages_max, fanout::Piece& piece);

    fanout::Picker picker_;
    Arrival position_;
    std::vector<Found> pending_;
    std::size_t next_pending_ = 0;
    bool pending_is_first_;  ///< the newest messages of `from=last`: older than the position
    std::unique_ptr<Scan> scan_;
};

}  // namespace anode::api
