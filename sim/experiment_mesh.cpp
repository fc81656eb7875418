#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <sstream>

#include "sim/crowd.hpp"
#include "sim/experiments.hpp"
#include "sim/figures.hpp"

/// How far and how fast messages travel in a large mesh, what that costs, and what is left of it when many nodes crash at once.
namespace anode::sim {
namespace {

constexpr Duration kEvery = 200ms;  ///< each origin publishes
constexpr Duration kSettle = 6s;
constexpr Duration kLate = 100ms;  ///< what takes longer waited for a repair
constexpr Duration kKnownAfter = 1200ms;

double in_millis(Duration span) { return std::chrono::duration<double, std::milli>(span).count(); }
std::string millis(Duration span) { return fixed(in_millis(span), 1); }
double gigabytes() {
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    return static_cast<double>(use.ru_maxrss) / 1e6;
}
double processor_seconds() {
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec);
}

class Experiment {
public:
    Experiment(const MeshScale& what, std::ostream& out)
        : what_(what),
          out_(out),
          crowd_({what.nodes, what.origins, what.zones, 200, what.seed, weather_of(what)}) {}

    bool run() {
        crowd_.world().run_for(kSettle);
        out_ << what_.nodes << " nodes, "
             << fixed(static_cast<double>(crowd_.sum().links) / what_.nodes, 1) << " links each, "
             << what_.origins << " origins, " << what_.messages << " messages of 200 B from each, "
             << millis(what_.latency_min) << " to " << millis(what_.latency_max)
             << " ms from node to node, " << fixed(what_.loss, 0)
             << " % of packets lost (so late by 200 ms and more), seed " << what_.seed << "\n\n"
             << "| | deliveries | coverage | hops: median, p99, last | publish to a node: median, "
                "p99, last | copies | sent per payload: mean, p99, most | control a node and "
                "second |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n";
        steady("the first message of each origin", 1);
        steady("steady", what_.messages);
        tell_cost();
        for (const unsigned percent : what_.kill_percent)
            for (const bool silent : {false, true}) apart([&] { crash(percent, silent); });
        if (what_.joiners > 0) apart([&] { late(); });
        return whole_;
    }

private:
    static Weather weather_of(const MeshScale& what) {
        return {.latency_min = what.latency_min,
                .latency_max = what.latency_max,
                .jitter = 50us,
                .loss = what.loss / 100.0};
    }
    /// In a process of its own that begins where this one is: every crash befalls the same cluster.
    template <class F>
    void apart(F&& use) {
        out_ << std::flush;
        const pid_t child = fork();
        if (child == 0) {
            use();
            out_ << std::flush;
            _exit(whole_ ? 0 : 1);
        }
        int status = 1;
        if (child > 0) waitpid(child, &status, 0);
        whole_ = whole_ && status == 0;
    }
    void publish(unsigned messages) {
        for (unsigned count = 0; count < messages; ++count) {
            for (unsigned origin = 0; origin < what_.origins; ++origin) crowd_.publish(origin);
            crowd_.world().run_for(kEvery);
        }
    }
    void steady(std::string_view name, unsigned messages);
    void crash(unsigned percent, bool silent);
    void late();
    void tell_cost();
    void tell_of_deaths(const std::vector<unsigned>& dead, unsigned percent, Rng& rng);

