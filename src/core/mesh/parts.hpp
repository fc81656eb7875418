#pragma once

#include "core/mesh/copies.hpp"
#include "core/mesh/mesh.hpp"
#include "core/mesh/retirement.hpp"
#include "core/mesh/spread.hpp"
#include "core/mesh/trees.hpp"

namespace anode::mesh {

/// The parts of a Mesh and the ways between them.
struct Mesh::Parts final : LinkEvents, RepairPort {
    Parts(Config config, Rng rng);

    void handle(const Input& input);
    void finish();
    [[nodiscard]] Instant due() const;
    [[nodiscard]] bool settled() const;
    [[nodiscard]] std::string unrest() const;

    // What links tell.
    void link_sync(Link& link) override;
    void link_up(Link& link) override;
    void link_down(Link& link) override;

    // What repair asks.
    void sync_done(Link& link) override { links.go_up(link); }
    void heard(Link& link, const LogKey& log, Seq head) override;
    std::optional<LinkId> dial(const NodeId& peer, Purpose purpose) override;
    void hang_up(Link& link) override;
    void accuse(Link& link, std::uint16_t code, const Error& error) override;
    bool fill(LogEntry& entry, WireBlock block, const NodeId& from) override;
    void give_up(LogEntry& entry, SeqRange range, Skip why) override;
    void recompute_overlay() override { links.neighbours().shake(); }
    [[nodiscard]] bool live_lags() const override;

    Shared shared;
    Repair repair;
    Links links;
    Streams streams;
    Digests digests;
    Delivery delivery;
    Trees trees;
    Copies copies;
    Spread spread;
    Retirement retirement;
    bool due_known = false;
    Instant due_at{};

private:
    void start(const Start& start);
    void tick();
    void on_bytes(const LinkBytes& bytes);
    void on_frame(Link& link, const frames::Frame& frame);
    /// Takes from what the link may ask of us; a link that has asked too much is over.
    void charge(Link& link, double units);
    void charge(Link& link, std::size_t bytes, const std::optional<frames::Frame>& frame);
    void on_log_def(Link& link, const frames::LogDef& frame);
    void on_credit(Link& link, const frames::Credit& frame);
    void on_acks(Link& link, const frames::Ack& ack);
    void on_sealed(const Sealed& sealed);
    void on_stored(const Stored& stored);
    void on_unreadable(const Unreadable& bad);
    void send_peer(const SendPeer& message);
    /// The log an alias of this link stands for. Nothing: it is not kept here, or the alias is a fault, and told.
    LogEntry* resolve(Link& link, frames::Alias lx);
};

}  // namespace anode::mesh
