#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/http/admission.hpp"
#include "api/http/exchange.hpp"
#include "api/http/loop.hpp"
#include "api/http/origin.hpp"
#include "api/http/proxies.hpp"
#include "api/http/request_metrics.hpp"
#include "api/http/router.hpp"
#include "api/http/server.hpp"
#include "api/http/socket.hpp"
#include "api/http/workers.hpp"
#include "core/codec/http.hpp"

namespace anode::api {

class ConnectionTable;

/// A value that is replaced while others use it. Thread: any.
template <class T>
class Current {
public:
    void set(std::shared_ptr<const T> next) {
        const std::lock_guard lock(mutex_);
        held_ = std::move(next);
    }
    [[nodiscard]] std::shared_ptr<const T> get() const {
        const std::lock_guard lock(mutex_);
        return held_;
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const T> held_;
};

/// What all connections of a server share.
struct ServerParts {
    EdgeLimits limits;
    const Router& router;
    OriginRules& origins;
    Authenticator& auth;
    Workers& workers;
    RequestMetrics& metrics;
    RateLimits* rates = nullptr;
    Current<TlsServer> tls;
    ProxyRules proxies;
};

/// One HTTP/1.1 connection: one request at a time, answers in order, deadlines for every wait.
/// Thread: confined to its loop.
class Connection : public Watcher, public std::enable_shared_from_this<Connection> {
public:
    /// `peer`: an address, or `unix` with the name of who opened the Unix socket behind a colon.
    Connection(Socket socket, std::string peer, std::string local, std::shared_ptr<Loop> loop,
               ServerParts& parts, ConnectionTable& table);
    ~Connection() override;

    void begin();
    void ready(std::uint32_t events) override;
    /// Once a second: is a deadline past?
    void tick(Instant now);
    void close();
    /// No further request is taken: an idle connection ends at once.
    void wind_down();

    // What an Exchange asks for.
    void answer(Exchange& exchange, Response response);
    void answer_problem(Exchange& exchange, const Problem& problem);
    void answer_stream(std::shared_ptr<Exchange> exchange, Response head, BodyProducer producer);
    void hand_over(Bytes head, Responder::Taker taker);

    [[nodiscard]] const std::string& peer() const noexcept { return peer_; }

private:
    enum class State : std::uint8_t { Idle, Head, Body, Busy, Streaming, Ending };
    /// An answer that is made while it is sent.
    struct Streamed {
        std::shared_ptr<Exchange> exchange;
        BodyProducer producer;
        int status = 200;
        bool chunked = true;
        bool working = false;  ///< the producer is with a worker
    };

    void read_more();
    void proceed();
    void take_head();
    void begin_request();
    void take_body();
    void body_complete();
    void dispatch(std::shared_ptr<Exchange> exchange);
    static void run_handler(const std::shared_ptr<Exchange>& exchange, const Route& route);
    std::optional<Problem> refusal_of(Exchange& exchange);
    std::optional<Problem> too_fast(Exchange& exchange);
    std::optional<Problem> identify(Request& request);
    [[nodiscard]] std::optional<Problem> cookie_misused(const Request& request) const;
    std::optional<Problem> speaks_tls(const Exchange& exchange);
    std::optional<Problem> preflight(Exchange& exchange, const Router::Match& match);
    void refuse(int status, std::string_view why);
    void write_answer(Exchange& exchange, Response& response);
    void append_common_headers(const Exchange& exchange, int status, const Response& response);
    void request_done(Exchange& exchange, int status);
    void produce();
    void produced(bool more, bool failed, Bytes bytes);
    void append_chunk(BytesView bytes);
    bool flush();
    void end_after_flush();

    Socket socket_;
    std::string peer_, local_;
    bool unix_socket_;
    std::string unix_name_;  ///< who opened the Unix socket
    std::shared_ptr<Loop> loop_;
    ServerParts& parts_;
    ConnectionTable& table_;

    State state_ = State::Idle;
    bool readable_ = true, writable_ = true, peer_ended_ = false, proceeding_ = false;
    bool close_after_ = false, lingering_ = false, half_closed_ = false, greeted_ = false;
    Bytes in_;
    Bytes out_;
    std::size_t out_sent_ = 0;
    http::RequestReader reader_;
    std::optional<http::BodyReader> body_reader_;
    std::uint64_t body_seen_ = 0;
    std::shared_ptr<Exchange> exchange_;
    const Route* route_ = nullptr;
    std::unique_ptr<Streamed> streamed_;
    Instant deadline_ = Instant::max();
    Instant body_began_;
};

/// The connections of one loop. Thread: the loop's.
class ConnectionTable {
public:
    virtual ~ConnectionTable() = default;
    virtual void remove(Connection& connection) = 0;
};

}  // namespace anode::api
