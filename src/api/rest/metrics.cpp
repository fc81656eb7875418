#include <mutex>

#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// `/metrics`: role V, or everybody with `metrics.public`. Source: interfaces, sections 10 and 14.
namespace anode::api::rest {

namespace {

constexpr std::string_view kOpenMetrics = "application/openmetrics-text";

/// Whether the configuration lets everybody read metrics; looked up anew every ten seconds.
/// Thread: any.
class PublicMetrics {
public:
    explicit PublicMetrics(const NodeControl& node) : node_(node) {}

    bool allowed() {
        const std::lock_guard lock(mutex_);
        const Instant now = monotonic_now();
        if (!known_ || now - read_at_ > 10s) {
            allowed_ = read();
            known_ = true;
            read_at_ = now;
        }
        return allowed_;
    }

private:
    [[nodiscard]] bool read() const {
        const Bytes config = node_.config();
        json::Document document;
        if (!document.parse(config)) return false;
        const json::Value items = document.root()["items"];
        for (json::Value item = items.first(); item; item = item.next_in(items))
            if (item["key"].equals("metrics.public"))
                return item["value"].boolean().value_or(false);
        return false;
    }

    const NodeControl& node_;
    std::mutex mutex_;
    bool known_ = false, allowed_ = false;
    Instant read_at_{};
};

Response exposition(const Request& request, const metrics::Registry& registry) {
    Response response;
    if (request.accepts_by_name(kOpenMetrics)) {
        response.body = registry.openmetrics();
        response.content_type = std::string(kOpenMetrics) + "; version=1.0.0; charset=utf-8";
    } else {
        response.body = registry.prometheus();
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    }
    return response;
}

void show(const RouteContext& context, PublicMetrics& open, const Request& request,
          Responder responder) {
    if (!request.caller.may(Role::Viewer) && !open.allowed()) {
        if (request.caller.authenticated)
            return responder.problem(Problem::forbidden("the role V is needed"));
        Problem problem{401, "unauthenticated", "a token is needed", {}, {}, {}};
        problem.headers.emplace_back("WWW-Authenticate", "Bearer");
        return responder.problem(std::move(problem));
    }
    const bool plain = request.accepts("text/plain");
    if (!plain && !request.accepts(kOpenMetrics))
        return responder.problem(
            {406, "not-acceptable", "the answer is text/plain or OpenMetrics", {}, {}, {}});
    responder.send(exposition(request, context.doors.metrics));
}

}  // namespace

void add_metrics(Router& router, const Context& context) {
    const auto open = std::make_shared<PublicMetrics>(context->doors.node);
    router.add(
        Method::Get, "/metrics",
        [context, open](Request& request, Responder responder) {
            show(*context, *open, request, std::move(responder));
        },
        RunOn::Worker);
}

}  // namespace anode::api::rest
