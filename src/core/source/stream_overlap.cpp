#include "core/source/stream_overlap.hpp"

#include <utility>

namespace anode::source {

Overlap::Count& Overlap::find(std::uint64_t content, Instant now) {
    if (now - began_ > kGeneration || current_.size() >= kRowsMax) {
        previous_ = std::move(current_);
        current_.clear();
        began_ = now;
    }
    const auto [place, added] = current_.try_emplace(content);
    if (added) {
        if (const auto older = previous_.find(content); older != previous_.end()) {
            place->second = older->second;
        }
    }
    return place->second;
}

bool Overlap::fresh(ConnId from, std::uint64_t content, Instant now) {
    Count& count = find(content, now);
    std::size_t side = 0;
    if (count.from[1] == from) {
        side = 1;
    } else if (count.from[0] != from) {
        // A third connection takes the place of the one that is behind.
        side = count.times[0] <= count.times[1] ? 0 : 1;
        count.from[side] = from;
        count.times[side] = 0;
    }
    if (++count.times[side] <= count.out) return false;
    count.out = count.times[side];
    return true;
}

}  // namespace anode::source
