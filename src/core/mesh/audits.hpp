#pragma once

#include <map>
#include <optional>

#include "core/mesh/give_up.hpp"
#include "core/mesh/pull_server.hpp"

namespace anode::mesh {

/// Every half minute one random member that is not a neighbour is visited: vectors are exchanged, what is missing is pulled,
/// and the connection ends. Where all are neighbours, one link compares again. A stranger that is far ahead in many logs
/// means that the overlay has come apart. Members are also visited when no neighbour has what is missing.
/// Source:  dissemination, section 3.6.
class Audits {
public:
    Audits(Shared& shared, RepairPort& port, Vectors& vectors, PullClient& client,
           PullServer& server, GiveUp& give_up)
        : shared_(shared),
          port_(port),
          vectors_(vectors),
          client_(client),
          server_(server),
          give_up_(give_up) {}

    void link_ready(Link& link);
    void link_lost(const Link& link);
    void exchanged(Link& link, const Compared& compared);
    void tick();
    [[nodiscard]] Instant due() const noexcept;

private:
    struct Visit {
        Instant began{}, quiet_since{};
        bool exchanged = false;
    };
    [[nodiscard]] Instant next_audit();
    void audit();
    void visit(const NodeId& node);
    void compare_again();
    void watch();

    Shared& shared_;
    RepairPort& port_;
    Vectors& vectors_;
    PullClient& client_;
    PullServer& server_;
    GiveUp& give_up_;
    std::map<LinkId, Visit> visits_;  ///< audit links, from both sides
    std::optional<NodeId> dialling_;
    Instant audit_at_{}, visit_at_{}, compare_at_{}, watch_at_ = kNever;
    LinkId compared_ = kNoLink;  ///< in turns
};

}  // namespace anode::mesh
