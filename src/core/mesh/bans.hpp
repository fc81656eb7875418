#pragma once

#include <algorithm>
#include <map>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace anode::mesh {

/// Peers that broke the protocol, and until when they are left alone: a minute, twice as long each time, at most an hour.
/// Limits:  `kPeersMax` of them; past it the one whose ban ends first is let go, so that invented identities cost no memory.
/// Source:  dissemination, section 8.5.
class Bans {
public:
    static constexpr std::size_t kPeersMax = 4096;
    static constexpr Duration kFirst = 60s, kLongest = 1h, kForgiven = 24h;

    /// Returns how long it lasts.
    Duration ban(const NodeId& peer, Instant now) {
        if (!entries_.contains(peer) && entries_.size() >= kPeersMax) make_room(now);
        Entry& entry = entries_[peer];
        // Old sins are forgiven after a day without new ones.
        if (entry.until + kForgiven < now) entry.strikes = 0;
        const Duration lasts =
            std::min<Duration>(kFirst * (1 << std::min(entry.strikes, 6u)), kLongest);
        ++entry.strikes;
        entry.until = now + lasts;
        return lasts;
    }
    [[nodiscard]] bool banned(const NodeId& peer, Instant now) const {
        const auto at = entries_.find(peer);
        return at != entries_.end() && now < at->second.until;
    }
    [[nodiscard]] Instant until(const NodeId& peer) const {
        const auto at = entries_.find(peer);
        return at == entries_.end() ? Instant{} : at->second.until;
    }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    struct Entry {
        Instant until{};
        unsigned strikes = 0;
    };
    void make_room(Instant now) {
        std::erase_if(entries_,
                      [&](const auto& one) { return one.second.until + kForgiven < now; });
        if (entries_.size() < kPeersMax) return;
        entries_.erase(std::ranges::min_element(entries_, {},
                                                [](const auto& one) { return one.second.until; }));
    }

    std::map<NodeId, Entry> entries_;
};

}  // namespace anode::mesh
