#include "core/fanout/tail.hpp"

#include <algorithm>

namespace anode::fanout {

void Tail::push(BlockPtr block) {
    head_ = block->last_arrival();
    bytes_ += block->raw_bytes();
    blocks_.push_back(std::move(block));
}

void Tail::trim(Arrival committed, std::size_t keep_bytes, std::size_t max_bytes) {
    while (!blocks_.empty()) {
        const Block& front = *blocks_.front();
        const bool may_go = bytes_ > keep_bytes && front.last_arrival() <= committed;
        if (!may_go && bytes_ <= max_bytes) return;
        after_ = front.last_arrival();
        bytes_ -= front.raw_bytes();
        blocks_.pop_front();
    }
}

void Tail::reset(Arrival head) {
    blocks_.clear();
    bytes_ = 0;
    after_ = head_ = head;
}

std::deque<BlockPtr>::const_iterator Tail::first_behind(Arrival from) const {
    return std::partition_point(blocks_.begin(), blocks_.end(), [from](const BlockPtr& block) {
        return block->last_arrival() <= from;
    });
}

}  // namespace anode::fanout
