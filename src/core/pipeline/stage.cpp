#include "core/pipeline/stage.hpp"

#include "core/source/budget.hpp"
#include "core/source/dedupe.hpp"

namespace anode::pipeline {
namespace {

class Filter final : public Stage {
public:
    explicit Filter(const FilterStep& step) : step_(step) {}
    Fate handle(Flow& flow, Now, std::string& words) override {
        const auto keep = step_.filter.test(flow);
        if (keep) return *keep ? Fate::Passed : Fate::Filtered;
        words = keep.error().what;
        return Fate::Failed;
    }

private:
    const FilterStep& step_;
};

class Map final : public Stage {
public:
    explicit Map(const MapStep& step) : step_(step) {}
    Fate handle(Flow& flow, Now, std::string& words) override {
        Bytes payload;
        const auto written = step_.map.write(flow, payload);
        if (!written) {
            if (written.error().code == Errc::NotFound) return Fate::Filtered;
            words = written.error().what;
            return Fate::Failed;
        }
        if (payload.size() > kPayloadBytesMax) {
            words = "the result is larger than 1 MiB";
            return Fate::Failed;
        }
        flow.set_payload(std::move(payload));
        return Fate::Passed;
    }

private:
    const MapStep& step_;
};

class Key final : public Stage {
public:
    explicit Key(const KeyStep& step) : step_(step) {}
    Fate handle(Flow& flow, Now, std::string& words) override {
        if (const auto* program = std::get_if<Language>(&step_.key)) {
            auto key = program->text_of(flow);
            if (!key || key->empty()) {
                words = "the key is no text";
                return Fate::Failed;
            }
            flow.set_key(std::move(*key));
            return Fate::Passed;
        }
        const auto tokens = flow.tokens();
        source::Context context;
        context.row = flow.value();
        context.key = flow.draft().key;
        context.tokens = tokens;
        auto key = std::get<source::Template>(step_.key).text(context);
        if (!key) {
            words = key.error().what;
            return Fate::Failed;
        }
        flow.set_key(std::move(*key));
        return Fate::Passed;
    }

private:
    const KeyStep& step_;
};

class Repeats final : public Stage {
public:
    explicit Repeats(const DedupeStep& step) : step_(step), seen_(step.keep, step.max) {}
    Fate handle(Flow& flow, Now now, std::string& words) override {
        std::string id;
        for (const Language& by : step_.by) {
            const auto part = by.text_of(flow);
            if (!part) {
                words = "`" + by.text() + "` is no text";
                return Fate::Failed;
            }
            id += *part;
            id += '\0';
        }
        return seen_.insert(hash128(id), now.wall) ? Fate::Passed : Fate::Duplicate;
    }

private:
    const DedupeStep& step_;
    source::Dedupe seen_;
};

class Limit final : public Stage {
public:
    explicit Limit(const LimitStep& step) : rate_(step.rate) {}
    Fate handle(Flow&, Now now, std::string&) override {
        return bucket_.take(rate_, now.mono) == 0ns ? Fate::Passed : Fate::Limited;
    }

private:
    source::Rate rate_;
    source::Bucket bucket_;
};

class Route final : public Stage {
public:
    explicit Route(const RouteStep& step) : step_(step) {}
    Fate handle(Flow& flow, Now, std::string& words) override {
        for (const RouteCase& one : step_.cases) {
            if (one.match) {
                const auto holds = one.match->test(flow);
                if (!holds) {
                    words = holds.error().what;
                    return Fate::Failed;
                }
                if (!*holds) continue;
            }
            const auto tokens = flow.tokens();
            source::Context context;
            context.row = flow.value();
            context.key = flow.draft().key;
            context.tokens = tokens;
            auto topic = one.to.text(context);
            if (!topic) {
                words = topic.error().what;
                return Fate::Failed;
            }
            flow.route_to(std::move(*topic));
            return Fate::Passed;
        }
        return Fate::Filtered;
    }

private:
    const RouteStep& step_;
};

}  // namespace

std::string_view name(Fate fate) noexcept {
    constexpr std::string_view kNames[] = {"passed",    "filtered", "duplicate", "limited",
                                           "conflated", "held",     "failed"};
    return kNames[static_cast<std::size_t>(fate)];
}

Result<std::string> topic_of(Flow& flow, const Definition& definition) {
    std::string topic = flow.route();
    if (!flow.routed()) {
        const auto tokens = flow.tokens();
        source::Context context;
        context.row = flow.value();
        context.key = flow.draft().key;
        context.tokens = tokens;
        auto made = definition.output.text(context);
        if (!made) return fail(Errc::Malformed, "output: " + made.error().what);
        topic = std::move(*made);
    }
    if (const auto good = check_topic(topic); !good)
        return fail(Errc::Malformed, "output: " + good.error().what);
    return topic;
}

std::unique_ptr<Stage> make_stage(const Step& step) {
    return std::visit(
        [](const auto& s) -> std::unique_ptr<Stage> {
            using S = std::decay_t<decltype(s)>;
            if constexpr (std::is_same_v<S, FilterStep>)
                return std::make_unique<Filter>(s);
            else if constexpr (std::is_same_v<S, MapStep>)
                return std::make_unique<Map>(s);
            else if constexpr (std::is_same_v<S, KeyStep>)
                return std::make_unique<Key>(s);
            else if constexpr (std::is_same_v<S, DedupeStep>)
                return std::make_unique<Repeats>(s);
            else if constexpr (std::is_same_v<S, LimitStep>)
                return std::make_unique<Limit>(s);
            else if constexpr (std::is_same_v<S, RouteStep>)
                return std::make_unique<Route>(s);
            else if constexpr (std::is_same_v<S, WindowStep>)
                return make_window(s);
            else
                return make_conflate(s);
        },
        step);
}

}  // namespace anode::pipeline
