#pragma once

#include <map>
#include <set>
#include <vector>

#include "core/mesh/pull_client.hpp"

namespace anode::mesh {

/// When a hole ends without being filled. Expired: retention passed it, here or, for five seconds running, at every neighbour
/// that ever had it; or nobody linked has it and the log's stamps are older than the horizon. Before join: older than the history asked for. Lost: the
/// log is closed, and for `lost_after` neither a neighbour nor any member asked (all, or 16 of more than 64) had it.
/// What a peer answers to a PULL settles nothing by itself.
/// Source:  dissemination, section 3.7.
class GiveUp {
public:
    GiveUp(Shared& shared, RepairPort& port, Holders& holders, PullClient& client)
        : shared_(shared), port_(port), holders_(holders), client_(client) {}

    /// A member that is not a neighbour was visited: what it said is known.
    void visited(const NodeId& node);
    /// It could not be visited; not again for half a minute.
    void unreachable(const NodeId& node) { unreachable_[node] = shared_.now.mono; }
    /// Of what is missing of this range somebody gave bytes that cannot be decoded.
    void unreadable(const LogKey& log, SeqRange range) { unreadable_[log].add(range); }
    void tick();
    [[nodiscard]] Instant due() const noexcept;
    /// A member to visit because nobody linked has what is missing, or nothing.
    [[nodiscard]] std::optional<NodeId> to_visit();
    /// For how long the latest hole has been without a holder among the neighbours, or nothing.
    [[nodiscard]] std::optional<Duration> stuck_for() const;
    /// Nothing more will be written to this log.
    [[nodiscard]] bool closed(const LogKey& log);

private:
    struct Stuck {
        RangeSet ranges;         ///< that no neighbour has
        Instant since{};         ///< all of them
        std::set<NodeId> asked;  ///< members visited since
    };
    void look(LogEntry& entry);
    void retention_passed(LogEntry& entry);
    /// How old the newest of the log is, in microseconds; nothing if nothing of it was ever had.
    [[nodiscard]] std::optional<std::int64_t> age_of(const LogEntry& entry) const;
    void judge(LogEntry& entry, Stuck& stuck);
    void judge_unreadable(LogEntry& entry, RangeSet& nowhere);
    [[nodiscard]] bool links_settling() const;
    [[nodiscard]] RangeSet nowhere(LogEntry& entry);
    [[nodiscard]] Seq expired_below(const LogEntry& entry) const;
    [[nodiscard]] bool everyone_asked(const Stuck& stuck);
    void give_up(LogEntry& entry, SeqRange range, Skip why);

    Shared& shared_;
    RepairPort& port_;
    Holders& holders_;
    PullClient& client_;
    std::map<LogKey, Stuck> stuck_;
    std::map<LogKey, RangeSet> unreadable_;
    std::map<NodeId, Instant> absent_since_, unreachable_;
    Instant look_at_{};
    LogKey next_;  ///< where the next look begins
};

}  // namespace anode::mesh
