#include "sim/run.hpp"

#include <array>
#include <cstdio>

#include "sim/mesh_run.hpp"

namespace anode::sim {
namespace {

namespace m = membership;

constexpr Duration kStartMax = 120s;
constexpr Duration kLookEvery = 500ms;
constexpr Duration kStill = 10s;  ///< for so long views have to stay agreed

std::string stamp(Instant now) {
    std::array<char, 32> out;
    const int size = std::snprintf(out.data(), out.size(), "%10.3f ",
                                   std::chrono::duration<double>(now.time_since_epoch()).count());
    return {out.data(), static_cast<std::size_t>(size)};
}

/// Runs until `done` or out of time; false: out of time. A violation ends it too.
template <class Done>
bool until(Cluster& cluster, Checks& checks, Duration at_most, Done&& done) {
    const Instant end = cluster.world().now() + at_most;
    while (!checks.violation()) {
        if (done()) return true;
        if (cluster.world().now() >= end) return false;
        cluster.world().run_for(kLookEvery);
        checks.look(cluster);
    }
    return false;
}

}  // namespace

Outcome run(const Request& request, const std::function<void(const std::string&)>& tell) {
    if (kind_of(request.scenario) != ClusterKind::Members) return run_mesh(request, tell);
    const Plan plan = make_plan(request);
    Outcome outcome;
    Checks checks(plan);
    Cluster* watched = nullptr;
    Cluster cluster(plan, [&](const Cluster::Node& node, const m::MemberChanged& change) {
        checks.told(*watched, node, change);
        if (tell)
            tell(stamp(watched->world().now()) + node.name + ": " + change.member.name + " " +
                 std::string(m::name_of(change.change)) + " @" +
                 std::to_string(change.member.incarnation) + " " + change.member.address.text());
    });
    watched = &cluster;
    if (tell)
        for (std::size_t number = 0; number < plan.faults.size(); ++number)
            if (plan.live[number]) tell(std::to_string(number) + ": " + plan.faults[number].text());

    Instant agreed_since{};
    bool agreed = false;
    const auto still_agrees = [&](Duration still) {
        if (!cluster.agrees()) return agreed = false;
        if (!agreed) agreed_since = cluster.world().now();
        agreed = true;
        return cluster.world().now() - agreed_since >= still;
    };
    cluster.world().run_for(2s);
    bool done = until(cluster, checks, kStartMax, [&] { return still_agrees(0s); });
    outcome.started = cluster.world().now().time_since_epoch();
    if (done) {
        if (tell) tell(stamp(cluster.world().now()) + "faults may begin");
        cluster.begin_faults();
        for (const bool live : plan.live) outcome.faults += live ? 1 : 0;
        until(cluster, checks, plan.last_end() + kLookEvery, [&] { return cluster.quiet(); });
        const Instant quiet = cluster.world().now();
        if (tell) tell(stamp(quiet) + "faults have ended");
        agreed = false;
        done = until(cluster, checks, checks.bounds().converge + kStill,
                     [&] { return still_agrees(kStill); }) &&
               cluster.quiet();
        outcome.converged = agreed ? agreed_since - quiet : cluster.world().now() - quiet;
    }
    checks.finish(cluster, done);
    outcome.violation = checks.violation();
    outcome.trace_hash = cluster.world().trace_hash();
    outcome.lasted = cluster.world().now().time_since_epoch();
    outcome.false_deaths = checks.false_deaths();
    outcome.traffic = cluster.world().traffic();
    return outcome;
}

}  // namespace anode::sim
