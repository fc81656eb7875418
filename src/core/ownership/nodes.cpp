#include "core/ownership/nodes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace anode::ownership {

namespace {
bool lives(const NodeFacts& facts) noexcept {
    return facts.standing == Standing::Alive || facts.standing == Standing::Suspect;
}
}  // namespace

Nodes::Nodes(NodeFacts self, const Timing& timing) : self_(self.node), timing_(timing) {
    nodes_[self_].facts = std::move(self);
}

bool Nodes::seen(const NodeFacts& facts, Instant now) {
    if (facts.node == self_) {
        NodeFacts& own = nodes_.at(self_).facts;
        if (own.weight == facts.weight && own.zone == facts.zone) return false;
        own.weight = facts.weight;
        own.zone = facts.zone;
        return true;
    }
    const auto [at, fresh] = nodes_.try_emplace(facts.node);
    Node& node = at->second;
    if (!fresh && node.facts == facts) return false;
    const bool returns = fresh || !lives(node.facts) || node.facts.epoch != facts.epoch;
    if (!fresh && node.facts.standing == Standing::Dead && lives(facts)) {
        node.penalty = penalty(node, now) + 1;
        node.penalty_at = now;
    }
    // Who was here before we were warm ourselves is taken as warm.
    if (lives(facts) && returns) node.warm_at = warm_ ? now + timing_.warm_up : now;
    node.facts = facts;
    if (!lives(facts) || returns) doubted_.erase(facts.node);
    return true;
}

bool Nodes::doubt(const NodeId& node, bool on) {
    if (!on) return doubted_.erase(node) > 0;
    const NodeFacts* facts = find(node);
    if (!facts || !lives(*facts) || node == self_) return false;
    return doubted_.insert(node).second;
}

bool Nodes::doubt_counts() const {
    const auto others = static_cast<std::size_t>(std::ranges::count_if(
        nodes_, [&](const auto& n) { return n.first != self_ && lives(n.second.facts); }));
    return others == 1 || 2 * doubted_.size() <= others;
}

double Nodes::penalty(const Node& node, Instant now) const noexcept {
    if (node.penalty == 0) return 0;
    const double halves = std::chrono::duration<double>(now - node.penalty_at) /
                          std::chrono::duration<double>(timing_.penalty_half_life);
    const double left = node.penalty * std::exp2(-halves);
    return left < 0.05 ? 0 : left;
}

bool Nodes::in_zone(const SourceFacts& source) const {
    return source.zone.empty() || source.pinned == self_ ||
           source.zone == nodes_.at(self_).facts.zone;
}

bool Nodes::candidate(const Node& node, const SourceFacts& source, Instant now,
                      const NodeId* also) const {
    const NodeId& id = node.facts.node;
    if (!lives(node.facts) || node.facts.draining) return false;
    const bool pinned = source.pinned == id;
    if (!pinned && !source.zone.empty() && source.zone != node.facts.zone) return false;
    if (id == self_) return warm_;
    if (also && *also == id) return pinned || penalty(node, now) < timing_.penalty_max;
    if (doubted_.contains(id) || now < node.warm_at) return false;
    return pinned || penalty(node, now) < timing_.penalty_max;
}

double Nodes::score(const Node& node, const SourceFacts& source, Instant now) const {
    if (source.pinned == node.facts.node) return std::numeric_limits<double>::infinity();
    // In steps, so that a penalty that fades moves sources at a few moments only.
    const double damping = 1 + std::round(2 * penalty(node, now)) / 2;
    return rendezvous_score(source.name, node.facts.node, node.facts.weight / damping);
}

std::vector<NodeId> Nodes::ranked(const SourceFacts& source, Instant now,
                                  const NodeId* also) const {
    std::vector<std::pair<double, NodeId>> found;
    for (const auto& [id, node] : nodes_)
        if (candidate(node, source, now, also)) found.emplace_back(score(node, source, now), id);
    std::ranges::sort(found, std::greater{});
    std::vector<NodeId> ids;
    for (const auto& [points, id] : found) ids.push_back(id);
    return ids;
}

std::vector<NodeId> Nodes::behind(const SourceFacts& source, Instant now,
                                  const NodeId& owner) const {
    const NodeFacts* held = find(owner);
    const std::string zone = held == nullptr || source.pinned ? std::string() : held->zone;
    std::vector<NodeId> line = ranked(source, now);
    std::erase(line, owner);
    if (zone.empty()) return line;
    std::ranges::stable_sort(line, {}, [&](const NodeId& id) {
        return nodes_.at(id).facts.zone == zone;  // those of another zone come first
    });
    return line;
}

std::optional<unsigned> Nodes::rank(const SourceFacts& source, Instant now,
                                    const NodeId* also) const {
    const Node& own = nodes_.at(self_);
    if (!candidate(own, source, now, nullptr)) return std::nullopt;
    const std::pair ours{score(own, source, now), self_};
    unsigned better = 0;
    for (const auto& [id, node] : nodes_)
        if (id != self_ && candidate(node, source, now, also) &&
            std::pair{score(node, source, now), id} > ours)
            ++better;
    return better;
}

const NodeFacts* Nodes::find(const NodeId& node) const {
    const auto at = nodes_.find(node);
    return at == nodes_.end() ? nullptr : &at->second.facts;
}

}  // namespace anode::ownership
