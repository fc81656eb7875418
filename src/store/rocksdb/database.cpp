#include "store/rocksdb/database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <vector>

#include "base/log.hpp"
#include "store/rocksdb/database_options.hpp"

namespace anode::rocks {
namespace {

rocksdb::Slice slice(BytesView bytes) { return {bytes.data(), bytes.size()}; }
BytesView view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }
std::size_t at(Family family) { return static_cast<std::size_t>(family); }

std::unexpected<Error> to_error(const rocksdb::Status& status) {
    if (status.IsNoSpace()) return fail(Errc::NoSpace, "no space: " + status.ToString());
    if (status.IsCorruption()) return fail(Errc::Corrupt, status.ToString());
    return fail(Errc::Io, status.ToString());
}

Result<void> to_result(const rocksdb::Status& status) {
    if (status.ok()) return {};
    return to_error(status);
}

class RocksCursor final : public Cursor {
public:
    explicit RocksCursor(rocksdb::Iterator* iterator) : iterator_(iterator) {}
    void seek(BytesView key) override { iterator_->Seek(slice(key)); }
    void seek_back(BytesView key) override { iterator_->SeekForPrev(slice(key)); }
    void next() override { iterator_->Next(); }
    bool valid() const override { return iterator_->Valid(); }
    BytesView key() const override { return view(iterator_->key()); }
    BytesView value() const override { return view(iterator_->value()); }
    Result<void> status() const override { return to_result(iterator_->status()); }

private:
    std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace

// -- Batch ---------------------------------------------------------------------------------------

/// Changes as they came: handles of column families are known to the database only, which
/// translates them when it writes.
struct Batch::State {
    struct Change {
        enum class What : std::uint8_t { Put, Merge, Remove, RemoveRange };
        What what;
        Family family;
        Bytes key, value;
    };
    std::vector<Change> changes;
    std::size_t bytes = 0;

    void add(Change change) {
        bytes += change.key.size() + change.value.size();
        changes.push_back(std::move(change));
    }
};

Batch::Batch() : state_(std::make_unique<State>()) {}
Batch::~Batch() = default;
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;

void Batch::put(Family family, BytesView key, BytesView value) {
    state_->add({State::Change::What::Put, family, Bytes(key), Bytes(value)});
}

void Batch::put(Family family, BytesView key, BytesView value_head, BytesView value_tail) {
    Bytes value;
    value.reserve(value_head.size() + value_tail.size());
    value.append(value_head).append(value_tail);
    state_->add({State::Change::What::Put, family, Bytes(key), std::move(value)});
}

void Batch::merge(Family family, BytesView key, BytesView value) {
    state_->add({State::Change::What::Merge, family, Bytes(key), Bytes(value)});
}

void Batch::remove(Family family, BytesView key) {
    state_->add({State::Change::What::Remove, family, Bytes(key), {}});
}

void Batch::remove_range(Family family, BytesView from, BytesView to) {
    state_->add({State::Change::What::RemoveRange, family, Bytes(from), Bytes(to)});
}

std::size_t Batch::bytes() const { return state_->bytes; }
bool Batch::empty() const { return state_->changes.empty(); }

// -- Database ------------------------------------------------------------------------------------

struct Database::State {
    std::shared_ptr<rocksdb::Cache> cache;
    Floor floor = std::make_shared<std::atomic<std::uint64_t>>(0);
    std::vector<std::unique_ptr<const rocksdb::CompactionFilter>> filters;
    std::unique_ptr<rocksdb::DB> db;
    std::array<rocksdb::ColumnFamilyHandle*, kFamilies> families{};

    rocksdb::ColumnFamilyHandle* of(Family family) const { return families[at(family)]; }
    rocksdb::Status open(const std::string& path, rocksdb::WALRecoveryMode mode);
    ~State() {
        if (!db) return;
        for (auto* family : families) db->DestroyColumnFamilyHandle(family);
        db->Close().PermitUncheckedError();
    }
};

rocksdb::Status Database::State::open(const std::string& path, rocksdb::WALRecoveryMode mode) {
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, main_options(cache));
    descriptors.emplace_back("blocks", blocks_options(cache));
    descriptors.emplace_back("postings", postings_options(cache, floor));
    descriptors.emplace_back("last", last_options(cache, floor));
    for (const auto& descriptor : descriptors) {
        if (const auto* filter = descriptor.options.compaction_filter) filters.emplace_back(filter);
    }
    rocksdb::DBOptions options = database_options();
    options.wal_recovery_mode = mode;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    const auto status = rocksdb::DB::Open(options, path, descriptors, &handles, &opened);
    if (!status.ok()) return status;
    db.reset(opened);
    for (std::size_t i = 0; i < kFamilies; ++i) families[i] = handles[i];
    return status;
}

Database::Database() : state_(std::make_unique<State>()) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const Options& options) {
    std::unique_ptr<Database> database(new Database);
    State& state = *database->state_;
    state.cache = rocksdb::NewLRUCache(options.cache_bytes, 2);
    // A torn tail is what a crash leaves: it was not acknowledged. Damage before the tail is an error
    // first. Then all readable records are taken, or, as RocksDB 7.8 cannot always go on behind a
    // damaged record, those before it.
    using Mode = rocksdb::WALRecoveryMode;
    rocksdb::Status status;
    for (const Mode mode : {Mode::kTolerateCorruptedTailRecords, Mode::kSkipAnyCorruptedRecords,
                            Mode::kPointInTimeRecovery}) {
        status = state.open(options.path, mode);
        if (!status.IsCorruption()) break;
        log::error("store", "damage found at open, trying to read less",
                   {{"path", options.path}, {"err", status.ToString()}});
        database->salvaged_ = true;
    }
    if (!status.ok()) {
        Error error = to_error(status).error();
        error.what = "cannot open the store in " + options.path + ": " + error.what;
        return std::unexpected(std::move(error));
    }
    return database;
}

