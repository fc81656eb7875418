#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "core/source/values.hpp"

/// What sources may spend: connects, messages, requests a time, and requests at once (C8, C31).
namespace anode::source {

/// Never more than a rate's count in any window of its length; bursts up to the count are allowed.
/// Memory: 8 bytes per spending in the window, at most kWindowMax of them (larger rates are kept in
/// proportion).
class Bucket {
public:
    static constexpr std::uint32_t kWindowMax = 8192;

    /// Zero: spent one, go. Otherwise nothing was spent and this is how long to wait before asking
    /// again.
    Duration take(const Rate& rate, Instant now);
    /// Spends without asking, for what cannot be held back (a pong).
    void spend(const Rate& rate, Instant now);
    /// Nothing may be spent before this time: the server said so.
    void hold_until(Instant until) noexcept { held_until_ = std::max(held_until_, until); }

private:
    std::deque<Instant> spent_;
    Instant held_until_{};
};

/// The budgets of one node, by owner: a source (`source:okx-trades`) or a provider (`provider:okx`).
/// Thread: confined to the thread that runs the machines.
class Budgets {
public:
    struct Owner {
        Bucket connects, messages, requests;
        std::uint32_t running = 0;  ///< requests at once
        double share = 1.0;
    };
    /// The books of this owner; stays valid.
    Owner& of(std::string_view owner);
    /// This node's part of a provider's budget, which the whole cluster shares: 1 / nodes that run its sources.
    void set_share(std::string_view owner, double share);
    /// The part of `rate` that this owner may spend here, at least one.
    static Rate part(const Owner& owner, Rate allowance);

private:
    std::map<std::string, Owner, std::less<>> owners_;
};

}  // namespace anode::source
