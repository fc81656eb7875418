#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "core/codec/http.hpp"
#include "core/codec/websocket.hpp"
#include "runtime/loop.hpp"

/// The server side of the simulator: HTTP/1.1 and WebSocket on one loopback port, made of our own codec.
namespace anode::app::demo {

class Wire;

/// Who answers. Never called inside a call of the wire.
class WireOwner {
public:
    virtual ~WireOwner() = default;
    virtual void asked(Wire& wire, const http::RequestHead& head) = 0;
    virtual void said(Wire& wire, BytesView text) = 0;
    virtual void gone(Wire& wire) = 0;
};

using HeaderList = std::vector<std::pair<std::string_view, std::string>>;

/// One accepted connection.
/// Thread:  the loop's. Limits: a client that leaves 4 MiB unread is dropped; requests have no body.
class Wire final : public Loop::Watcher, public std::enable_shared_from_this<Wire> {
public:
    Wire(Loop& loop, WireOwner& owner, int fd);
    ~Wire() override;
    Result<void> start();

    void answer(int status, const HeaderList& headers, BytesView body);
    /// Begins an answer without end; write() goes on with it.
    void stream(std::string_view content_type);
    void write(BytesView bytes);
    /// Refuses what is no proper handshake.
    void upgrade();
    void text(BytesView payload);
    void binary(BytesView payload);
    /// Ends in order: a close frame, or the end of the answer.
    void end(std::uint16_t code = 1000, std::string_view reason = {});
    [[nodiscard]] bool open() const noexcept { return fd_ >= 0; }

private:
    void on_ready(std::uint32_t events) override;
    void read();
    void take(std::span<char> bytes);
    void take_request(BytesView& bytes);
    void take_frames(std::span<char> bytes);
    void touch();
    void flush();
    void drop();

    Loop& loop_;
    WireOwner& owner_;
    int fd_;
    http::RequestReader reader_;
    std::optional<http::RequestHead> head_;  ///< of the request in hand
    std::optional<ws::Decoder> frames_;
    bool streaming_ = false, ending_ = false, touched_ = false, waits_ = false;
    Bytes out_;
};

/// Accepts on 127.0.0.1, a port that the system chooses.
class Listener final : public Loop::Watcher {
public:
    /// On the loop's thread, or before it starts.
    static Result<std::unique_ptr<Listener>> start(Loop& loop, WireOwner& owner);
    ~Listener() override;
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    Listener(Loop& loop, WireOwner& owner) : loop_(loop), owner_(owner) {}
    void on_ready(std::uint32_t events) override;
    void sweep();

    static constexpr std::size_t kWiresMax = 2000;
    Loop& loop_;
    WireOwner& owner_;
    int fd_ = -1;
    std::uint16_t port_ = 0;
    std::vector<std::shared_ptr<Wire>> wires_;
};

}  // namespace anode::app::demo
