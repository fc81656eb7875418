#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace anode::membership {

/// When what is due, the earliest first and equal ones in the order they were set. None is cancelled: whoever armed one keeps
/// its instant in `armed`, and a timer that fires with another instant than that is stale.
class Timers {
public:
    enum class Kind : std::uint8_t { FastProbe, SlowProbe, Gossip, Probe, Relay, Suspicion };
    struct Timer {
        Instant at{};
        std::uint64_t order = 0;
        std::uint32_t key = 0;  ///< sequence number or name id
        Kind kind = Kind::Gossip;
    };
    static constexpr Instant kNever = Instant::max();

    /// Sees to it that `kind`, `key` fires at `at` or earlier.
    void arm(Kind kind, std::uint32_t key, Instant at, Instant& armed) {
        if (armed <= at) return;
        armed = at;
        heap_.push_back({at, order_++, key, kind});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    [[nodiscard]] Instant due() const noexcept { return heap_.empty() ? kNever : heap_.front().at; }
    Timer pop() {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const Timer timer = heap_.back();
        heap_.pop_back();
        return timer;
    }

private:
    static bool later(const Timer& a, const Timer& b) noexcept {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
    std::vector<Timer> heap_;
    std::uint64_t order_ = 0;
};

}  // namespace anode::membership
