#pragma once

#include <map>
#include <vector>

#include "core/mesh/shared.hpp"

namespace anode::mesh {

/// What a node can serve of a log: `lowest` to head without what it lacks. What retention took lies below `lowest`.
struct Holding {
    Seq lowest = 1;
    RangeSet lacks;
};
[[nodiscard]] Holding holding_of(const LogState& state);
/// What was given up as lost, rising: somebody may turn up who has it after all.
[[nodiscard]] std::vector<SeqRange> lost_of(const LogState& state);

/// What peers said they hold of logs, and what they then did not give. Kept only where it says more than the head of a
/// main link does: holes, retention, logs that we have holes in, members that are not neighbours.
/// Source: dissemination, section 3.3, rule 3.
class Holders {
public:
    explicit Holders(Shared& shared) : shared_(shared) {}

    void note(const Link& link, const LogEntry& entry, const frames::Vector::Row& row);
    /// The peer's state of this log is as ours.
    void note_equal(const Link& link, const LogEntry& entry);
    /// Asked for and not given. It is not asked for this again for a minute; if it was expired there, not at all.
    void refuse(const NodeId& peer, const LogEntry& entry, SeqRange range, bool expired);
    void forget(const NodeId& peer) { peers_.erase(peer); }
    /// Nothing is kept of logs that are not.
    void forget_retired();

    /// The parts of `range` that the peer may have, rising. `refused_too`: also what it did not give a moment ago.
    [[nodiscard]] std::vector<SeqRange> parts_of(const NodeId& peer, const LogEntry& entry,
                                                 SeqRange range, bool refused_too = false);
    /// Below it the peer has nothing any more; 1 if it never said so.
    [[nodiscard]] Seq lowest_of(const NodeId& peer, const LogKey& log) const;
    /// The highest sequence the peer said it has.
    [[nodiscard]] Seq head_of(const NodeId& peer, const LogEntry& entry);

private:
    struct Claim {
        Seq lowest = 1, head = 0;
        RangeSet lacks;
        RangeSet refused;
        Instant refused_until{};
    };
    const Claim* find(const NodeId& peer, const LogKey& log) const;

    Shared& shared_;
    std::map<NodeId, std::map<LogKey, Claim>> peers_;
};

}  // namespace anode::mesh
