#pragma once

#include "core/state/shared.hpp"

namespace anode::state {

/// A node that was away for longer than deletions are remembered does not bring its old map back: what others deleted
/// meanwhile would return. It waits beside the map until an operator decides.
/// A node that has never met another one cannot be away: its map is the cluster's.
/// Source:  dissemination, section 6.4.
class Absence {
public:
    /// Sorts what was persisted. True if we were away for too long; the items are then held here, otherwise taken in.
    bool restore(Shared& s, const Restore& from);
    /// The end of it: what is to be written again with fresh stamps (nothing if the old map stands as it is). `alone`: there was
    /// nobody whose map could take its place.
    std::vector<Item> end(Shared& s, bool keep_local, bool alone);

    [[nodiscard]] bool on() const noexcept { return on_; }
    /// Notes, once, that there are others.
    void meet(Shared& s);

private:
    bool on_ = false;
    std::optional<WallTime> met_at_;
    WallTime in_sync_at_ = 0;
    std::vector<Item> held_;
};

}  // namespace anode::state
