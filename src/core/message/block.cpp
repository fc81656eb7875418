#include "core/message/block.hpp"

#include "base/assert.hpp"
#include "core/message/block_layout.hpp"
#include "core/message/topic.hpp"

namespace anode {

using namespace block_layout;

Entry Block::entry(std::uint32_t index) const {
    ANODE_ASSERT(index < count());
    Trusted in(body_.data() + offsets_[index]);
    Entry out;
    out.seq = first_seq_ + index;
    out.arrival = first_arrival_.plus(index);
    out.hlc = {hlcs_[index]};
    const std::uint64_t topic = in.varint();
    out.topic = names_[topic];
    out.topic_index = topic_of_name_[topic];
    out.source = names_[in.varint()];
    const std::uint8_t has = in.byte();
    if ((has & kMarks) != 0) {
        const std::uint8_t marks = in.byte();
        out.kind = static_cast<Kind>(marks >> kKindShift);
        out.flags = marks & kFlagsMask;
    }
    out.flags |= local_flags_;
    if ((has & kCid) != 0) {
        const BytesView raw = in.take(16);
        out.cid.emplace();
        std::memcpy(&out.cid->high, raw.data(), 8);
        std::memcpy(&out.cid->low, raw.data() + 8, 8);
    }
    if ((has & kKey) != 0) out.key = in.lp();
    if ((has & kType) != 0) out.content_type = names_[in.varint()];
    if ((has & kSourceTime) != 0)
        out.source_time = static_cast<WallTime>(static_cast<std::uint64_t>(out.hlc.micros()) +
                                                static_cast<std::uint64_t>(unzigzag(in.varint())));
    if ((has & kPosition) != 0) out.source_position = in.lp();
    if ((has & kTrace) != 0) out.trace = in.lp();
    out.payload = in.lp();
    return out;
}

void place_block(BlockPtr& block, Arrival first, BlockMarks marks) {
    ANODE_ASSERT(block.use_count() == 1);
    auto& fresh = const_cast<Block&>(*block);  // made non-const by decode_block(), and ours alone
    fresh.first_arrival_ = first;
    fresh.local_flags_ = marks.flags;
    fresh.hidden_ = std::move(marks.hidden);
}

namespace {

std::unexpected<Error> malformed(std::string what) {
    return fail(Errc::Malformed, "block: " + std::move(what));
}

/// An entry has three names at most: a longer table only serves to use up memory.
Result<std::vector<std::string_view>> read_names(ByteReader& in, std::size_t entries) {
    const auto count = in.varint();
    if (!count || *count > 3 * entries) return malformed("the name table is too long");
    std::vector<std::string_view> names;
    names.reserve(*count);
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto name = in.lp();
        if (!name) return malformed("a name passes the end");
        names.push_back(*name);
    }
    return names;
}

/// Steps over what stands behind the stamp and the topic; false if it breaks the layout.
bool skip_entry(ByteReader& in, std::size_t names) noexcept {
    const auto source = in.varint();
    const auto flags = in.le<std::uint8_t>();
    if (!source || *source >= names || !flags || (*flags & ~kKnown) != 0) return false;
    const std::uint8_t has = *flags;
    if ((has & kMarks) != 0) in.take(1);
    if ((has & kCid) != 0) in.take(16);
    if ((has & kKey) != 0) in.lp();
    if ((has & kType) != 0 && in.varint().value_or(names) >= names) return false;
    if ((has & kSourceTime) != 0) in.varint();
    if ((has & kPosition) != 0) in.lp();
    if ((has & kTrace) != 0) in.lp();
    in.lp();
    return !in.failed();
}

}  // namespace

/// The number of entries is the size of offsets_, the stamp of the first is first_hlc_; both were set by the caller.
Result<void> Block::index() {
    ByteReader in(body_);
    auto names = read_names(in, offsets_.size());
    if (!names) return std::unexpected(std::move(names.error()));
    names_ = std::move(*names);
    topic_of_name_.assign(names_.size(), kNoTopic);
    hlcs_.resize(offsets_.size());
    std::uint64_t stamp = first_hlc_.value;
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
        const auto delta = in.varint();
        if (!delta || (*delta == 0) != (i == 0)) return malformed("stamps do not rise");
        if (*delta > ~stamp) return malformed("a stamp passes 64 bits");
        hlcs_[i] = stamp += *delta;
        offsets_[i] = static_cast<std::uint32_t>(body_.size() - in.rest().size());
        const auto topic = in.varint();
        if (!topic || *topic >= names_.size() || !skip_entry(in, names_.size()))
            return malformed("entry " + std::to_string(i) + " breaks the layout");
        if (topic_of_name_[*topic] != kNoTopic) continue;
        if (auto good = check_topic(names_[*topic], true); !good)
            return malformed(std::move(good.error().what));
        topic_of_name_[*topic] = static_cast<std::uint32_t>(topics_.size());
        topics_.push_back(names_[*topic]);
    }
    if (!in.at_end()) return malformed("bytes behind the last entry");
    last_hlc_ = {stamp};
    return {};
}

}  // namespace anode
