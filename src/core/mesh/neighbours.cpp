#include "core/mesh/neighbours.hpp"

#include <algorithm>
#include <array>

namespace anode::mesh {
namespace {

constexpr Duration kPredecessorWait = 3s;
constexpr std::array<Duration, 6> kRetry{200ms, 500ms, 1s, 2s, 5s, 30s};
constexpr unsigned kSubstituteAfter = 3;
constexpr Duration kExtraLasts = 5min;

}  // namespace

void Neighbours::seen(const Peer& peer) {
    if (peer.node == shared_.config.node) return;
    const Peer* known = shared_.members.find(peer.node);
    if (known != nullptr && *known == peer) return;
    // A new run or a new address deserves a fresh attempt.
    const auto target = targets_.find(peer.node);
    if (target != targets_.end() &&
        (known == nullptr || known->epoch != peer.epoch || known->address != peer.address)) {
        target->second.retry_at = shared_.now.mono;
        target->second.failures = 0;
    }
    shared_.members.put(peer);
    changed_ = true;
}

void Neighbours::known(const PeersKnown& known) {
    shared_.members.adopt(known.all);
    changed_ = true;
}

void Neighbours::gone(const NodeId& node) { changed_ |= shared_.members.erase(node); }

void Neighbours::shake() {
    const Peer* member = shared_.members.any(shared_.rng);
    if (member == nullptr) return;
    extra_ = member->node;
    extra_until_ = shared_.now.mono + kExtraLasts;
    changed_ = true;
}

void Neighbours::refresh() {
    if (extra_until_ != Instant{} && shared_.now.mono >= extra_until_) {
        extra_until_ = Instant{};
        changed_ = true;
    }
    if (!changed_) return;
    changed_ = false;
    std::map<NodeId, Target> next;
    const auto take = [&](const Wanted& wanted) {
        const auto old = targets_.find(wanted.node);
        Target target = old != targets_.end() ? old->second : Target{};
        if (old == targets_.end()) target.since = shared_.now.mono;
        target.wanted = wanted;
        target.substitute = false;
        next[wanted.node] = target;
    };
    for (const Wanted& wanted : overlay_.choose(shared_.members)) take(wanted);
    if (extra_until_ != Instant{} && shared_.is_member(extra_) && !next.contains(extra_))
        take({extra_, true, -1});
    shared_.full_mesh = overlay_.full();
    add_substitutes(next);
    targets_ = std::move(next);
    for (const auto& [id, link] : shared_.links.all())
        link->wanted = link->purpose == Purpose::Main && targets_.contains(link->peer);
}

void Neighbours::add_substitutes(std::map<NodeId, Target>& next) {
    std::vector<Wanted> substitutes;
    for (const auto& [node, target] : next) {
        if (target.failures < kSubstituteAfter) continue;
        const Wanted instead{overlay_.substitute(shared_.members, target.wanted), true,
                             target.wanted.ring};
        if (instead.node != node && !next.contains(instead.node)) substitutes.push_back(instead);
    }
    for (const Wanted& wanted : substitutes) {
        const auto old = targets_.find(wanted.node);
        Target target = old != targets_.end() ? old->second : Target{};
        if (old == targets_.end()) target.since = shared_.now.mono;
        target.wanted = wanted;
        target.substitute = true;
        next.emplace(wanted.node, target);
    }
}

void Neighbours::connected(const NodeId& node) {
    const auto target = targets_.find(node);
    if (target == targets_.end()) return;
    due_known_ = false;
    changed_ |= target->second.failures >= kSubstituteAfter;
    target->second.failures = 0;
}

void Neighbours::lost(const NodeId& node, Duration pause) {
    const auto target = targets_.find(node);
    if (target == targets_.end()) return;
    due_known_ = false;
    target->second.since = shared_.now.mono;
    target->second.retry_at = shared_.now.mono + std::max(pause, kRetry[0]);
}

void Neighbours::failed(const NodeId& node, Duration at_least) {
    const auto at = targets_.find(node);
    if (at == targets_.end()) return;
    due_known_ = false;
    Target& target = at->second;
    const Duration pause = kRetry[std::min<std::size_t>(target.failures, kRetry.size() - 1)];
    target.retry_at = shared_.now.mono + std::max(pause, at_least);
    // Nobody else has to take its place in a full mesh; there refresh() finds no substitute.
    if (++target.failures == kSubstituteAfter) changed_ = true;
}

Instant Neighbours::dial_at(const Target& target) const {
    const Instant first = target.wanted.dial ? target.since : target.since + kPredecessorWait;
    return std::max({first, target.retry_at, bans_.until(target.wanted.node)});
}

std::optional<NodeId> Neighbours::take_due() {
    if (shared_.draining) return std::nullopt;
    for (const auto& [node, target] : targets_)
        if (dial_at(target) <= shared_.now.mono &&
            shared_.links.any_of(node, Purpose::Main) == nullptr)
            return node;
    return std::nullopt;
}

Instant Neighbours::due() const {
    Instant next = extra_until_ != Instant{} ? extra_until_ : kNever;
    // After a change refresh() comes first.
    if (changed_) {
        due_known_ = false;
        return shared_.now.mono;
    }
    if (shared_.draining) return next;
    if (!due_known_ || due_links_ != shared_.links.changes()) dial_next_ = next_dial();
    due_known_ = true;
    due_links_ = shared_.links.changes();
    return std::min(next, dial_next_);
}

Instant Neighbours::next_dial() const {
    Instant next = kNever;
    for (const auto& [node, target] : targets_) {
        if (shared_.links.main_of(node) != nullptr) continue;
        const Instant at = dial_at(target);
        if (at < next && shared_.links.any_of(node, Purpose::Main) == nullptr) next = at;
    }
    return next;
}

bool Neighbours::complete() const {
    for (const auto& [node, target] : targets_)
        if (!target.substitute && shared_.links.main_of(node) == nullptr) return false;
    return true;
}

}  // namespace anode::mesh
