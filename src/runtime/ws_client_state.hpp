#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/codec/http.hpp"
#include "core/codec/websocket.hpp"
#include "core/codec/websocket_handshake.hpp"
#include "runtime/loop.hpp"
#include "runtime/resolver.hpp"
#include "runtime/stream_socket.hpp"
#include "runtime/ws_client.hpp"

/// The inside of WsClient. ws_connect.cpp leads from a URL to the upgrade, ws_client.cpp speaks WebSocket.
namespace anode {

struct WsClient::State final : Loop::Watcher, std::enable_shared_from_this<WsClient::State> {
    enum class Phase : std::uint8_t {
        Idle,
        Resolving,
        Connecting,
        Proxy,
        Tls,
        Upgrade,
        Open,
        Closing,
        Closed
    };

    State(Loop& on, Resolver& names, WsClientHandler& told)
        : loop(on), resolver(names), handler(&told) {}
    ~State() override { drop(); }

    // -- ws_connect.cpp
    void connect(WsRequest wanted);
    void resolve();
    void next_address();
    void connect_ready();
    void tcp_done();
    void proxy_read();
    void tls_step();
    void begin_upgrade();
    void upgrade_read();
    void upgrade_take(std::span<char> bytes);
    void upgrade_done(std::span<char> rest);
    void refused();
    void too_late();

    // -- ws_client.cpp
    void on_ready(std::uint32_t events) override;
    void read_ready();
    void take(std::span<char> bytes);
    bool take_event(const ws::Event& event, std::span<char> bytes);
    void tell();
    void close_frame(const ws::Event& event);
    void flush();
    void flush_soon();
    Result<void> queue(ws::Opcode opcode, BytesView payload);
    void close(std::uint16_t code, BytesView reason, Duration patience);
    void update_interest();
    void set_interest(std::uint32_t events);
    void finish(NetError error, bool clean = false);
    void finish_later(NetError error);
    void drop() noexcept;
    [[nodiscard]] bool over() const noexcept {
        return handler == nullptr || phase == Phase::Closed;
    }
    [[nodiscard]] std::size_t unsent() const noexcept { return out.size() - out_sent; }

    Loop& loop;
    Resolver& resolver;
    WsClientHandler* handler;  ///< null once the client is gone
    WsRequest request;
    Phase phase = Phase::Idle;

    std::optional<Url> proxy;
    std::vector<IpAddress> addresses;
    std::size_t next = 0;
    NetError last_error;
    std::string peer;
    StreamSocket socket;
    std::uint32_t interest = 0;
    bool watched = false;
    TimerId deadline{};
    TimerId attempt{};

    ws::ClientRequest hello;
    std::optional<http::ResponseReader> answer;
    Bytes proxy_answer;

    std::optional<ws::Decoder> decoder;
    Bytes out;
    std::size_t out_sent = 0;
    bool flush_waits = false;
    bool tell_writable = false;
    bool tls_wants_write = false;
    bool paused = false;
    std::uint64_t bytes_in = 0;
    WsClosed closed;
};

/// What all connections of a thread share while they read.
struct WsScratch {
    static constexpr std::size_t kBytes = 128 << 10;
    std::unique_ptr<char[]> buffer = std::make_unique<char[]>(kBytes);
    std::vector<WsMessage> batch;
    [[nodiscard]] std::span<char> room() const noexcept { return {buffer.get(), kBytes}; }
};
WsScratch& ws_scratch();

/// Four fresh random bytes, from a pool refilled by the operating system.
ws::MaskKey fresh_mask();

}  // namespace anode
