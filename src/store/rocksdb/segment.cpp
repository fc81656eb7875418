#include "store/rocksdb/segment.hpp"

#include <algorithm>

#include "base/varint.hpp"
#include "store/rocksdb/keys.hpp"

namespace anode::rocks {
namespace {

std::unexpected<Error> damaged(const char* what) {
    return fail(Errc::Corrupt, std::string("damaged index row: ") + what);
}

/// Wraps instead of overflowing: damaged rows may say anything.
WallTime moved(WallTime ts, std::uint64_t by) {
    return static_cast<WallTime>(static_cast<std::uint64_t>(ts) + by);
}

}  // namespace

Bytes encode_block_list(const BlockList& blocks) {
    Bytes out;
    put_varint(out, blocks.size());
    std::uint64_t arrival = 0;
    std::uint64_t hlc = 0;
    for (const auto& block : blocks) {
        put_varint(out, block.first.value - arrival);
        put_varint(out, block.count);
        put_varint(out, zigzag(static_cast<std::int64_t>(block.min_hlc - hlc)));
        put_varint(out, block.max_hlc - block.min_hlc);
        put_varint(out, block.stored_bytes);
        put_varint(out, block.payload_bytes);
        arrival = block.first.value + block.count;
        hlc = block.max_hlc;
    }
    return out;
}

Result<BlockList> decode_block_list(BytesView bytes) {
    ByteReader in(bytes);
    const std::uint64_t count = in.varint().value_or(0);
    if (count > bytes.size()) return damaged("block list");
    BlockList blocks;
    blocks.reserve(count);
    std::uint64_t arrival = 0;
    std::uint64_t hlc = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        BlockMeta block;
        block.first = {arrival + in.varint().value_or(0)};
        block.count = static_cast<std::uint32_t>(in.varint().value_or(0));
        block.min_hlc = hlc + static_cast<std::uint64_t>(unzigzag(in.varint().value_or(0)));
        block.max_hlc = block.min_hlc + in.varint().value_or(0);
        block.stored_bytes = in.varint().value_or(0);
        block.payload_bytes = in.varint().value_or(0);
        if (in.failed() || block.count == 0) return damaged("block list");
        arrival = block.first.value + block.count;
        hlc = block.max_hlc;
        blocks.push_back(block);
    }
    if (!in.at_end()) return damaged("block list");
    return blocks;
}

Bytes encode_topic_list(const std::vector<SegmentTopic>& topics) {
    Bytes out;
    put_varint(out, topics.size());
    std::uint32_t number = 0;
    std::uint64_t arrival = 0;
    WallTime ts = 0;
    for (const auto& topic : topics) {
        put_varint(out, topic.topic - number);
        put_varint(out, topic.counts.messages);
        put_varint(out, topic.counts.bytes);
        put_varint(out, zigzag(topic.counts.first_ts - ts));
        put_varint(out, static_cast<std::uint64_t>(topic.counts.last_ts - topic.counts.first_ts));
        put_varint(out,
                   zigzag(static_cast<std::int64_t>(topic.counts.last_arrival.value - arrival)));
        number = topic.topic;
        arrival = topic.counts.last_arrival.value;
        ts = topic.counts.first_ts;
    }
    return out;
}

Result<std::vector<SegmentTopic>> decode_topic_list(BytesView bytes) {
    ByteReader in(bytes);
    const std::uint64_t count = in.varint().value_or(0);
    if (count > bytes.size()) return damaged("topic list");
    std::vector<SegmentTopic> topics;
    topics.reserve(count);
    SegmentTopic topic;
    for (std::uint64_t i = 0; i < count; ++i) {
        TopicCounts& counts = topic.counts;
        topic.topic += static_cast<std::uint32_t>(in.varint().value_or(0));
        counts.messages = in.varint().value_or(0);
        counts.bytes = in.varint().value_or(0);
        counts.first_ts =
            moved(counts.first_ts, static_cast<std::uint64_t>(unzigzag(in.varint().value_or(0))));
        counts.last_ts = moved(counts.first_ts, in.varint().value_or(0));
        counts.last_arrival.value += static_cast<std::uint64_t>(unzigzag(in.varint().value_or(0)));
        if (in.failed()) return damaged("topic list");
        topics.push_back(topic);
    }
    if (!in.at_end()) return damaged("topic list");
    return topics;
}

