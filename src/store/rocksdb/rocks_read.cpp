#include <algorithm>
#include <queue>

#include "base/log.hpp"
#include "store/rocksdb/keys.hpp"
#include "store/rocksdb/rocks_store.hpp"
#include "store/rocksdb/scan.hpp"

/// The reading half of the store.
namespace anode::rocks {

std::unique_ptr<Scan> RocksStore::scan(Query query) const {
    return std::make_unique<BlockScan>(index_, *database_, reader_, std::move(query));
}

Result<std::vector<BlockPtr>> RocksStore::blocks(Arrival after, std::size_t bytes_max) const {
    const auto finder =
        make_block_finder({index_, *database_, reader_, Order::Ascending, Window{}});
    std::vector<BlockPtr> found;
    std::size_t bytes = 0;
    Candidates candidates;
    const Arrival upto = committed();
    while (bytes < bytes_max) {
        if (candidates.empty()) {
            const auto more = finder->refill({after, upto}, candidates);
            if (!more) return std::unexpected(more.error());
            if (!*more) break;
        }
        const BlockMeta meta = candidates.front();
        candidates.pop_front();
        after = meta.last();
        auto block = reader_.load(meta, false);
        if (!block) return std::unexpected(block.error());
        if (!*block) continue;
        bytes += (*block)->raw_bytes();
        found.push_back(std::move(*block));
    }
    return found;
}

Arrival RocksStore::at_time(WallTime from) const {
    const auto finder = make_block_finder({index_, *database_, reader_, Order::Ascending,
                                           Window{.from = from, .to = {}, .hidden = {}}});
    Candidates candidates;
    const Arrival upto = committed();
    const auto found = finder->refill({{}, upto}, candidates);
    if (!found) {
        log::warn("store", "cannot look for a time", {{"err", found.error().what}});
        return oldest();
    }
    return *found ? candidates.front().first : upto.plus(1);
}

bool RocksStore::removed_since(const PatternSet& topics, Arrival after) const {
    Selection selection(topics);
    const bool freed = index_.read([&](const IndexState& state) {
        selection.refresh(state);
        return std::ranges::any_of(selection.topics(), [&](std::uint32_t topic) {
            return state.topics.at(topic).removed_until > after;
        });
    });
    if (freed || reader_.damage_after(after)) return true;
    Query query{.topics = topics, .order = Order::Ascending, .after = after, .from = {}, .to = {}};
    BlockScan hidden(index_, *database_, reader_, std::move(query), Show::Hidden);
    std::vector<Found> found;
    const auto any = hidden.next(found, 1, 1);
    return !any || *any;
}

// -- topics --------------------------------------------------------------------------------------

namespace {

/// What is visible of a topic, if anything is.
std::optional<TopicInfo> info_of(const IndexState& state, std::uint32_t number) {
    const Topic& topic = state.topics.at(number);
    const TopicCounts counts = state.counts(number);
    const Horizon horizon = state.horizon(topic);
    if (counts.messages == 0 || horizon.hides(counts.last_ts, counts.last_arrival)) {
        return std::nullopt;
    }
    return TopicInfo{.topic = topic.name,
                     .messages = counts.messages,
                     .bytes = counts.bytes,
                     .first_ts = std::max(counts.first_ts, horizon.ts),
                     .last_ts = counts.last_ts,
                     .last_arrival = counts.last_arrival};
}

}  // namespace

std::vector<TopicInfo> RocksStore::topics(std::string_view prefix, std::string_view after,
                                          std::size_t limit) const {
    return index_.read([&](const IndexState& state) {
        std::vector<TopicInfo> found;
        if (limit == 0) return found;
        state.topics.by_name(prefix, after, [&](std::uint32_t number) {
            if (auto info = info_of(state, number)) found.push_back(std::move(*info));
            return found.size() < limit;
        });
        return found;
    });
}

std::optional<TopicInfo> RocksStore::topic(std::string_view name) const {
    return index_.read([&](const IndexState& state) -> std::optional<TopicInfo> {
        const auto number = state.topics.find(name);
        return number ? info_of(state, *number) : std::nullopt;
    });
}

// -- last values ---------------------------------------------------------------------------------

namespace {

/// Keeps the latest so many places.
class LatestPlaces {
public:
    explicit LatestPlaces(std::size_t limit) : limit_(limit) {}
    void add(Arrival place) {
        if (limit_ == 0) return;
        if (places_.size() == limit_) {
            if (places_.top() >= place) return;
            places_.pop();
        }
        places_.push(place);
    }
    std::vector<Arrival> oldest_first() {
        std::vector<Arrival> all;
        for (; !places_.empty(); places_.pop()) all.push_back(places_.top());
        return all;
    }

private:
    std::size_t limit_;
    std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> places_;
};

}  // namespace

Result<std::vector<Found>> RocksStore::last(const PatternSet& topics, std::size_t limit) const {
    Selection selection(topics);
    std::unordered_map<Bytes, LastPlace> open;
    std::vector<std::pair<std::uint32_t, Horizon>> wanted;
    std::unique_ptr<Cursor> cursor;
    index_.read([&](const IndexState& state) {
        selection.refresh(state);
        for (const auto topic : selection.topics()) {
            wanted.emplace_back(topic, state.horizon(state.topics.at(topic)));
        }
        for (const auto& [key, place] : state.open.last) {
            if (selection.holds(topic_of(key))) open.emplace(key, place);
        }
        // Made under the lock, so that a segment is seen either open or closed.
        cursor = database_->cursor(Family::Last);
    });
    std::ranges::sort(wanted, {}, &std::pair<std::uint32_t, Horizon>::first);

    LatestPlaces latest(limit);
    const auto consider = [&](const Horizon& horizon, const LastPlace& place) {
        if (!horizon.hides(Hlc{place.hlc}.micros(), place.arrival)) latest.add(place.arrival);
    };
    for (const auto& [topic, horizon] : wanted) {
        const Bytes prefix = be32_key(topic);
        if (!cursor->valid() || cursor->key() < prefix || !cursor->key().starts_with(prefix)) {
            cursor->seek(prefix);
        }
        for (; cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
            LastPlace place = LastPlace::decoded(cursor->value());
            if (const auto newer = open.find(Bytes(cursor->key())); newer != open.end()) {
                if (newer->second.hlc >= place.hlc) place = newer->second;
                open.erase(newer);
            }
            consider(horizon, place);
        }
        if (const auto status = cursor->status(); !status) return std::unexpected(status.error());
    }
    for (const auto& [key, place] : open) {
        const auto of_topic = std::ranges::lower_bound(wanted, topic_of(key), {},
                                                       &std::pair<std::uint32_t, Horizon>::first);
        consider(of_topic->second, place);
    }

    std::vector<Found> found;
    for (const auto place : latest.oldest_first()) {
        const auto meta = index_.block_of(place);
        if (!meta) return std::unexpected(meta.error());
        if (!*meta) continue;
        auto block = reader_.load(**meta);
        if (!block) return std::unexpected(block.error());
        if (!*block) continue;
        const auto index = static_cast<std::uint32_t>(place.value - (*meta)->first.value);
        found.push_back({std::move(*block), index});
    }
    return found;
}

// -- small records -------------------------------------------------------------------------------

std::optional<Bytes> RocksStore::record(std::string_view space, std::string_view key) const {
    auto value = database_->get(Family::Main, record_key(space, key));
    if (value) return std::move(*value);
    log::error("store", "a record cannot be read", {{"space", space}, {"err", value.error().what}});
    return std::nullopt;
}

std::vector<std::pair<std::string, Bytes>> RocksStore::records(std::string_view space) const {
    std::vector<std::pair<std::string, Bytes>> found;
    const Bytes prefix = record_key(space, "");
    const auto cursor = database_->cursor(Family::Main);
    for (cursor->seek(prefix); cursor->valid() && cursor->key().starts_with(prefix);
         cursor->next()) {
        found.emplace_back(cursor->key().substr(prefix.size()), cursor->value());
    }
    if (const auto status = cursor->status(); !status) {
        log::error("store", "records cannot be read",
                   {{"space", space}, {"err", status.error().what}});
    }
    return found;
}

}  // namespace anode::rocks
