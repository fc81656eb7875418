#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"

namespace anode::api::rest {

namespace {

constexpr std::string_view kOpenMetrics = "application/openmetrics-text";

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

}  // namespace

void add_metrics(Router& router, const Context& context) {
    router.add({.method = Method::Get,
                .pattern = "/metrics",
                .role = Role::Viewer,
                .handler =
                    [context](Request& request, Responder responder) {
                        responder.send(exposition(request, context->doors.metrics));
                    },
                .run_on = RunOn::Worker,
                .summary = "Metrics as Prometheus text, or as OpenMetrics by Accept"});
}

}  // namespace anode::api::rest
