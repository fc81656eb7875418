#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "core/mesh/bulk_rate.hpp"
#include "core/mesh/holders.hpp"
#include "core/mesh/repair.hpp"

namespace anode::mesh {

/// Answers PULL: blocks from the cache, else from the store, SKIP for what is not here.
/// Limits:  four sessions, one a link, the others hear "busy"; the receiver's credit, the socket's room and BulkRate pace
///          them; one whose peer takes nothing for half a minute ends.
/// Source:  dissemination, sections 3.3 and 3.5.
class PullServer {
public:
    PullServer(Shared& shared, RepairPort& port)
        : shared_(shared), port_(port), rate_(shared.config.bulk_floor, shared.now.mono) {}

    /// On a main link: the peer cannot reach us, and asks for a connection from here.
    void on_pull(Link& link, const frames::Pull& frame);
    /// False: not a load of ours.
    bool on_loaded(const Loaded& loaded);
    /// Credit or room came.
    void on_room(Link& link);
    void link_lost(const Link& link);
    void tick();
    [[nodiscard]] Instant due() const noexcept;
    [[nodiscard]] bool serves(LinkId link) const { return sessions_.contains(link); }

private:
    struct Session {
        std::uint32_t request = 0;
        LogKey log;
        std::deque<SeqRange> ranges;  ///< what is still to be answered; the first one is begun
        std::int64_t bytes_left = 0;
        std::deque<WireBlock> loaded;
        LoadId load{};
        bool loading = false;
        Instant progress{};
    };
    enum class Step : std::uint8_t { On, Wait, Done };
    void call_back(Link& link);
    void pump(Link& link);
    Step step(Link& link, Session& session, LogEntry& entry);
    Step send_block(Link& link, Session& session, const WireBlock& block);
    Step send_skip(Link& link, Session& session, LogEntry& entry, Seq upto, Skip why);
    void advance(Session& session, Seq upto);
    void end(Link& link, std::uint8_t why);
    void pace();

    Shared& shared_;
    RepairPort& port_;
    BulkRate rate_;
    std::map<LinkId, Session> sessions_;
    std::map<NodeId, Instant> called_back_;
    LinkId turn_ = kNoLink;  ///< whose session had the last turn
};

}  // namespace anode::mesh
