#pragma once

#include <span>
#include <vector>

#include "core/mesh/repair.hpp"
#include "core/mesh/shared.hpp"

namespace anode::mesh {

/// What a node has, misses and gives up, as seen by store and listeners: every change is told once, and what the store cannot
/// know by itself is remembered beside the blocks.
/// Source: dissemination, sections 1.4 and 4.6.
class Delivery {
public:
    Delivery(Shared& shared, Repair& repair) : shared_(shared), repair_(repair) {}

    /// Takes a block over; false if nothing of it was new. `late`: it fills holes behind the live path.
    bool take(LogEntry& entry, WireBlock block, const NodeId& from, std::uint8_t hops, bool late);
    /// The live path goes on behind `to`: what is missing up to it becomes holes.
    void jump(LogEntry& entry, Seq to);
    void give_up(LogEntry& entry, SeqRange range, Skip why);
    /// What was taken cannot be used: a hole again. Returns how many sequences.
    std::uint64_t lose(LogEntry& entry, SeqRange range);
    /// At the end of a step: what is to be remembered.
    void flush();

private:
    void changed(LogEntry& entry);

    Shared& shared_;
    Repair& repair_;
    std::vector<LogKey> changed_;
};

}  // namespace anode::mesh
