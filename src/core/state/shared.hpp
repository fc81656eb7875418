#pragma once

#include <set>

#include "core/state/quarantine.hpp"
#include "core/state/registers.hpp"

namespace anode::state {

/// What the parts of a State have in common. `now` and `out` are those of the step in progress.
struct Shared {
    Shared(NodeId id, Limits l) : self(id), limits(l), registers(limits) {}
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;

    NodeId self;
    Limits limits;
    Now now;
    std::vector<Output>* out = nullptr;
    Registers registers;
    Quarantine quarantine;
    Hlc last;  ///< above every stamp that was applied
    Counters counters;
    std::set<NodeId>
        told;  ///< of whose malformed bytes a notice went out; the zero id stands for the system lane

    /// Merges what is not too far ahead, puts the rest aside. True if a register changed.
    bool take_in(Item item);
    /// An entry from outside: decoded, measured, taken in.
    bool take_in(BytesView entry, const NodeId& from);
    /// What waited in quarantine and is due. True if a register changed.
    bool release();
    void malformed(const NodeId& from, std::string detail);
    [[nodiscard]] std::uint64_t millis_max() const noexcept {
        return static_cast<std::uint64_t>(now.wall) / 1000 +
               static_cast<std::uint64_t>(limits.drift_max / std::chrono::milliseconds(1));
    }

private:
    bool apply(Item item);
    [[nodiscard]] bool fits(const Item& item) const;
};

}  // namespace anode::state
