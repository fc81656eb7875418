#pragma once

#include <optional>

#include "api/rest/answer.hpp"
#include "api/state_door.hpp"

/// `?wait=cluster&timeout=5s`: a write is answered once all live nodes have it. Source: interfaces, section 9.
namespace anode::api::rest {

/// How long the cluster is waited for: none if it was not asked for. 1 ms to 60 s; 5 s if nothing is said.
Read<std::optional<Duration>> read_wait(const Request& request);

/// Sends the answer to a write: at once, or when all have it; with 200 and `"pending":["n-…"]` if some did not in time. The
/// write holds in any case.
void send_settled(ClusterState* state, std::optional<Duration> wait, Responder responder,
                  Response response);

/// A handler of a write that may wait for the cluster; a dry run does not.
Handler settling(ClusterState* state, std::function<Answer(Request&)> ask);

}  // namespace anode::api::rest
