#include "store/rocksdb/index.hpp"

#include <algorithm>
#include <map>

#include "store/rocksdb/keys.hpp"

namespace anode::rocks {
namespace {

/// Topic rows are rewritten once in so many segments; in between, the segments' own topic lists
/// hold what a start after a crash has to add.
constexpr unsigned kSegmentsPerCheckpoint = 16;
constexpr std::size_t kListsCached = 64;

}  // namespace

// -- IndexState ----------------------------------------------------------------------------------

std::size_t IndexState::segment_at(Arrival arrival) const {
    const auto found = std::ranges::lower_bound(segments, arrival, {}, &SegmentHead::last);
    return static_cast<std::size_t>(found - segments.begin());
}

const SegmentHead* IndexState::segment(Arrival first) const {
    const std::size_t at = segment_at(first);
    return at < segments.size() && segments[at].first == first ? &segments[at] : nullptr;
}

TopicCounts IndexState::counts(std::uint32_t topic) const {
    TopicCounts sum = topics.at(topic).closed;
    if (const auto found = open.topics.find(topic); found != open.topics.end()) {
        sum.add(found->second.counts);
    }
    return sum;
}

std::vector<RuleShare> IndexState::shares(const std::vector<SegmentTopic>& list) const {
    std::map<std::uint16_t, std::uint64_t> bytes;
    for (const auto& part : list) {
        // A topic without payload bytes still counts as there.
        bytes[topics.at(part.topic).rule] += std::max<std::uint64_t>(part.counts.bytes, 1);
    }
    std::vector<RuleShare> shares;
    std::uint64_t sum = 0;
    for (const auto& [rule, of_rule] : bytes) sum += of_rule;
    for (const auto& [rule, of_rule] : bytes) {
        shares.push_back({rule, static_cast<double>(of_rule) / static_cast<double>(sum)});
    }
    return shares;
}

Arrival IndexState::oldest() const {
    if (!segments.empty()) return segments.front().first;
    if (!open.empty()) return open.blocks.front().first;
    return committed.plus(1);
}

// -- changes -------------------------------------------------------------------------------------

void Index::add(const std::vector<Summary>& summaries) {
    const std::unique_lock lock(mutex_);
    std::vector<std::uint32_t> numbers;
    for (const auto& summary : summaries) {
        numbers.clear();
        for (const auto& part : summary.topics) {
            const std::uint32_t known = state_.topics.size();
            const std::uint32_t number = state_.topics.number(part.topic);
            if (number == known) {
                state_.topics.at(number).rule = state_.rules.rule_of(part.topic);
            }
            numbers.push_back(number);
        }
        state_.open.add(summary, numbers);
        state_.logs.add(*summary.block);
        state_.committed = summary.block->last_arrival();
        state_.last_hlc = std::max(state_.last_hlc, summary.block->last_hlc());
    }
}

void Index::put_segment(Batch& batch, const IndexState& state, bool checkpoint) const {
    const OpenSegment& open = state.open;
    const SegmentHead head = open.head();
    const auto topics = open.topic_list();
    batch.put(Family::Main, segment_key(row::kHead, head.first), head.encoded());
    batch.put(Family::Main, segment_key(row::kBlockList, head.first),
              encode_block_list(open.blocks));
    batch.put(Family::Main, segment_key(row::kTopicList, head.first), encode_topic_list(topics));
    batch.put(Family::Main, segment_key(row::kRuns, head.first),
              LogIndex::encode(state.logs.open_runs()));
    batch.put(Family::Main, main_key(row::kMeta, "hlc"), be64_key(state.last_hlc.value));
    for (const auto& topic : topics) {
        batch.put(Family::Postings, posting_key(topic.topic, head.first),
                  encode_postings(open.topics.at(topic.topic).postings));
    }
    std::vector<std::pair<BytesView, LastPlace>> last(open.last.begin(), open.last.end());
    std::ranges::sort(last, {}, &std::pair<BytesView, LastPlace>::first);
    for (const auto& [key, place] : last) batch.merge(Family::Last, key, place.encoded());
    if (!checkpoint) {
        // New topics get their row at once, without counts: their number has to be known.
        for (std::uint32_t i = topics_stored_; i < state.topics.size(); ++i) {
            batch.put(Family::Main, topic_key(i), state.topics.row(i, {}));
        }
        return;
    }
    for (std::uint32_t i = 0; i < state.topics.size(); ++i) {
        const auto found = open.topics.find(i);
        if (found == open.topics.end() && !state.topics.at(i).dirty && i < topics_stored_) continue;
        batch.put(Family::Main, topic_key(i), state.topics.row(i, state.counts(i)));
    }
    batch.put(Family::Main, main_key(row::kMeta, "counted"), be64_key(head.first.value));
}

void Index::fold_open(IndexState& state, bool checkpoint) {
    SegmentHead head = state.open.head();
    for (const auto& [number, open_topic] : state.open.topics) {
        Topic& topic = state.topics.at(number);
        topic.closed.add(open_topic.counts);
        topic.dirty = true;
    }
    head.by_rule = state.shares(state.open.topic_list());
    head.by_rule_known = true;
    state.logs.close(head.first);
    state.segments.push_back(std::move(head));
    state.open = OpenSegment();
    ++state.generation;
    if (checkpoint) {
        for (std::uint32_t i = 0; i < state.topics.size(); ++i) state.topics.at(i).dirty = false;
    }
}

Result<void> Index::close_segment(bool checkpoint) {
    checkpoint = checkpoint || closed_since_checkpoint_ + 1 >= kSegmentsPerCheckpoint;
    Batch batch;
    Arrival first;
    const bool empty = read([&](const IndexState& state) {
        if (state.open.empty()) return true;
        put_segment(batch, state, checkpoint);
        first = state.open.blocks.front().first;
        return false;
    });
    if (empty) {
        if (!checkpoint) return {};
        put_checkpoint(batch);
        if (const auto written = database_.write(batch, false); !written) return written;
        checkpointed();
        return {};
    }
    // Not synced: what a crash takes of it is built again from the blocks.
    if (const auto written = database_.write(batch, false); !written) return written;
    const std::unique_lock lock(mutex_);
    fold_open(state_, checkpoint);
    topics_stored_ = state_.topics.size();
    closed_since_checkpoint_ = checkpoint ? 0 : closed_since_checkpoint_ + 1;
    if (checkpoint) counted_upto_ = first;
    return {};
}

void Index::put_checkpoint(Batch& batch) {
    const std::shared_lock lock(mutex_);
    for (std::uint32_t i = 0; i < state_.topics.size(); ++i) {
        if (!state_.topics.at(i).dirty && i < topics_stored_) continue;
        batch.put(Family::Main, topic_key(i), state_.topics.row(i, state_.topics.at(i).closed));
    }
    if (!state_.segments.empty()) {
        batch.put(Family::Main, main_key(row::kMeta, "counted"),
                  be64_key(state_.segments.back().first.value));
    }
}

void Index::checkpointed() {
    const std::unique_lock lock(mutex_);
    for (std::uint32_t i = 0; i < state_.topics.size(); ++i) state_.topics.at(i).dirty = false;
    topics_stored_ = state_.topics.size();
    closed_since_checkpoint_ = 0;
    if (!state_.segments.empty()) counted_upto_ = state_.segments.back().first;
}

// -- rows read on demand -------------------------------------------------------------------------

Result<std::shared_ptr<const BlockList>> Index::block_list(Arrival segment) const {
    {
        const std::lock_guard lock(lists_mutex_);
        const auto found = std::ranges::find(lists_, segment, &CachedList::segment);
        if (found != lists_.end()) {
            lists_.splice(lists_.begin(), lists_, found);
            return lists_.front().blocks;
        }
    }
    const auto row = database_.get(Family::Main, segment_key(row::kBlockList, segment));
    if (!row) return std::unexpected(row.error());
    if (!*row) return fail(Errc::NotFound, "the segment was removed");
    auto blocks = decode_block_list(**row);
    if (!blocks) return std::unexpected(blocks.error());
    auto shared = std::make_shared<const BlockList>(std::move(*blocks));
    const std::lock_guard lock(lists_mutex_);
    lists_.push_front({segment, shared});
    if (lists_.size() > kListsCached) lists_.pop_back();
    return shared;
}

void Index::forget_block_list(Arrival segment) {
    const std::lock_guard lock(lists_mutex_);
    std::erase_if(lists_, [&](const CachedList& list) { return list.segment == segment; });
}

Result<std::vector<SegmentTopic>> Index::topic_list(Arrival segment) const {
    const auto row = database_.get(Family::Main, segment_key(row::kTopicList, segment));
    if (!row) return std::unexpected(row.error());
    if (!*row) return fail(Errc::NotFound, "the segment was removed");
    return decode_topic_list(**row);
}

Result<std::vector<LogIndex::Run>> Index::runs(Arrival segment) const {
    const auto row = database_.get(Family::Main, segment_key(row::kRuns, segment));
    if (!row) return std::unexpected(row.error());
    if (!*row) return fail(Errc::NotFound, "the segment was removed");
    return LogIndex::decode(**row);
}

namespace {

std::optional<BlockMeta> find_block(const BlockList& blocks, Arrival arrival) {
    const auto found = std::ranges::lower_bound(blocks, arrival, {}, &BlockMeta::last);
    if (found == blocks.end() || found->first > arrival || found->removed()) return std::nullopt;
    return *found;
}

}  // namespace

Result<std::optional<BlockMeta>> Index::block_of(Arrival arrival) const {
    std::optional<Arrival> segment;
    std::optional<BlockMeta> open;
    read([&](const IndexState& state) {
        const std::size_t at = state.segment_at(arrival);
        if (at < state.segments.size()) {
            segment = state.segments[at].first;
        } else {
            open = find_block(state.open.blocks, arrival);
        }
    });
    if (!segment) return open;
    const auto blocks = block_list(*segment);
    if (!blocks && blocks.error().code == Errc::NotFound) return std::optional<BlockMeta>();
    if (!blocks) return std::unexpected(blocks.error());
    return find_block(**blocks, arrival);
}

}  // namespace anode::rocks
