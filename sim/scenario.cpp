#include "sim/scenario.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <tuple>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "base/rng.hpp"

namespace anode::sim {
namespace {

using K = FaultKind;

/// Which faults a scenario draws from, and how many to expect in a minute.
struct Recipe {
    std::string_view name;
    std::vector<FaultKind> kinds;
    double per_minute;
    bool swizzle = false;  ///< each seed takes a part of the kinds only: rare pairs meet more often
    double share = 0;      ///< of the members that a fault befalls; 0: as chance has it
    Duration lasts{};      ///< of each fault; 0: as chance has it
    bool known = false;    ///< known to fail: run by its name only
};

const std::vector<Recipe>& recipes() {
    static const std::vector<Recipe> all{
        {"calm", {}, 0},
        {"kill", {K::Kill, K::PowerOff, K::Leave}, 3},
        {"partition", {K::Partition, K::OneWay, K::Partial}, 3},
        {"flaky", {K::Loss, K::Duplicate, K::Spikes, K::Lossy, K::Slow, K::Reset}, 6},
        {"pause", {K::Pause, K::Starve, K::ClockJump, K::Slow}, 5},
        {"restart", {K::Kill, K::Move, K::Leave, K::PowerOff, K::NoNames}, 6},
        {"wishes", {K::Wishes, K::Leave, K::Kill, K::Loss}, 6},
        {"hostile", {K::Noise, K::Forgery, K::Replay, K::Leave}, 8},
        {"storm",
         {K::Loss,      K::Duplicate, K::Spikes,   K::Lossy,  K::Slow,  K::Partition, K::OneWay,
          K::Partial,   K::Kill,      K::PowerOff, K::Move,   K::Leave, K::Pause,     K::Starve,
          K::ClockJump, K::Reset,     K::NoNames,  K::Wishes, K::Noise, K::Forgery,   K::Replay},
         10,
         true},
        {"mesh-calm", {}, 0},
        {"mesh-kill", {K::Kill, K::PowerOff, K::Leave}, 4},
        {"mesh-churn", {K::Kill, K::PowerOff}, 30},
        {"mesh-partition", {K::Partition, K::OneWay, K::Partial}, 3},
        {"mesh-flaky", {K::Loss, K::Spikes, K::Lossy, K::Slow, K::Reset}, 6},
        {"mesh-slow", {K::Slow, K::Pause, K::Starve, K::SlowDisk, K::Burst}, 6},
        {"mesh-late", {K::Late, K::Late, K::Kill, K::Burst}, 4},
        {"mesh-disk", {K::Wipe, K::PowerOff, K::Kill, K::SlowDisk, K::Burst}, 6},
        {"mesh-clock", {K::WallSkew, K::ClockJump, K::Kill}, 4},
        {"mesh-storm",
         {K::Loss, K::Spikes, K::Lossy, K::Slow, K::Partition, K::OneWay, K::Partial, K::Kill,
          K::PowerOff, K::Leave, K::Pause, K::Starve, K::Reset, K::Wipe, K::Late, K::SlowDisk,
          K::Burst},
         10,
         true},
        {"node-calm", {}, 0},
        {"node-kill", {K::Kill, K::PowerOff, K::Leave}, 3},
        {"node-churn", {K::Kill, K::PowerOff}, 10},
        {"node-partition", {K::Partition, K::OneWay, K::Partial}, 2},
        {"node-flaky", {K::Loss, K::Duplicate, K::Spikes, K::Lossy, K::Slow, K::Reset}, 5},
        {"node-slow", {K::Slow, K::Pause, K::Starve, K::SlowDisk, K::Burst}, 4},
        {"node-late", {K::Late, K::Late, K::Kill, K::Burst}, 4},
        {"node-disk", {K::Wipe, K::PowerOff, K::Kill, K::SlowDisk, K::Burst}, 5},
        {"node-clock", {K::WallSkew, K::ClockJump, K::Kill}, 3, false, 0, {}, true},
        {"node-rolling", {K::Leave}, 4},
        // What every release has to survive (dissemination, section 9), one by one.
        {"node-kill-one", {K::Kill, K::PowerOff}, 2, false, 0.01},
        {"node-kill-10", {K::Kill, K::PowerOff}, 2, false, 0.1},
        {"node-kill-30", {K::Kill, K::PowerOff}, 2, false, 0.3},
        {"node-kill-50", {K::Kill, K::PowerOff}, 1, false, 0.5},
        {"node-cut-minute", {K::Partition}, 0.5, false, 0.5, 60s},
        {"node-cut-long", {K::Partition}, 0.1, false, 0.5, 11min},
        {"node-one-way", {K::OneWay}, 2},
        {"node-slow-20", {K::Slow, K::Starve, K::SlowDisk}, 2, false, 0.2},
        {"node-hot", {K::Burst}, 2, false, 0.01},
        {"node-starved", {K::Burst, K::Slow}, 3, false, 0.3},
        {"node-late-one", {K::Late, K::Burst}, 2, false, 0.01},
        {"node-late-half", {K::Late, K::Burst}, 2, false, 0.5},
        {"node-wipe", {K::Wipe}, 2},
        {"node-tail", {K::PowerOff, K::Burst, K::SlowDisk}, 5},
        {"node-mixed", {K::Kill, K::Leave, K::Loss}, 2},
        {"node-twin", {K::Twin}, 1, false, 0, {}, true},
        {"node-hostile", {K::Intruder, K::Kill}, 2},
        {"mesh-hostile", {K::Intruder, K::Intruder, K::Kill}, 3, false, 0, {}, true},
        {"node-storm",
         {K::Loss, K::Duplicate, K::Spikes, K::Lossy, K::Slow, K::Partition, K::OneWay, K::Partial,
          K::Kill, K::PowerOff, K::Leave, K::Pause, K::Starve, K::Reset, K::Wipe, K::Late,
          K::SlowDisk, K::Burst},
         8,
         true},
    };
    return all;
}

const Recipe& recipe_of(std::string_view name) {
    const auto found = std::ranges::find(recipes(), name, &Recipe::name);
    ANODE_ASSERT(found != recipes().end());
    return *found;
}

/// Ways of doing harm that an intruder knows.
constexpr unsigned kMalices = 10;

Hosts exactly(Rng& rng, unsigned members, std::uint64_t wanted) {
    Hosts hosts = 0;
    while (static_cast<unsigned>(std::popcount(hosts)) < wanted)
        hosts |= Hosts{1} << rng.below(members);
    return hosts;
}

Hosts some(Rng& rng, unsigned members, unsigned at_most) {
    return exactly(rng, members, 1 + rng.below(std::max(1u, std::min(at_most, members))));
}

Duration millis(std::int64_t count) { return std::chrono::milliseconds(count); }

void shape(Fault& fault, Rng& rng, unsigned members) {
    const unsigned few = std::max(1u, members / 3), half = std::max(1u, members / 2);
    const auto amount = [&](std::int64_t low, std::int64_t high) {
        return static_cast<std::uint32_t>(rng.between(low, high));
    };
    switch (fault.kind) {
        case K::Loss:
            fault.amount = amount(10, 300);
            break;
        case K::Duplicate:
            fault.amount = amount(50, 500);
            break;
        case K::Spikes:
            fault.amount = amount(20, 3000);
            break;
        case K::Lossy:
            fault.who = some(rng, members, few), fault.amount = amount(50, 600);
            break;
        case K::Slow:
            fault.who = some(rng, members, few), fault.amount = amount(5, 800);
            break;
        case K::Partition:
            fault.who = some(rng, members, half);
            break;
        case K::OneWay:
        case K::Partial:
            fault.who = some(rng, members, half), fault.whom = some(rng, members, half);
            break;
        case K::Kill:
        case K::PowerOff:
        case K::Leave:
            fault.who = some(rng, members, few);
            fault.for_good = rng.chance(0.3);
            break;
        case K::Move:
            fault.who = some(rng, members, 1);
            break;
        case K::Pause:
            fault.who = some(rng, members, half);
            break;
        case K::Starve:
            fault.who = some(rng, members, half);
            fault.amount = amount(50, 8000);
            fault.other = amount(1, 500);
            break;
        case K::ClockJump:
            fault.who = some(rng, members, half), fault.amount = amount(100, 120'000);
            break;
        case K::Reset:
            fault.who = some(rng, members, members), fault.amount = amount(5, 500);
            break;
        case K::NoNames:
            break;
        case K::Wishes:
        case K::Noise:
        case K::Forgery:
        case K::Replay:
            fault.who = some(rng, members, members);
            fault.whom = some(rng, members, half);
            fault.amount = amount(5, 400);
            break;
        case K::Wipe:
            fault.who = some(rng, members, 1);
            break;
        case K::Late:
            fault.who = some(rng, members, half);
            break;
        case K::WallSkew:
            fault.who = some(rng, members, 1);
            fault.amount = rng.chance(0.5) ? 3600 : amount(1, 30);
            fault.other = static_cast<std::uint32_t>(rng.below(2));
            break;
        case K::SlowDisk:
            fault.who = some(rng, members, half), fault.amount = amount(20, 3000);
            break;
        case K::Burst:
            fault.who = some(rng, members, few), fault.amount = amount(1, 30);
            break;
        case K::Intruder:
            fault.who = some(rng, members, members);
            fault.amount = amount(1, (1 << kMalices) - 1);
            break;
        case K::Twin:
            fault.who = some(rng, members, 1);
            break;
    }
}

Weather weather_of(Rng& rng) {
    Weather weather;
    switch (rng.below(3)) {
        case 0:
            break;
        case 1:
            weather.latency_min = 1ms, weather.latency_max = 15ms, weather.jitter = 2ms;
            break;
        default:
            weather.latency_min = 10ms, weather.latency_max = 90ms, weather.jitter = 10ms;
    }
    if (rng.chance(0.5)) weather.loss = rng.unit() * 0.03;
    if (rng.chance(0.3)) weather.duplicate = rng.unit() * 0.05;
    if (rng.chance(0.5)) weather.refusals = rng.unit();
    if (rng.chance(0.1)) weather.bytes_per_second = 200'000;
    return weather;
}

std::vector<Fault> script_of(const Recipe& recipe, const Request& request, Rng& rng) {
    std::vector<FaultKind> kinds = recipe.kinds;
    if (recipe.swizzle) std::erase_if(kinds, [&](FaultKind) { return rng.chance(0.5); });
    const double minutes = std::chrono::duration<double>(request.faults_for).count() / 60;
    const auto most = static_cast<std::uint64_t>(2 * minutes * recipe.per_minute);
    const auto wanted = kinds.empty() ? 0 : 1 + rng.below(most + 1);
    std::vector<Fault> faults;
    for (std::uint64_t count = 0; count < wanted; ++count) {
        Fault fault{.kind = kinds[rng.below(kinds.size())]};
        fault.at = Duration{rng.between(0, request.faults_for.count())};
        // Short and long ones matter: below a probe interval, around the limits of suspicion, far beyond.
        const std::int64_t longest = std::array{1'000, 6'000, 20'000, 60'000}[rng.below(4)];
        fault.lasts = millis(rng.between(10, longest));
        shape(fault, rng, request.members);
        if (recipe.share > 0 && fault.who != 0) {
            const auto befallen = static_cast<unsigned>(recipe.share * request.members + 0.5);
            fault.who = exactly(rng, request.members, std::max(1u, befallen));
        }
        if (recipe.lasts > 0s) fault.lasts = recipe.lasts;
        faults.push_back(fault);
    }
    std::ranges::sort(faults, {}, [](const Fault& fault) {
        return std::tuple(fault.at, fault.kind, fault.lasts, fault.who);
    });
    return faults;
}

}  // namespace

std::string Request::line() const {
    std::array<char, 32> seconds;
    std::snprintf(seconds.data(), seconds.size(), "%g",
                  std::chrono::duration<double>(faults_for).count() / 60);
    std::string out = "anode-sim --scenario " + scenario + " --seed " + std::to_string(seed) +
                      " --members " + std::to_string(members) + " --minutes " + seconds.data();
    if (first) out += " --first " + std::to_string(*first);
    if (shorten > 0) out += " --shorten " + std::to_string(shorten);
    if (!heals) out += " --never-heals";
    if (only) {
        out += " --only ";
        for (const unsigned number : *only) out += std::to_string(number) + ",";
        if (only->empty())
            out += "none";
        else
            out.pop_back();
    }
    return out;
}

Duration Plan::last_end() const noexcept {
    Duration last{};
    for (std::size_t number = 0; number < faults.size(); ++number)
        if (live[number]) last = std::max(last, faults[number].ends());
    return last;
}

bool Plan::has(FaultKind kind) const noexcept {
    for (std::size_t number = 0; number < faults.size(); ++number)
        if (live[number] && faults[number].kind == kind) return true;
    return false;
}

ClusterKind kind_of(std::string_view scenario) noexcept {
    if (scenario.starts_with("mesh-")) return ClusterKind::Meshes;
    return scenario.starts_with("node-") ? ClusterKind::Nodes : ClusterKind::Members;
}

std::vector<std::string_view> scenario_names(ClusterKind kind) {
    std::vector<std::string_view> names;
    for (const Recipe& recipe : recipes())
        if (kind_of(recipe.name) == kind && !recipe.known) names.push_back(recipe.name);
    return names;
}

bool known_scenario(std::string_view name) noexcept {
    return std::ranges::find(recipes(), name, &Recipe::name) != recipes().end();
}

Plan make_plan(const Request& request) {
    ANODE_ASSERT(request.members >= 1 && request.members <= 64);
    Rng rng(hash64(request.scenario, request.seed));
    Plan plan{.request = request};
    plan.members = std::min(request.members, request.first.value_or(request.members));
    plan.weather = weather_of(rng);
    plan.sealed = rng.chance(0.15);
    plan.labelled = rng.chance(0.2);
    plan.compressed = rng.chance(0.7);
    plan.contacts = 1 + static_cast<unsigned>(rng.below(3));
    switch (rng.below(4)) {
        case 0:
            plan.plain = ~Hosts{0};
            break;
        case 1:
            plan.plain = some(rng, request.members, request.members / 2);
            break;
        default:
            break;
    }
    plan.faults = script_of(recipe_of(request.scenario), request, rng);
    const Hosts exist = plan.members == 64 ? ~Hosts{0} : (Hosts{1} << plan.members) - 1;
    const Hosts contacts = (Hosts{1} << plan.contacts) - 1;
    for (Fault& fault : plan.faults) {
        fault.who &= exist, fault.whom &= exist;
        fault.lasts /= 1 << request.shorten;
        // Whoever comes back needs somebody to ask.
        if ((fault.who & contacts) != 0) fault.for_good = false;
    }
    plan.live.assign(plan.faults.size(), !request.only);
    if (request.only)
        for (const unsigned number : *request.only)
            if (number < plan.live.size()) plan.live[number] = true;
    return plan;
}

}  // namespace anode::sim
