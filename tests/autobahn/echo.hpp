#pragma once

#include <functional>
#include <optional>
#include <random>
#include <string>

#include "base/rng.hpp"
#include "core/codec/websocket.hpp"
#include "core/codec/websocket_deflate.hpp"

/// What the two programs under the Autobahn test suite share: a blocking socket and one conversation over it. Test code:
/// a broken connection simply ends the conversation.
namespace autobahn {

class Socket {
public:
    explicit Socket(int descriptor) : descriptor_(descriptor) {}
    ~Socket();
    Socket(Socket&& other) noexcept;
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    /// Connects to 127.0.0.1.
    static Socket to(std::uint16_t port);

    bool send(std::string_view bytes);
    /// What has arrived, into `buffer`; empty at the end.
    std::span<char> receive();
    /// Ends our side and waits for the other's end.
    void finish();

private:
    int descriptor_;
    std::string buffer_;
};

/// One WebSocket connection after its handshake.
class Conversation {
public:
    Conversation(Socket& socket, anode::ws::Role role,
                 const std::optional<anode::ws::DeflateAgreed>& deflate);

    /// Gives every message to `on_message` until either side ends; `first` are bytes that came with the handshake.
    void run(std::string first, const std::function<void(const anode::ws::Event&)>& on_message);
    /// Sends a message back as it came, compressed if that was agreed.
    void echo(const anode::ws::Event& message);

private:
    bool answer(const anode::ws::Event& event,
                const std::function<void(const anode::ws::Event&)>& on_message);
    bool flush();
    std::optional<anode::ws::MaskKey> mask();

    Socket& socket_;
    anode::ws::Role role_;
    anode::ws::Decoder decoder_;
    std::optional<anode::ws::MessageDeflater> deflater_;
    anode::Rng rng_{std::random_device()()};
    std::string outbox_;
    std::string deflated_;
};

}  // namespace autobahn
