#pragma once

#include <list>
#include <map>
#include <string_view>
#include <utility>

#include "base/time.hpp"
#include "core/membership/counters.hpp"
#include "core/membership/types.hpp"

namespace anode::membership {

/// Decides what an operator reads: each sentence once for each address, again after ten minutes.
/// Thread:  as Membership.
/// Limits:  1,024 pairs are remembered, the one told least recently goes first; 64 notices at once and one a second after
///          that, so that forged source addresses fill no log.
class Notices {
public:
    static constexpr std::size_t kRememberedMax = 1024;
    static constexpr Duration kRepeat = 10min;
    static constexpr double kBurst = 64;

    /// True: tell it. `what` is constant text. Streams come from ports that change each time, so their `from` counts without
    /// its port.
    bool due(std::string_view what, const Address& from, bool stream, Instant now);
    [[nodiscard]] std::size_t remembered() const noexcept { return told_.size(); }

private:
    using Key = std::pair<std::string_view, Bytes>;
    struct Told {
        Instant at;
        std::list<Key>::iterator place;
    };
    bool take_token(Instant now) noexcept;

    std::map<Key, Told> told_;
    std::list<Key> order_;  ///< told most recently last
    double tokens_ = kBurst;
    Instant refilled_{};
};

/// What a notice about this reason says; constant text.
[[nodiscard]] std::string_view sentence(Drop reason) noexcept;

}  // namespace anode::membership
