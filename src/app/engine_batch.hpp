#pragma once

#include "app/engine.hpp"

/// Included by engine*.cpp only.
namespace anode::app {

/// Blocks and records on their way to the store, and who waits for them.
struct Engine::Batch {
    std::vector<BlockPtr> blocks;
    std::vector<BlockWirePtr> wires;  ///< of `blocks`
    std::vector<Record> records;
    std::vector<std::move_only_function<void(const Result<void>&)>> waiting;
    std::uint64_t messages = 0;  ///< our own
    std::uint64_t remote = 0;    ///< of other nodes

    [[nodiscard]] bool empty() const {
        return blocks.empty() && records.empty() && waiting.empty();
    }
};

}  // namespace anode::app
