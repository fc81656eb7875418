#include <algorithm>

#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

/// `/livez`, `/readyz`, `/healthz`. None does I/O. Source: interfaces, section 14.
namespace anode::api::rest {

namespace {

std::string_view worst(const std::vector<Check>& checks) {
    std::string_view status = "ok";
    for (const Check& check : checks) {
        if (check.status == "fail") return "fail";
        if (check.status == "warn") status = "warn";
    }
    return status;
}

Response spoken(std::string text) {
    Response response = Response::text(std::move(text));
    response.compressible = false;
    return response;
}

Answer live(const NodeControl& node) {
    for (const Check& check : node.health())
        if (check.name == "loops" && check.status == "fail")
            return refuse({503, "not-ready", check.detail, {}, 1000, {}});
    return spoken("live\n");
}

Answer ready(const NodeControl& node) {
    if (node.ready()) return spoken("ready\n");
    if (node.draining()) return refuse({503, "draining", "the node is draining", {}, 1000, {}});
    std::string why;
    for (const Check& check : node.health())
        if (check.status == "fail")
            why += (why.empty() ? "" : "; ") + check.name + ": " + check.detail;
    return refuse({503, "not-ready", why.empty() ? "the node is starting" : why, {}, 1000, {}});
}

Answer health(const Request& request, const NodeControl& node) {
    const std::vector<Check> checks = node.health();
    const std::string_view status = worst(checks);
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("status", status);
    if (request.flag("verbose")) {
        if (!request.caller.authenticated) {
            Problem problem{401, "unauthenticated", "verbose needs a token", {}, {}, {}};
            problem.headers.emplace_back("WWW-Authenticate", "Bearer");
            return refuse(std::move(problem));
        }
        if (!request.caller.may(Role::Viewer))
            return refuse(Problem::forbidden("verbose needs the role V"));
        out.member("ready", node.ready()).key("checks").begin_array();
        for (const Check& check : checks) {
            out.begin_object().member("name", check.name).member("status", check.status);
            out.member("detail", check.detail).member("since", text::rfc3339(check.since));
            out.end_object();
        }
        out.end_array();
    }
    out.end_object();
    return Response::json(std::move(json), status == "fail" ? 503 : 200);
}

Handler speaking(std::function<Answer(Request&)> ask) {
    return [ask = std::move(ask)](Request& request, Responder responder) {
        Answer answer = ask(request);
        if (answer)
            responder.send(std::move(*answer));
        else
            responder.problem(std::move(answer.error()));
    };
}

}  // namespace

void add_health(Router& router, const Context& context) {
    router.add(Method::Get, "/livez",
               speaking([context](Request&) { return live(context->doors.node); }));
    router.add(Method::Get, "/readyz",
               speaking([context](Request&) { return ready(context->doors.node); }));
    router.add(Method::Get, "/healthz", answering([context](Request& request) {
                   return health(request, context->doors.node);
               }));
}

}  // namespace anode::api::rest
