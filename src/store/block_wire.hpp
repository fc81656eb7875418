#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "core/message/block.hpp"

namespace anode {

/// The encoded form of a block, made once for all who need it (the store, the other nodes), by whoever asks first.
/// Thread: any; who asks second waits for the first.
class BlockWire {
public:
    explicit BlockWire(BlockPtr block) : block_(std::move(block)) {}
    /// Of a block that came encoded.
    explicit BlockWire(std::shared_ptr<const Bytes> bytes)
        : bytes_(std::move(bytes)), made_(true) {}

    [[nodiscard]] const std::shared_ptr<const Bytes>& bytes() const {
        if (!made_.load(std::memory_order_acquire)) make();
        return bytes_;
    }

private:
    void make() const {
        const std::lock_guard lock(mutex_);
        if (!bytes_) bytes_ = std::make_shared<const Bytes>(encode_block(*block_));
        made_.store(true, std::memory_order_release);
    }

    const BlockPtr block_;
    mutable std::mutex mutex_;  ///< of whoever makes it
    mutable std::shared_ptr<const Bytes> bytes_;
    mutable std::atomic<bool> made_{false};
};

using BlockWirePtr = std::shared_ptr<const BlockWire>;

}  // namespace anode
