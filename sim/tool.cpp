#include "sim/tool.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <iomanip>
#include <map>
#include <optional>
#include <string>

#include "sim/experiments.hpp"
#include "sim/shrink.hpp"

namespace anode::sim {
namespace {

constexpr std::string_view kUsage =
    "anode-sim [--scenario NAME] [--seed S] [--members N] [--minutes M] [--trace]   one run, told\n"
    "          [--only I,J,… | --only none] [--first K] [--shorten K] [--never-heals]  parts of "
    "it, as a shrinker prints\n"
    "anode-sim seeds [--from S] [--count C] [--scenario NAME | --mesh | --nodes] "
    "[--members-max N] [--minutes M] [--go-on] [--except S,…]\n"
    "                                                  many runs; the first that fails is shrunk "
    "and printed as one line\n"
    "anode-sim scale [--members N] [--kill PERCENT,…] [--plain] [--seed S]   time to a common "
    "view, bandwidth\n"
    "anode-sim mesh-scale [--nodes N] [--origins K] [--messages M] [--zones Z] [--loss PERCENT] "
    "[--wide]\n"
    "          [--kill PERCENT,…] [--join N] [--seed S]    how far and fast messages travel, and "
    "what is "
    "left when many nodes crash\n"
    "anode-sim lifeguard [--members N] [--minutes M] [--plain]               false positives "
    "beside starved members\n"
    "anode-sim detection [--members N] [--runs R]                            time to declare a "
    "dead member under loss\n";

/// Options as words: `--name value`, and flags.
class Options {
public:
    Options(const std::vector<std::string_view>& words, std::size_t from) {
        for (std::size_t word = from; word < words.size(); ++word) {
            if (!words[word].starts_with("--")) {
                bad_ = true;
                return;
            }
            const std::string_view name = words[word].substr(2);
            const bool value = word + 1 < words.size() && !words[word + 1].starts_with("--");
            values_[std::string(name)] = value ? words[++word] : std::string_view{};
        }
    }
    [[nodiscard]] bool has(const std::string& name) { return take(name).has_value(); }
    std::string text(const std::string& name, std::string other) {
        const auto value = take(name);
        return value ? std::string(*value) : std::move(other);
    }
    template <class Number>
    Number number(const std::string& name, Number other) {
        const auto value = take(name);
        if (!value) return other;
        Number read{};
        const auto [end, error] =
            std::from_chars(value->data(), value->data() + value->size(), read);
        if (error != std::errc{} || end != value->data() + value->size()) bad_ = true;
        return read;
    }
    std::vector<unsigned> numbers(const std::string& name, std::vector<unsigned> other) {
        const auto value = take(name);
        if (!value) return other;
        std::vector<unsigned> read;
        if (*value == "none") return read;
        for (const char* at = value->data(); at < value->data() + value->size(); ++at) {
            unsigned one = 0;
            const auto [end, error] = std::from_chars(at, value->data() + value->size(), one);
            if (error != std::errc{}) {
                bad_ = true;
                break;
            }
            read.push_back(one);
            at = end;
        }
        return read;
    }
    /// Every option was known and well formed.
    [[nodiscard]] bool good() const noexcept { return !bad_ && values_.empty(); }

private:
    std::optional<std::string_view> take(const std::string& name) {
        const auto found = values_.find(name);
        if (found == values_.end()) return std::nullopt;
        const std::string_view value = found->second;
        values_.erase(found);
        return value;
    }
    std::map<std::string, std::string_view> values_;
    bool bad_ = false;
};

Duration minutes(double count) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count * 60));
}
double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

Request request_of(Options& options) {
    Request request;
    request.scenario = options.text("scenario", request.scenario);
    request.seed = options.number<std::uint64_t>("seed", request.seed);
    request.members = options.number<unsigned>("members", request.members);
    request.faults_for = minutes(options.number<double>("minutes", 1));
    if (options.has("never-heals")) request.heals = false;
    request.shorten = options.number<unsigned>("shorten", 0);
    if (const auto first = options.number<unsigned>("first", 0)) request.first = first;
    return request;
}

bool possible(const Request& request) {
    return known_scenario(request.scenario) && request.members >= 1 && request.members <= 64 &&
           request.faults_for > 0s && request.shorten < 16;
}

void tell(std::ostream& out, const Outcome& outcome) {
    out << std::fixed << std::setprecision(1) << "started in " << seconds(outcome.started) << " s, "
        << outcome.faults << " faults, agreed " << seconds(outcome.converged)
        << " s after the last, " << outcome.false_deaths << " false deaths, "
        << outcome.traffic.events << " events in " << seconds(outcome.lasted) << " s, trace "
        << std::hex << outcome.trace_hash << std::dec << "\n";
    if (outcome.published > 0)
        out << outcome.published << " messages published, " << outcome.received << " received, "
            << outcome.repaired << " repaired, " << outcome.feed_items << " items of feeds\n";
    if (outcome.violation)
        out << "VIOLATION of " << outcome.violation->check << " at "
            << seconds(outcome.violation->at) << " s: " << outcome.violation->detail << "\n";
}

void report(std::ostream& out, const Request& request, const Violation& violation) {
    const Request small = shrink(request, violation);
    const Plan plan = make_plan(small);
    out << "replay: " << small.line() << "\n";
    for (std::size_t number = 0; number < plan.faults.size(); ++number)
        if (plan.live[number]) out << "  " << number << ": " << plan.faults[number].text() << "\n";
}

