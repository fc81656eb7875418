#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/doors.hpp"
#include "api/http/request.hpp"
#include "api/http/response.hpp"
#include "api/http/router.hpp"

namespace anode {
class TlsServer;
}

namespace anode::api {

/// Tells who a caller is. The answer to a credential that is wrong is a Problem (401, 403).
/// Thread: any loop; must not block.
class Authenticator {
public:
    virtual ~Authenticator() = default;
    virtual std::expected<Caller, Problem> identify(const Request& request) = 0;
    /// The same for a bare token, as `hello` of anode.v1 brings one; `peer`: the client's address.
    virtual std::expected<Caller, Problem> identify_token(std::string_view token,
                                                          std::string_view peer) = 0;
    /// The same for a ticket: 30 s, one use.
    virtual std::expected<Caller, Problem> identify_ticket(std::string_view ticket) = 0;
    /// Whether what let an open connection in would still do so.
    [[nodiscard]] virtual bool stands(const Credential&) { return true; }
    /// Grows whenever stands() may answer otherwise than before, time aside.
    [[nodiscard]] virtual std::uint64_t changes() const { return 0; }
};

struct ServerOptions {
    std::vector<std::string> listen;
    std::string socket;
    std::vector<std::string> allowed_origins;
    std::string public_url;
    EdgeLimits limits;
    RateLimits* rates = nullptr;  ///< none: nobody is limited. Outlives the server
    unsigned threads = 1;
    unsigned workers = 2;
    /// Set: all addresses speak TLS, the Unix socket does not.
    std::shared_ptr<const TlsServer> tls;
    std::vector<std::string> trusted_proxies;  ///< networks whose X-Forwarded-* count
};

class Loop;
class RequestMetrics;

/// HTTP/1.1, strictly: sockets, limits, deadlines, pipelining, routing, Origin and Host rules.
/// Thread: bind(), begin() and stop() by the owner; handlers run on loops or workers (see RunOn).
/// Source: RFC 9110, RFC 9112; interfaces, sections 9, 15, 16.
class Server {
public:
    /// Binds all addresses; the error names the one that failed. Nobody is served before begin().
    static Result<std::unique_ptr<Server>> bind(ServerOptions options, Router router,
                                                Authenticator& auth, metrics::Registry& metrics);
    virtual ~Server() = default;
    virtual void begin() = 0;
    virtual void set_origins(std::vector<std::string> allowed) = 0;
    /// Connections that come from now on are greeted with this certificate; the others go on. Any thread.
    virtual void set_tls(std::shared_ptr<const TlsServer> tls) = 0;
    virtual void stop_accepting() = 0;
    /// Closes what is left and joins the threads.
    virtual void stop() = 0;
    [[nodiscard]] virtual std::vector<std::string> addresses() const = 0;
    [[nodiscard]] virtual std::shared_ptr<Loop> loop(unsigned index) = 0;
    [[nodiscard]] virtual unsigned loops() const noexcept = 0;
    /// Runs blocking work on a worker. False if the queue is full: answer 503.
    virtual bool work(std::move_only_function<void()> job) = 0;
    [[nodiscard]] virtual const Router& router() const noexcept = 0;
    [[nodiscard]] virtual RequestMetrics& request_metrics() = 0;
};

}  // namespace anode::api
