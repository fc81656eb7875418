#pragma once

#include <algorithm>
#include <map>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace anode::mesh {

/// Peers that broke the protocol, and until when they are left alone: a minute, twice as long each time, at most an hour.
/// Source: dissemination, section 8.5.
class Bans {
public:
    /// Returns how long it lasts.
    Duration ban(const NodeId& peer, Instant now) {
        Entry& entry = entries_[peer];
        // Old sins are forgiven after a day without new ones.
        if (entry.until + 24h < now) entry.strikes = 0;
        const Duration lasts = std::min<Duration>(60s * (1 << std::min(entry.strikes, 6u)), 1h);
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

private:
    struct Entry {
        Instant until{};
        unsigned strikes = 0;
    };
    std::map<NodeId, Entry> entries_;
};

}  // namespace anode::mesh
