#include "api/rest/answer.hpp"
#include "api/rest/openapi.hpp"
#include "api/rest/rest.hpp"

/// `/openapi.json` and `/asyncapi.json`, made from the table of routes when they are asked for.
namespace anode::api::rest {

void add_descriptions(Router& router, const Context& context) {
    router.add({.method = Method::Get,
                .pattern = "/openapi.json",
                .role = Role::None,
                .handler = answering([context](Request&) -> Answer {
                    return Response::json(openapi_json(context->router(),
                                                       context->doors.node.facts().version,
                                                       context->public_url));
                }),
                .run_on = RunOn::Worker,
                .summary = "What can be asked, as OpenAPI 3.1"});
    router.add({.method = Method::Get,
                .pattern = "/asyncapi.json",
                .role = Role::None,
                .handler = answering([context](Request&) -> Answer {
                    return Response::json(
                        asyncapi_json(context->doors.node.facts().version, context->public_url));
                }),
                .run_on = RunOn::Worker,
                .summary = "What flows, as AsyncAPI 3.0"});
}

}  // namespace anode::api::rest
