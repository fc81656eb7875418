#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/message/topic.hpp"
#include "core/pipeline/language.hpp"
#include "core/pipeline/pipeline.hpp"
#include "core/source/template.hpp"
#include "core/source/values.hpp"

/// A pipeline, parsed and compiled. Members bear the names of the keys.
namespace anode::pipeline {

struct FilterStep {
    Language filter;
};
struct MapStep {
    Language map;
};
/// Sets the key: an expression over the envelope, or a template over the payload's fields.
struct KeyStep {
    std::variant<Language, source::Template> key;
};

/// What a window tells of its messages.
struct Aggregate {
    enum class Kind : std::uint8_t { Count, Sum, Min, Max, Mean, Last } kind = Kind::Count;
    std::string name;            ///< member of the output
    std::optional<Language> of;  ///< the number, or for Last any value; Count needs none
};
struct WindowStep {
    Duration size{};
    Duration slide{};            ///< equal to size: tumbling
    std::optional<Language> by;  ///< group; the key without it
    std::vector<Aggregate> fields;
};
struct DedupeStep {
    std::vector<Language> by;
    Duration keep = 10min;
    std::uint64_t max = 1'000'000;
};
struct LimitStep {
    source::Rate rate;
};
/// The newest message of each (topic, key), every so often.
struct ConflateStep {
    Duration every{};
};
struct RouteCase {
    std::optional<Language> match;  ///< none: always
    source::Template to;
};
struct RouteStep {
    std::vector<RouteCase> cases;  ///< first match wins; none: the message ends here
};

using Step = std::variant<FilterStep, MapStep, KeyStep, WindowStep, DedupeStep, LimitStep,
                          ConflateStep, RouteStep>;
std::string_view name_of(const Step& step) noexcept;

struct Definition {
    std::string name;
    bool enabled = true;
    std::string description;
    PatternSet input;
    source::Template output;
    std::vector<Step> steps;

    [[nodiscard]] bool slow() const;
    /// Patterns of the topics it may write: every token that is filled in counts as `*`.
    [[nodiscard]] std::vector<std::string> outputs() const;
};

/// Whether some topic matches both patterns.
bool overlap(std::string_view a, std::string_view b);

}  // namespace anode::pipeline
