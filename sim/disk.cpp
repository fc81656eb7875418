#include "sim/disk.hpp"

#include <algorithm>

namespace anode::sim {
namespace {

bool overlaps(const mesh::WireBlock& block, mesh::SeqRange range) noexcept {
    return block.last() >= range.first && block.first <= range.last;
}

}  // namespace

std::vector<mesh::KnownLog> Disk::known() const {
    std::map<LogKey, mesh::KnownLog> all;
    for (const auto& [log, blocks] : logs) {
        if (blocks.empty()) continue;
        mesh::KnownLog& known = all[log];
        known.log = log;
        for (const auto& [first, block] : blocks) {
            if (!known.have.empty() && known.have.back().last + 1 == first)
                known.have.back().last = block.last();
            else
                known.have.push_back({first, block.last()});
        }
        known.first_hlc = blocks.begin()->second.first_hlc;
        known.last_hlc = blocks.rbegin()->second.last_hlc;
    }
    for (const auto& [log, state] : remembered) {
        all[log].log = log;
        all[log].remembered = state;
    }
    std::vector<mesh::KnownLog> out;
    for (auto& [log, known] : all) out.push_back(std::move(known));
    return out;
}

bool Disk::holds(const LogKey& log, Seq seq) const {
    const auto found = logs.find(log);
    if (found == logs.end()) return false;
    const auto after = found->second.upper_bound(seq);
    return after != found->second.begin() && std::prev(after)->second.last() >= seq;
}

void ModelStore::flush(Instant now, Duration latency) {
    if (journal_.empty() || syncing_ > 0) return;
    syncing_ = journal_.size();
    due_ = now + latency;
}

std::map<LogKey, Seq> ModelStore::synced() {
    std::map<LogKey, Seq> upto;
    for (; syncing_ > 0; --syncing_) {
        Entry& entry = journal_.front();
        if (auto* written = std::get_if<Written>(&entry)) {
            Seq& last = upto[written->log];
            last = std::max(last, written->block.last());
            disk_.logs[written->log].insert_or_assign(written->block.first,
                                                      std::move(written->block));
        } else if (auto* memory = std::get_if<Memory>(&entry)) {
            if (memory->state.empty())
                disk_.remembered.erase(memory->log);
            else
                disk_.remembered[memory->log] = std::move(memory->state);
        } else if (auto* record = std::get_if<Record>(&entry)) {
            if (record->value)
                disk_.records[record->key] = std::move(*record->value);
            else
                disk_.records.erase(record->key);
        }
        journal_.pop_front();
    }
    due_ = Instant::max();
    return upto;
}

std::vector<mesh::WireBlock> ModelStore::read(const LogKey& log, mesh::SeqRange range,
                                              std::size_t bytes_max) const {
    std::map<Seq, mesh::WireBlock> found;
    if (const auto blocks = disk_.logs.find(log); blocks != disk_.logs.end()) {
        auto at = blocks->second.upper_bound(range.first);
        if (at != blocks->second.begin()) --at;
        std::size_t bytes = 0;
        for (; at != blocks->second.end() && at->first <= range.last && bytes < bytes_max; ++at) {
            if (!overlaps(at->second, range)) continue;
            found.insert(*at);
            bytes += at->second.wire->size();
        }
    }
    for (const Entry& entry : journal_)
        if (const auto* written = std::get_if<Written>(&entry))
            if (written->log == log && overlaps(written->block, range))
                found.emplace(written->block.first, written->block);
    std::vector<mesh::WireBlock> out;
    std::size_t bytes = 0;
    for (auto& [first, block] : found) {
        if (bytes >= bytes_max) break;
        bytes += block.wire->size();
        out.push_back(std::move(block));
    }
    return out;
}

}  // namespace anode::sim
