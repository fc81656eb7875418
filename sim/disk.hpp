#pragma once

#include <deque>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/mesh/types.hpp"

namespace anode::sim {

/// What a store has synced, and keeps when its process or its host dies.
struct Disk {
    std::map<LogKey, std::map<Seq, mesh::WireBlock>> logs;  ///< blocks by their first sequence
    std::map<LogKey, Bytes> remembered;
    std::map<std::string, Bytes> records;
    std::uint64_t last_epoch = 0;

    /// What it holds, as a node tells its mesh when it starts.
    [[nodiscard]] std::vector<mesh::KnownLog> known() const;
    [[nodiscard]] bool holds(const LogKey& log, Seq seq) const;
};

/// A model of the store: one journal, written in order and synced in groups. What waits for its sync is readable, and lost with
/// the process; so what a crash leaves is always a prefix of what was written.
/// Time: a sync that begins now ends after `latency`; the next begins when it has ended.
class ModelStore {
public:
    struct Record {
        std::string key;
        std::optional<Bytes> value;
    };
    struct Memory {
        LogKey log;
        Bytes state;
    };
    struct Written {
        LogKey log;
        mesh::WireBlock block;
    };
    using Entry = std::variant<Written, Memory, Record>;

    explicit ModelStore(Disk& disk) : disk_(disk) {}

    void append(Entry entry) { journal_.push_back(std::move(entry)); }
    /// Begins a sync if there is reason and none is under way.
    void flush(Instant now, Duration latency);
    /// When the sync that is under way has ended.
    [[nodiscard]] Instant due() const noexcept { return due_; }
    /// Ends it: what was written is on the disk. Returns for each log the last sequence that this made safe.
    std::map<LogKey, Seq> synced();
    /// Blocks that overlap the range, synced or not.
    [[nodiscard]] std::vector<mesh::WireBlock> read(const LogKey& log, mesh::SeqRange range,
                                                    std::size_t bytes_max) const;
    [[nodiscard]] const Disk& disk() const noexcept { return disk_; }

private:
    Disk& disk_;
    std::deque<Entry> journal_;
    std::size_t syncing_ = 0;  ///< so many entries of the journal's front
    Instant due_ = Instant::max();
};

}  // namespace anode::sim
