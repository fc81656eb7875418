#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.hpp"
#include "base/result.hpp"
#include "core/message/block.hpp"
#include "core/message/topic.hpp"
#include "store/block_wire.hpp"

/// The local store: blocks in order of arrival, an index by topic, the newest message of each (topic, key), and small
/// named records. Implemented on RocksDB (store/rocksdb/).
namespace anode {

struct StoreOptions {
    std::string directory;         ///< made if absent; locked while open
    Duration sync_interval = 5ms;  ///< group commit
    std::uint64_t cache_bytes = 64ull << 20;
    double min_free_fraction = 0.05;  ///< of the disk: below it durable writes are refused
    std::uint64_t queue_bytes_max = 64ull << 20;  ///< appended and not yet committed
    metrics::Registry* metrics = nullptr;
};

/// How long what is kept: the first rule whose pattern matches a topic holds.
struct RetentionRule {
    std::string name;
    PatternSet topics;
    std::optional<Duration> age;
    std::optional<std::uint64_t> bytes;
};

/// A small record written in the same transaction as a block, or by itself.
struct Record {
    std::string space;  ///< e.g. "source", "pipeline", "idem", "dedupe", "position"
    std::string key;
    std::optional<Bytes> value;  ///< none: delete
};

/// What one append writes, all or nothing.
struct Append {
    std::vector<BlockPtr> blocks;  ///< arrivals set, rising
    /// The encoded form of each block, where the caller has it; otherwise empty: the store encodes.
    std::vector<BlockWirePtr> wires;
    std::vector<Record> records;
};

struct TopicInfo {
    std::string topic;
    std::uint64_t messages =
        0;  ///< stored since the store was made, less what retention took (may lag)
    std::uint64_t bytes = 0;
    WallTime first_ts = 0, last_ts = 0;
    Arrival last_arrival;
};

/// One message found: `block->entry(index)`.
struct Found {
    BlockPtr block;
    std::uint32_t index = 0;
};

/// What the store had of one log, and from where on it still has it.
struct LogHolding {
    LogKey log;
    std::vector<std::pair<Seq, Seq>>
        had;         ///< inclusive, rising, not touching; what retention took counts as had
    Seq lowest = 0;  ///< the first sequence that can still be read
    Hlc first_hlc, last_hlc;
};
/// An encoded block as it lies on disk (encode_block), for a neighbour.
struct LogBlock {
    Seq first = 0;
    std::uint32_t count = 0;
    Bytes wire;
};

enum class Order : std::uint8_t { Ascending, Descending };

struct Query {
    PatternSet topics;
    Order order = Order::Ascending;
    std::optional<Arrival>
        after;  ///< exclusive; where a page or a resume goes on (before it, if descending)
    std::optional<WallTime> from;  ///< inclusive
    std::optional<WallTime> to;    ///< exclusive
};

/// Walks the matches of a query, block by block, in order of arrival. What retention has passed is left out.
/// Thread: one at a time; may block on the disk. Sees what was committed when next() runs.
class Scan {
public:
    virtual ~Scan() = default;
    /// Appends the matches of the next block(s), at least one unless the end is reached; stops after about
    /// `messages_max` or `bytes_max` of payload. False at the (present) end; an ascending scan may be asked again later.
    virtual Result<bool> next(std::vector<Found>& out, std::size_t messages_max,
                              std::size_t bytes_max) = 0;
    /// Every match up to here (arrival order) has been given out.
    virtual Arrival position() const = 0;
};

struct StoreStats {
    std::uint64_t bytes = 0, pending_bytes = 0, blocks = 0, messages = 0, topics = 0, segments = 0;
    std::uint64_t disk_free = 0, disk_total = 0;
    bool full = false;  ///< below min_free: durable writes are refused
    std::uint64_t quarantined = 0;
    WallTime oldest_ts = 0;
};

/// Thread: every method from any thread. Reads block; appends do not.
class Store {
public:
    /// Opens or makes the store. Errors: Conflict (used by another process), Unsupported (another disk version, the text
    /// tells both), Io (names the path), NoSpace.
    static Result<std::unique_ptr<Store>> open(const StoreOptions& options);
    virtual ~Store() = default;  ///< commits what was appended, then closes

