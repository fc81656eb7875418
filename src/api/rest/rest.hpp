#pragma once

#include <memory>

#include "api/routes.hpp"

/// The families of resources, each adding its rows to the table. Used inside this folder only.
/// Source: interfaces, section 10.
namespace anode::api::rest {

using Context = std::shared_ptr<const RouteContext>;

void add_health(Router& router, const Context& context);
void add_metrics(Router& router, const Context& context);
void add_about(Router& router, const Context& context);
void add_cluster(Router& router, const Context& context);
void add_nodes(Router& router, const Context& context);
void add_objects(Router& router, const Context& context);
void add_topics(Router& router, const Context& context);
void add_history(Router& router, const Context& context);
void add_last(Router& router, const Context& context);
void add_purge(Router& router, const Context& context);
void add_publish(Router& router, const Context& context);
void add_hooks(Router& router, const Context& context);
void add_timeline(Router& router, const Context& context);
void add_alerts(Router& router, const Context& context);
void add_debug(Router& router, const Context& context);
void add_listeners(Router& router, const Context& context);
void add_storage(Router& router, const Context& context);
void add_mesh(Router& router, const Context& context);
void add_gossip(Router& router, const Context& context);
void add_gossip_keys(Router& router, const Context& context);
void add_access(Router& router, const Context& context);
void add_sessions(Router& router, const Context& context);
void add_config(Router& router, const Context& context);
void add_descriptions(Router& router, const Context& context);
void add_view(Router& router, const Context& context);
void add_pages(Router& router, const Context& context);

}  // namespace anode::api::rest
