#include "sim/experiments.hpp"
#include "sim/figures.hpp"
#include "sim/fleet.hpp"

namespace anode::sim {
namespace {

namespace m = membership;

constexpr Duration kPatience = 300s;

struct Detected {
    std::vector<Duration> first, all;
    std::uint64_t false_deaths = 0;
    Duration watched{};
    unsigned missed = 0;
};

void measure(const Detection& what, unsigned run, double loss, bool fast, Detected& detected) {
    const unsigned victim = run % what.members;
    Fleet::Options options{.members = what.members, .seed = what.seed * 1000 + run, .fast = fast};
    options.weather.loss = loss;
    std::vector<Duration> told;
    Instant killed = Instant::max();
    Fleet* fleet_now = nullptr;
    Fleet fleet(options, [&](unsigned, unsigned about, m::Change change) {
        if (change != m::Change::Died) return;
        if (about == victim && killed != Instant::max())
            told.push_back(fleet_now->world().now() - killed);
        else
            ++detected.false_deaths;
    });
    fleet_now = &fleet;
    World& world = fleet.world();
    world.run_for(20s + Duration{world.rng(0x9e37).between(0, Duration{2s}.count())});
    world.power_off(Fleet::host(victim));
    killed = world.now();
    while (told.size() < what.members - 1 && world.now() - killed < kPatience) world.run_for(20ms);
    detected.watched += world.now().time_since_epoch();
    if (told.size() < what.members - 1) {
        ++detected.missed;
        return;
    }
    detected.first.push_back(told.front());
    detected.all.push_back(told[what.members - 2]);
}

}  // namespace

int detection(const Detection& what, std::ostream& out) {
    out << what.members << " members, " << what.runs
        << " silent deaths each; seconds until the first and until the last member declares it\n\n"
        << "| loss | profile | first: median, p99 | last: median, p99 | living ones declared dead, "
           "per member-hour |\n"
        << "| --- | --- | --- | --- | --- |\n";
    bool all = true;
    for (const unsigned percent : {0u, 10u, 20u, 30u}) {
        for (const bool fast : {true, false}) {
            Detected detected;
            for (unsigned run = 0; run < what.runs; ++run)
                measure(what, run, percent / 100.0, fast, detected);
            all = all && detected.missed == 0;
            const double hours =
                std::chrono::duration<double>(detected.watched).count() / 3600 * what.members;
            out << "| " << percent << " % | " << (fast ? "fast" : "memberlist's LAN") << " | "
                << in_seconds(share_of(detected.first, 0.5)) << ", "
                << in_seconds(share_of(detected.first, 0.99)) << " | "
                << in_seconds(share_of(detected.all, 0.5)) << ", "
                << in_seconds(share_of(detected.all, 0.99)) << " | "
                << fixed(static_cast<double>(detected.false_deaths) / hours, 2)
                << (detected.missed == 0 ? "" : "; missed: " + std::to_string(detected.missed))
                << " |\n"
                << std::flush;
        }
    }
    return all ? 0 : 1;
}

}  // namespace anode::sim
