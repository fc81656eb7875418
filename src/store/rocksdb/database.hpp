#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

/// RocksDB behind a narrow door: the only files that name its types are database*.cpp.
namespace anode::rocks {

/// Column families. Each has the options its values want.
enum class Family : std::uint8_t {
    Main,      ///< identity, segments, topics, records: small rows (keys.hpp)
    Blocks,    ///< arrival → log key and encoded block, stored as it is
    Postings,  ///< (topic, segment) → which blocks hold the topic
    Last,      ///< (topic, key) → place of the newest message; writes merge, the newest stamp wins
};
inline constexpr std::size_t kFamilies = 4;

/// Changes written all or nothing, in order.
class Batch {
public:
    Batch();
    ~Batch();
    Batch(Batch&&) noexcept;
    Batch& operator=(Batch&&) noexcept;

    void put(Family family, BytesView key, BytesView value);
    void put(Family family, BytesView key, BytesView value_head, BytesView value_tail);
    void merge(Family family, BytesView key, BytesView value);
    void remove(Family family, BytesView key);
    void remove_range(Family family, BytesView from, BytesView to);
    [[nodiscard]] std::size_t bytes() const;
    [[nodiscard]] bool empty() const;

private:
    friend class Database;
    struct State;
    std::unique_ptr<State> state_;
};

/// Walks the keys of one family, as they were when it was made.
class Cursor {
public:
    virtual ~Cursor() = default;
    virtual void seek(BytesView key) = 0;       ///< to the first key at or after
    virtual void seek_back(BytesView key) = 0;  ///< to the last key at or before
    virtual void next() = 0;
    [[nodiscard]] virtual bool valid() const = 0;
    [[nodiscard]] virtual BytesView key() const = 0;
    [[nodiscard]] virtual BytesView value() const = 0;
    /// Ok at the plain end; Corrupt or Io if reading failed.
    [[nodiscard]] virtual Result<void> status() const = 0;
};

/// One open RocksDB. Thread: any. Errors: Corrupt (a checksum), NoSpace, Io.
class Database {
public:
    struct Options {
        std::string path;
        std::uint64_t cache_bytes = 16ull << 20;  ///< of raw table blocks: indexes and small rows
    };
    static Result<std::unique_ptr<Database>> open(const Options& options);
    ~Database();

    [[nodiscard]] Result<std::optional<Bytes>> get(Family family, BytesView key) const;
    /// `sync`: on the disk when it returns.
    Result<void> write(Batch& batch, bool sync);
    [[nodiscard]] std::unique_ptr<Cursor> cursor(Family family) const;

    Result<void> flush();
    Result<void> compact();
    /// Frees the table files that lie wholly in the range, at once.
    void drop_files(Family family, BytesView from, BytesView to);
    /// Postings and last values below this arrival are dropped when they are next compacted.
    void set_floor(Arrival floor) noexcept;
    /// After a failed write: makes the database writable again if the cause is gone.
    Result<void> resume();

    [[nodiscard]] std::uint64_t table_bytes(Family family) const;
    [[nodiscard]] std::uint64_t memory_bytes() const;   ///< write buffers
    [[nodiscard]] std::uint64_t pending_bytes() const;  ///< waiting for compaction
    [[nodiscard]] bool stalled() const;
    /// The journal had unreadable records at open, which were skipped.
    [[nodiscard]] bool salvaged() const noexcept { return salvaged_; }

private:
    Database();
    struct State;
    std::unique_ptr<State> state_;
    bool salvaged_ = false;
};

}  // namespace anode::rocks
