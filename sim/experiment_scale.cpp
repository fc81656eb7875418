#include <sys/resource.h>

#include <chrono>

#include "sim/experiments.hpp"
#include "sim/figures.hpp"
#include "sim/fleet.hpp"

namespace anode::sim {
namespace {

namespace m = membership;

constexpr Duration kSettle = 10s;
constexpr Duration kSteady = 20s;
constexpr Duration kPatience = 300s;
constexpr Duration kBetween = 45s;  ///< until the dead are forgotten

/// Who still lists how many of the dead, and when that changed.
class Progress {
public:
    Progress(Fleet& fleet, std::vector<unsigned> dead)
        : fleet_(fleet),
          killed_(fleet.members()),
          listed_(fleet.members()),
          began_(fleet.world().now()) {
        for (const unsigned number : dead) killed_[number] = true;
        for (unsigned number = 0; number < fleet.members(); ++number)
            if (fleet.runs(number)) {
                listed_[number] = static_cast<std::uint32_t>(dead.size());
                ++behind_;
            }
        firsts_.assign(fleet.members(), Duration{-1});
    }
    void told(unsigned observer, unsigned about, m::Change change) {
        const Duration since = fleet_.world().now() - began_;
        if (change == m::Change::Died && !killed_[about] && fleet_.runs(about)) ++false_deaths;
        if (!killed_[about]) return;
        if (change == m::Change::Died) {
            if (firsts_[about] < 0s) firsts_[about] = since, first.push_back(since);
            if (--listed_[observer] == 0) caught_up.push_back(since), --behind_;
        } else if (change == m::Change::Joined) {
            if (listed_[observer]++ == 0) ++behind_;
        }
    }
    [[nodiscard]] bool common() const noexcept { return behind_ == 0; }

    std::vector<Duration> first, caught_up;
    std::uint64_t false_deaths = 0;

private:
    Fleet& fleet_;
    std::vector<bool> killed_;
    std::vector<std::uint32_t> listed_;
    std::vector<Duration> firsts_;
    Instant began_;
    std::size_t behind_ = 0;
};

struct Rate {
    double bytes = 0, packets = 0, stream_bytes = 0;
};
Rate rate(Fleet::Sent from, Fleet::Sent to, Duration span, std::size_t members) {
    const double per = std::chrono::duration<double>(span).count() * static_cast<double>(members);
    return {static_cast<double>(to.bytes - from.bytes) / per,
            static_cast<double>(to.packets - from.packets) / per,
            static_cast<double>(to.stream_bytes - from.stream_bytes) / per};
}

std::string text(const Rate& rate) {
    return fixed(rate.bytes, 0) + " B, " + fixed(rate.packets, 1) + " packets, streams " +
           fixed(rate.stream_bytes, 0) + " B";
}

double resident_gigabytes() {
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    return static_cast<double>(use.ru_maxrss) / 1e6;
}

}  // namespace

int scale(const Scale& what, std::ostream& out) {
    using Clock = std::chrono::steady_clock;
    const auto began = Clock::now();
    Progress* progress = nullptr;
    std::uint64_t deaths_in_peace = 0;
    Fleet::Options options{.members = what.members, .seed = what.seed, .fast = !what.plain};
    // Above this, full state on streams costs the simulator minutes and the result nothing: deaths travel by gossip.
    const bool push_pull = what.members <= 2'000;
    if (!push_pull) options.timing.push_pull_interval = 0s;
    Fleet fleet(options, [&](unsigned observer, unsigned about, m::Change change) {
        if (progress != nullptr)
            progress->told(observer, about, change);
        else if (change == m::Change::Died)
            ++deaths_in_peace;
    });
    fleet.world().run_for(kSettle);
    const Fleet::Sent before = fleet.sent();
    fleet.world().run_for(kSteady);
    const Rate steady = rate(before, fleet.sent(), kSteady, what.members);
    out << what.members << " members, "
        << (what.plain ? "memberlist's LAN profile" : "fast profile")
        << (push_pull ? "" : ", no push/pull") << ", each sends a second in peace: " << text(steady)
        << "; deaths told of in peace: " << deaths_in_peace << "\n\n"
        << "| of them die at once | declared first: median, last | a member's view is right: "
           "median, last | sent a second and member until then | living ones declared dead |\n"
        << "| --- | --- | --- | --- | --- |\n";
    Rng rng = fleet.world().rng(0xdead);
    bool all = true;
    for (const unsigned percent : what.kill_percent) {
        std::vector<unsigned> living, dead;
        for (unsigned number = 0; number < what.members; ++number)
            if (fleet.runs(number)) living.push_back(number);
        for (std::size_t want = std::max<std::size_t>(1, living.size() * percent / 100); want > 0;
             --want) {
            const std::size_t pick = rng.below(living.size());
            dead.push_back(living[pick]);
            living[pick] = living.back();
            living.pop_back();
        }
        for (const unsigned number : dead) fleet.world().power_off(Fleet::host(number));
        const Fleet::Sent at_kill = fleet.sent();
        const Instant killed = fleet.world().now();
        Progress here(fleet, dead);
        progress = &here;
        while (!here.common() && fleet.world().now() - killed < kPatience)
            fleet.world().run_for(50ms);
        const Duration took = fleet.world().now() - killed;
        const Rate storm = rate(at_kill, fleet.sent(), took, living.size());
        all = all && here.common();
        out << "| " << percent << " % (" << dead.size() << ") | "
            << in_seconds(share_of(here.first, 0.5)) << ", " << in_seconds(share_of(here.first, 1))
            << " s | " << in_seconds(share_of(here.caught_up, 0.5)) << ", "
            << (here.common() ? in_seconds(share_of(here.caught_up, 1)) + " s" : "never") << " | "
            << text(storm) << " | " << here.false_deaths << " |\n"
            << std::flush;
        fleet.world().run_for(kBetween);
        progress = nullptr;
    }
    out << "\n"
        << fixed(std::chrono::duration<double>(fleet.world().now().time_since_epoch()).count(), 0)
        << " s of virtual time, " << fleet.world().traffic().events << " events, in "
        << fixed(std::chrono::duration<double>(Clock::now() - began).count(), 0) << " s and "
        << fixed(resident_gigabytes(), 1) << " GB\n";
    return all ? 0 : 1;
}

}  // namespace anode::sim