Result<std::optional<Bytes>> Database::get(Family family, BytesView key) const {
    rocksdb::ReadOptions options;
    options.fill_cache = family != Family::Blocks;  // decoded blocks have a cache of their own
    Bytes value;
    const auto status = state_->db->Get(options, state_->of(family), slice(key), &value);
    if (status.IsNotFound()) return std::optional<Bytes>();
    if (!status.ok()) return to_error(status);
    return std::optional<Bytes>(std::move(value));
}

Result<void> Database::write(Batch& batch, bool sync) {
    using What = Batch::State::Change::What;
    rocksdb::WriteBatch changes(batch.bytes() + batch.state_->changes.size() * 16);
    for (const auto& change : batch.state_->changes) {
        auto* family = state_->of(change.family);
        rocksdb::Status status;
        switch (change.what) {
            case What::Put:
                status = changes.Put(family, change.key, change.value);
                break;
            case What::Merge:
                status = changes.Merge(family, change.key, change.value);
                break;
            case What::Remove:
                status = changes.Delete(family, change.key);
                break;
            case What::RemoveRange:
                status = changes.DeleteRange(family, change.key, change.value);
                break;
        }
        if (!status.ok()) return to_error(status);
    }
    rocksdb::WriteOptions options;
    options.sync = sync;
    options.memtable_insert_hint_per_batch = true;  // our batches come sorted within a family
    return to_result(state_->db->Write(options, &changes));
}

std::unique_ptr<Cursor> Database::cursor(Family family) const {
    rocksdb::ReadOptions options;
    options.fill_cache = family != Family::Blocks;
    return std::make_unique<RocksCursor>(state_->db->NewIterator(options, state_->of(family)));
}

Result<void> Database::flush() {
    const std::vector<rocksdb::ColumnFamilyHandle*> all(state_->families.begin(),
                                                        state_->families.end());
    return to_result(state_->db->Flush(rocksdb::FlushOptions(), all));
}

Result<void> Database::compact() {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction =
        rocksdb::BottommostLevelCompaction::kIfHaveCompactionFilter;
    for (auto* family : state_->families) {
        const auto status = state_->db->CompactRange(options, family, nullptr, nullptr);
        if (!status.ok()) return to_error(status);
    }
    return {};
}

void Database::drop_files(Family family, BytesView from, BytesView to) {
    const rocksdb::Slice begin = slice(from);
    const rocksdb::Slice end = slice(to);
    const auto status =
        rocksdb::DeleteFilesInRange(state_->db.get(), state_->of(family), &begin, &end, false);
    if (!status.ok()) {
        log::warn("store", "cannot drop old table files", {{"err", status.ToString()}});
    }
}

void Database::set_floor(Arrival floor) noexcept { state_->floor->store(floor.value); }

Result<void> Database::resume() { return to_result(state_->db->Resume()); }

std::uint64_t Database::table_bytes(Family family) const {
    std::uint64_t bytes = 0;
    state_->db->GetIntProperty(state_->of(family), rocksdb::DB::Properties::kTotalSstFilesSize,
                               &bytes);
    return bytes;
}

std::uint64_t Database::memory_bytes() const {
    std::uint64_t sum = 0;
    state_->db->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &sum);
    return sum;
}

std::uint64_t Database::pending_bytes() const {
    std::uint64_t sum = 0;
    state_->db->GetAggregatedIntProperty(rocksdb::DB::Properties::kEstimatePendingCompactionBytes,
                                         &sum);
    return sum;
}

bool Database::stalled() const {
    std::uint64_t stopped = 0;
    std::uint64_t delayed = 0;
    state_->db->GetIntProperty(rocksdb::DB::Properties::kIsWriteStopped, &stopped);
    state_->db->GetIntProperty(rocksdb::DB::Properties::kActualDelayedWriteRate, &delayed);
    return stopped != 0 || delayed != 0;
}

}  // namespace anode::rocks
