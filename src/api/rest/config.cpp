#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"

/// `/v1/config`, `:check`, `:reload`.
namespace anode::api::rest {

namespace {

Answer check(NodeControl& node, const Request& request) {
    const std::string& type = request.content_type;
    if (type == "application/json" || type == "application/xml")
        return refuse(Problem::media_type("the body is TOML: application/toml"));
    auto checked = node.check_config(request.body);
    if (!checked) return refuse(Problem::of(checked.error()));
    return Response::json(std::move(*checked));
}

void reload(NodeControl& node, const Request& request, Responder responder) {
    if (refused_form(request, responder)) return;
    node.reload(request.caller.name,
                [responder = std::move(responder)](Outcome<Bytes> outcome) mutable {
                    if (outcome)
                        send_from_node(std::move(responder), Response::json(std::move(*outcome)));
                    else
                        responder.problem(Problem::of(outcome.error()));
                });
}

}  // namespace

void add_config(Router& router, const Context& context) {
    router.add({.method = Method::Get,
                .pattern = "/v1/config",
                .role = Role::Admin,
                .handler = answering([context](Request&) {
                    const NodeControl& node = context->doors.node;
                    return Response::json(node.config());
                }),
                .run_on = RunOn::Worker,
                .summary = "Effective values with their origin, secrets redacted",
                .args = {"node"}});
    router.add({.method = Method::Post,
                .pattern = "/v1/config:check",
                .role = Role::Admin,
                .handler = answering(
                    [context](Request& request) { return check(context->doors.node, request); }),
                .run_on = RunOn::Worker,
                .summary = "Check a configuration (TOML) without applying it"});
    router.add({.method = Method::Post,
                .pattern = "/v1/config:reload",
                .role = Role::Admin,
                .handler =
                    [context](Request& request, Responder responder) {
                        reload(context->doors.node, request, std::move(responder));
                    },
                .run_on = RunOn::Worker,
                .summary = "Read the configuration files again; all or nothing"});
}

}  // namespace anode::api::rest
