#include "core/pipeline/definition.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace anode::pipeline {
namespace {

bool is_slow(const Step& step) {
    return std::visit(
        [](const auto& s) {
            using S = std::decay_t<decltype(s)>;
            if constexpr (std::is_same_v<S, FilterStep>)
                return s.filter.slow();
            else if constexpr (std::is_same_v<S, MapStep>)
                return s.map.slow();
            else if constexpr (std::is_same_v<S, KeyStep>)
                return std::holds_alternative<Language>(s.key) && std::get<Language>(s.key).slow();
            else if constexpr (std::is_same_v<S, DedupeStep>)
                return std::ranges::any_of(s.by, &Language::slow);
            else if constexpr (std::is_same_v<S, WindowStep>)
                return (s.by && s.by->slow()) ||
                       std::ranges::any_of(s.fields,
                                           [](const Aggregate& a) { return a.of && a.of->slow(); });
            else if constexpr (std::is_same_v<S, RouteStep>)
                return std::ranges::any_of(
                    s.cases, [](const RouteCase& c) { return c.match && c.match->slow(); });
            else
                return false;
        },
        step);
}

/// `alerts.big.{tokens[2]}` → `alerts.big.*`.
std::string pattern_of(const source::Template& topic) {
    std::string text;
    for (const auto& part : topic.parts()) {
        if (part.kind == source::Template::Part::Kind::Literal)
            text += part.text;
        else
            text += '\x01';
    }
    std::string pattern;
    for (const std::string_view token : text::split(text, '.')) {
        if (!pattern.empty()) pattern += '.';
        if (token.find('\x01') == std::string_view::npos)
            pattern.append(token);
        else
            pattern += '*';
    }
    return pattern;
}

bool overlap_tokens(const std::vector<std::string_view>& a, std::size_t i,
                    const std::vector<std::string_view>& b, std::size_t j) {
    if (i == a.size() || j == b.size()) return i == a.size() && j == b.size();
    if (a[i] == ">" || b[j] == ">") return true;
    if (a[i] != "*" && b[j] != "*" && a[i] != b[j]) return false;
    return overlap_tokens(a, i + 1, b, j + 1);
}

}  // namespace

bool overlap(std::string_view a, std::string_view b) {
    if (a.starts_with('$') != b.starts_with('$')) return false;
    return overlap_tokens(text::split(a, '.'), 0, text::split(b, '.'), 0);
}

std::string_view name_of(const Step& step) noexcept {
    constexpr std::string_view kNames[] = {"filter", "map",   "key",      "window",
                                           "dedupe", "limit", "conflate", "route"};
    return kNames[step.index()];
}

bool Definition::slow() const { return std::ranges::any_of(steps, is_slow); }

std::vector<std::string> Definition::outputs() const {
    std::vector<std::string> patterns;
    bool always_routed = false;
    for (const Step& step : steps) {
        const auto* route = std::get_if<RouteStep>(&step);
        if (route == nullptr) continue;
        always_routed = true;
        for (const RouteCase& one : route->cases) patterns.push_back(pattern_of(one.to));
    }
    if (!always_routed) patterns.push_back(pattern_of(output));
    return patterns;
}

}  // namespace anode::pipeline
