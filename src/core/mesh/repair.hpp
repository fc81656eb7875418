#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/mesh/shared.hpp"

namespace anode::mesh {

/// What repair asks of the machine around it. Everything else (links, logs, cache, sending, loading) is in Shared.
/// A link that ends stays valid, in state Closing, until the end of the step; sending on it does nothing.
class RepairPort {
public:
    virtual ~RepairPort() = default;
    /// The vectors of this link are applied in both directions: it may go UP.
    virtual void sync_done(Link& link) = 0;
    /// A neighbour (main link) said it has this log up to `head`: the tree takes note, and grafts if it is behind.
    virtual void heard(Link& link, const LogKey& log, Seq head) = 0;
    /// A second connection. It comes back as on_link_ready() or on_link_lost(). Nothing if the member is unknown or banned.
    virtual std::optional<LinkId> dial(const NodeId& peer, Purpose purpose) = 0;
    /// Orderly: BYE(done) and close; on_link_lost() is called for it.
    virtual void hang_up(Link& link) = 0;
    /// A fault of the peer: ERROR, close, ban; on_link_lost() is called for it.
    virtual void accuse(Link& link, std::uint16_t code, const Error& error) = 0;
    /// A block that fills holes: delivered as late, holes closed, cached, counted. False: nothing of it was missing.
    virtual bool fill(LogEntry& entry, WireBlock block, const NodeId& from) = 0;
    /// Nobody will ever bring what is missing of this range.
    virtual void give_up(LogEntry& entry, SeqRange range, Skip why) = 0;
    /// Looks at the overlay again, with one random link more for a while.
    virtual void recompute_overlay() = 0;
    /// Some stream to a child lags more than 20 ms: repair should be slower (3.5).
    [[nodiscard]] virtual bool live_lags() const = 0;
};

/// Anti-entropy and the repair of holes: vectors, PULL server and client with bulk pacing, history, expiry, loss, audits.
/// Errors:  a block that does not verify accuses its sender.
/// Source:  dissemination, section 3.
class Repair {
public:
    Repair(Shared& shared, RepairPort& port);
    ~Repair();

    /// A main link said HELLO (purpose Main, state Sync): exchange vectors, then sync_done(). Not called for others.
    void on_link_sync(Link& link);
    /// A bulk or audit link said HELLO.
    void on_link_ready(Link& link);
    void on_link_lost(Link& link);

    void on_vector_root(Link& link, const frames::VectorRoot& frame);
    void on_vector(Link& link, const frames::Vector& frame);
    void on_pull(Link& link, const frames::Pull& frame);
    void on_chunk(Link& link, const frames::Chunk& frame);
    void on_pull_end(Link& link, const frames::PullEnd& frame);
    /// A SKIP that came on a bulk or audit link.
    void on_skip(Link& link, const LogKey& log, const frames::SkipFrame& frame);
    /// CREDIT of class 2 was added to link.bulk_credit, or room came on a bulk link.
    void on_room(Link& link);

    /// New holes of a log (the live path jumped over them, or the start found them).
    void on_gap(LogEntry& entry, SeqRange range);
    /// What this peer gave of it could not be decoded. Others are asked; when all who claim to have it gave the same or have it not,
    /// it is given up.
    void on_unreadable(LogEntry& entry, SeqRange range, const NodeId& from);
    /// Answer to a Load of repair's own; false: not ours.
    bool on_loaded(const Loaded& loaded);

    void tick();
    [[nodiscard]] Instant due() const noexcept;
    /// No hole is left that a linked peer could fill.
    [[nodiscard]] bool settled() const noexcept;
    /// What there is to do, in words; empty if nothing is.
    [[nodiscard]] std::string unrest() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace anode::mesh
