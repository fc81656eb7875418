#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "core/pipeline/stage.hpp"

namespace anode::pipeline {
namespace {

constexpr std::size_t kHeldBytesMax = 8 << 20;
constexpr int kDepthMax = 8;
constexpr std::size_t kTopicCacheMax = 20'000;

std::string step_words(const std::string& pipeline, std::size_t step, const Definition& definition,
                       const std::string& words) {
    return "pipeline " + pipeline + ", step " + std::to_string(step) + " (" +
           std::string(name_of(definition.steps[step])) + "): " + words;
}

/// A pipeline at work.
struct Running {
    std::shared_ptr<const Definition> definition;
    std::vector<std::unique_ptr<Stage>> stages;
    Counters counters;
    std::string last_error;
    std::uint32_t id = 0;
    metrics::Counter* results[8] = {};  ///< by outcome

    [[nodiscard]] std::optional<Instant> due() const {
        std::optional<Instant> least;
        for (const auto& stage : stages)
            if (const auto due = stage->due(); due && (!least || *due < *least)) least = due;
        return least;
    }
    [[nodiscard]] std::size_t bytes() const {
        std::size_t bytes = 0;
        for (const auto& stage : stages) bytes += stage->bytes();
        return bytes;
    }
    void count(Fate fate) {
        switch (fate) {
            case Fate::Filtered:
                ++counters.filtered;
                break;
            case Fate::Duplicate:
                ++counters.duplicates;
                break;
            case Fate::Limited:
                ++counters.limited;
                break;
            case Fate::Conflated:
                ++counters.conflated;
                break;
            case Fate::Held:
                ++counters.held;
                break;
            case Fate::Failed:
                ++counters.failed;
                break;
            case Fate::Passed:
                ++counters.out;
                break;
        }
        if (auto* counter = results[static_cast<std::size_t>(fate)]) counter->add();
    }
};

}  // namespace

struct Pipelines::State {
    metrics::Registry* metrics = nullptr;
    std::map<std::string, Running, std::less<>> running;
    std::vector<Running*> by_id;
    PatternTrie inputs;
    std::unordered_map<std::string, std::vector<Running*>> readers;  ///< by topic, found once
    Flow scratch[kDepthMax];
    std::vector<Running> leaving;  ///< replaced or removed, with messages that are not out yet

    void rebuild() {
        by_id.clear();
        readers.clear();
        inputs = PatternTrie();
        for (auto& [name, one] : running) {
            if (!one.definition->enabled) continue;
            one.id = static_cast<std::uint32_t>(by_id.size());
            by_id.push_back(&one);
            for (const Pattern& pattern : one.definition->input.patterns())
                inputs.add(pattern, one.id);
        }
    }

    const std::vector<Running*>& readers_of(std::string_view topic) {
        std::string name(topic);
        const auto found = readers.find(name);
        if (found != readers.end()) return found->second;
        if (readers.size() >= kTopicCacheMax) readers.clear();
        std::vector<std::uint32_t> ids;
        inputs.match(topic, ids);
        std::ranges::sort(ids);
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        auto& list = readers[std::move(name)];
        for (const std::uint32_t id : ids) list.push_back(by_id[id]);
        return list;
    }

    /// Keeps what still holds messages until the next tick.
    void leave(Running&& old) {
        if (old.bytes() > 0) leaving.push_back(std::move(old));
    }
    void let_leave(Now now, Sink& sink) {
        for (Running& old : std::exchange(leaving, {})) let_out(old, now, true, sink, 0);
    }

    void run(const Input& input, Now now, Sink& sink, int depth) {
        if (depth >= kDepthMax) {
            sink.rejected("", input.draft, "the message has passed eight pipelines");
            return;
        }
        const std::vector<Running*> list = readers_of(input.draft.topic);
        for (Running* one : list) {
            ++one->counters.in;
            Flow& flow = scratch[depth];
            flow.begin(input);
            go_on(*one, flow, 0, now, sink, depth);
            if (one->bytes() > kHeldBytesMax) let_out(*one, now, true, sink, depth);  // early
        }
    }

    /// From step `at` to the end, or to where the message ends or is held.
    void go_on(Running& one, Flow& flow, std::size_t at, Now now, Sink& sink, int depth) {
        std::string words;
        for (; at < one.stages.size(); ++at) {
            const Fate fate = one.stages[at]->handle(flow, now, words);
            if (fate == Fate::Passed) continue;
            one.count(fate);
            if (fate == Fate::Failed)
                reject(one, flow, step_words(one.definition->name, at, *one.definition, words),
                       sink);
            return;
        }
        auto topic = topic_of(flow, *one.definition);
        if (!topic) {
            one.count(Fate::Failed);
            return reject(one, flow, "pipeline " + one.definition->name + ", " + topic.error().what,
                          sink);
        }
        one.count(Fate::Passed);
        Draft draft = flow.draft();
        draft.topic = *topic;
        sink.output(one.definition->name, draft);
        if (!readers_of(*topic).empty())
            run({draft, flow.id(), flow.ts(), flow.node()}, now, sink, depth + 1);
    }

