#include "api/table/parameters.hpp"

/// Rows about the node itself: health, metrics, build, descriptions, pages.
namespace anode::api::table {

using namespace parameter;

namespace {

constexpr std::string_view kJson = "application/json";

Operation page(std::string_view path, std::string_view media_type, std::string_view summary) {
    return {.path = path,
            .role = Role::None,
            .summary = summary,
            .any_parameters = true,
            .headers = {"If-None-Match"},
            .answers = {{200, media_type, "Text", "The page"}, {304, "", "", "Not changed"}}};
}

}  // namespace

void add_node(std::vector<Operation>& rows) {
    rows.push_back({.path = "/livez",
                    .role = Role::None,
                    .summary = "200 while every event loop ticks",
                    .answers = {{200, "text/plain", "Text", "`live`"}},
                    .problems = {"not-ready"}});
    rows.push_back({.path = "/readyz",
                    .role = Role::None,
                    .summary = "200 while the node takes traffic",
                    .answers = {{200, "text/plain", "Text", "`ready`"}},
                    .problems = {"not-ready", "draining"}});
    rows.push_back({.path = "/healthz",
                    .role = Role::None,
                    .summary = "All checks of the node",
                    .text = "With `verbose`, each check by itself: that needs the role V.",
                    .parameters = {{.name = "verbose", .text = "Show each check", .is = Is::Flag}},
                    .answers = {{200, kJson, "Health", "No check fails"},
                                {503, kJson, "Health", "A check fails"}},
                    .problems = {"forbidden"},
                    .example = "/healthz?verbose"});
    rows.push_back({.path = "/metrics",
                    .role = Role::None,
                    .summary = "Metrics as Prometheus text, or as OpenMetrics by Accept",
                    .text = "The role V, or with `metrics.public = true` everybody.",
                    .answers = {{200, "text/plain", "Text", "Prometheus, format 0.0.4"},
                                {200, "application/openmetrics-text", "Text", "OpenMetrics 1.0"}},
                    .problems = {"forbidden"}});
    rows.push_back({.path = "/v1/version",
                    .role = Role::None,
                    .summary = "Build, protocol and disk versions, features",
                    .answers = {{200, kJson, "Version", "The build"}},
                    .example = "/v1/version"});
    rows.push_back({.path = "/v1/whoami",
                    .role = Role::Any,
                    .summary = "Roles, patterns and expiry of the caller",
                    .answers = {{200, kJson, "Whoami", "The caller"}},
                    .example = "/v1/whoami"});
    for (const std::string_view path : {"/openapi.json", "/v1/openapi.json"})
        rows.push_back(
            {.path = path,
             .role = Role::None,
             .summary = "What can be asked, as OpenAPI 3.1",
             .headers = {"If-None-Match"},
             .answers = {{200, kJson, "Any", "The document"}, {304, "", "", "Not changed"}}});
    for (const std::string_view path : {"/asyncapi.json", "/v1/asyncapi.json"})
        rows.push_back(
            {.path = path,
             .role = Role::None,
             .summary = "What flows, as AsyncAPI 3.0",
             .headers = {"If-None-Match"},
             .answers = {{200, kJson, "Any", "The document"}, {304, "", "", "Not changed"}}});
    rows.push_back(page("/", "text/html", "The dashboard: what a person who runs this looks at"));
    rows.push_back(page("/ui", "text/html", "The dashboard"));
    rows.push_back(page("/ui/{path*}", "*/*", "The dashboard's files, and each of its views"));
}

}  // namespace anode::api::table
