#include "store/rocksdb/database_options.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include "base/varint.hpp"
#include "store/rocksdb/keys.hpp"

namespace anode::rocks {
namespace {

/// Of two places of a last value the one with the later stamp stays, whatever order they come in.
class NewestWins final : public rocksdb::AssociativeMergeOperator {
public:
    const char* Name() const override { return "anode.newest-wins"; }
    bool Merge(const rocksdb::Slice&, const rocksdb::Slice* present, const rocksdb::Slice& value,
               std::string* merged, rocksdb::Logger*) const override {
        const bool keep = present != nullptr && present->size() >= 8 && value.size() >= 8 &&
                          load_be64(present->data()) > load_be64(value.data());
        const rocksdb::Slice& newest = keep ? *present : value;
        merged->assign(newest.data(), newest.size());
        return true;
    }
};

/// Drops postings of segments that retention has freed.
class PostingsFilter final : public rocksdb::CompactionFilter {
public:
    explicit PostingsFilter(Floor floor) : floor_(std::move(floor)) {}
    const char* Name() const override { return "anode.postings"; }
    bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice&, std::string*,
                bool*) const override {
        return key.size() == kPostingKeyBytes && load_be64(key.data() + 4) < floor_->load();
    }

private:
    Floor floor_;
};

/// Drops last values whose block retention has freed.
class LastFilter final : public rocksdb::CompactionFilter {
public:
    explicit LastFilter(Floor floor) : floor_(std::move(floor)) {}
    const char* Name() const override { return "anode.last"; }
    bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*,
                bool*) const override {
        return value.size() == kLastValueBytes && load_be64(value.data() + 8) < floor_->load();
    }

private:
    Floor floor_;
};

rocksdb::BlockBasedTableOptions table(const std::shared_ptr<rocksdb::Cache>& cache) {
    rocksdb::BlockBasedTableOptions options;
    options.block_cache = cache;
    options.cache_index_and_filter_blocks = true;
    options.format_version = 5;
    options.checksum = rocksdb::kXXH3;
    return options;
}

rocksdb::ColumnFamilyOptions small_rows(const std::shared_ptr<rocksdb::Cache>& cache) {
    rocksdb::ColumnFamilyOptions options;
    options.write_buffer_size = 4 << 20;
    options.arena_block_size = 128 << 10;
    options.max_write_buffer_number = 2;
    options.compression = rocksdb::kLZ4Compression;
    options.bottommost_compression = rocksdb::kZSTD;
    options.target_file_size_base = 8 << 20;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table(cache)));
    return options;
}

}  // namespace

rocksdb::DBOptions database_options() {
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.max_background_jobs = 2;
    options.max_open_files = 512;
    options.max_total_wal_size = 64 << 20;
    options.skip_stats_update_on_db_open = true;
    options.skip_checking_sst_file_sizes_on_db_open = true;
    options.avoid_flush_during_recovery = true;
    options.bytes_per_sync = 1 << 20;
    options.info_log_level = rocksdb::WARN_LEVEL;
    options.keep_log_file_num = 2;
    options.max_log_file_size = 1 << 20;
    options.stats_dump_period_sec = 0;
    options.stats_persist_period_sec = 0;
    return options;
}

rocksdb::ColumnFamilyOptions main_options(const std::shared_ptr<rocksdb::Cache>& cache) {
    return small_rows(cache);
}

rocksdb::ColumnFamilyOptions blocks_options(const std::shared_ptr<rocksdb::Cache>& cache) {
    rocksdb::ColumnFamilyOptions options;
    options.write_buffer_size = 16 << 20;
    options.max_write_buffer_number = 3;
    options.arena_block_size = 256 << 10;
    options.target_file_size_base = 64 << 20;
    options.max_bytes_for_level_base = 512ull << 20;
    // Blocks are compressed once, before they come here; keys only rise, so that compaction moves
    // files down without rewriting them.
    options.compression = rocksdb::kNoCompression;
    rocksdb::BlockBasedTableOptions blocks = table(cache);
    blocks.block_size = 16 << 10;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
    return options;
}

rocksdb::ColumnFamilyOptions postings_options(const std::shared_ptr<rocksdb::Cache>& cache,
                                              const Floor& floor) {
    rocksdb::ColumnFamilyOptions options = small_rows(cache);
    options.write_buffer_size = 8 << 20;
    options.compaction_filter = new PostingsFilter(floor);  // owned by Database::State
    options.periodic_compaction_seconds = 86'400;
    return options;
}

rocksdb::ColumnFamilyOptions last_options(const std::shared_ptr<rocksdb::Cache>& cache,
                                          const Floor& floor) {
    rocksdb::ColumnFamilyOptions options = small_rows(cache);
    options.merge_operator = std::make_shared<NewestWins>();
    options.compaction_filter = new LastFilter(floor);  // owned by Database::State
    options.periodic_compaction_seconds = 86'400;
    return options;
}

}  // namespace anode::rocks
