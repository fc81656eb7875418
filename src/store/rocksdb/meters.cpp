#include "store/rocksdb/meters.hpp"

namespace anode::rocks {
namespace {

constexpr const char* kTroubles[] = {"io", "no-space", "corrupt", "overloaded"};

}  // namespace

Meters::Meters(metrics::Registry* registry) {
    if (registry == nullptr) return;
    const metrics::Labels engine = {{"engine", "rocksdb"}};
    const auto of_class = [&](const char* name) {
        return metrics::Labels{{"engine", "rocksdb"}, {"class", name}};
    };
    write_ = &registry->histogram("anode_store_write_seconds",
                                  "From an append to its commit, queue included.", engine);
    sync_ = &registry->histogram("anode_store_sync_seconds",
                                 "One synced write of a group of appends.", engine);
    read_ = &registry->histogram("anode_store_read_seconds",
                                 "One block read and decoded, not from the cache.", engine);
    for (std::size_t i = 0; i < std::size(kTroubles); ++i) {
        troubles_[i] = &registry->counter("anode_store_errors_total", "Store errors by class.",
                                          of_class(kTroubles[i]));
    }
    constexpr const char* kBytes = "Bytes of the store by class.";
    blocks_ = &registry->gauge("anode_store_bytes", kBytes, of_class("blocks"));
    index_ = &registry->gauge("anode_store_bytes", kBytes, of_class("index"));
    memory_ = &registry->gauge("anode_store_bytes", kBytes, of_class("memory"));
    constexpr const char* kPending = "Bytes that wait: appends to commit, tables to compact.";
    queued_ = &registry->gauge("anode_store_pending_bytes", kPending, of_class("queue"));
    compaction_ = &registry->gauge("anode_store_pending_bytes", kPending, of_class("compaction"));
    stalled_ =
        &registry->gauge("anode_store_stalled", "1 while writes wait for compaction.", engine);
    disk_free_ =
        &registry->gauge("anode_disk_free_bytes", "Free bytes of the store's disk.", engine);
}

void Meters::trouble(Trouble what) noexcept {
    if (auto* counter = troubles_[static_cast<std::size_t>(what)]) counter->add();
}

void Meters::set(const Gauges& gauges) noexcept {
    if (blocks_ == nullptr) return;
    blocks_->set(static_cast<double>(gauges.block_bytes));
    index_->set(static_cast<double>(gauges.index_bytes));
    memory_->set(static_cast<double>(gauges.memory_bytes));
    queued_->set(static_cast<double>(gauges.queued_bytes));
    compaction_->set(static_cast<double>(gauges.compaction_bytes));
    stalled_->set(gauges.stalled ? 1 : 0);
    disk_free_->set(static_cast<double>(gauges.disk_free));
}

}  // namespace anode::rocks
