#include <algorithm>

#include "api/table/operation.hpp"
#include "base/text.hpp"

namespace anode::api {

namespace {

constexpr std::size_t kTextBytesMax = 8192;

Problem wrong_value(std::string_view name, std::string detail) {
    Problem problem = Problem::invalid(std::string(name) + ": " + detail);
    problem.errors.push_back({"/" + std::string(name), "invalid", std::move(detail)});
    return problem;
}

/// The request as such is malformed: its query, not a value in it.
Problem wrong_name(const std::string& name, std::string_view code, std::string detail) {
    Problem problem = Problem::bad_request(detail + ": " + text::printable(name));
    problem.errors.push_back({"?" + name, std::string(code), std::move(detail)});
    return problem;
}

bool is_word(std::string_view words, std::string_view value) {
    const auto known = text::split(words, '|');
    return std::ranges::find(known, value) != known.end();
}

std::string choices(std::string_view words) {
    std::string text;
    for (const std::string_view word : text::split(words, '|'))
        text.append(text.empty() ? "" : ", ").append(word);
    return text + (words.find('|') == std::string_view::npos ? " is expected" : " are known");
}

bool is_flag(std::string_view value) { return value.empty() || is_word("1|true|0|false", value); }

bool is_integer(const Parameter& parameter, std::string_view value) {
    const auto number = text::parse_i64(value);
    return number && *number >= parameter.min && (parameter.max == 0 || *number <= parameter.max);
}

/// A bare number, or a duration.
bool is_milliseconds(std::string_view value) {
    if (const auto number = text::parse_u64(value)) return *number <= 10'000;
    const auto time = text::parse_duration(value);
    return time && *time <= 10s;
}

std::string bounds(const Parameter& parameter) {
    std::string text = "a whole number from " + std::to_string(parameter.min);
    if (parameter.max > 0) text += " to " + std::to_string(parameter.max);
    return text + " is expected";
}

/// What the value ought to be, if it is not. Times, positions and patterns are left to those who read them: their codes are
/// more exact.
std::optional<std::string> complaint(const Parameter& parameter, std::string_view value) {
    using Is = Parameter::Is;
    const auto bytes_max =
        static_cast<std::size_t>(parameter.max > 0 ? parameter.max : kTextBytesMax);
    switch (parameter.is) {
        case Is::Word:
            if (!is_word(parameter.words, value)) return choices(parameter.words);
            break;
        case Is::Flag:
            if (!is_flag(value)) return "1, true, 0, false or nothing is expected";
            break;
        case Is::Integer:
            if (!is_integer(parameter, value)) return bounds(parameter);
            break;
        case Is::Duration:
            if (!text::parse_duration(value))
                return "a duration such as 250ms, 5s or 2h is expected";
            break;
        case Is::Text:
            if (value.size() > bytes_max)
                return "has at most " + std::to_string(bytes_max) + " bytes";
            if (!text::is_utf8(value)) return "is no UTF-8";
            break;
        case Is::Milliseconds:
            if (!is_milliseconds(value)) return "0 to 10000 milliseconds are expected";
            break;
        case Is::Time:
        case Is::Start:
            if (value.size() > kPositionBytesMax) return "is too long for a time or a cursor";
            break;
        case Is::Patterns:
            break;
    }
    return std::nullopt;
}

}  // namespace

std::optional<Problem> wrong_query(const Operation& operation, const Request& request) {
    for (auto at = request.query.begin(); at != request.query.end(); ++at) {
        const auto& [name, value] = *at;
        if (name == "token" || name == "ticket" || operation.any_parameters) continue;
        const Parameter* parameter = operation.parameter(name);
        if (parameter == nullptr) return wrong_name(name, "unknown", "unknown parameter");
        const bool again = std::any_of(request.query.begin(), at,
                                       [&](const auto& earlier) { return earlier.first == name; });
        if (again) return wrong_name(name, "repeated", "a parameter is given once");
        if (auto detail = complaint(*parameter, value))
            return wrong_value(name, std::move(*detail));
    }
    for (const Parameter& parameter : operation.parameters)
        if (parameter.required && parameter.is != Parameter::Is::Patterns &&
            !request.arg(parameter.name))
            return wrong_value(parameter.name, "is required");
    return std::nullopt;
}

}  // namespace anode::api
