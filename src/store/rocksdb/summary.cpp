#include "store/rocksdb/summary.hpp"

#include <unordered_set>

#include "base/hash.hpp"
#include "base/varint.hpp"
#include "store/rocksdb/keys.hpp"

namespace anode::rocks {
namespace {

struct KeyOf {
    std::uint32_t topic_index;
    std::string_view key;
    bool operator==(const KeyOf&) const = default;
};
struct KeyHash {
    std::size_t operator()(const KeyOf& of) const { return hash64(of.key, of.topic_index); }
};

}  // namespace

Bytes LastPlace::encoded() const {
    Bytes value;
    put_be(value, hlc);
    put_be(value, arrival.value);
    return value;
}

LastPlace LastPlace::decoded(BytesView value) {
    if (value.size() != kLastValueBytes) return {};
    return {load_be64(value.data()), {load_be64(value.data() + 8)}};
}

Summary summarize(const BlockPtr& block, std::uint64_t stored_bytes) {
    Summary summary;
    summary.block = block;
    summary.stored_bytes = stored_bytes;
    summary.topics.reserve(block->topics().size());
    for (const auto topic : block->topics()) summary.topics.push_back({.topic = topic});
    std::vector<bool> keyless_seen(summary.topics.size());
    std::unordered_set<KeyOf, KeyHash> keys_seen;
    // Backwards, because stamps rise within a log: the first seen of a key is its newest.
    for (std::uint32_t i = block->count(); i-- > 0;) {
        if (block->hides(i)) continue;
        const Entry entry = block->entry(i);
        auto& topic = summary.topics[entry.topic_index];
        const WallTime ts = entry.ts();
        if (topic.messages == 0) {
            topic.last_ts = ts;
            topic.last_arrival = entry.arrival;
        }
        topic.first_ts = ts;
        ++topic.messages;
        topic.bytes += entry.payload.size();
        summary.payload_bytes += entry.payload.size();
        bool newest = false;
        if (entry.key.empty()) {
            newest = !keyless_seen[entry.topic_index];
            keyless_seen[entry.topic_index] = true;
        } else {
            newest = keys_seen.insert({entry.topic_index, entry.key}).second;
        }
        if (newest) {
            summary.lasts.push_back(
                {entry.topic_index, entry.key, {entry.hlc.value, entry.arrival}});
        }
    }
    return summary;
}

}  // namespace anode::rocks
