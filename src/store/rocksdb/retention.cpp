#include "store/rocksdb/retention.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "store/rocksdb/keys.hpp"

namespace anode::rocks {
namespace {

/// A segment of a quiet store closes after this time, so that it can be freed by itself.
constexpr WallTime kOpenMicrosMax = 600'000'000;

WallTime micros(Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

bool past(const SegmentHead& head, const Horizon& horizon) {
    return head.max_ts() < horizon.ts || head.last < horizon.arrival;
}

bool past(const TopicCounts& counts, const Horizon& horizon) {
    return counts.last_ts < horizon.ts || counts.last_arrival < horizon.arrival;
}

std::uint32_t rules_past(const IndexState& state, const SegmentHead& head) {
    return static_cast<std::uint32_t>(std::ranges::count_if(
        head.by_rule,
        [&](const RuleShare& share) { return past(head, state.rules.horizon(share.rule)); }));
}

double share_of(const std::vector<RuleShare>& shares, std::uint16_t rule) {
    const auto found = std::ranges::find(shares, rule, &RuleShare::rule);
    return found == shares.end() ? 0 : found->part;
}

/// The end of the oldest blocks that are in excess. `excess` is what is left of it then.
Arrival pass_blocks(const BlockList& blocks, double share, double& excess) {
    Arrival horizon;
    for (const auto& block : blocks) {
        if (excess <= 0) break;
        excess -= share * static_cast<double>(block.stored_bytes);
        horizon = block.last().plus(1);
    }
    return horizon;
}

}  // namespace

/// What is to go of one segment.
struct Retention::Removal {
    SegmentHead head;
    BlockList blocks;
    std::vector<SegmentTopic> topics;
    std::vector<Horizon> horizons;              ///< of `topics`
    std::map<std::uint32_t, TopicCounts> gone;  ///< by topic
    std::vector<Arrival> blocks_gone;
    bool whole = false;
};

// -- hiding --------------------------------------------------------------------------------------

void Retention::set_rules(std::vector<RetentionRule> rules, WallTime now) {
    Rules fresh(std::move(rules));
    index_.change([&](IndexState& state) {
        state.rules = std::move(fresh);
        for (std::uint32_t i = 0; i < state.topics.size(); ++i) {
            Topic& topic = state.topics.at(i);
            topic.rule = state.rules.rule_of(topic.name);
        }
        for (auto& head : state.segments) {
            head.by_rule_known = false;
            head.rules_passed = 0;
        }
        hide_by_age(state, now);
    });
}

void Retention::hide_by_age(IndexState& state, WallTime now) {
    for (std::uint16_t i = 0; i < state.rules.size(); ++i) {
        const auto& age = state.rules.at(i).age;
        Horizon& horizon = state.rules.horizon(i);
        if (age) horizon.ts = std::max(horizon.ts, now - micros(*age));
    }
}

Result<void> Retention::apply(WallTime now) {
    const std::lock_guard one(one_at_a_time_);
    index_.change([&](IndexState& state) { hide_by_age(state, now); });
    if (const auto learned = learn_shares(); !learned) return learned;
    if (const auto hidden = hide_by_bytes(); !hidden) return hidden;
    if (const auto closed = close_if_past(now); !closed) return closed;
    return free_past();
}

/// Closes the open segment if all in it is hidden, or if it has been open for long.
Result<void> Retention::close_if_past(WallTime now) {
    const auto mutating = index_.mutating();
    const bool close = index_.read([&](const IndexState& state) {
        if (state.open.empty()) return false;
        const Arrival first = state.open.blocks.front().first;
        if (first != open_first_) {
            open_first_ = first;
            open_since_ = now;
        }
        if (now - open_since_ > kOpenMicrosMax) return true;
        return std::ranges::all_of(state.open.topics, [&](const auto& entry) {
            return past(entry.second.counts, state.horizon(state.topics.at(entry.first)));
        });
    });
    return close ? index_.close_segment(false) : Result<void>();
}

/// After new rules: what each segment holds of each. Read outside of the locks.
Result<void> Retention::learn_shares() {
    std::vector<Arrival> unknown;
    index_.read([&](const IndexState& state) {
        for (const auto& head : state.segments) {
            if (!head.by_rule_known) unknown.push_back(head.first);
        }
    });
    for (const auto first : unknown) {
        auto topics = index_.topic_list(first);
        if (!topics && topics.error().code != Errc::Corrupt) {
            return std::unexpected(topics.error());
        }
        index_.change([&](IndexState& state) {
            const std::size_t at = state.segment_at(first);
            if (at == state.segments.size() || state.segments[at].first != first) return;
            // Nobody can tell what a segment with a damaged topic list holds: it stays.
            if (topics) state.segments[at].by_rule = state.shares(*topics);
            state.segments[at].by_rule_known = true;
        });
    }
    return {};
}

Result<void> Retention::hide_by_bytes() {
    const auto limits = index_.read([](const IndexState& state) {
        std::vector<std::pair<std::uint16_t, std::uint64_t>> all;
        for (std::uint16_t i = 0; i < state.rules.size(); ++i) {
            if (const auto& bytes = state.rules.at(i).bytes) all.emplace_back(i, *bytes);
        }
        return all;
    });
    for (const auto& [rule, bytes_max] : limits) {
        const auto horizon = byte_horizon(rule, bytes_max);
        if (!horizon) return std::unexpected(horizon.error());
        index_.change([&](IndexState& state) {
            if (rule >= state.rules.size()) return;
            Arrival& reached = state.rules.horizon(rule).arrival;
            reached = std::max(reached, *horizon);
        });
    }
    return {};
}

/// Below this arrival a rule's messages are more than it may keep. By whole segments and, in the
/// last one, by blocks; a mixed block counts for the rule by the segment's share.
Result<Arrival> Retention::byte_horizon(std::uint16_t rule, std::uint64_t bytes_max) const {
    double excess = -static_cast<double>(bytes_max);
    double boundary_share = 0;
    Arrival horizon;
    Arrival boundary;  // the segment that holds the horizon, if it is a closed one
    BlockList open;
    index_.read([&](const IndexState& state) {
        const double open_share = share_of(state.shares(state.open.topic_list()), rule);
        excess += open_share * static_cast<double>(state.open.stored_bytes);
        for (const auto& head : state.segments) {
            excess += share_of(head.by_rule, rule) * static_cast<double>(head.stored_bytes);
        }
        for (const auto& head : state.segments) {
            if (excess <= 0) return;
            boundary_share = share_of(head.by_rule, rule);
            const double bytes = boundary_share * static_cast<double>(head.stored_bytes);
            if (bytes > excess) {
                boundary = head.first;
                return;
            }
            excess -= bytes;
            if (bytes > 0) horizon = head.last.plus(1);
        }
        boundary_share = open_share;
        if (excess > 0) open = state.open.blocks;
    });
    if (excess <= 0) return horizon;
    if (boundary.value == 0) {
        return std::max(horizon, pass_blocks(open, boundary_share, excess));
    }
    const auto blocks = index_.block_list(boundary);
    if (!blocks) return std::unexpected(blocks.error());
    return pass_blocks(**blocks, boundary_share, excess);
}

// -- freeing -------------------------------------------------------------------------------------

Result<void> Retention::free_past() {
    std::vector<Arrival> passed;
    index_.read([&](const IndexState& state) {
        for (const auto& head : state.segments) {
            if (rules_past(state, head) > head.rules_passed) passed.push_back(head.first);
        }
    });
    for (const auto first : passed) {
        if (const auto freed = free_segment(first); !freed) return freed;
    }
    if (!passed.empty()) settle_floor();
    return {};
}

Result<void> Retention::free_segment(Arrival first) {
    Removal removal;
    const bool there = index_.read([&](const IndexState& state) {
        const SegmentHead* head = state.segment(first);
        if (head != nullptr) removal.head = *head;
        return head != nullptr;
    });
    if (!there) return {};
    const auto planned = plan(removal);
    if (planned) return remove(removal);
    if (planned.error().code != Errc::Corrupt) return planned;
    // One damaged segment must not keep the others from being freed.
    reader_.quarantine(removal.head.first, removal.head.last, planned.error().what);
    return {};
}

/// Only reads. The whole segment goes if nothing of any topic is visible; else blocks are looked at.
Result<void> Retention::plan(Removal& removal) const {
    auto topics = index_.topic_list(removal.head.first);
    if (!topics) return std::unexpected(topics.error());
    removal.topics = std::move(*topics);
    index_.read([&](const IndexState& state) {
        for (const auto& part : removal.topics) {
            removal.horizons.push_back(state.horizon(state.topics.at(part.topic)));
        }
    });
    removal.whole = true;
    for (std::size_t i = 0; i < removal.topics.size(); ++i) {
        if (!past(removal.topics[i].counts, removal.horizons[i])) removal.whole = false;
    }
    if (removal.whole) {
        for (const auto& part : removal.topics) removal.gone[part.topic] = part.counts;
        return {};
    }
    const auto blocks = index_.block_list(removal.head.first);
    if (!blocks) return std::unexpected(blocks.error());
    removal.blocks = **blocks;
    for (auto& meta : removal.blocks) {
        if (meta.removed()) continue;
        const auto gone = block_is_past(removal, meta);
        if (!gone) return std::unexpected(gone.error());
        if (!*gone) continue;
        removal.blocks_gone.push_back(meta.first);
        removal.head.stored_bytes -= std::min(removal.head.stored_bytes, meta.stored_bytes);
        removal.head.messages -= std::min<std::uint64_t>(removal.head.messages, meta.count);
        removal.head.payload_bytes -= std::min(removal.head.payload_bytes, meta.payload_bytes);
        --removal.head.blocks;
        meta.stored_bytes = 0;
    }
    removal.whole = std::ranges::all_of(removal.blocks, &BlockMeta::removed);
    return {};
}

/// Whether every message of the block is hidden; counts them as gone then.
Result<bool> Retention::block_is_past(Removal& removal, BlockMeta& meta) const {
    const auto block = reader_.load(meta, false);
    if (!block) return std::unexpected(block.error());
    if (!*block) return false;
    const Summary summary = summarize(*block, meta.stored_bytes);
    std::vector<std::uint32_t> numbers;
    const bool all = index_.read([&](const IndexState& state) {
        for (const auto& part : summary.topics) {
            const auto number = state.topics.find(part.topic);
            if (!number) return false;
            const Horizon horizon = state.horizon(state.topics.at(*number));
            if (part.messages > 0 && part.last_ts >= horizon.ts &&
                part.last_arrival >= horizon.arrival) {
                return false;
            }
            numbers.push_back(*number);
        }
        return true;
    });
    if (!all) return false;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto& part = summary.topics[i];
        removal.gone[numbers[i]].add(
            {part.messages, part.bytes, part.first_ts, part.last_ts, part.last_arrival});
    }
    return true;
}

/// Memory first, so that no reader looks for what is being removed. If the write fails the rows
/// stay behind and are removed after the next start.
Result<void> Retention::remove(Removal& removal) {
    const Arrival first = removal.head.first;
    const Arrival end = removal.head.last.plus(1);
    for (auto& part : removal.topics) {
        const auto gone = removal.gone.find(part.topic);
        if (gone != removal.gone.end()) {
            part.counts.subtract(gone->second.messages, gone->second.bytes);
        }
    }
    std::erase_if(removal.topics,
                  [](const SegmentTopic& part) { return part.counts.messages == 0; });

    const auto mutating = index_.mutating();
    std::vector<std::pair<LogKey, Bytes>> logs_gone;
    index_.change([&](IndexState& state) {
        for (const auto& [number, counts] : removal.gone) {
            Topic& topic = state.topics.at(number);
            topic.closed.subtract(counts.messages, counts.bytes);
            topic.removed_until = std::max(topic.removed_until, counts.last_arrival);
            topic.dirty = true;
        }
        const std::size_t at = state.segment_at(first);
        if (removal.whole) {
            logs_gone = state.logs.free(first);
            state.segments.erase(state.segments.begin() + static_cast<std::ptrdiff_t>(at));
            return;
        }
        removal.head.by_rule = state.shares(removal.topics);
        removal.head.rules_passed = rules_past(state, removal.head);
        state.segments[at] = removal.head;
    });
    index_.forget_block_list(first);
    Batch batch;
    if (removal.whole) {
        for (const char row : {row::kHead, row::kBlockList, row::kTopicList, row::kRuns}) {
            batch.remove(Family::Main, segment_key(row, first));
        }
        for (const auto& [log, row] : logs_gone) batch.put(Family::Main, log_key(log), row);
        batch.remove_range(Family::Blocks, block_key(first), block_key(end));
        batch.remove_range(Family::Main, segment_key(row::kHidden, first),
                           segment_key(row::kHidden, end));
    } else {
        batch.put(Family::Main, segment_key(row::kHead, first), removal.head.encoded());
        batch.put(Family::Main, segment_key(row::kBlockList, first),
                  encode_block_list(removal.blocks));
        batch.put(Family::Main, segment_key(row::kTopicList, first),
                  encode_topic_list(removal.topics));
        for (const auto gone : removal.blocks_gone) batch.remove(Family::Blocks, block_key(gone));
    }
    for (const auto gone : removal.blocks_gone) reader_.cache().forget(gone);
    index_.put_checkpoint(batch);
    const auto written = database_.write(batch, false);
    if (written) index_.checkpointed();
    return written;
}

/// Tells everyone where the store begins now, and gives whole files back at once.
void Retention::settle_floor() {
    const Arrival oldest = index_.read([](const IndexState& state) { return state.oldest(); });
    database_.set_floor(oldest);
    reader_.forget_below(oldest);
    database_.drop_files(Family::Blocks, block_key({}), block_key(oldest));
}

// -- purging -------------------------------------------------------------------------------------

Result<void> Retention::purge(const PatternSet& topics, WallTime before) {
    const std::lock_guard one(one_at_a_time_);
    std::vector<Arrival> touched;
    {
        const auto mutating = index_.mutating();
        index_.change([&](IndexState& state) {
            for (std::uint32_t i = 0; i < state.topics.size(); ++i) {
                Topic& topic = state.topics.at(i);
                if (before <= topic.purged_before || !topics.matches(topic.name)) continue;
                topic.purged_before = before;
                topic.dirty = true;
            }
        });
        if (const auto closed = index_.close_segment(true); !closed) return closed;
        // A synced row behind the others: what is hidden stays hidden after a crash.
        Batch mark;
        mark.put(Family::Main, main_key(row::kMeta, "purged"),
                 be64_key(static_cast<std::uint64_t>(before)));
        if (const auto synced = database_.write(mark, true); !synced) return synced;
    }
    index_.read([&](const IndexState& state) {
        for (const auto& head : state.segments) {
            if (head.min_ts() < before) touched.push_back(head.first);
        }
    });
    for (const auto first : touched) {
        if (const auto freed = free_segment(first); !freed) return freed;
    }
    settle_floor();
    return {};
}

}  // namespace anode::rocks
