// The part of a connection that finds out who asks.
#include "api/http/connection.hpp"
#include "base/text.hpp"

namespace anode::api {

namespace {

Problem forged(std::string detail) {
    return {403, "origin-refused", std::move(detail), {}, {}, {}};
}

bool is_get(const Request& request) {
    return request.method == Method::Get || request.method == Method::Head;
}

}  // namespace

std::optional<Problem> Connection::identify(Request& request) {
    if (unix_socket_) {
        request.caller = Caller::administrator(unix_name_);
        return std::nullopt;
    }
    auto caller = parts_.auth.identify(request);
    // A wrong credential is told even where none is needed: a WebSocket would go on without it.
    if (!caller && (route_->role != Role::None || request.header("authorization")))
        return std::move(caller.error());
    if (!caller) return std::nullopt;
    request.caller = std::move(*caller);
    return request.caller.by_cookie ? cookie_misused(request) : std::nullopt;
}

/// A cookie is sent by a browser whoever asks it to: only pages of this node may have it do so.
std::optional<Problem> Connection::cookie_misused(const Request& request) const {
    const auto site = request.header("sec-fetch-site");
    const bool ours = site && *site == "same-origin";
    const bool typed = site && *site == "none" && is_get(request) && !origin_matters(request);
    if (site && !ours && !typed)
        return forged("a session is good for pages of this node only, not from elsewhere");
    if (const auto origin = request.header("origin")) {
        const auto host = request.header("host").value_or("");
        if (parts_.origins.own(*origin, host, request.secure)) return std::nullopt;
        return forged("a session is good for pages of this node only");
    }
    if (!origin_matters(request)) return std::nullopt;
    // An EventSource of our own page sends no Origin, but says where it is from.
    if (ours && is_get(request) && !request.header("upgrade")) return std::nullopt;
    return forged("a request with a session needs an Origin");
}

/// A client that spoke in clear to a port of TLS: where to go, unless it has shown a secret already.
std::optional<Problem> Connection::speaks_tls(const Exchange& exchange) {
    const Request& request = exchange.request;
    close_after_ = true;
    Problem problem = Problem::bad_request("this port speaks TLS: use https or wss");
    const bool told_secret = request.header("authorization") || request.header("cookie") ||
                             request.arg("token") || request.arg("ticket");
    if (told_secret || !is_get(request) || request.header("upgrade")) return problem;
    problem.status = 308;
    problem.headers.emplace_back("Location", "https://" + std::string(*request.header("host")) +
                                                 std::string(request.target));
    return problem;
}

}  // namespace anode::api
