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
    node.reload(actor_of(request),
                [responder = std::move(responder)](Outcome<Bytes> outcome) mutable {
                    if (outcome)
                        send_from_node(std::move(responder), Response::json(std::move(*outcome)));
                    else
                        responder.problem(Problem::of(outcome.error()));
                });
}

}  // namespace

void add_config(Router& router, const Context& context) {
    router.add(Method::Get, "/v1/config", answering([context](Request&) {
                   const NodeControl& node = context->doors.node;
                   return Response::json(node.config());
               }),
               RunOn::Worker);
    router.add(Method::Post, "/v1/config:check", answering([context](Request& request) {
                   return check(context->doors.node, request);
               }),
               RunOn::Worker);
    router.add(
        Method::Post, "/v1/config:reload",
        [context](Request& request, Responder responder) {
            reload(context->doors.node, request, std::move(responder));
        },
        RunOn::Worker);
}

}  // namespace anode::api::rest
