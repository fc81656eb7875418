#pragma once

#include <cstdint>
#include <string>

namespace anode {

/// Double entry for messages: whatever was taken in has gone somewhere.
/// Thread: the engine's. Source: reliability, section 5.2.
struct Balance {
    std::uint64_t received = 0;    ///< offered to the node: published items, source rows
    std::uint64_t derived = 0;     ///< made by pipelines and by the node itself (`$` topics)
    std::uint64_t rejected = 0;    ///< went to `$dlq` or was answered with an error
    std::uint64_t duplicates = 0;  ///< removed as repeats
    std::uint64_t dropped = 0;     ///< discarded by rule: not wanted, queue full, disk full
    std::uint64_t open = 0;        ///< in the open blocks
    std::uint64_t queued = 0;      ///< sealed, handed to the store, not yet synced
    std::uint64_t stored = 0;

    // Messages of other nodes are in the books of their origin; here they come in, and are stored or not.
    std::uint64_t remote_received = 0, remote_queued = 0, remote_stored = 0, remote_dropped = 0;
    std::uint64_t remote_hidden = 0;  ///< of those received: shown already, from another log

    [[nodiscard]] std::uint64_t in() const noexcept { return received + derived; }
    [[nodiscard]] std::uint64_t out() const noexcept {
        return rejected + duplicates + dropped + open + queued + stored;
    }
    [[nodiscard]] bool holds() const noexcept {
        return in() == out() && remote_received == remote_queued + remote_stored + remote_dropped;
    }
};

}  // namespace anode
