#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "core/mesh/link_table.hpp"
#include "core/mesh/log_state.hpp"

/// The logs a node knows, each with its place in the log's tree. Inside mesh/ only.
namespace anode::mesh {

inline constexpr LinkId kNoLink{0};
inline constexpr std::uint8_t kDepthMost = 100;  ///< no tree comes near it

/// Where a node gets a log from. Source: dissemination, section 2.6.
struct Tree {
    enum class State : std::uint8_t { Orphan, Held, Joining, Attached, Origin };
    State state = State::Orphan;
    bool fresh = true;   ///< nobody was asked for it yet
    bool rooted = true;  ///< as far as we know our parent's parents lead to the origin
    bool met = false;    ///< a neighbour told of it, and our other neighbours may not know
    LinkId parent = kNoLink;
    LinkId joining =
        kNoLink;  ///< asked, not answered; while the parent still serves if there is one
    frames::Why joining_why = frames::Why::Open;
    std::uint8_t depth = kDepthUnknown;
    Seq graft_from = 0;                        ///< as our last GRAFT said
    std::uint8_t graft_depth = kDepthUnknown;  ///< likewise
    Seq catch_up_to = 0;                       ///< the best head when we joined far behind
    Instant data_at{};                         ///< the parent's last block

    Instant hold_until = kNever, join_until = kNever, lag_until = kNever;
    Instant query_at = kNever, choose_at = kNever;
    Duration query_delay = 1s;
    Seq lag_target = 0;

    LinkId race_link = kNoLink, race_winner = kNoLink;
    Seq race_seq = 0;
    Instant race_at{};
    unsigned race_wins = 0;

    [[nodiscard]] Instant wake() const noexcept {
        return std::min({hold_until, join_until, lag_until, query_at, choose_at});
    }
};

struct LogEntry {
    LogEntry(const LogKey& log, std::uint32_t n) : number(n), state(log) {}

    std::uint32_t number;  ///< also its alias on our side of every link
    LogState state;
    Tree tree;
    WallTime opened = 0;
    Instant wake_at = kNever;  ///< as the table's timers know it
    Instant head_at{};         ///< head moved
    Seq ack_asked = 0;         ///< up to here its origin wants to hear at once what is synced
    bool remember_due = false;
    bool remembered = false;  ///< the store keeps something for it
    bool retired = false;
    // Per second and bytes per entry, smoothed over what arrived live.
    double rate = 0, entry_bytes = 0;
    Seq rate_head = 0;
    Instant rate_at{};

    [[nodiscard]] const LogKey& log() const noexcept { return state.log(); }
    [[nodiscard]] bool own() const noexcept { return tree.state == Tree::State::Origin; }
};

/// Logs by key and by number. Numbers are never used twice. Retired ones keep a stub, so that they do not come back.
/// Ownership: an entry lives until retire().
class LogTable {
public:
    [[nodiscard]] LogEntry* find(const LogKey& log) noexcept;
    LogEntry& add(const LogKey& log);
    /// Takes the entry out. `until`: before that the log is refused.
    void retire(const LogKey& log, Instant until);
    [[nodiscard]] bool refused(const LogKey& log, Instant now);

    /// Says when the log's tree wants to be looked at next, from its own times.
    void arm(LogEntry& entry);
    [[nodiscard]] Instant due() const noexcept;
    /// The next entry whose time has come, or nothing; it is disarmed.
    LogEntry* take_due(Instant now);

    [[nodiscard]] auto& all() noexcept { return logs_; }
    [[nodiscard]] const auto& all() const noexcept { return logs_; }
    [[nodiscard]] std::size_t size() const noexcept { return logs_.size(); }

private:
    std::map<LogKey, std::unique_ptr<LogEntry>> logs_;
    std::map<LogKey, Instant> retired_;
    std::set<std::pair<Instant, LogKey>> timers_;
    std::uint32_t next_number_ = 1;
};

}  // namespace anode::mesh
