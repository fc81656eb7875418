#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "core/membership/config.hpp"
#include "core/membership/swim/timers.hpp"

namespace anode::membership {

/// How long a suspicion runs. Source: Lifeguard, section 4.2; memberlist protocol, section 6.4.
struct SuspicionTimes {
    Duration min{}, max{};
    unsigned confirmations = 0;  ///< how many bring it from max down to min

    /// As memberlist judges; `n` counts all entries.
    static SuspicionTimes slow(const Timing& timing, std::size_t n);
    /// As our own nodes judge each other; `n` counts members that are up. `refused`: we found the member's stream port closed
    /// ourselves.
    static SuspicionTimes fast(const FastTiming& timing, std::size_t n, bool refused);
    /// After this many confirmations, counted from the start.
    [[nodiscard]] Duration after(unsigned confirmed) const;
};

/// A running suspicion of one member, with what we do ourselves to find out.
struct Suspicion {
    SuspicionTimes times;
    Instant began{};
    Instant deadline{};
    Instant armed = Timers::kNever;
    unsigned confirmed = 0;
    std::vector<std::uint64_t> names;  ///< hashes of who accused; the originator first
    bool fast = false;

    // Of a fast member only: our own questions to it.
    bool asks = false;       ///< we are of the jury
    bool accused = false;    ///< our own accusation went out
    bool last_word = false;  ///< asked once more before the verdict
    bool stream_refused = false;
    std::uint32_t seq = 0;  ///< of all our questions
    unsigned asked = 0;
    Instant next_ask = Timers::kNever;
    Instant proof{};  ///< when it last answered us without refuting

    /// True: a new voice, and one that still counts.
    bool confirm(BytesView from);
    [[nodiscard]] bool voiced(BytesView from) const noexcept;
    void reckon() noexcept { deadline = began + times.after(confirmed); }
    [[nodiscard]] Instant due() const noexcept { return next_ask < deadline ? next_ask : deadline; }
};

}  // namespace anode::membership
