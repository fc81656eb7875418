#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/mesh/holders.hpp"
#include "core/mesh/repair.hpp"
#include "core/mesh/vectors.hpp"

namespace anode::mesh {

/// Fills holes: newest first, in units of about a megabyte, each from one peer that may hold it.
/// Limits:  four units in flight, one a peer; a unit without progress for ten seconds goes to another peer; a peer that does
///          not give what it claims is left alone for 1 to 30 s. While the store cannot keep up nothing new is asked for, and
///          no bulk credit is given back.
/// Source:  dissemination, sections 3.3 and 3.5.
class PullClient {
public:
    PullClient(Shared& shared, RepairPort& port, Holders& holders, Vectors& vectors)
        : shared_(shared), port_(port), holders_(holders), vectors_(vectors) {}

    /// This log has holes.
    void add(const LogKey& log);
    /// Something of it was given up as lost. Who has it is asked nevertheless.
    void add_lost(const LogKey& log) { lost_.insert(log); }
    /// Something changed that may let a unit start.
    void wake() { start_at_ = shared_.now.mono; }
    /// An audit found this peer ahead of us in a log that we do not get otherwise.
    void want_tail(const NodeId& peer, const LogKey& log);

    void link_ready(Link& link);
    void link_lost(const Link& link);
    void on_chunk(Link& link, const frames::Chunk& frame);
    void on_pull_end(Link& link, const frames::PullEnd& frame);
    void on_skip(Link& link, const LogKey& log, const frames::SkipFrame& frame);

    void tick();
    [[nodiscard]] Instant due() const noexcept;

    [[nodiscard]] std::set<LogKey>& holed() noexcept { return holed_; }
    [[nodiscard]] bool uses(const NodeId& peer) const { return units_.contains(peer); }
    /// A peer that is linked, or visited, has something for us.
    [[nodiscard]] bool could_fill();
    [[nodiscard]] bool could_fill_from(const NodeId& peer) { return !fills(peer).empty(); }
    /// What this peer has for us, in words.
    [[nodiscard]] std::string_view fills(const NodeId& peer);
    /// What is asked for, or could be, and of whom; empty if nothing is.
    [[nodiscard]] std::string unrest();
    /// When something last came over this connection.
    [[nodiscard]] Instant used_at(LinkId link) const;

private:
    struct Unit {
        std::uint32_t request = 0;
        LinkId link = kNoLink;
        bool sent = false, served = false;
        LogKey log;
        std::vector<SeqRange> ranges;
        RangeSet answered;
        Instant began{}, progress{};
    };
    struct Standing {
        Instant not_before{};
        unsigned failures = 0;
    };
    struct Choice {
        NodeId peer;
        LogKey log;
        std::vector<SeqRange> ranges;
    };
    struct Source {
        Link* link;
        bool tail;  ///< also what it has behind our head: it is not a neighbour
    };
    std::vector<Source> sources();
    std::vector<Source> free_sources();
    std::optional<Choice> choose();
    std::optional<Choice> choose_for(LogEntry& entry, const std::vector<SeqRange>& holes,
                                     const std::vector<Source>& sources);
    std::optional<Choice> choose_tail(const std::vector<Source>& sources);
    Source best_of(const LogEntry& entry, std::vector<Source> equals);
    std::optional<LinkId> connection(const NodeId& peer);
    bool start(Choice choice);
    void send_pull(Link& link, Unit& unit);
    void fail(const NodeId& peer);
    void ask_to_dial(const NodeId& peer, const Unit& unit);
    void settle_unit(const NodeId& peer, Unit unit, bool all_told);
    void sort_logs();
    [[nodiscard]] RangeSet in_flight(const LogKey& log) const;
    [[nodiscard]] std::size_t unit_entries(const LogEntry& entry) const;
    void before_join(LogEntry& entry, const WireBlock& block);
    void give_credit();

    Shared& shared_;
    RepairPort& port_;
    Holders& holders_;
    Vectors& vectors_;
    std::map<NodeId, Unit> units_;
    std::map<NodeId, Standing> standings_;
    std::map<NodeId, std::set<LogKey>> tails_;
    std::set<LogKey> holed_, lost_;
    std::vector<LogKey> order_;  ///< of holed_, newest first
    Instant order_until_{};
    std::map<LinkId, std::size_t> withheld_;  ///< bulk credit, while the store is behind
    std::map<LinkId, Instant> used_;
    Instant start_at_ = kNever;
    std::uint32_t last_request_ = 0;
};

}  // namespace anode::mesh
