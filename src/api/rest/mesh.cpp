#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "core/json/json.hpp"

/// `/v1/mesh`, `/v1/gossip`: what a node that is alone can truthfully say.
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

Bytes gossip_json(const NodeFacts& facts) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("node", facts.id_text).member("cluster", facts.cluster);
    out.member("state", "alone").member("health_score", 0).member("encrypted", false);
    out.key("members").begin_array().begin_object().member("id", facts.id_text);
    out.member("name", facts.name).member("zone", facts.zone).member("state", "alive");
    out.end_object().end_array().end_object();
    return json;
}

Bytes keys_json(const NodeFacts& facts) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("node", facts.id_text);
    out.key("items").begin_array().end_array().key("next").null().end_object();
    return json;
}

void add(Router& router, const Context& context, std::string pattern, Role role,
         std::string summary, Bytes (*document)(const NodeFacts&)) {
    router.add({.method = Method::Get,
                .pattern = std::move(pattern),
                .role = role,
                .handler = answering([context, document](Request& request) {
                    const NodeFacts& facts = context->doors.node.facts();
                    return node_scoped(request, facts, document(facts));
                }),
                .summary = std::move(summary),
                .args = {"node"}});
}

}  // namespace

void add_mesh(Router& router, const Context& context) {
    add(router, context, "/v1/mesh", Role::Viewer, "Links to other nodes", mesh_json);
    add(router, context, "/v1/gossip", Role::Viewer, "Membership as this node sees it",
        gossip_json);
    add(router, context, "/v1/gossip/keys", Role::Admin, "Fingerprints of the gossip keys",
        keys_json);
}

}  // namespace anode::api::rest
