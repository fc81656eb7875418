#include "api/http/router.hpp"

#include <algorithm>

#include "api/table/operation.hpp"
#include "base/assert.hpp"
#include "base/text.hpp"

namespace anode::api {

namespace {

/// Cuts the next segment off a path; the path begins behind its first slash.
std::string_view take_segment(std::string_view& rest, bool& more) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    more = slash != std::string_view::npos;
    rest = more ? rest.substr(slash + 1) : std::string_view{};
    return segment;
}

/// The row of the table that says all that this one does.
const Operation* described(const Route& route) {
    const Operation* operation = find_operation(route.method, route.pattern);
    if (operation == nullptr || operation->role != route.role) return nullptr;
    for (const std::string& arg : route.args)
        if (arg != "*" && operation->parameter(arg) == nullptr) return nullptr;
    return operation;
}

}  // namespace

std::vector<Router::Segment> Router::parse(std::string_view pattern) {
    ANODE_ASSERT(pattern.starts_with('/'));
    std::vector<Segment> segments;
    std::string_view rest = pattern.substr(1);
    for (bool more = true; more;) {
        std::string_view text = take_segment(rest, more);
        Segment segment;
        const std::size_t close = text.find('}');
        const std::size_t colon =
            text.find(':', text.starts_with('{') && close != std::string_view::npos ? close : 0);
        if (colon != std::string_view::npos) {
            segment.verb = text.substr(colon + 1);
            text = text.substr(0, colon);
        }
        if (text.starts_with('{') && text.ends_with("*}")) {
            segment.is = Segment::Is::Rest;
            segment.text = text.substr(1, text.size() - 3);
        } else if (text.starts_with('{') && text.ends_with('}')) {
            segment.is = Segment::Is::One;
            segment.text = text.substr(1, text.size() - 2);
        } else {
            segment.text = text;
        }
        segments.push_back(std::move(segment));
    }
    return segments;
}

void Router::add(Method method, std::string_view pattern, Handler handler, RunOn run_on) {
    const Operation* operation = find_operation(method, pattern);
    ANODE_ASSERT(operation != nullptr);
    Route route;
    route.method = method;
    route.pattern = pattern;
    route.role = operation->role;
    route.handler = std::move(handler);
    route.run_on = run_on;
    route.summary = operation->summary;
    if (operation->any_parameters) route.args.emplace_back("*");
    for (const Parameter& parameter : operation->parameters)
        route.args.emplace_back(parameter.name);
    route.body_bytes_max = operation->body_bytes_max;
    add(std::move(route));
}

void Router::add(Route route) {
    if (route.operation == nullptr) route.operation = described(route);
    Row row{parse(route.pattern), {}};
    for (const Segment& segment : row.segments)
        row.rank.push_back(segment.is == Segment::Is::Literal ? 3
                           : segment.is == Segment::Is::Rest  ? 0
                           : segment.verb.empty()             ? 1
                                                              : 2);
    routes_.push_back(std::move(route));
    rows_.push_back(std::move(row));
}

bool Router::fits(const Row& row, std::string_view path,
                  std::vector<std::pair<std::string_view, std::string>>& params) {
    if (!path.starts_with('/')) return false;
    path.remove_prefix(1);
    bool more = true;
    for (const Segment& expected : row.segments) {
        if (!more) return false;
        if (expected.is == Segment::Is::Rest) {
            params.emplace_back(expected.text, std::string(path));
            return true;
        }
        std::string_view found = take_segment(path, more);
        if (!expected.verb.empty()) {
            const std::size_t colon = found.rfind(':');
            if (colon == std::string_view::npos || found.substr(colon + 1) != expected.verb)
                return false;
            found = found.substr(0, colon);
        } else if (expected.is == Segment::Is::One && found.find(':') != std::string_view::npos) {
            return false;
        }
        if (expected.is == Segment::Is::Literal) {
            if (found != expected.text) return false;
        } else {
            if (found.empty()) return false;
            params.emplace_back(expected.text, std::string(found));
        }
    }
    return !more;
}

Router::Match Router::find(Method method, std::string_view path) const {
    Match match;
    const std::vector<int>* best = nullptr;
    const Method wanted = method == Method::Head ? Method::Get : method;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        std::vector<std::pair<std::string_view, std::string>> params;
        if (!fits(rows_[i], path, params)) continue;
        if (routes_[i].method != wanted) {
            if (std::ranges::find(match.allowed, routes_[i].method) == match.allowed.end())
                match.allowed.push_back(routes_[i].method);
            continue;
        }
        if (best && !(rows_[i].rank > *best)) continue;
        best = &rows_[i].rank;
        match.route = &routes_[i];
        match.params = std::move(params);
    }
    if (match.route) match.allowed.clear();
    return match;
}

std::string Router::allow(const Match& match) {
    std::vector<Method> methods = match.allowed;
    std::ranges::sort(methods);
    std::string text;
    for (const Method method : methods) {
        text.append(text.empty() ? "" : ", ").append(name(method));
        if (method == Method::Get) text += ", HEAD";
    }
    return text + (text.empty() ? "OPTIONS" : ", OPTIONS");
}

}  // namespace anode::api
