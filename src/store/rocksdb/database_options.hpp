#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

/// How RocksDB is set up; included only by database*.cpp.
namespace rocksdb {
class Cache;
struct ColumnFamilyOptions;
struct DBOptions;
class Status;
}  // namespace rocksdb

namespace anode::rocks {

using Floor = std::shared_ptr<std::atomic<std::uint64_t>>;

rocksdb::DBOptions database_options();
rocksdb::ColumnFamilyOptions main_options(const std::shared_ptr<rocksdb::Cache>& cache);
rocksdb::ColumnFamilyOptions blocks_options(const std::shared_ptr<rocksdb::Cache>& cache);
rocksdb::ColumnFamilyOptions postings_options(const std::shared_ptr<rocksdb::Cache>& cache,
                                              const Floor& floor);
rocksdb::ColumnFamilyOptions last_options(const std::shared_ptr<rocksdb::Cache>& cache,
                                          const Floor& floor);

}  // namespace anode::rocks
