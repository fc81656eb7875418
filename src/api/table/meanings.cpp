#include "api/table/meanings.hpp"

#include <cstdint>

#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api {

using Is = Parameter::Is;

std::vector<std::string_view> path_parts(std::string_view path) {
    std::vector<std::string_view> names;
    for (std::size_t open = path.find('{'); open != std::string_view::npos;
         open = path.find('{', open + 1))
        names.push_back(path.substr(open + 1, path.find_first_of("*}", open) - open - 1));
    return names;
}

Bytes schema_of(const Parameter& parameter) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    switch (parameter.is) {
        case Is::Integer:
            out.member("type", "integer");
            if (parameter.min != INT64_MIN) out.member("minimum", parameter.min);
            if (parameter.max > 0) out.member("maximum", parameter.max);
            break;
        case Is::Flag:
            out.member("type", "boolean");
            break;
        case Is::Word:
            out.member("type", "string").key("enum").begin_array();
            for (const std::string_view word : text::split(parameter.words, '|')) out.value(word);
            out.end_array();
            break;
        case Is::Milliseconds:
            out.member("type", "integer").member("minimum", 0).member("maximum", 10'000);
            break;
        case Is::Duration:
            out.member("type", "string").member("pattern", "^([0-9]{1,6}(ns|us|ms|s|m|h|d)|0)$");
            break;
        case Is::Patterns:
            out.member("type", "string").member("minLength", 1).member("maxLength", 8192);
            break;
        case Is::Time:
        case Is::Start:
            out.member("type", "string").member("maxLength", kPositionBytesMax);
            break;
        case Is::Text:
            out.member("type", "string")
                .member("maxLength", parameter.max > 0 ? parameter.max : 8192);
            break;
    }
    out.end_object();
    return json;
}

namespace {

std::string bounds(const Parameter& parameter) {
    if (parameter.min == INT64_MIN) return "integer";
    std::string text = "integer from " + std::to_string(parameter.min);
    if (parameter.max > 0) text += " to " + std::to_string(parameter.max);
    return text;
}

}  // namespace

std::string type_of(const Parameter& parameter) {
    switch (parameter.is) {
        case Is::Integer:
            return bounds(parameter);
        case Is::Flag:
            return "flag";
        case Is::Word: {
            std::string words;
            for (const std::string_view word : text::split(parameter.words, '|'))
                words.append(words.empty() ? "`" : ", `").append(word).append("`");
            return words;
        }
        case Is::Milliseconds:
            return "milliseconds";
        case Is::Duration:
            return "duration";
        case Is::Time:
            return "time";
        case Is::Start:
            return "position";
        case Is::Patterns:
            return "patterns";
        case Is::Text:
            return parameter.max > 0 ? "text up to " + std::to_string(parameter.max) + " bytes"
                                     : "text";
    }
    return "text";
}

}  // namespace anode::api
