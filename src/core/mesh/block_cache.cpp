#include "core/mesh/block_cache.hpp"

namespace anode::mesh {

void BlockCache::add(const LogKey& log, WireBlock block) {
    auto& blocks = logs_[log].blocks;
    const Seq first = block.first;
    const std::size_t size = block.wire->size();
    if (!blocks.emplace(first, std::move(block)).second) return;
    bytes_ += size;
    order_.emplace_back(log, first);
    // The newest stays whatever its size: its children have not seen it yet.
    while (bytes_ > bytes_max_ && order_.size() > 1) {
        const auto [oldest_log, oldest] = order_.front();
        order_.pop_front();
        const auto in = logs_.find(oldest_log);
        if (in == logs_.end()) continue;
        const auto found = in->second.blocks.find(oldest);
        if (found == in->second.blocks.end()) continue;
        bytes_ -= found->second.wire->size();
        ++evicted_;
        in->second.blocks.erase(found);
        if (in->second.blocks.empty()) logs_.erase(in);
    }
}

const WireBlock* BlockCache::find(const LogKey& log, Seq seq) const {
    const auto in = logs_.find(log);
    if (in == logs_.end()) return nullptr;
    const auto& blocks = in->second.blocks;
    auto found = blocks.upper_bound(seq);
    if (found == blocks.begin()) return nullptr;
    --found;
    return found->second.last() >= seq ? &found->second : nullptr;
}

std::optional<Seq> BlockCache::contiguous_from(const LogKey& log) const {
    const auto in = logs_.find(log);
    if (in == logs_.end()) return std::nullopt;
    const auto& blocks = in->second.blocks;
    Seq from = blocks.rbegin()->first;
    for (auto block = std::next(blocks.rbegin());
         block != blocks.rend() && block->second.last() + 1 >= from; ++block)
        from = block->first;
    return from;
}

void BlockCache::forget(const LogKey& log) {
    const auto in = logs_.find(log);
    if (in == logs_.end()) return;
    for (const auto& [first, block] : in->second.blocks) bytes_ -= block.wire->size();
    logs_.erase(in);
}

}  // namespace anode::mesh
