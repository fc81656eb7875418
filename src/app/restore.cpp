#include "app/restore.hpp"

#include "base/log.hpp"

namespace anode::app {
namespace {

void take(const Block& block, WallTime since, std::map<std::string, source::Restored>& out,
          std::map<std::string, Bytes>& positions) {
    for (std::uint32_t i = 0; i < block.count(); ++i) {
        const Entry entry = block.entry(i);
        if (!entry.cid && entry.source_position.empty()) continue;
        const std::string source(entry.source);
        if (entry.cid && entry.ts() >= since) out[source].seen.push_back({*entry.cid, entry.ts()});
        if (!entry.source_position.empty()) positions[source].assign(entry.source_position);
    }
}

}  // namespace

std::map<std::string, source::Restored> restore_sources(const Store& store, WallTime since,
                                                        std::size_t bytes_max) {
    std::map<std::string, source::Restored> out;
    for (auto& [name, position] : store.records("position"))
        out[name].position = std::move(position);
    Arrival after{store.at_time(since).value};
    if (after.value > 0) --after.value;
    std::size_t bytes = 0;
    std::map<std::string, Bytes> positions;  ///< in the blocks so far
    for (;;) {
        const auto blocks = store.blocks(after, 4u << 20);
        if (!blocks) {
            log::error("store", "the windows of sources could not be restored",
                       {{"err", blocks.error().what}});
            return out;
        }
        if (blocks->empty()) {  // the end: what the blocks say is the newest
            for (auto& [name, position] : positions) out[name].position = std::move(position);
            return out;
        }
        for (const BlockPtr& block : *blocks) {
            take(*block, since, out, positions);
            bytes += block->raw_bytes();
            after = block->last_arrival();
        }
        if (bytes > bytes_max) {
            log::warn("store",
                      "the windows of sources are larger than what is restored: repeats may pass");
            return out;
        }
    }
}

}  // namespace anode::app
