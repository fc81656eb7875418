#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/doors.hpp"
#include "api/http/router.hpp"
#include "api/http/server.hpp"

/// How families of paths reach the one table of routes.
namespace anode::api {

/// What is known of one connected listener, for `GET /v1/listeners`.
struct ListenerInfo {
    std::string id;         ///< `l-…`
    std::string transport;  ///< ws, sse, ndjson
    std::string address;
    std::string identity;
    std::vector<std::string> topics;
    std::string mode;  ///< all, latest, sample
    std::uint64_t queue_bytes = 0;
    std::uint64_t lag = 0;  ///< messages behind the head
    std::uint64_t sent = 0, skipped = 0, conflated = 0, gaps = 0;
    bool catching_up = false;
    WallTime since = 0;
};

/// All listeners of this node. Thread: any; may wait for the loops for some milliseconds, so call
/// it on a worker.
class Listeners {
public:
    virtual ~Listeners() = default;
    [[nodiscard]] virtual std::vector<ListenerInfo> snapshot() const = 0;
    /// Closes one. False if there is none of this id.
    virtual bool cut(std::string_view id) = 0;
};

/// What handlers stand on. Outlives the router.
struct RouteContext {
    Doors doors;
    Listeners& listeners;
    std::function<const Router&()> router;  ///< the finished table, for OpenAPI
    std::string public_url;
};

/// Adds the rows of everything that is asked and answered (src/api/rest/).
void add_rest_routes(Router& router, std::shared_ptr<const RouteContext> context);

/// The credentials of this node (src/api/rest/). `require_token` false: everybody is an
/// administrator.
std::unique_ptr<Authenticator> make_authenticator(const EdgeOptions& options, const Doors& doors);

}  // namespace anode::api
