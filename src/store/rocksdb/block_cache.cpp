#include "store/rocksdb/block_cache.hpp"

namespace anode::rocks {

std::uint64_t BlockCache::cost(const Block& block) {
    // Beside the body an entry has an offset and a stamp, a topic two tables.
    return 512 + block.raw_bytes() + block.count() * 12ull + block.topics().size() * 48ull;
}

BlockPtr BlockCache::find(Arrival first) {
    const std::lock_guard lock(mutex_);
    const auto found = by_arrival_.find(first.value);
    if (found == by_arrival_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, found->second);
    return recent_.front();
}

void BlockCache::insert(const BlockPtr& block) {
    const std::lock_guard lock(mutex_);
    const auto [place, fresh] = by_arrival_.try_emplace(block->first_arrival().value);
    if (!fresh) return;
    recent_.push_front(block);
    place->second = recent_.begin();
    bytes_ += cost(*block);
    evict_past_limit();
}

void BlockCache::forget(Arrival first) {
    const std::lock_guard lock(mutex_);
    const auto found = by_arrival_.find(first.value);
    if (found == by_arrival_.end()) return;
    bytes_ -= cost(**found->second);
    recent_.erase(found->second);
    by_arrival_.erase(found);
}

void BlockCache::clear() {
    const std::lock_guard lock(mutex_);
    by_arrival_.clear();
    recent_.clear();
    bytes_ = 0;
}

void BlockCache::evict_past_limit() {
    while (bytes_ > bytes_max_ && !recent_.empty()) {
        bytes_ -= cost(*recent_.back());
        by_arrival_.erase(recent_.back()->first_arrival().value);
        recent_.pop_back();
    }
}

}  // namespace anode::rocks
