#include "core/node/lane_writer.hpp"

#include "base/assert.hpp"

namespace anode {

Place LaneWriter::add(const Draft& draft, HlcClock& clock, WallTime wall) {
    if (open_.empty()) open_first_ = next_;
    Place place;
    place.hlc = clock.tick(wall);
    place.seq = next_++;
    place.id = {place.hlc.value,
                static_cast<std::uint64_t>(log_.node.number()) << 32 | (place.seq & 0xffffffff)};
    open_.add(place.hlc, draft);
    return place;
}

BlockPtr LaneWriter::seal(Arrival& next_arrival, std::uint8_t block_flags) {
    ANODE_ASSERT(!open_.empty());
    const std::uint32_t count = open_.count();
    if (open_first_ == 1) block_flags |= block_flag::kOpensLog;
    BlockPtr block = open_.seal(log_, open_first_, next_arrival, block_flags);
    next_arrival = next_arrival.plus(count);
    return block;
}

}  // namespace anode
