// The part of a connection that judges a request head before its body is read.
#include <sys/random.h>

#include <algorithm>

#include "api/http/connection.hpp"
#include "api/http/rates.hpp"
#include "api/table/operation.hpp"
#include "base/text.hpp"

namespace anode::api {

namespace {

bool is_request_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
}

std::string fresh_request_id() {
    char raw[6];
    [[maybe_unused]] const auto got = ::getrandom(raw, sizeof raw, 0);
    return "req-" + text::hex(BytesView(raw, sizeof raw));
}

/// What is wrong with the topic of `/v1/topics/{topic}…`, which no route could tell: a topic with a slash or a colon
/// would look like another path.
std::optional<Problem> bad_topic_of(const std::vector<std::string>& segments) {
    if (segments.size() < 3 || segments[0] != "v1" || segments[1] != "topics") return std::nullopt;
    const auto good = check_topic(segments[2], true);
    if (good) return std::nullopt;
    return Problem::bad_topic(good.error().what);
}

/// Joins decoded segments; nothing if one of them could lead somewhere else when joined.
std::optional<std::string> joined_path(const std::vector<std::string>& segments) {
    std::string path;
    for (const std::string& segment : segments) {
        if (segment == "." || segment == "..") return std::nullopt;
        if (segment.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
            return std::nullopt;
        path += '/';
        path += segment;
    }
    return path.empty() ? "/" : path;
}

/// Of a row that no table describes.
std::optional<Problem> unknown_parameter(const Route& route, const Request& request) {
    for (const auto& [key, value] : request.query) {
        if (key == "token" || key == "ticket" || (!route.args.empty() && route.args[0] == "*"))
            continue;
        if (std::ranges::find(route.args, key) != route.args.end()) continue;
        Problem problem = Problem::bad_request("unknown parameter: " + text::printable(key));
        problem.errors.push_back({"?" + key, "unknown", "not a parameter of this path"});
        return problem;
    }
    return std::nullopt;
}

std::string media_type_of(std::string_view content_type) {
    return text::lower(text::trim(content_type.substr(0, content_type.find(';'))));
}

}  // namespace

/// Fills in the request and says why it cannot be served, if so.
std::optional<Problem> Connection::refusal_of(Exchange& exchange) {
    const http::RequestHead& head = exchange.head;
    Request& request = exchange.request;
    request.head = &head;
    request.target = head.target;
    request.peer = peer_;
    request.secure = socket_.secure();
    request.certificate = socket_.peer();
    request.received = loop_->now().wall;
    for (const http::Header& header : head.headers.all())
        request.headers.emplace_back(header.name, header.value);
    request.query = head.parameters;
    request.content_type = media_type_of(head.headers.get("content-type"));
    const auto asked_id = head.headers.find("x-request-id");
    request.id = asked_id && is_request_id(*asked_id) ? std::string(*asked_id) : fresh_request_id();

    parts_.proxies.apply(request);

    const auto method = parse_method(head.method);
    if (!method) {
        Problem problem{405, "method", "unknown method", {}, {}, {}};
        if (const auto known = joined_path(head.segments))
            problem.headers.emplace_back(
                "Allow", Router::allow(parts_.router.find(Method::Options, *known)));
        if (head.method == "CONNECT" || head.method == "TRACE") close_after_ = true;
        return problem;
    }
    request.method = *method;
    if (!head.target.starts_with('/') && !(head.target == "*" && *method == Method::Options)) {
        close_after_ = true;
        return Problem::bad_request("the target must be a path");
    }
    const std::string_view host = head.headers.get("host");
    if (!unix_socket_ && !(head.minor_version == 0 && host.empty()) &&
        !parts_.origins.knows_host(host, local_)) {
        close_after_ = true;
        if (!host_of(host)) return Problem::bad_request("Host is no valid name");
        return Problem{421, "bad-request", "Host is not a name of this node", {}, {}, {}};
    }
    if (socket_.misdirected()) return speaks_tls(exchange);
    const auto path =
        head.target == "*" ? std::optional<std::string>("/") : joined_path(head.segments);
    if (auto problem = bad_topic_of(head.segments)) return problem;
    if (!path) return Problem::bad_request("the path holds a segment that is not allowed");
    request.path = *path;

    const auto origin = request.header("origin");
    if (origin && origin_matters(request) && !parts_.origins.admits(*origin, host, request.secure))
        return Problem{403, "origin-refused", "this web page may not use the node", {}, {}, {}};

    Router::Match match = parts_.router.find(request.method, request.path);
    if (request.method == Method::Options && !match.route) return preflight(exchange, match);
    if (!match.route && match.allowed.empty()) return Problem::not_found("no such path");
    if (!match.route) {
        Problem problem{405, "method", "the path knows other methods", {}, {}, {}};
        problem.headers.emplace_back("Allow", Router::allow(match));
        return problem;
    }
    route_ = match.route;
    request.route = route_->pattern;
    request.params = std::move(match.params);

    if (auto problem = identify(request)) return problem;
    if (!request.caller.may(route_->role)) {
        if (request.caller.authenticated) return Problem::forbidden("the role does not allow this");
        Problem problem{401, "unauthenticated", "a token is needed", {}, {}, {}};
        problem.headers.emplace_back("WWW-Authenticate", "Bearer");
        return problem;
    }
    if (auto problem = too_fast(exchange)) return problem;
    if (route_->operation) return wrong_query(*route_->operation, request);
    return unknown_parameter(*route_, request);
}

/// Counts the request against its caller, and has the answer say what is left.
/// Source: draft-ietf-httpapi-ratelimit-headers; interfaces, sections 9 and 16.
std::optional<Problem> Connection::too_fast(Exchange& exchange) {
    const Request& request = exchange.request;
    const bool probe = request.route == "/livez" || request.route == "/readyz";
    if (parts_.rates == nullptr || peer_ == "unix" || probe) return std::nullopt;
    const std::string who = rate_key(request.caller, request.peer);
    const auto count = [&](RateLimits::What what, std::string_view name) -> std::optional<Problem> {
        const auto verdict = parts_.rates->take(what, who, 1, loop_->now().mono);
        if (!verdict.limited) return std::nullopt;
        exchange.rate_policy = policy_text(name, verdict);
        exchange.rate = rate_text(name, verdict);
        if (verdict.admitted) return std::nullopt;
        return too_many(name, verdict.retry_after);
    };
    if (auto problem = count(RateLimits::What::Requests, "requests")) return problem;
    if (route_->operation == nullptr || !route_->operation->trial) return std::nullopt;
    return count(RateLimits::What::Trials, "trials");
}

/// OPTIONS: for listed origins what CORS asks, for everybody else the methods of the path.
std::optional<Problem> Connection::preflight(Exchange& exchange, const Router::Match& match) {
    if (match.allowed.empty() && exchange.request.path != "/")
        return Problem::not_found("no such path");
    Response response = Response::empty(204);
    const std::string allow = Router::allow(match);
    response.headers.emplace_back("Allow", allow);
    const auto origin = exchange.request.header("origin");
    if (origin && parts_.origins.listed(*origin)) {
        response.headers.emplace_back("Access-Control-Allow-Methods", allow);
        response.headers.emplace_back(
            "Access-Control-Allow-Headers",
            "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, "
            "X-Request-Id, traceparent");
        response.headers.emplace_back("Access-Control-Max-Age", "600");
    }
    exchange.body_unread = exchange.head.framing != http::Framing::None;
    state_ = State::Busy;
    exchange.send(std::move(response));
    return std::nullopt;
}

}  // namespace anode::api
