#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "core/source/url.hpp"
#include "runtime/net_error.hpp"
#include "runtime/tls.hpp"
#include "runtime/ws_client.hpp"

namespace anode {

class Loop;
class Resolver;

struct HttpRequest {
    std::string method = "GET";
    Url url;
    Headers headers;  ///< `Authorization`, `Cookie` and names in `secret_headers` are dropped on
                      ///< another origin
    std::vector<std::string> secret_headers;
    Bytes body;
    std::string user_agent;
    TlsOptions tls;
    std::string proxy;       ///< `http://host:port`; empty: none
    Duration timeout = 10s;  ///< of the whole exchange; of head only when streaming
    Duration connect_timeout = 5s;
    std::size_t head_bytes_max = 64 << 10;
    std::size_t body_bytes_max = 32 << 20;  ///< after decoding; no bound when streaming
    std::size_t inflate_ratio_max = 100;    ///< looked at from 1 MiB on
    unsigned redirects_max =
        3;  ///< only for GET and HEAD; each is checked by egress; never from TLS to plain
};

struct HttpResponse {
    int status = 0;
    Headers headers;  ///< of the last answer, names in lower case
    Bytes body;       ///< content codings removed (gzip, br, zstd)
    Url url;          ///< of the last request
    Duration took{0};
};

/// A body that is told as it comes. on_end() is the last call and comes exactly once, unless
/// cancelled.
class HttpStreamHandler {
public:
    virtual ~HttpStreamHandler() = default;
    /// Redirects are behind us. Status and headers are set, the body is empty.
    virtual void on_head(const HttpResponse& head) = 0;
    virtual void on_data(BytesView decoded) = 0;
    virtual void on_end(const NetResult<void>& end) = 0;
};

enum class HttpId : std::uint64_t {};

/// HTTP/1.1 requests over kept-alive connections.
/// Thread:  the loop's; replies come there, never inside fetch(), stream() or cancel().
/// Limits:  `connections_max` at once; further requests wait in line for their own timeout.
/// Errors:  classes Dns, Blocked (egress, downgrade), Refused, Unreachable, Tls, Timeout, Reset, TooLarge (head, body,
///          ratio), Protocol (not HTTP, too many redirects), Decode. A status of 4xx or 5xx is an answer.
class HttpClient {
public:
    using Reply = std::move_only_function<void(NetResult<HttpResponse>)>;

    HttpClient(Loop& loop, Resolver& resolver, unsigned connections_max = 256);
    ~HttpClient();

    HttpId fetch(HttpRequest request, Reply reply);
    HttpId stream(HttpRequest request, HttpStreamHandler& handler);
    void pause(HttpId id);
    void resume(HttpId id);
    /// No callback comes afterwards. Harmless for a request that ended.
    void cancel(HttpId id);
    /// Kept-alive connections are closed, so that a new egress policy holds for every byte.
    void forget_connections();
    [[nodiscard]] std::size_t active() const noexcept;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace anode
