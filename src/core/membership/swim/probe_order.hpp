#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "core/membership/swim/name_pool.hpp"

namespace anode::membership {

/// Round-robin over members in an order that is shuffled each round: new ones at a random place, so that each live member is
/// asked within about 2n − 1 rounds. Source: SWIM, section 4.3; memberlist protocol, section 5.2.
class ProbeOrder {
public:
    void add(NamePool::Id id, Rng& rng) {
        ids_.push_back(id);
        std::swap(ids_.back(), ids_[rng.below(ids_.size())]);
    }
    void remove(NamePool::Id id) {
        const auto found = std::find(ids_.begin(), ids_.end(), id);
        if (found == ids_.end()) return;
        if (static_cast<std::size_t>(found - ids_.begin()) < cursor_) --cursor_;
        ids_.erase(found);
    }
    [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }

    /// The next id, or kNone at the end of a round: then reap, call wrap(), and go on.
    NamePool::Id next() noexcept {
        return cursor_ < ids_.size() ? ids_[cursor_++] : NamePool::kNone;
    }
    void wrap(Rng& rng) {
        for (std::size_t i = ids_.size(); i > 1; --i) std::swap(ids_[i - 1], ids_[rng.below(i)]);
        cursor_ = 0;
    }

private:
    std::vector<NamePool::Id> ids_;
    std::size_t cursor_ = 0;
};

}  // namespace anode::membership
