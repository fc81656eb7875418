#pragma once

#include "store/rocksdb/database.hpp"
#include "store/rocksdb/index.hpp"
#include "store/rocksdb/reader.hpp"

namespace anode::rocks {

/// What a store is, beside its contents.
struct Identity {
    std::uint32_t tag = 0;  ///< random, made with the store
    std::uint64_t run = 0;  ///< of this open; on the disk before anything uses it
};
Result<Identity> begin_run(Database& database);

/// Loads the index and adds the blocks that were committed after its last segment. A damaged index
/// is built again from the blocks.
Result<void> recover(Database& database, Index& index, Reader& reader);

}  // namespace anode::rocks
