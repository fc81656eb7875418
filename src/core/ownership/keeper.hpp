#pragma once

#include "core/ownership/nodes.hpp"
#include "core/ownership/table.hpp"

namespace anode::ownership {

/// What the parts have in common. `now` and `out` are those of the step in progress.
struct Shared {
    Shared(NodeFacts facts, Rng r, Timing t)
        : self(facts.node),
          epoch(facts.epoch),
          rng(r),
          timing(t),
          nodes(std::move(facts), timing) {}
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;

    NodeId self;
    Epoch epoch;
    Rng rng;
    Timing timing;
    Nodes nodes;
    Table table;
    Instant now{};
    std::vector<Output>* out = nullptr;
    Ownership::Counters counters;
    bool isolated = false, joining = false, draining = false, drain_told = false;
    Instant drain_since{};
    std::size_t enabled = 0;  ///< sources

    /// The record says that we run it, in this run of ours.
    [[nodiscard]] bool ours(const Entry& e) const noexcept {
        return e.claim && !e.claim->released && e.claim->owner == self && e.claim->epoch == epoch;
    }
};

/// Share of the sources that may be asked for in a period.
class MoveBudget {
public:
    bool take(Shared& s);
    [[nodiscard]] Instant renewed(const Shared& s) const noexcept {
        return start_ + s.timing.moves_period;
    }

private:
    Instant start_{};
    std::size_t taken_ = 0;
};

/// Claims, keeps and lets go; one look at a source decides from what is known now.
/// Source:  dissemination, sections 7.2, 7.3.
class Keeper {
public:
    explicit Keeper(Shared& shared) : s_(shared) {}

    void look(Entry& e);
    void on_claim(Entry& e, const Claim& claim);
    void on_unclaimed(Entry& e);
    void on_prepared(Entry& e);
    void on_stopped(Entry& e, const Bytes& position);
    void on_frame(const NodeId& node, std::uint8_t type, BytesView body);

private:
    /// What a source lacks of an owner that runs it: there is none; it is not alive; the claim is of an earlier run of it, or of
    /// one that membership does not know; it is in doubt.
    enum class Lack : std::uint8_t { None, Owner, Alive, Run, Copy, Trust };

    // keeper.cpp
    void let_go(Entry& e, StopWhy why);
    void keep(Entry& e);
    void keep_draining(Entry& e);
    void insist(Entry& e);
    void start(Entry& e);
    void stop(Entry& e, StopWhy why);
    void release(Entry& e);
    void propose(Entry& e, std::string_view why, std::optional<Bytes> position = {});
    void settle(Entry& e);

    // keeper_standby.cpp
    void stand_by(Entry& e);
    [[nodiscard]] Lack lack(const Entry& e) const;
    [[nodiscard]] Duration delay(Lack what, unsigned rank) const noexcept;
    [[nodiscard]] std::optional<unsigned> place_behind(const Entry& e) const;
    void take_over(Entry& e, Lack what, unsigned rank);
    void prepare(Entry& e);
    void unprepare(Entry& e);

    // keeper_handover.cpp
    void ask(Entry& e);
    void on_ask_timeout(Entry& e);
    void on_request(const NodeId& node, std::uint64_t term, Entry* e, std::string_view source);
    void on_ready(const NodeId& node, std::uint64_t term, Entry* e);
    void on_release(const NodeId& node, std::uint64_t term, bool granted, BytesView position,
                    Entry* e);
    void send(const NodeId& to, std::uint8_t type, std::string_view source, std::uint64_t term,
              bool granted = true, std::string_view position = {});

    Shared& s_;
    MoveBudget budget_;
};

}  // namespace anode::ownership
