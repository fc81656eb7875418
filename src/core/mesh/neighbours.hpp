#pragma once

#include <map>
#include <optional>
#include <set>

#include "core/mesh/bans.hpp"
#include "core/mesh/input.hpp"
#include "core/mesh/overlay.hpp"
#include "core/mesh/shared.hpp"

namespace anode::mesh {

/// Whom we want main links to, and when each is to be dialled: successors at once, predecessors if they have not connected
/// within 3 s; after failures at growing delays, after the third with a substitute from the same ring beside.
/// Source: dissemination, section 2.1.
class Neighbours {
public:
    explicit Neighbours(Shared& shared)
        : shared_(shared), overlay_(shared.config.full_mesh_up_to) {}

    void known(const PeersKnown& known);
    void seen(const Peer& peer);
    void gone(const NodeId& node);
    /// Looks at the overlay again, with one random member more for five minutes.
    void shake();
    /// Brings what is wanted up to date with the members; marks the links.
    void refresh();

    /// A main link to it is up, and stays a while; it ended; it never came to be.
    void connected(const NodeId& node);
    void lost(const NodeId& node, Duration pause);
    void failed(const NodeId& node, Duration at_least = {});

    /// A peer to dial now, or nothing.
    [[nodiscard]] std::optional<NodeId> take_due();
    [[nodiscard]] Instant due() const;
    [[nodiscard]] bool wants(const NodeId& node) const { return targets_.contains(node); }
    [[nodiscard]] std::size_t degree() const noexcept { return targets_.size(); }
    /// Linked to everyone whom the overlay wants.
    [[nodiscard]] bool complete() const;
    Bans& bans() noexcept { return bans_; }
    [[nodiscard]] const Bans& bans() const noexcept { return bans_; }

private:
    struct Target {
        Wanted wanted;
        Instant since{};  ///< wanted and without a link
        Instant retry_at{};
        unsigned failures = 0;
        bool substitute = false;
    };
    [[nodiscard]] Instant dial_at(const Target& target) const;
    [[nodiscard]] Instant next_dial() const;
    void add_substitutes(std::map<NodeId, Target>& next);

    Shared& shared_;
    Overlay overlay_;
    Bans bans_;
    std::map<NodeId, Target> targets_;
    NodeId extra_;
    Instant extra_until_{};
    bool changed_ = false;
    // When to dial next is looked for anew only after something that it depends on has changed.
    mutable bool due_known_ = false;
    mutable std::uint64_t due_links_ = 0;
    mutable Instant dial_next_{};
};

}  // namespace anode::mesh
