#include "sim/mesh_run.hpp"

#include "sim/mesh_cluster.hpp"

namespace anode::sim {
namespace {

constexpr Duration kStart = 5s, kLookEvery = 500ms;
/// Bans, retries and audits take up to 30 s each, a dial into nothing as long again.
constexpr Duration kConverge = 180s, kConvergeWhole = 300s, kLastWord = 10s;
/// Heads that somebody invented of an origin that died since are given up after ten minutes without news.
constexpr Duration kConvergeHostile = 15min;

}  // namespace

Outcome run_mesh(const Request& request, const std::function<void(const std::string&)>& tell) {
    const Plan plan = make_plan(request);
    Outcome outcome;
    MeshCluster* watched = nullptr;
    const auto broken = [&](std::string_view check, std::string detail) {
        if (!outcome.violation)
            outcome.violation = {check, watched->world().now().time_since_epoch(),
                                 std::move(detail)};
    };
    MeshCluster cluster(plan, broken, tell);
    watched = &cluster;
    const auto run_for = [&](Duration span) {
        const Instant end = cluster.world().now() + span;
        while (!outcome.violation && cluster.world().now() < end) {
            cluster.world().run_for(kLookEvery);
            cluster.look();
        }
    };
    run_for(kStart);
    outcome.started = cluster.world().now().time_since_epoch();
    cluster.begin_faults();
    for (const bool live : plan.live) outcome.faults += live ? 1 : 0;
    run_for(std::max<Duration>(plan.last_end(), request.faults_for) + kLookEvery);
    run_for(2s);
    cluster.end_publishing();
    const Instant quiet = cluster.world().now();
    if (tell) tell("publishing has ended");
    std::optional<std::string> why;
    const auto until_equal = [&](Duration at_most) {
        const Instant end = cluster.world().now() + at_most;
        do {
            run_for(kLookEvery);
            why = cluster.unequal();
        } while (!outcome.violation && why && cluster.world().now() < end);
        if (why) broken("I7 equal", *why);
    };
    until_equal(plan.has(FaultKind::Intruder) ? kConvergeHostile
                : plan.whole()                ? kConvergeWhole
                                              : kConverge);
    outcome.converged = cluster.world().now() - quiet;
    cluster.last_word();
    until_equal(kLastWord);
    for (Duration waited{}; !outcome.violation && waited < kLastWord; waited += kLookEvery) {
        why = cluster.crooked();
        if (!why) break;
        run_for(kLookEvery);
    }
    if (why) broken("I8 trees", *why);
    outcome.trace_hash = cluster.world().trace_hash();
    outcome.lasted = cluster.world().now().time_since_epoch();
    outcome.traffic = cluster.world().traffic();
    outcome.feed_items = cluster.feed_items();
    outcome.published = cluster.ledger().messages();
    outcome.repaired = cluster.totals().repaired;
    outcome.duplicates = cluster.totals().duplicates;
    outcome.received = cluster.totals().messages_in;
    // I13, where nothing happens: no message is sent where it is already.
    if (plan.faults.empty() && outcome.received > 500 && outcome.duplicates * 50 > outcome.received)
        broken("I13 duplicates",
               std::to_string(outcome.duplicates) + " of " + std::to_string(outcome.received));
    return outcome;
}

}  // namespace anode::sim
