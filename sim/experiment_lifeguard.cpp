#include <array>

#include "sim/experiments.hpp"
#include "sim/figures.hpp"
#include "sim/fleet.hpp"

namespace anode::sim {
namespace {

namespace m = membership;

struct Starvation {
    unsigned starved;
    Duration blocked, runs;
};

struct Falsely {
    std::uint64_t anywhere = 0;    ///< a healthy member was declared dead by somebody
    std::uint64_t at_healthy = 0;  ///< by a healthy one
    std::uint64_t starved =
        0;  ///< a starved one was, by anybody: no mistake if it was silent long enough
};

enum class Profile : std::uint8_t { Fast, Plain, WithoutLifeguard };

Falsely measure(const Lifeguard& what, const Starvation& how, Profile profile) {
    Fleet::Options options{
        .members = what.members, .seed = what.seed, .fast = profile == Profile::Fast};
    if (profile == Profile::WithoutLifeguard) {
        options.timing.awareness_max = 1;
        options.timing.suspicion_max_mult = 1;
    }
    Falsely falsely;
    bool counts = false;
    Fleet fleet(options, [&](unsigned observer, unsigned about, m::Change change) {
        if (!counts || change != m::Change::Died) return;
        if (about < how.starved) {
            ++falsely.starved;
            return;
        }
        ++falsely.anywhere;
        if (observer >= how.starved) ++falsely.at_healthy;
    });
    World& world = fleet.world();
    world.run_for(15s);
    counts = true;
    const Instant end = world.now() + what.lasts;
    Rng rng = world.rng(0x57a7);
    // Each starved member goes through its own cycle, not in step with the others.
    const std::function<void(unsigned, bool)> turn = [&](unsigned number, bool block) {
        if (block && world.now() >= end) return;
        block ? world.pause(Fleet::host(number)) : world.resume(Fleet::host(number));
        world.schedule(world.now() + (block ? how.blocked : how.runs),
                       [&turn, number, block] { turn(number, !block); });
    };
    for (unsigned number = 0; number < how.starved; ++number)
        world.schedule(world.now() + Duration{rng.between(0, how.blocked.count())},
                       [&turn, number] { turn(number, true); });
    world.run_until(end + how.blocked + 30s);
    return falsely;
}

}  // namespace

int lifeguard(const Lifeguard& what, std::ostream& out) {
    out << what.members << " members, " << in_seconds(what.lasts)
        << " s; healthy members declared dead, counted at each member that told of it: anywhere "
           "(at healthy members); and starved ones\n\n"
        << "| starved | blocked, then running | fast profile | memberlist's LAN profile | the "
           "same without awareness and dynamic suspicion |\n"
        << "| --- | --- | --- | --- | --- |\n";
    const std::array starvations{
        Starvation{what.members / 25, 500ms, 10ms}, Starvation{what.members / 25, 4s, 10ms},
        Starvation{what.members / 25, 16s, 10ms},   Starvation{what.members / 6, 2s, 10ms},
        Starvation{what.members / 6, 8s, 100ms},    Starvation{what.members / 6, 32s, 1s},
        Starvation{what.members / 3, 8s, 10ms}};
    for (const Starvation& how : starvations) {
        out << "| " << how.starved << " | " << how.blocked / 1ms << ", " << how.runs / 1ms << " ms";
        for (const Profile profile : {Profile::Fast, Profile::Plain, Profile::WithoutLifeguard}) {
            const Falsely falsely = measure(what, how, profile);
            out << " | " << falsely.anywhere << " (" << falsely.at_healthy << "); "
                << falsely.starved;
        }
        out << " |\n" << std::flush;
    }
    return 0;
}

}  // namespace anode::sim