    MeshScale what_;
    std::ostream& out_;
    Crowd crowd_;
    bool whole_ = true;
};

void Experiment::steady(std::string_view name, unsigned messages) {
    std::vector<std::uint64_t> sent(crowd_.size());
    for (unsigned number = 0; number < crowd_.size(); ++number)
        sent[number] = crowd_.mesh(number).counters().payload_out;
    const mesh::Counters before = crowd_.sum();
    const Instant began = crowd_.world().now();
    static_cast<void>(crowd_.look());
    publish(messages);
    crowd_.world().run_for(what_.loss > 0 ? 5s : 1s);
    const auto arrivals = crowd_.look();
    const mesh::Counters after = crowd_.sum();
    const double lasted = std::chrono::duration<double>(crowd_.world().now() - began).count();
    std::vector<Duration> waits, hops;
    for (const auto& one : arrivals)
        waits.push_back(one.late), hops.push_back(Duration{one.filled ? 0 : one.hops});
    const double wanted = static_cast<double>(crowd_.size() - 1) * messages * what_.origins;
    const auto payload = static_cast<double>(after.payload_out - before.payload_out);
    const auto copies = static_cast<double>(arrivals.size() + after.duplicates - before.duplicates);
    const double each = payload / std::max(1.0, copies) * messages * what_.origins;
    std::vector<Duration> share;
    for (unsigned number = 0; number < crowd_.size(); ++number)
        share.push_back(Duration{static_cast<Duration::rep>(
            1e6 * static_cast<double>(crowd_.mesh(number).counters().payload_out - sent[number]) /
            each)});
    const auto of = [&](double part) {
        return fixed(static_cast<double>(share_of(share, part).count()) / 1e6, 2);
    };
    const double mean = payload / each / static_cast<double>(crowd_.size());
    whole_ = whole_ && static_cast<double>(arrivals.size()) >= wanted;
    out_ << "| " << name << " | " << arrivals.size() << " | "
         << fixed(100 * static_cast<double>(arrivals.size()) / wanted, 3) << " % | "
         << share_of(hops, 0.5).count() << ", " << share_of(hops, 0.99).count() << ", "
         << share_of(hops, 1).count() << " | " << millis(share_of(waits, 0.5)) << ", "
         << millis(share_of(waits, 0.99)) << ", " << millis(share_of(waits, 1)) << " ms | "
         << fixed(copies / static_cast<double>(std::max<std::size_t>(1, arrivals.size())), 4)
         << " | " << fixed(mean, 2) << ", " << of(0.99) << ", " << of(1) << " | "
         << fixed(static_cast<double>(after.control_out - before.control_out) / lasted /
                      static_cast<double>(crowd_.size()),
                  0)
         << " B |\n"
         << std::flush;
}

/// What a common view takes after so many deaths is measured elsewhere (scale): from 1.2 s on, and longer the more died.
void Experiment::tell_of_deaths(const std::vector<unsigned>& dead, unsigned percent, Rng& rng) {
    const Duration last = 2500ms + percent * 50ms;
    constexpr Duration kSlot = 100ms;
    std::vector<std::vector<unsigned>> slots(
        static_cast<std::size_t>((last - kKnownAfter) / kSlot));
    for (const unsigned one : dead) slots[rng.below(slots.size())].push_back(one);
    Instant at = crowd_.world().now() + kKnownAfter;
    for (auto& slot : slots) {
        at += kSlot;
        if (slot.empty()) continue;
        crowd_.world().schedule(at, [this, slot = std::move(slot)] {
            for (const unsigned number : crowd_.living()) crowd_.tell_gone(number, slot);
        });
    }
}

void Experiment::crash(unsigned percent, bool silent) {
    Rng rng = crowd_.world().rng(percent * 2 + (silent ? 1 : 0));
    std::vector<unsigned> others, dead;
    for (unsigned number = what_.origins; number < what_.nodes; ++number) others.push_back(number);
    for (std::size_t want = what_.nodes * std::size_t{percent} / 100; want > 0; --want) {
        const std::size_t pick = rng.below(others.size());
        dead.push_back(others[pick]);
        others[pick] = others.back();
        others.pop_back();
    }
    static_cast<void>(crowd_.look());
    const Instant began = crowd_.world().now();
    for (const unsigned number : dead) crowd_.crash(number, silent);
    tell_of_deaths(dead, percent, rng);
    // Five messages of each origin in the first second, the first of them at the moment of the crash.
    constexpr unsigned kMessages = 5;
    publish(kMessages);
    crowd_.world().run_for(11s);
    const auto arrivals = crowd_.look();
    const auto survivors = static_cast<double>(crowd_.living().size());
    const double wanted = (survivors - 1) * kMessages * what_.origins;
    const auto after = [&](Duration span) {
        double got = 0;
        for (const auto& one : arrivals) got += one.at - began <= span ? 1 : 0;
        return fixed(100 * got / wanted, 3);
    };
    std::vector<Duration> waits;
    Duration last{};
    unsigned hops = 0;
    for (const auto& one : arrivals) {
        waits.push_back(one.late);
        hops = std::max<unsigned>(hops, one.filled ? 0 : one.hops);
        if (one.late > kLate) last = std::max(last, one.at - began);
    }
    whole_ = whole_ && static_cast<double>(arrivals.size()) >= wanted;
    out_ << "| " << percent << " % " << (silent ? "silently" : "with RST") << " | "
         << fixed(survivors, 0) << " | " << after(1s) << ", " << after(2s) << ", " << after(5s)
         << ", " << after(1h) << " % | " << millis(share_of(waits, 0.5)) << ", "
         << millis(share_of(waits, 0.99)) << ", " << millis(share_of(waits, 1)) << " ms | "
         << in_seconds(last) << " s | " << hops << " | " << std::hex << crowd_.world().trace_hash()
         << std::dec << " |\n";
}

void Experiment::late() {
    static_cast<void>(crowd_.look());
    const Instant began = crowd_.world().now();
    std::vector<unsigned> newcomers;
    for (unsigned count = 0; count < what_.joiners; ++count) newcomers.push_back(crowd_.join());
    crowd_.world().schedule(began + 300ms, [this, newcomers] {
        for (const unsigned number : crowd_.living()) crowd_.tell_seen(number, newcomers);
    });
    const unsigned before = 1 + what_.messages;
    constexpr unsigned kMessages = 25;
    publish(kMessages);
    crowd_.world().run_for(10s);
    std::map<unsigned, Duration> live, all;
    std::map<unsigned, std::uint64_t> got;
    std::vector<Duration> others;
    for (const auto& one : crowd_.look()) {
        if (one.node < what_.nodes) {
            others.push_back(one.late);
            continue;
        }
        if (one.seq > before) live.emplace(one.node, one.at - began);
        ++got[one.node];
        all[one.node] = one.at - began;
    }
    const std::uint64_t wanted = std::uint64_t{before + kMessages} * what_.origins;
    std::vector<Duration> firsts, lasts;
    std::size_t whole = 0;
    for (const unsigned number : newcomers) {
        if (live.contains(number)) firsts.push_back(live[number]);
        whole += got[number] == wanted ? 1 : 0;
    }
    whole_ = whole_ && whole == newcomers.size();
    out_ << "\n"
         << newcomers.size() << " more join at once: first live message after "
         << in_seconds(share_of(firsts, 0.5)) << " s (median), " << in_seconds(share_of(firsts, 1))
         << " s (last); " << whole << " of them have all " << wanted
         << " messages; meanwhile the others wait " << millis(share_of(others, 0.5)) << ", "
         << millis(share_of(others, 0.99)) << ", " << millis(share_of(others, 1))
         << " ms (median, p99, last); trace " << std::hex << crowd_.world().trace_hash() << std::dec
         << "\n";
}

void Experiment::tell_cost() {
    out_ << "\n"
         << crowd_.world().traffic().events << " events in " << fixed(processor_seconds(), 0)
         << " s of a processor and " << fixed(gigabytes(), 2) << " GB; trace " << std::hex
         << crowd_.world().trace_hash() << std::dec << "\n\n";
    if (what_.kill_percent.empty()) return;
    out_ << "| crash at once | survivors | have the 5 messages of each origin of the first second: "
            "after 1, 2, 5 s, at last | publish to a survivor: median, p99, last | last late one "
            "after | hops | trace |\n| --- | --- | --- | --- | --- | --- | --- |\n";
}

}  // namespace

int mesh_scale(const MeshScale& what, std::ostream& out) {
    return Experiment(what, out).run() ? 0 : 1;
}

}  // namespace anode::sim
