#include "store/rocksdb/reader.hpp"

#include "base/log.hpp"
#include "base/varint.hpp"
#include "store/rocksdb/keys.hpp"

namespace anode::rocks {

Result<BlockPtr> from_stored(BytesView value, Arrival first) {
    if (value.size() < LogKey::kBytes) return fail(Errc::Corrupt, "stored block without a log key");
    const auto log = LogKey::from(value.substr(0, LogKey::kBytes));
    if (!log) return fail(Errc::Corrupt, "stored block without a log key");
    return decode_block(*log, value.substr(LogKey::kBytes), first);
}

Result<BlockPtr> Reader::load(const BlockMeta& meta, bool keep) {
    if (meta.removed()) return nullptr;
    if (BlockPtr cached = cache_.find(meta.first)) return cached;
    if (in_quarantine(meta.first)) return nullptr;
    const Stopwatch watch;
    const auto value = database_.get(Family::Blocks, block_key(meta.first));
    if (!value && value.error().code != Errc::Corrupt) {
        meters_.trouble(Meters::Trouble::Io);
        return std::unexpected(value.error());
    }
    if (!value) {
        quarantine(meta.first, meta.last(), value.error().what);
        return nullptr;
    }
    if (!*value) return nullptr;
    auto block = from_stored(**value, meta.first);
    if (!block || (*block)->count() != meta.count) {
        quarantine(meta.first, meta.last(), block ? "wrong count" : block.error().what);
        return nullptr;
    }
    hide(*block, meta.first);
    meters_.read(watch.elapsed());
    if (keep) cache_.insert(*block);
    return block;
}

void Reader::put_hidden(Batch& batch, const Block& block) {
    if (block.hidden().empty()) return;
    Bytes row;
    for (const std::uint32_t index : block.hidden()) put_varint(row, index);
    batch.put(Family::Main, segment_key(row::kHidden, block.first_arrival()), row);
    const std::lock_guard lock(mutex_);
    hidden_[block.first_arrival().value] = block.hidden();
}

Result<void> Reader::load_hidden() {
    const auto cursor = database_.cursor(Family::Main);
    const Bytes prefix(1, row::kHidden);
    const std::lock_guard lock(mutex_);
    for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix);
         cursor->next()) {
        if (cursor->key().size() != 9) continue;
        auto& indexes = hidden_[load_be64(cursor->key().data() + 1)];
        ByteReader in(cursor->value());
        while (const auto index = in.varint())
            indexes.push_back(static_cast<std::uint32_t>(*index));
    }
    return cursor->status();
}

void Reader::hide(BlockPtr& block, Arrival first) const {
    std::vector<std::uint32_t> indexes;
    {
        const std::lock_guard lock(mutex_);
        const auto found = hidden_.find(first.value);
        if (found == hidden_.end()) return;
        indexes = found->second;
    }
    std::erase_if(indexes, [&](std::uint32_t index) { return index >= block->count(); });
    place_block(block, first, {.flags = 0, .hidden = std::move(indexes)});
}

void Reader::quarantine(Arrival first, Arrival last, const std::string& why) {
    {
        const std::lock_guard lock(mutex_);
        if (!damaged_.emplace(first.value, last.value).second) return;
    }
    count_.fetch_add(1);
    meters_.trouble(Meters::Trouble::Corrupt);
    log::error("store", "damaged block put in quarantine",
               {{"first", first.value}, {"last", last.value}, {"err", why}});
}

bool Reader::in_quarantine(Arrival first) const {
    const std::lock_guard lock(mutex_);
    return damaged_.contains(first.value);
}

bool Reader::damage_after(Arrival after) const {
    const std::lock_guard lock(mutex_);
    return !damaged_.empty() && damaged_.rbegin()->second > after.value;
}

void Reader::forget_below(Arrival floor) {
    const std::lock_guard lock(mutex_);
    while (!damaged_.empty() && damaged_.begin()->second < floor.value) {
        damaged_.erase(damaged_.begin());
    }
    hidden_.erase(hidden_.begin(), hidden_.lower_bound(floor.value));
}

}  // namespace anode::rocks
