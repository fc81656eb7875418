#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "core/json/json.hpp"

/// `/v1/mesh`: what a node that exchanges messages with nobody can truthfully say.
namespace anode::api::rest {

namespace {

Bytes mesh_json(const NodeFacts& facts) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("node", facts.id_text).member("state", "alone");
    out.key("peers").begin_array().end_array();
    out.key("links").begin_object().member("eager", 0).member("lazy", 0).end_object().end_object();
    return json;
}

}  // namespace

void add_mesh(Router& router, const Context& context) {
    router.add({.method = Method::Get,
                .pattern = "/v1/mesh",
                .role = Role::Viewer,
                .handler = answering([context](Request& request) {
                    const NodeFacts& facts = context->doors.node.facts();
                    return node_scoped(request, facts, mesh_json(facts));
                }),
                .summary = "Links to other nodes",
                .args = {"node"}});
}

}  // namespace anode::api::rest
