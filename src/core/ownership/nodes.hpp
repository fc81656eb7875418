#pragma once

#include <set>

#include "core/ownership/ownership.hpp"

namespace anode::ownership {

/// The nodes as candidates: who may run what, and in which order.
/// Source:  dissemination, sections 7.1, 7.3.
class Nodes {
public:
    Nodes(NodeFacts self, const Timing& timing);

    /// True if something that matters here changed.
    bool seen(const NodeFacts& facts, Instant now);
    /// True if the doubt is new, or over.
    bool doubt(const NodeId& node, bool on);
    void warmed_up() { warm_ = true; }
    void drain(bool on) { nodes_.at(self_).facts.draining = on; }

    /// Best first. `also`: taken as warm and beyond doubt, since it asks by itself.
    [[nodiscard]] std::vector<NodeId> ranked(const SourceFacts& source, Instant now,
                                             const NodeId* also = nullptr) const;
    /// How many candidates are better than we; none if we are no candidate. `also` as above.
    [[nodiscard]] std::optional<unsigned> rank(const SourceFacts& source, Instant now,
                                               const NodeId* also = nullptr) const;
    /// The line behind `owner`, who is left out: first those of another zone than its own, so that one outage does not take
    /// owner and standby together.
    [[nodiscard]] std::vector<NodeId> behind(const SourceFacts& source, Instant now,
                                             const NodeId& owner) const;
    [[nodiscard]] bool in_zone(const SourceFacts& source) const;

    /// Whether we may run it once we are warm.
    [[nodiscard]] bool eligible(const SourceFacts& source) const {
        return in_zone(source) && !nodes_.at(self_).facts.draining;
    }

    [[nodiscard]] const NodeFacts* find(const NodeId& node) const;
    [[nodiscard]] bool in_doubt(const NodeId& node) const { return doubted_.contains(node); }
    /// Doubt of most others at once is doubt of our own network: then only a verdict of death counts.
    [[nodiscard]] bool doubt_counts() const;

private:
    struct Node {
        NodeFacts facts;
        Instant warm_at{};
        double penalty = 0;
        Instant penalty_at{};
    };
    [[nodiscard]] double penalty(const Node& node, Instant now) const noexcept;
    [[nodiscard]] bool candidate(const Node& node, const SourceFacts& source, Instant now,
                                 const NodeId* also) const;
    /// For comparison among candidates; a pinned node is above all.
    [[nodiscard]] double score(const Node& node, const SourceFacts& source, Instant now) const;

    NodeId self_;
    const Timing& timing_;
    std::map<NodeId, Node> nodes_;
    std::set<NodeId> doubted_;
    bool warm_ = false;
};

}  // namespace anode::ownership
