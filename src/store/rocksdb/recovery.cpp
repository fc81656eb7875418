#include "store/rocksdb/recovery.hpp"

#include <random>

#include "base/log.hpp"
#include "store/rocksdb/keys.hpp"

namespace anode::rocks {
namespace {

Result<std::optional<std::uint64_t>> meta_number(const Database& database, BytesView name) {
    const auto row = database.get(Family::Main, main_key(row::kMeta, name));
    if (!row) return std::unexpected(row.error());
    if (!*row) return std::optional<std::uint64_t>();
    if ((*row)->size() != 8) return fail(Errc::Corrupt, "damaged row: store identity");
    return std::optional(load_be64((*row)->data()));
}

Result<void> add_block(Index& index, Reader& reader, Arrival first, BytesView value) {
    auto block = from_stored(value, first);
    if (block) reader.hide(*block, first);
    if (!block) {
        reader.quarantine(first, first, block.error().what);
        return {};
    }
    index.add({summarize(*block, value.size())});
    const bool full = index.read([](const IndexState& state) { return state.open.full(); });
    return full ? index.close_segment(false) : Result<void>();
}

/// Adds every block after the last segment. A part of a table that cannot be read is stepped over
/// in growing strides, because its keys are not known.
Result<void> add_blocks(Database& database, Index& index, Reader& reader) {
    const auto mutating = index.mutating();
    const Arrival committed = index.read([](const IndexState& state) { return state.committed; });
    Arrival next = committed.value == 0 ? committed : committed.plus(1);
    std::uint64_t stride = 1;
    while (stride < std::uint64_t{1} << 62) {
        const auto cursor = database.cursor(Family::Blocks);
        for (cursor->seek(block_key(next)); cursor->valid(); cursor->next()) {
            const Arrival first{load_be64(cursor->key().data())};
            const auto added = add_block(index, reader, first, cursor->value());
            if (!added) return added;
            next = first.plus(1);
            stride = 1;
        }
        const auto status = cursor->status();
        if (status || status.error().code != Errc::Corrupt) return status;
        reader.quarantine(next, next.plus(stride - 1), status.error().what);
        next = next.plus(stride);
        stride *= 2;
    }
    return {};
}

}  // namespace

Result<Identity> begin_run(Database& database) {
    Identity identity;
    const auto tag = meta_number(database, "tag");
    if (!tag) return std::unexpected(tag.error());
    const auto run = meta_number(database, "run");
    if (!run) return std::unexpected(run.error());
    identity.tag = static_cast<std::uint32_t>(tag->value_or(std::random_device()()));
    identity.run = run->value_or(0) + 1;
    if (identity.run >= std::uint64_t{1} << (64 - Arrival::kRunShift)) {
        return fail(Errc::Io, "the store was opened too often: its arrivals are used up");
    }
    Batch batch;
    batch.put(Family::Main, main_key(row::kMeta, "tag"), be64_key(identity.tag));
    batch.put(Family::Main, main_key(row::kMeta, "run"), be64_key(identity.run));
    if (const auto written = database.write(batch, true); !written) {
        return std::unexpected(written.error());
    }
    return identity;
}

Result<void> recover(Database& database, Index& index, Reader& reader) {
    if (const auto loaded = reader.load_hidden(); !loaded && loaded.error().code != Errc::Corrupt)
        return loaded;
    const auto loaded = index.load();
    if (!loaded && loaded.error().code != Errc::Corrupt) return loaded;
    if (!loaded) {
        log::error("store", "damaged index, building it again from the blocks",
                   {{"err", loaded.error().what}});
        if (const auto wiped = index.wipe(); !wiped) return wiped;
    }
    if (const auto added = add_blocks(database, index, reader); !added) return added;
    if (database.salvaged()) {
        const Arrival at = index.read([](const IndexState& state) { return state.committed; });
        reader.quarantine(at, at, "records of the journal were unreadable");
    }
    return {};
}

}  // namespace anode::rocks