    static void reject(Running& one, const Flow& flow, std::string words, Sink& sink) {
        one.last_error = words;
        sink.rejected(one.definition->name, flow.draft(), words);
    }

    void let_out(Running& one, Now now, bool everything, Sink& sink, int depth) {
        for (std::size_t at = 0; at < one.stages.size(); ++at) {
            std::vector<std::unique_ptr<Flow>> out;
            one.stages[at]->tick(now, everything, out);
            for (auto& flow : out)
                if (flow) go_on(one, *flow, at + 1, now, sink, depth);
        }
    }

    /// The names on a way from `from` back to it, if its outputs reach its own input.
    [[nodiscard]] std::string loop_through(const Definition& added) const {
        std::vector<const Definition*> all{&added};
        for (const auto& [name, one] : running)
            if (name != added.name && one.definition->enabled) all.push_back(one.definition.get());
        std::vector<const Definition*> seen;
        return follow(added, added, all, seen);
    }
    static bool feeds(const Definition& from, const Definition& to) {
        for (const std::string& output : from.outputs())
            for (const Pattern& input : to.input.patterns())
                if (overlap(output, input.text())) return true;
        return false;
    }
    static std::string follow(const Definition& from, const Definition& home,
                              const std::vector<const Definition*>& all,
                              std::vector<const Definition*>& seen) {
        for (const Definition* next : all) {
            if (!feeds(from, *next)) continue;
            if (next == &home) return from.name;
            if (std::ranges::find(seen, next) != seen.end()) continue;
            seen.push_back(next);
            if (auto rest = follow(*next, home, all, seen); !rest.empty())
                return from.name + " → " + rest;
        }
        return {};
    }

    void open_series(Running& one) const {
        if (metrics == nullptr) return;
        for (const Fate fate : {Fate::Passed, Fate::Filtered, Fate::Duplicate, Fate::Limited,
                                Fate::Conflated, Fate::Held, Fate::Failed})
            one.results[static_cast<std::size_t>(fate)] = &metrics->counter(
                "anode_pipeline_messages_total", "Messages of pipelines, by what became of them.",
                {{"pipeline", one.definition->name}, {"result", std::string(name(fate))}});
    }
};

Pipelines::Pipelines(metrics::Registry* metrics) : state_(std::make_unique<State>()) {
    state_->metrics = metrics;
}
Pipelines::~Pipelines() = default;

Result<void> Pipelines::check(const Definition& definition) const {
    if (!definition.enabled) return {};
    const auto way = state_->loop_through(definition);
    if (way.empty()) return {};
    return fail(Errc::Malformed,
                "the output would come back to the input: " + way + " → " + definition.name);
}

Result<void> Pipelines::put(std::shared_ptr<const Definition> definition, Now) {
    if (auto good = check(*definition); !good) return good;
    Running fresh;
    for (const Step& step : definition->steps) fresh.stages.push_back(make_stage(step));
    fresh.definition = std::move(definition);
    state_->open_series(fresh);
    Running& place = state_->running[fresh.definition->name];
    if (place.definition) state_->leave(std::exchange(place, Running()));
    place = std::move(fresh);
    state_->rebuild();
    return {};
}

bool Pipelines::remove(std::string_view name) {
    const auto found = state_->running.find(name);
    if (found == state_->running.end()) return false;
    if (state_->metrics != nullptr) state_->metrics->remove("pipeline", name);
    state_->leave(std::move(found->second));
    state_->running.erase(found);
    state_->rebuild();
    return true;
}

bool Pipelines::empty() const noexcept { return state_->by_id.empty(); }

bool Pipelines::reads(std::string_view topic) const { return !state_->readers_of(topic).empty(); }

void Pipelines::handle(const Input& input, Now now, Sink& sink) {
    state_->run(input, now, sink, 0);
}

void Pipelines::tick(Now now, Sink& sink) {
    state_->let_leave(now, sink);
    for (auto& [name, one] : state_->running) state_->let_out(one, now, false, sink, 0);
}

std::optional<Instant> Pipelines::due() const {
    if (!state_->leaving.empty()) return Instant{};
    std::optional<Instant> least;
    for (const auto& [name, one] : state_->running)
        if (const auto due = one.due(); due && (!least || *due < *least)) least = due;
    return least;
}

void Pipelines::flush(Now now, Sink& sink) {
    state_->let_leave(now, sink);
    for (auto& [name, one] : state_->running) state_->let_out(one, now, true, sink, 0);
}

std::vector<Status> Pipelines::status() const {
    std::vector<Status> all;
    for (const auto& [name, one] : state_->running) all.push_back(*status(name));
    return all;
}

std::optional<Status> Pipelines::status(std::string_view name) const {
    const auto found = state_->running.find(name);
    if (found == state_->running.end()) return std::nullopt;
    const Running& one = found->second;
    return Status{one.definition->name, one.definition->enabled, one.counters,
                  one.definition->slow(), one.last_error};
}

}  // namespace anode::pipeline