int one(Options options, std::ostream& out) {
    Request request = request_of(options);
    const bool trace = options.has("trace"), shrinks = options.has("shrink");
    if (const auto only = options.numbers("only", {~0u}); only != std::vector{~0u})
        request.only = only;
    if (!options.good() || !possible(request)) return out << kUsage, 2;
    const Outcome outcome =
        run(request, trace ? std::function<void(const std::string&)>(
                                 [&](const std::string& line) { out << line << "\n"; })
                           : nullptr);
    tell(out, outcome);
    if (!outcome.violation) return 0;
    if (shrinks) report(out, request, *outcome.violation);
    return 1;
}

int seeds(Options options, std::ostream& out) {
    const auto from = options.number<std::uint64_t>("from", 1);
    const auto count = options.number<std::uint64_t>("count", 500);
    const auto most = options.number<unsigned>("members-max", 9);
    const bool on = options.has("go-on"), mesh = options.has("mesh"), nodes = options.has("nodes");
    const std::string only = options.text("scenario", "");
    const std::vector<unsigned> known = options.numbers("except", {});
    const Duration span = minutes(options.number<double>("minutes", 1));
    if (!options.good() || most < 3 || most > 64 || (!only.empty() && !known_scenario(only)))
        return out << kUsage, 2;
    const ClusterKind kind = mesh    ? ClusterKind::Meshes
                             : nodes ? ClusterKind::Nodes
                                     : ClusterKind::Members;
    const std::string storm = mesh ? "mesh-storm" : nodes ? "node-storm" : "storm";
    const auto names = scenario_names(kind);
    std::uint64_t faults = 0, deaths = 0, broken = 0, published = 0, repaired = 0;
    Duration slowest{};
    for (std::uint64_t seed = from; seed < from + count; ++seed) {
        if (std::ranges::find(known, seed) != known.end()) continue;
        Request request{.scenario = !only.empty()   ? only
                                    : seed % 2 == 0 ? storm
                                                    : std::string(names[seed / 2 % names.size()]),
                        .seed = seed,
                        .members = 3 + static_cast<unsigned>(seed % (most - 2)),
                        .faults_for = span};
        const Outcome outcome = run(request);
        faults += outcome.faults, deaths += outcome.false_deaths;
        published += outcome.published, repaired += outcome.repaired;
        slowest = std::max(slowest, outcome.converged);
        if (!outcome.violation) continue;
        ++broken;
        out << "seed " << seed << " breaks " << outcome.violation->check << ": "
            << outcome.violation->detail << "\n";
        if (on) {
            out << "  " << request.line() << "\n";
            continue;
        }
        report(out, request, *outcome.violation);
        return 1;
    }
    out << count << " seeds, " << faults << " faults, slowest agreement " << std::fixed
        << std::setprecision(1) << seconds(slowest) << " s, " << deaths
        << " false deaths under faults, ";
    if (published > 0) out << published << " messages, " << repaired << " repaired, ";
    out << broken << " violations\n";
    return broken == 0 ? 0 : 1;
}

int measure_scale(Options options, std::ostream& out) {
    Scale what;
    what.members = options.number<unsigned>("members", what.members);
    what.kill_percent = options.numbers("kill", what.kill_percent);
    what.seed = options.number<std::uint64_t>("seed", what.seed);
    what.plain = options.has("plain");
    if (!options.good() || what.members < 2 || what.members > 20'000) return out << kUsage, 2;
    return scale(what, out);
}

int measure_mesh(Options options, std::ostream& out) {
    MeshScale what;
    what.nodes = options.number<unsigned>("nodes", what.nodes);
    what.origins = options.number<unsigned>("origins", what.origins);
    what.messages = options.number<unsigned>("messages", what.messages);
    what.zones = options.number<unsigned>("zones", what.zones);
    what.joiners = options.number<unsigned>("join", what.joiners);
    what.kill_percent = options.numbers("kill", what.kill_percent);
    if (options.has("wide")) what.latency_min = 100us, what.latency_max = 1ms;
    what.loss = options.number<double>("loss", what.loss);
    what.seed = options.number<std::uint64_t>("seed", what.seed);
    if (!options.good() || what.nodes < 10 || what.nodes > 20'000 || what.origins == 0 ||
        what.origins > what.nodes / 2 || what.messages == 0 || what.zones == 0 ||
        std::ranges::any_of(what.kill_percent, [](unsigned share) { return share > 95; }) ||
        what.joiners > what.nodes)
        return out << kUsage, 2;
    return mesh_scale(what, out);
}

int measure_lifeguard(Options options, std::ostream& out) {
    Lifeguard what;
    what.members = options.number<unsigned>("members", what.members);
    what.lasts = minutes(options.number<double>("minutes", 2));
    what.seed = options.number<std::uint64_t>("seed", what.seed);
    if (!options.good() || what.members < 4) return out << kUsage, 2;
    return lifeguard(what, out);
}

int measure_detection(Options options, std::ostream& out) {
    Detection what;
    what.members = options.number<unsigned>("members", what.members);
    what.runs = options.number<unsigned>("runs", what.runs);
    what.seed = options.number<std::uint64_t>("seed", what.seed);
    if (!options.good() || what.members < 3) return out << kUsage, 2;
    return detection(what, out);
}

}  // namespace

int tool(const std::vector<std::string_view>& arguments, std::ostream& out) {
    if (arguments.empty() || arguments[0].starts_with("--")) return one({arguments, 0}, out);
    const Options rest(arguments, 1);
    if (arguments[0] == "seeds") return seeds(rest, out);
    if (arguments[0] == "scale") return measure_scale(rest, out);
    if (arguments[0] == "mesh-scale") return measure_mesh(rest, out);
    if (arguments[0] == "lifeguard") return measure_lifeguard(rest, out);
    if (arguments[0] == "detection") return measure_detection(rest, out);
    return out << kUsage, 2;
}

}  // namespace anode::sim
