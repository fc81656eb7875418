#include <algorithm>
#include <utility>

#include "store/rocksdb/keys.hpp"
#include "store/rocksdb/rocks_store.hpp"

/// The store read by log and sequence, as neighbours ask for it.
namespace anode::rocks {
namespace {

/// The places of a log in a closed segment, from `seq` on.
Result<LogIndex::Places> places_in(const Index& index, Arrival segment, const LogKey& log,
                                   Seq seq) {
    const auto runs = index.runs(segment);
    if (!runs) return std::unexpected(runs.error());
    LogIndex::Places places;
    for (const LogIndex::Run& run : *runs) {
        if (run.log != log) continue;
        for (const LogIndex::Place& place : run.places)
            if (place.first + place.count > seq) places.push_back(place);
    }
    std::ranges::sort(places, {}, &LogIndex::Place::first);
    return places;
}

}  // namespace

std::vector<LogHolding> RocksStore::logs() const {
    return index_.read([](const IndexState& state) { return state.logs.holdings(); });
}

Result<std::vector<LogBlock>> RocksStore::log_blocks(const LogKey& log, Seq from, Seq to,
                                                     std::size_t bytes_max) const {
    std::vector<LogBlock> found;
    std::size_t bytes = 0;
    while (from <= to && bytes < bytes_max) {
        auto where =
            index_.read([&](const IndexState& state) { return state.logs.find(log, from); });
        if (!where) break;
        if (where->segment) {
            auto places = places_in(index_, *where->segment, log, from);
            if (!places && places.error().code != Errc::NotFound)
                return std::unexpected(places.error());
            if (!places || places->empty()) break;  // freed in between
            where->places = std::move(*places);
        }
        bool first = true;
        for (const LogIndex::Place& place : where->places) {
            if (place.first > to || bytes >= bytes_max) return found;
            // What comes next may lie in another segment, behind this one or before it.
            if (!std::exchange(first, false) && place.first > from) break;
            from = place.first + place.count;
            auto value = database_->get(Family::Blocks, block_key(place.arrival));
            if (!value) {
                reader_.quarantine(place.arrival, place.arrival, value.error().what);
                continue;
            }
            if (!*value || (*value)->size() <= LogKey::kBytes) continue;
            LogBlock block{place.first, place.count, (*value)->substr(LogKey::kBytes)};
            if (!peek_block(log, block.wire)) {
                reader_.quarantine(place.arrival, place.arrival, "block: checksum");
                continue;
            }
            bytes += block.wire.size();
            found.push_back(std::move(block));
        }
    }
    return found;
}

Result<void> RocksStore::forget_log(const LogKey& log) {
    const auto mutating = index_.mutating();
    Batch batch;
    batch.remove(Family::Main, log_key(log));
    if (const auto written = database_->write(batch, false); !written) return written;
    index_.change([&](IndexState& state) { state.logs.forget(log); });
    return {};
}

}  // namespace anode::rocks
