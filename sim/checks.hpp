#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/cluster.hpp"

namespace anode::sim {

/// What a run broke. `check` names the invariant; a shrinker keeps it.
struct Violation {
    std::string_view check;
    Duration at{};
    std::string detail;
};

/// How long the cluster may take once it is left alone; a plan with plain members keeps memberlist's time limits.
struct Bounds {
    Duration death{};     ///< a silent member is declared
    Duration converge{};  ///< everybody knows everybody again
    Duration calm{};      ///< after so much peace, nobody living is declared dead
    static Bounds of(const Plan& plan) noexcept;
};

/// Looks at a cluster from outside and knows the truth.
///   I7  no live, reachable member stays declared dead; a dead one is declared within the bound; in peace, no living one is.
///   I8  no queue passes its limit, no packet its size (Member checks these as it goes: `door`).
///   I12 once faults end, all views are equal and true within the bound.
///   `events`  what a node tells of its view adds up to the view it shows.
class Checks {
public:
    explicit Checks(const Plan& plan) : bounds_(Bounds::of(plan)), lies_(lies_in(plan)) {}

    /// Before the cluster notes it.
    void told(Cluster& cluster, const Cluster::Node& node, const membership::MemberChanged& change);
    /// Now and then.
    void look(Cluster& cluster);
    /// When everything is over: agreed, or out of time.
    void finish(Cluster& cluster, bool agreed);

    [[nodiscard]] const std::optional<Violation>& violation() const noexcept { return violation_; }
    [[nodiscard]] const Bounds& bounds() const noexcept { return bounds_; }
    /// Living, unpaused members that somebody declared dead, whatever went on.
    [[nodiscard]] std::uint64_t false_deaths() const noexcept { return false_deaths_; }

private:
    static bool lies_in(const Plan& plan) noexcept;
    void broken(Cluster& cluster, std::string_view check, std::string detail);
    void look_at(Cluster& cluster, const Cluster::Node& node, Instant peace);

    Bounds bounds_;
    bool lies_;
    std::optional<Violation> violation_;
    std::uint64_t false_deaths_ = 0;
};

}  // namespace anode::sim
