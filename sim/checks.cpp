#include "sim/checks.hpp"

#include <algorithm>

namespace anode::sim {
namespace {

namespace m = membership;

std::string who_of_whom(const Cluster::Node& node, std::string_view of, std::string_view what) {
    return node.name + " " + std::string(what) + " " + std::string(of);
}

std::string view_of(Cluster& cluster, const Cluster::Node& node) {
    std::string out = node.name + ":";
    for (const m::Member& member : cluster.member(node)->membership().members())
        out += " " + member.name + "=" + std::string(m::name_of(member.state)) + "@" +
               std::to_string(member.incarnation) + "/" + member.address.text();
    return out;
}

}  // namespace

Bounds Bounds::of(const Plan& plan) noexcept {
    const bool fast_only =
        plan.plain == 0 && !plan.has(FaultKind::Wishes) && !plan.has(FaultKind::Forgery);
    return {.death = fast_only ? 30s : 120s, .converge = 240s, .calm = 90s};
}

bool Checks::lies_in(const Plan& plan) noexcept {
    return plan.has(FaultKind::Forgery) || plan.has(FaultKind::Replay);
}

void Checks::broken(Cluster& cluster, std::string_view check, std::string detail) {
    if (!violation_)
        violation_ = {check, cluster.world().now().time_since_epoch(), std::move(detail)};
}

void Checks::told(Cluster& cluster, const Cluster::Node& node, const m::MemberChanged& change) {
    const std::string& name = change.member.name;
    const bool in = node.seen.contains(name);
    switch (change.change) {
        case m::Change::Joined:
            if (in) broken(cluster, "events", who_of_whom(node, name, "tells twice of joining by"));
            break;
        case m::Change::Died:
        case m::Change::Left:
        case m::Change::Suspected:
            if (!in) broken(cluster, "events", who_of_whom(node, name, "never told of joining by"));
            break;
        default:
            break;
    }
    if (change.change != m::Change::Died) return;
    const Cluster::Node* whom = cluster.find(name);
    if (whom == nullptr || !cluster.runs(*whom) || cluster.world().paused(whom->host)) return;
    ++false_deaths_;
    const Instant now = cluster.world().now();
    const auto peace = cluster.undisturbed();
    if (peace &&
        now - std::max({*peace, whom->since, whom->undisturbed, node.undisturbed}) > bounds_.calm)
        broken(cluster, "I7 alive", who_of_whom(node, name, "in peace declares dead"));
}

void Checks::look(Cluster& cluster) {
    if (const auto& misused = cluster.world().misused()) broken(cluster, "door", *misused);
    const auto peace = cluster.undisturbed();
    if (!peace) return;
    for (const Cluster::Node& node : cluster.nodes())
        if (cluster.runs(node)) look_at(cluster, node, *peace);
}

void Checks::look_at(Cluster& cluster, const Cluster::Node& node, Instant peace) {
    const Instant now = cluster.world().now();
    for (const auto& [name, suspect] : node.seen) {
        const Cluster::Node* whom = cluster.find(name);
        if (whom != nullptr && cluster.runs(*whom)) continue;
        const Instant gone = whom == nullptr ? Instant{} : whom->since;
        if (now - std::max({gone, peace, node.since}) > bounds_.death)
            broken(cluster, "I7 dead",
                   who_of_whom(node, name, "still lists") + "; " + view_of(cluster, node));
    }
    for (const Cluster::Node& other : cluster.nodes()) {
        if (&other == &node || !cluster.runs(other) || node.seen.contains(other.name)) continue;
        if (now - std::max({other.since, peace, node.since}) > bounds_.converge)
            broken(cluster, "I7 found",
                   who_of_whom(node, other.name, "does not list") + "; " + view_of(cluster, node) +
                       "; " + view_of(cluster, other));
    }
}

void Checks::finish(Cluster& cluster, bool agreed) {
    if (const auto& misused = cluster.world().misused()) broken(cluster, "door", *misused);
    for (const Cluster::Node& node : cluster.nodes()) {
        if (!cluster.runs(node)) continue;
        const m::Membership& membership = cluster.member(node)->membership();
        for (const m::Member& member : membership.members()) {
            const bool in =
                member.state == m::MemberState::Alive || member.state == m::MemberState::Suspect;
            if (member.name != node.name && in != node.seen.contains(member.name))
                broken(cluster, "events", who_of_whom(node, member.name, "told something else of"));
        }
    }
    if (agreed) return;
    std::string detail;
    for (const Cluster::Node& node : cluster.nodes())
        if (cluster.runs(node)) detail += (detail.empty() ? "" : "; ") + view_of(cluster, node);
    broken(cluster, "I12", "views differ: " + detail);
}

}  // namespace anode::sim
