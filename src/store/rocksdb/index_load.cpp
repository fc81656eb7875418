#include <algorithm>

#include "store/rocksdb/index.hpp"
#include "store/rocksdb/keys.hpp"

/// What an index does when its store opens.
namespace anode::rocks {

Result<void> Index::load() {
    if (const auto loaded = load_segments(); !loaded) return loaded;
    if (const auto loaded = load_logs(); !loaded) return loaded;
    if (const auto loaded = load_topics(); !loaded) return loaded;
    return count_since_checkpoint();
}

Result<void> Index::load_segments() {
    const auto cursor = database_.cursor(Family::Main);
    const Bytes prefix(1, row::kHead);
    for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix);
         cursor->next()) {
        auto head = SegmentHead::decoded(cursor->value());
        if (!head) return std::unexpected(head.error());
        state_.committed = std::max(state_.committed, head->last);
        state_.last_hlc = std::max(state_.last_hlc, Hlc{head->max_hlc});
        state_.segments.push_back(std::move(*head));
    }
    if (const auto status = cursor->status(); !status) return status;
    const auto stamp = database_.get(Family::Main, main_key(row::kMeta, "hlc"));
    if (!stamp) return std::unexpected(stamp.error());
    if (*stamp && (*stamp)->size() == 8) {
        state_.last_hlc = std::max(state_.last_hlc, Hlc{load_be64((*stamp)->data())});
    }
    return {};
}

Result<void> Index::load_logs() {
    const auto cursor = database_.cursor(Family::Main);
    const Bytes gone(1, row::kLogGone);
    for (cursor->seek(gone); cursor->valid() && cursor->key().starts_with(gone); cursor->next()) {
        const auto log = LogKey::from(cursor->key().substr(1));
        if (!log) return fail(Errc::Corrupt, "damaged index row: log");
        state_.logs.load_gone(*log, cursor->value());
    }
    if (const auto status = cursor->status(); !status) return status;
    for (const auto& head : state_.segments) {
        const auto of_segment = runs(head.first);
        if (!of_segment) return fail(Errc::Corrupt, of_segment.error().what);
        state_.logs.load(head.first, *of_segment);
    }
    return {};
}

Result<void> Index::load_topics() {
    const auto cursor = database_.cursor(Family::Main);
    const Bytes prefix(1, row::kTopic);
    for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix);
         cursor->next()) {
        if (cursor->key().size() != 5) return fail(Errc::Corrupt, "damaged index row: topic");
        const std::uint32_t number = topic_of(cursor->key().substr(1));
        if (const auto taken = state_.topics.load(number, cursor->value()); !taken) return taken;
        Topic& topic = state_.topics.at(number);
        topic.rule = state_.rules.rule_of(topic.name);
    }
    topics_stored_ = state_.topics.size();
    return cursor->status();
}

Result<void> Index::count_since_checkpoint() {
    const auto row = database_.get(Family::Main, main_key(row::kMeta, "counted"));
    if (!row) return std::unexpected(row.error());
    if (*row && (*row)->size() == 8) counted_upto_ = Arrival{load_be64((*row)->data())};
    for (const auto& head : state_.segments) {
        if (counted_upto_ && head.first <= *counted_upto_) continue;
        const auto topics = topic_list(head.first);
        if (!topics) return std::unexpected(topics.error());
        for (const auto& part : *topics) {
            if (part.topic >= state_.topics.size()) {
                return fail(Errc::Corrupt, "a segment names a topic that is not known");
            }
            Topic& topic = state_.topics.at(part.topic);
            topic.closed.add(part.counts);
            topic.dirty = true;
        }
        ++closed_since_checkpoint_;
    }
    return {};
}

Result<void> Index::wipe() {
    state_ = IndexState();
    topics_stored_ = 0;
    counted_upto_.reset();
    closed_since_checkpoint_ = 0;
    Batch batch;
    for (const char row : {row::kHead, row::kBlockList, row::kTopicList, row::kTopic, row::kRuns}) {
        batch.remove_range(Family::Main, Bytes(1, row), Bytes(1, static_cast<char>(row + 1)));
    }
    batch.remove(Family::Main, main_key(row::kMeta, "counted"));
    const Bytes past(kPostingKeyBytes + 1, '\xff');
    batch.remove_range(Family::Postings, "", past);
    batch.remove_range(Family::Last, "", past);
    return database_.write(batch, true);
}

}  // namespace anode::rocks
