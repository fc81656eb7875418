#include "api/routes.hpp"

#include "api/rest/forward.hpp"
#include "api/rest/rest.hpp"

namespace anode::api {

void add_rest_routes(Router& router, std::shared_ptr<const RouteContext> context) {
    Router rows;
    rest::add_health(rows, context);
    rest::add_metrics(rows, context);
    rest::add_about(rows, context);
    rest::add_cluster(rows, context);
    rest::add_nodes(rows, context);
    rest::add_objects(rows, context);
    rest::add_topics(rows, context);
    rest::add_history(rows, context);
    rest::add_last(rows, context);
    rest::add_purge(rows, context);
    rest::add_publish(rows, context);
    rest::add_hooks(rows, context);
    rest::add_timeline(rows, context);
    rest::add_alerts(rows, context);
    rest::add_debug(rows, context);
    rest::add_listeners(rows, context);
    rest::add_storage(rows, context);
    rest::add_mesh(rows, context);
    rest::add_gossip(rows, context);
    rest::add_gossip_keys(rows, context);
    rest::add_access(rows, context);
    rest::add_sessions(rows, context);
    rest::add_config(rows, context);
    rest::add_descriptions(rows, context);
    rest::add_view(rows, context);
    rest::add_pages(rows, context);
    for (const Route& row : rows.routes()) router.add(rest::with_forwarding(row, context));
}

}  // namespace anode::api
