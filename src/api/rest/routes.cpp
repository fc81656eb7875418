#include "api/routes.hpp"

#include "api/rest/rest.hpp"

namespace anode::api {

void add_rest_routes(Router& router, std::shared_ptr<const RouteContext> context) {
    rest::add_health(router, context);
    rest::add_metrics(router, context);
    rest::add_about(router, context);
    rest::add_cluster(router, context);
    rest::add_nodes(router, context);
    rest::add_objects(router, context);
    rest::add_topics(router, context);
    rest::add_history(router, context);
    rest::add_last(router, context);
    rest::add_purge(router, context);
    rest::add_publish(router, context);
    rest::add_hooks(router, context);
    rest::add_timeline(router, context);
    rest::add_listeners(router, context);
    rest::add_storage(router, context);
    rest::add_mesh(router, context);
    rest::add_gossip(router, context);
    rest::add_gossip_keys(router, context);
    rest::add_access(router, context);
    rest::add_config(router, context);
    rest::add_descriptions(router, context);
    rest::add_pages(router, context);
}

}  // namespace anode::api
