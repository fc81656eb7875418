#include "store/rocksdb/rocks_store.hpp"

#include <chrono>
#include <cstdlib>

#include "base/log.hpp"
#include "store/rocksdb/keys.hpp"
#include "store/rocksdb/scan.hpp"

namespace anode {

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options) {
    return rocks::RocksStore::open(options);
}

namespace rocks {
namespace {

constexpr auto kHouseInterval = std::chrono::seconds(1);
/// A wall clock that jumps further than this against the steady clock is not believed for a while.
constexpr WallTime kClockJumpMicros = 60'000'000;
constexpr WallTime kDistrustMicros = 3'600'000'000;

template <class Clock>
WallTime micros_of() {
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch())
        .count();
}

WallTime wall_now() { return micros_of<std::chrono::system_clock>(); }

}  // namespace

// -- open and close ------------------------------------------------------------------------------

Result<std::unique_ptr<Store>> RocksStore::open(const StoreOptions& options) {
    auto directory = Directory::open(options.directory);
    if (!directory) return std::unexpected(directory.error());
    auto database = Database::open(
        {.path = directory->database_path(), .cache_bytes = options.cache_bytes / 4});
    if (!database) return std::unexpected(database.error());
    std::unique_ptr<RocksStore> store(
        new RocksStore(options, std::move(*directory), std::move(*database)));
    if (const auto started = store->start(options); !started) {
        return std::unexpected(started.error());
    }
    return store;
}

RocksStore::RocksStore(const StoreOptions& options, Directory directory,
                       std::unique_ptr<Database> database)
    : directory_(std::move(directory)),
      meters_(options.metrics),
      database_(std::move(database)),
      reader_(*database_, meters_, options.cache_bytes - options.cache_bytes / 4),
      index_(*database_),
      space_(directory_.path(), options.min_free_fraction),
      retention_(*database_, index_, reader_) {}

Result<void> RocksStore::start(const StoreOptions& options) {
    auto identity = begin_run(*database_);
    if (!identity) return std::unexpected(identity.error());
    identity_ = *identity;
    if (const auto recovered = recover(*database_, index_, reader_); !recovered) return recovered;
    index_.change([&](IndexState& state) { state.committed = {first_free().value - 1}; });
    const Writer::Limits limits{options.sync_interval, options.queue_bytes_max};
    writer_ = std::make_unique<Writer>(*database_, index_, reader_, space_, meters_, limits,
                                       first_free());
    [[maybe_unused]] const auto first_look = space_.check();
    house_ = std::jthread([this] {
        pthread_setname_np(pthread_self(), "store-house");
        keep_house();
    });
    return {};
}

RocksStore::~RocksStore() {
    {
        const std::lock_guard lock(house_mutex_);
        closing_ = true;
    }
    house_wakes_.notify_all();
    if (house_.joinable()) house_.join();
    if (!writer_) return;
    writer_.reset();
    // Both only make the next start faster: everything is in the journal already.
    const auto mutating = index_.mutating();
    if (const auto closed = index_.close_segment(true); !closed) {
        log::warn("store", "index not written at close", {{"err", closed.error().what}});
    }
    if (const auto flushed = database_->flush(); !flushed) {
        log::warn("store", "not flushed at close", {{"err", flushed.error().what}});
    }
}

// -- positions and writing -----------------------------------------------------------------------

Hlc RocksStore::last_hlc() const {
    return index_.read([](const IndexState& state) { return state.last_hlc; });
}

Arrival RocksStore::committed() const {
    return index_.read([](const IndexState& state) { return state.committed; });
}

Arrival RocksStore::oldest() const {
    return index_.read([](const IndexState& state) { return state.oldest(); });
}

Result<void> RocksStore::append(Append batch, Done done) {
    return writer_->append(std::move(batch), std::move(done));
}

Result<void> RocksStore::put(std::vector<Record> records) {
    struct Waiting {
        std::mutex mutex;
        std::condition_variable told;
        std::optional<Result<void>> outcome;
    };
    const auto waiting = std::make_shared<Waiting>();
    const auto queued =
        append({.blocks = {}, .records = std::move(records)}, [waiting](const Result<void>& done) {
            const std::lock_guard lock(waiting->mutex);
            waiting->outcome = done;
            waiting->told.notify_one();
        });
    if (!queued) return queued;
    std::unique_lock lock(waiting->mutex);
    waiting->told.wait(lock, [&] { return waiting->outcome.has_value(); });
    return *waiting->outcome;
}

