#pragma once

#include <deque>
#include <map>

#include "core/mesh/shared.hpp"

namespace anode::mesh {

/// What happens when a node produces more than its links carry: children are moved below other children (SHED), publishers
/// are slowed down (Throttle), and others are told to keep away (load).
/// Source: dissemination, sections 4.3 and 4.4.
class Spread {
public:
    explicit Spread(Shared& shared) : shared_(shared) {}

    /// A block of ours was sealed: nobody else has it yet.
    void sealed(const LogEntry& entry, const WireBlock& block);
    void tick();
    [[nodiscard]] Instant due() const;

private:
    struct Block {
        Seq last;
        std::size_t bytes;
        Instant at;
    };
    struct Unspread {
        std::deque<Block> blocks;
        std::size_t bytes = 0;
    };
    void measure(Duration passed);
    void throttle();
    void shed();
    void shed(LogEntry& entry);
    [[nodiscard]] bool hindered(const Link& link, const LogEntry& entry) const;
    [[nodiscard]] bool waits() const;

    Shared& shared_;
    std::map<LogKey, Unspread> unspread_;
    Instant looked_at_{};
    Instant shed_after_{};
    std::uint64_t drained_ = 0;  ///< bytes that had left us at the last look
    double drain_ = 0;           ///< a second, lately
    double drain_most_ = 0;      ///< while something waited
    double told_ = 0;
};

}  // namespace anode::mesh
