#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "core/source/url.hpp"
#include "runtime/net_error.hpp"
#include "runtime/tls.hpp"

namespace anode {

class Loop;
class Resolver;

using Headers = std::vector<std::pair<std::string, std::string>>;

struct WsRequest {
    Url url;
    Headers headers;
    std::vector<std::string> subprotocols;
    std::string origin;
    std::string user_agent;
    bool deflate = false;  ///< offer permessage-deflate
    TlsOptions tls;
    std::string proxy;                 ///< `http://host:port`, spoken to with CONNECT; empty: none
    Duration handshake_timeout = 10s;  ///< name, TCP, TLS and upgrade together
    std::size_t message_bytes_max = 16 << 20;  ///< after inflation
    std::size_t send_queue_bytes_max = 1 << 20;
    std::size_t head_bytes_max = 64 << 10;
    std::size_t refusal_bytes_max = 64 << 10;  ///< of a body that came instead of the upgrade
};

/// One complete message or control frame of the server. `payload` lives until the callback returns.
struct WsMessage {
    enum class Kind : std::uint8_t { Text, Binary, Ping, Pong } kind = Kind::Text;
    BytesView payload;
};

struct WsOpened {
    std::string subprotocol;  ///< as chosen by the server
    Headers headers;
    std::string peer;  ///< address and port
};

/// An HTTP answer other than 101.
struct HttpRefusal {
    int status = 0;
    Headers headers;
    Bytes body;
};

struct WsClosed {
    NetError error;          ///< Closed for an orderly end
    bool opened = false;     ///< the upgrade had happened
    bool clean = false;      ///< both close frames were seen
    std::uint16_t code = 0;  ///< of the server's close frame; 0: none came
    std::string reason;
};

/// Told on the loop's thread. on_closed() is the last call and comes exactly once per connect(),
/// never inside a call of the client. The handler may destroy the client inside any callback; then
/// nothing more comes.
class WsClientHandler {
public:
    virtual ~WsClientHandler() = default;
    virtual void on_open(const WsOpened& opened) = 0;
    virtual void on_refused(const HttpRefusal& refusal) = 0;  ///< on_closed() follows
    /// What a read of the socket completed, in order, mostly all in one call. Pings were answered already.
    virtual void on_messages(std::span<const WsMessage> messages) = 0;
    /// Everything that this read completed has been told.
    virtual void on_read_end() {}
    virtual void on_writable() {}  ///< the send queue is empty again after Overloaded
    virtual void on_closed(const WsClosed& closed) = 0;
};

/// A WebSocket connection to a server, over TCP or TLS 1.2+.
/// Thread:  the loop's.
/// Memory:  reads go through one buffer per loop; a connection keeps bytes only of a frame that is
/// not complete. Errors:  Refused (egress, certificate), Timeout, Malformed (protocol), TooLarge,
/// Closed, Io, NotFound (name). Source:  RFC 6455, RFC 7692.
class WsClient {
public:
    WsClient(Loop& loop, Resolver& resolver, WsClientHandler& handler);
    /// Drops the connection at once, without a callback.
    ~WsClient();

    /// Once per client.
    void connect(WsRequest request);

    /// Queued whole or not at all: Overloaded over the limit, Closed if not open.
    Result<void> send_text(BytesView text);
    Result<void> send_binary(BytesView bytes);
    Result<void> ping(BytesView payload);

    /// Stops reading: the kernel's buffer fills and TCP tells the server. Deadlines keep running.
    void pause();
    void resume();

    /// Sends a close frame and waits for the server's, at most `patience`. Before the upgrade:
    /// drops the connection.
    void close(std::uint16_t code, BytesView reason, Duration patience = 2s);

    [[nodiscard]] bool open() const noexcept;
    [[nodiscard]] std::size_t send_queue_bytes() const noexcept;
    [[nodiscard]] std::uint64_t bytes_in() const noexcept;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace anode
