#include "api/http/request.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace anode::api {

namespace {

constexpr std::array<std::string_view, 7> kMethods{"GET",   "HEAD",   "POST",   "PUT",
                                                   "PATCH", "DELETE", "OPTIONS"};

std::uint8_t bit(Role role) { return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role)); }

/// The media ranges of an Accept header that are not refused by `q=0`.
std::vector<std::string> accepted_ranges(std::string_view accept) {
    std::vector<std::string> ranges;
    for (const std::string_view item : text::split(accept, ',')) {
        const auto parts = text::split(item, ';');
        bool refused = false;
        for (std::size_t i = 1; i < parts.size(); ++i) {
            const std::string parameter = text::lower(text::trim(parts[i]));
            refused |= parameter == "q=0" || parameter == "q=0.0" || parameter == "q=0.00" ||
                       parameter == "q=0.000";
        }
        if (!refused) ranges.push_back(text::lower(text::trim(parts[0])));
    }
    return ranges;
}

std::string_view unquoted(std::string_view tag) {
    tag = text::trim(tag);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"')
        tag = tag.substr(1, tag.size() - 2);
    return tag;
}

}  // namespace

std::string_view name(Method method) noexcept { return kMethods[static_cast<std::size_t>(method)]; }

std::optional<Method> parse_method(std::string_view text) noexcept {
    for (std::size_t i = 0; i < kMethods.size(); ++i)
        if (kMethods[i] == text) return static_cast<Method>(i);
    return std::nullopt;
}

bool Caller::may(Role role) const noexcept {
    if (role == Role::None) return true;
    if (!authenticated && roles == 0) return false;
    if (role == Role::Any || (roles & bit(Role::Admin)) != 0 || (roles & bit(role)) != 0)
        return true;
    const bool under_operator = role == Role::Viewer || role == Role::Subscriber;
    return under_operator && (roles & bit(Role::Operator)) != 0;
}

Caller Caller::administrator(std::string name) {
    Caller caller;
    caller.name = std::move(name);
    caller.authenticated = true;
    caller.roles = bit(Role::Admin);
    return caller;
}

std::optional<std::string_view> Request::header(std::string_view wanted) const noexcept {
    for (const auto& [key, value] : headers)
        if (key == wanted) return value;
    return std::nullopt;
}

std::string_view Request::param(std::string_view wanted) const noexcept {
    for (const auto& [key, value] : params)
        if (key == wanted) return value;
    return {};
}

std::optional<std::string_view> Request::arg(std::string_view wanted) const noexcept {
    for (const auto& [key, value] : query)
        if (key == wanted) return value;
    return std::nullopt;
}

bool Request::flag(std::string_view wanted) const noexcept {
    const auto value = arg(wanted);
    return value && (value->empty() || *value == "1" || *value == "true");
}

std::optional<std::string_view> Request::unknown_arg(
    std::initializer_list<std::string_view> known) const noexcept {
    for (const auto& [key, value] : query)
        if (std::find(known.begin(), known.end(), key) == known.end()) return key;
    return std::nullopt;
}

bool Request::accepts_by_name(std::string_view media_type) const noexcept {
    const auto accept = header("accept");
    if (!accept) return false;
    const auto ranges = accepted_ranges(*accept);
    return std::find(ranges.begin(), ranges.end(), media_type) != ranges.end();
}

bool Request::accepts(std::string_view media_type) const noexcept {
    const auto accept = header("accept");
    if (!accept) return true;
    const std::string family = std::string(media_type.substr(0, media_type.find('/'))) + "/*";
    for (const std::string& range : accepted_ranges(*accept))
        if (range == media_type || range == family || range == "*/*") return true;
    return false;
}

bool Request::none_match(std::string_view etag) const noexcept {
    const auto value = header("if-none-match");
    if (!value) return false;
    for (const std::string_view tag : text::split(*value, ','))
        if (text::trim(tag) == "*" || unquoted(tag) == etag) return true;
    return false;
}

std::optional<std::string> Request::if_match() const {
    const auto value = header("if-match");
    if (!value) return std::nullopt;
    return std::string(unquoted(*value));
}

}  // namespace anode::api
