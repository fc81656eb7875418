#include <bit>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "core/message/block.hpp"
#include "core/message/block_layout.hpp"

namespace anode {

using namespace block_layout;

namespace {

std::uint8_t parts_of(const Draft& draft) noexcept {
    std::uint8_t has = 0;
    if (draft.cid) has |= kCid;
    if (!draft.key.empty()) has |= kKey;
    if (!draft.content_type.empty()) has |= kType;
    if (draft.source_time) has |= kSourceTime;
    if (!draft.source_position.empty()) has |= kPosition;
    if (!draft.trace.empty()) has |= kTrace;
    if (draft.kind != Kind::Set || draft.flags != 0) has |= kMarks;
    return has;
}

std::uint8_t marks_of(const Draft& draft) noexcept {
    return static_cast<std::uint8_t>(static_cast<unsigned>(draft.kind) << kKindShift |
                                     (draft.flags & kFlagsMask));
}

struct Refs {
    std::uint32_t topic, source, type;
};

/// Everything behind the stamp.
char* put_entry(char* at, const Draft& draft, const Refs& refs, Hlc hlc) noexcept {
    const std::uint8_t has = parts_of(draft);
    at = put_varint(at, refs.topic);
    at = put_varint(at, refs.source);
    *at++ = static_cast<char>(has);
    if ((has & kMarks) != 0) *at++ = static_cast<char>(marks_of(draft));
    if ((has & kCid) != 0) {
        std::memcpy(at, &draft.cid->high, 8);
        std::memcpy(at + 8, &draft.cid->low, 8);
        at += 16;
    }
    if ((has & kKey) != 0) at = put_lp(at, draft.key);
    if ((has & kType) != 0) at = put_varint(at, refs.type);
    if ((has & kSourceTime) != 0) {
        const auto ahead = static_cast<std::uint64_t>(*draft.source_time) -
                           static_cast<std::uint64_t>(hlc.micros());
        at = put_varint(at, zigzag(static_cast<std::int64_t>(ahead)));
    }
    if ((has & kPosition) != 0) at = put_lp(at, draft.source_position);
    if ((has & kTrace) != 0) at = put_lp(at, draft.trace);
    return put_lp(at, draft.payload);
}

}  // namespace

void BlockBuilder::grow_slots() {
    slots_.assign(std::max<std::size_t>(16, slots_.size() * 2), 0);
    for (std::uint32_t ref = 0; ref < refs_.size(); ++ref) {
        std::size_t slot = refs_[ref].hash & (slots_.size() - 1);
        while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
        slots_[slot] = ref + 1;
    }
}

std::uint32_t BlockBuilder::name_ref(std::string_view name) {
    if (refs_.size() * 2 >= slots_.size()) grow_slots();
    const std::uint64_t hash = hash64(name);
    std::size_t slot = hash & (slots_.size() - 1);
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
        const Name& known = refs_[slots_[slot] - 1];
        if (known.hash == hash && std::string_view(names_.data() + known.at, known.bytes) == name)
            return slots_[slot] - 1;
    }
    anode::put_varint(names_, name.size());
    refs_.push_back({hash, static_cast<std::uint32_t>(names_.size()),
                     static_cast<std::uint32_t>(name.size()), kNoTopic});
    names_ += name;
    slots_[slot] = static_cast<std::uint32_t>(refs_.size());
    return slots_[slot] - 1;
}

void BlockBuilder::add(Hlc hlc, const Draft& draft) {
    const std::uint64_t last = empty() ? hlc.value : hlcs_.back();
    ANODE_ASSERT(empty() || hlc.value > last);
    ANODE_ASSERT(count() < kBlockEntriesMax);
    Refs refs{name_ref(draft.topic), name_ref(draft.source), 0};
    if (!draft.content_type.empty()) refs.type = name_ref(draft.content_type);
    if (refs_[refs.topic].topic == kNoTopic) refs_[refs.topic].topic = topics_++;
    has_cid_ |= draft.cid.has_value();

    const std::size_t before = entries_.size();
    const std::size_t room = 9 * kVarintMax + 18 + draft.key.size() + draft.source_position.size() +
                             draft.trace.size() + draft.payload.size();
    ANODE_ASSERT(before + room + names_.size() <= kBlockRawBytesHard);
    std::size_t offset = 0;
    entries_.resize_and_overwrite(before + room, [&](char* begin, std::size_t) {
        char* at = put_varint(begin + before, hlc.value - last);
        offset = static_cast<std::size_t>(at - begin);
        return static_cast<std::size_t>(put_entry(at, draft, refs, hlc) - begin);
    });
    offsets_.push_back(static_cast<std::uint32_t>(offset));
    hlcs_.push_back(hlc.value);
}

/// `table_at`: where the bytes of names_ begin in the body.
void BlockBuilder::fill_names(Block& block, std::size_t table_at) const {
    block.names_.reserve(refs_.size());
    block.topic_of_name_.reserve(refs_.size());
    block.topics_.resize(topics_);
    for (const Name& name : refs_) {
        const std::string_view text(block.body_.data() + table_at + name.at, name.bytes);
        block.names_.push_back(text);
        block.topic_of_name_.push_back(name.topic);
        if (name.topic != kNoTopic) block.topics_[name.topic] = text;
    }
}

BlockPtr BlockBuilder::seal(const LogKey& log, Seq first_seq, Arrival first_arrival,
                            std::uint8_t block_flags) {
    ANODE_ASSERT(!empty() && first_seq > 0);
    ANODE_ASSERT((block_flags & block_flag::kSigned) == 0);
    auto block = std::make_shared<Block>();
    block->log_ = log;
    block->first_seq_ = first_seq;
    block->first_arrival_ = first_arrival;
    block->first_hlc_ = {hlcs_.front()};
    block->last_hlc_ = {hlcs_.back()};
    block->flags_ = static_cast<std::uint8_t>(block_flags | (has_cid_ ? block_flag::kHasCid : 0));

    block->body_.reserve(kVarintMax + bytes());
    anode::put_varint(block->body_, refs_.size());
    const std::size_t table_at = block->body_.size();
    block->body_ += names_;
    const auto entries_at = static_cast<std::uint32_t>(block->body_.size());
    block->body_ += entries_;
    block->hlcs_ = hlcs_;
    block->offsets_ = offsets_;
    for (std::uint32_t& offset : block->offsets_) offset += entries_at;
    fill_names(*block, table_at);

    entries_.clear();
    names_.clear();
    refs_.clear();
    std::fill(slots_.begin(), slots_.end(), 0);
    topics_ = 0;
    offsets_.clear();
    hlcs_.clear();
    has_cid_ = false;
    return block;
}

}  // namespace anode