    // -- identity ---------------------------------------------------------------------------------
    [[nodiscard]] virtual std::uint32_t tag()
        const = 0;  ///< random, made with the store; cursors carry it
    [[nodiscard]] virtual Arrival first_free()
        const = 0;  ///< where this run begins (asked once, after open)
    [[nodiscard]] virtual Hlc last_hlc()
        const = 0;  ///< highest stamp stored, for the clock to go on from
    [[nodiscard]] virtual Arrival committed() const = 0;  ///< all up to here can be read
    [[nodiscard]] virtual Arrival oldest() const = 0;  ///< the oldest arrival that may still exist

    // -- writing ----------------------------------------------------------------------------------
    /// Queues and returns; commits follow in the order of calls. `done` runs on the store's thread once all of it is
    /// synced, or with the error (NoSpace, Io); then nothing of it was written.
    /// Overloaded if the queue is full, NoSpace if the disk is: nothing was queued, `done` is not called.
    using Done = std::move_only_function<void(const Result<void>&)>;
    virtual Result<void> append(Append batch, Done done) = 0;
    /// Bytes queued and not yet committed.
    [[nodiscard]] virtual std::uint64_t queued_bytes() const = 0;
    /// Waits until everything queued before this call is synced.
    virtual Result<void> flush() = 0;

    // -- reading ----------------------------------------------------------------------------------
    [[nodiscard]] virtual std::unique_ptr<Scan> scan(Query query) const = 0;
    /// The newest message of each (topic, key) that matches, oldest first; deletes (`kind`) included.
    virtual Result<std::vector<Found>> last(const PatternSet& topics, std::size_t limit) const = 0;
    /// Blocks in order of arrival, whatever they hold, after `after`: for feeding the dedupe windows and checks at start.
    virtual Result<std::vector<BlockPtr>> blocks(Arrival after, std::size_t bytes_max) const = 0;
    /// Every log that was ever stored here and not forgotten.
    [[nodiscard]] virtual std::vector<LogHolding> logs() const = 0;
    /// Blocks of a log in rising order of sequence that overlap [from, to], as they lie on disk, about `bytes_max`. What is not
    /// there (never had, removed, in quarantine) is passed over.
    virtual Result<std::vector<LogBlock>> log_blocks(const LogKey& log, Seq from, Seq to,
                                                     std::size_t bytes_max) const = 0;
    /// Nobody asks for this log any more: drops what is remembered of it, not its messages.
    virtual Result<void> forget_log(const LogKey& log) = 0;
    /// The first arrival at or after this time (its block's start is good enough, never later than exact).
    [[nodiscard]] virtual Arrival at_time(WallTime from) const = 0;
    /// The oldest arrival that retention still shows for topics matching these; messages between `after` and it, if any
    /// existed, are gone. Used to tell a resume its gap: true if something matching was removed after `after`.
    [[nodiscard]] virtual bool removed_since(const PatternSet& topics, Arrival after) const = 0;
    [[nodiscard]] virtual std::vector<TopicInfo> topics(std::string_view prefix,
                                                        std::string_view after,
                                                        std::size_t limit) const = 0;
    [[nodiscard]] virtual std::optional<TopicInfo> topic(std::string_view name) const = 0;

    // -- small records ----------------------------------------------------------------------------
    [[nodiscard]] virtual std::optional<Bytes> record(std::string_view space,
                                                      std::string_view key) const = 0;
    [[nodiscard]] virtual std::vector<std::pair<std::string, Bytes>> records(
        std::string_view space) const = 0;
    /// Synced when it returns. Not from a `done`, which would wait for itself.
    virtual Result<void> put(std::vector<Record> records) = 0;

    // -- keeping house ----------------------------------------------------------------------------
    virtual void set_retention(std::vector<RetentionRule> rules) = 0;
    /// Applies retention as of now; runs by itself every few seconds.
    virtual void apply_retention(WallTime now) = 0;
    /// Hides and then frees what matches and is older than `before`.
    virtual Result<void> purge(const PatternSet& topics, WallTime before) = 0;
    virtual Result<void> compact() = 0;
    [[nodiscard]] virtual StoreStats stats() const = 0;
};

inline constexpr std::uint32_t kDiskVersion = 1;

}  // namespace anode