// -- keeping house -------------------------------------------------------------------------------

void RocksStore::keep_house() {
    std::unique_lock lock(house_mutex_);
    while (!closing_) {
        house_wakes_.wait_for(lock, kHouseInterval, [this] { return closing_ || rules_changed_; });
        if (closing_) return;
        rules_changed_ = false;
        lock.unlock();
        tidy();
        lock.lock();
    }
}

void RocksStore::tidy() {
    space_.recover(*database_);
    const WallTime now = wall_now();
    if (clock_trusted(now)) {
        if (const auto applied = retention_.apply(now); !applied) {
            log::warn("store", "retention was not applied", {{"err", applied.error().what}});
            if (applied.error().code == Errc::NoSpace) space_.failed(Errc::NoSpace);
        }
    }
    measure();
}

/// False for an hour after the wall clock has jumped, unless it jumps back: a wrong clock must not
/// expire what is young.
bool RocksStore::clock_trusted(WallTime now) {
    const WallTime steady = micros_of<std::chrono::steady_clock>();
    const WallTime offset = now - steady;
    if (!clock_offset_) clock_offset_ = offset;
    if (std::abs(offset - *clock_offset_) <= kClockJumpMicros) {
        clock_offset_ = offset;  // follows a clock that is slewed
        distrust_until_ = 0;
        return true;
    }
    if (distrust_until_ == 0) {
        distrust_until_ = steady + kDistrustMicros;
        log::warn("store", "the clock jumped, retention pauses",
                  {{"seconds", (offset - *clock_offset_) / 1'000'000}});
    }
    if (steady < distrust_until_) return false;
    clock_offset_ = offset;
    distrust_until_ = 0;
    return true;
}

void RocksStore::set_retention(std::vector<RetentionRule> rules) {
    retention_.set_rules(std::move(rules), wall_now());
    {
        const std::lock_guard lock(house_mutex_);
        rules_changed_ = true;
    }
    house_wakes_.notify_all();
}

void RocksStore::apply_retention(WallTime now) {
    if (const auto applied = retention_.apply(now); !applied) {
        log::warn("store", "retention was not applied", {{"err", applied.error().what}});
    }
}

Result<void> RocksStore::purge(const PatternSet& topics, WallTime before) {
    return retention_.purge(topics, before);
}

Result<void> RocksStore::compact() {
    if (const auto flushed = database_->flush(); !flushed) return flushed;
    return database_->compact();
}

void RocksStore::measure() const {
    Meters::Gauges gauges;
    gauges.block_bytes = database_->table_bytes(Family::Blocks);
    for (const Family family : {Family::Main, Family::Postings, Family::Last}) {
        gauges.index_bytes += database_->table_bytes(family);
    }
    gauges.memory_bytes = database_->memory_bytes();
    gauges.queued_bytes = queued_bytes();
    gauges.compaction_bytes = database_->pending_bytes();
    gauges.stalled = database_->stalled();
    gauges.disk_free = space_.free();
    meters_.set(gauges);
}

StoreStats RocksStore::stats() const {
    StoreStats stats;
    for (const Family family : {Family::Main, Family::Blocks, Family::Postings, Family::Last}) {
        stats.bytes += database_->table_bytes(family);
    }
    stats.bytes += database_->memory_bytes();
    stats.pending_bytes = queued_bytes();
    stats.disk_free = space_.free();
    stats.disk_total = space_.total();
    stats.full = space_.full();
    stats.quarantined = reader_.quarantined();
    index_.read([&](const IndexState& state) {
        stats.topics = state.topics.size();
        stats.segments = state.segments.size() + (state.open.empty() ? 0 : 1);
        stats.blocks = state.open.blocks.size();
        stats.messages = state.open.messages;
        for (const auto& segment : state.segments) {
            stats.blocks += segment.blocks;
            stats.messages += segment.messages;
        }
        if (!state.segments.empty()) {
            stats.oldest_ts = state.segments.front().min_ts();
        } else if (!state.open.empty()) {
            stats.oldest_ts = state.open.blocks.front().min_ts();
        }
    });
    return stats;
}

}  // namespace rocks
}  // namespace anode
