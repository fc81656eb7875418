#include "store/rocksdb/reader.hpp"

#include "base/log.hpp"
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
    meters_.read(watch.elapsed());
    if (keep) cache_.insert(*block);
    return block;
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
}

}  // namespace anode::rocks