Bytes encode_postings(const Postings& postings) {
    Bytes out;
    std::uint32_t next = 0;
    for (const auto place : postings) {
        put_varint(out, place - next);
        next = place + 1;
    }
    return out;
}

Result<Postings> decode_postings(BytesView bytes) {
    ByteReader in(bytes);
    Postings postings;
    std::uint64_t next = 0;
    while (!in.at_end()) {
        const std::uint64_t place = next + in.varint().value_or(0);
        if (in.failed() || place > 0xffff'fffe) return damaged("postings");
        postings.push_back(static_cast<std::uint32_t>(place));
        next = place + 1;
    }
    return postings;
}

Bytes SegmentHead::encoded() const {
    Bytes out;
    put_varint(out, first.value);
    put_varint(out, last.value - first.value);
    put_varint(out, blocks);
    put_varint(out, messages);
    put_varint(out, stored_bytes);
    put_varint(out, payload_bytes);
    put_varint(out, min_hlc);
    put_varint(out, max_hlc - min_hlc);
    return out;
}

Result<SegmentHead> SegmentHead::decoded(BytesView bytes) {
    ByteReader in(bytes);
    SegmentHead head;
    head.first = {in.varint().value_or(0)};
    head.last = head.first.plus(in.varint().value_or(0));
    head.blocks = static_cast<std::uint32_t>(in.varint().value_or(0));
    head.messages = in.varint().value_or(0);
    head.stored_bytes = in.varint().value_or(0);
    head.payload_bytes = in.varint().value_or(0);
    head.min_hlc = in.varint().value_or(0);
    head.max_hlc = head.min_hlc + in.varint().value_or(0);
    if (in.failed() || !in.at_end()) return damaged("segment");
    return head;
}

void OpenSegment::add(const Summary& summary, const std::vector<std::uint32_t>& numbers) {
    const Block& block = *summary.block;
    const auto place = static_cast<std::uint32_t>(blocks.size());
    blocks.push_back({block.first_arrival(), block.count(), block.first_hlc().value,
                      block.last_hlc().value, summary.stored_bytes, summary.payload_bytes});
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto& part = summary.topics[i];
        if (part.messages == 0) continue;
        TopicState& topic = topics[numbers[i]];
        topic.counts.add(
            {part.messages, part.bytes, part.first_ts, part.last_ts, part.last_arrival});
        topic.postings.push_back(place);
    }
    for (const auto& newest : summary.lasts) {
        LastPlace& known = last[last_key(numbers[newest.topic_index], newest.key)];
        if (newest.place.hlc >= known.hlc) known = newest.place;
    }
    messages += block.count();
    stored_bytes += summary.stored_bytes;
    payload_bytes += summary.payload_bytes;
}

SegmentHead OpenSegment::head() const {
    SegmentHead head;
    head.first = blocks.front().first;
    head.last = blocks.back().last();
    head.blocks = static_cast<std::uint32_t>(blocks.size());
    head.messages = messages;
    head.stored_bytes = stored_bytes;
    head.payload_bytes = payload_bytes;
    head.min_hlc = blocks.front().min_hlc;
    for (const auto& block : blocks) {
        head.min_hlc = std::min(head.min_hlc, block.min_hlc);
        head.max_hlc = std::max(head.max_hlc, block.max_hlc);
    }
    return head;
}

std::vector<SegmentTopic> OpenSegment::topic_list() const {
    std::vector<SegmentTopic> list;
    list.reserve(topics.size());
    for (const auto& [number, state] : topics) list.push_back({number, state.counts});
    std::ranges::sort(list, {}, &SegmentTopic::topic);
    return list;
}

}  // namespace anode::rocks
