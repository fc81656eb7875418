#pragma once

#include "api/forward_door.hpp"
#include "api/http/server.hpp"
#include "api/rest/rest.hpp"

/// Requests that mean another node, in one place for all rows: a row that knows the parameter `node`, and a verb of
/// `/v1/nodes/{id}`, is answered by the node that is meant.
///   `?node=<id or name>`  that node's answer, as it gave it
///   `?node=all`           reads only: one item per node that lives, `failed` names the others
/// Loops:  a request that came from another node is answered here, whatever it names.
/// Errors: 404 for a stranger, 502 `peer-failed` and 504 `peer-timeout` with the node's id.
/// Source: interfaces, sections 9 and 10.
namespace anode::api::rest {

/// Whether a row's requests may go to another node, and may come from one.
[[nodiscard]] bool goes_to_nodes(const Route& row);
/// The row, its handler behind the choice of node. Others come back as they are.
[[nodiscard]] Route with_forwarding(Route row, const Context& context);

/// Carries out what another node has let through: the same rows, that caller. Rows that stay where they are asked are refused.
void serve_forwarded(Server& server, ForwardedRequest request, Reply<ForwardedAnswer> reply);

}  // namespace anode::api::rest
