#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/codec/websocket.hpp"
#include "core/codec/websocket_handshake.hpp"
#include "support/loopback_server.hpp"

/// The server's side of a WebSocket connection, for scripts of LoopbackServer.
namespace anode::support {

/// Value of a header in a request head, or empty.
inline std::string header_of(const std::string& head, const std::string& name) {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 4;
    return head.substr(begin, head.find('\r', begin) - begin);
}

/// Reads the request and accepts it; returns its head. `more` are further header lines, each with its end.
inline std::string ws_accept(Peer& peer, const std::string& more = {},
                             const std::string& behind = {}) {
    const std::string head = peer.until("\r\n\r\n");
    if (head.empty()) return {};
    peer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Accept: " +
        ws::accept_key(header_of(head, "Sec-WebSocket-Key")) + "\r\n" + more + "\r\n" + behind);
    return head;
}

inline std::string ws_frame(ws::Opcode opcode, std::string_view payload, bool fin = true) {
    Bytes out;
    ws::append_frame(out, opcode, payload, std::nullopt, fin);
    return out;
}
inline std::string ws_text(std::string_view payload) { return ws_frame(ws::Opcode::Text, payload); }
inline std::string ws_close(std::uint16_t code, std::string_view reason = {}) {
    Bytes out;
    ws::append_close(out, code, reason);
    return out;
}

struct ClientFrame {
    ws::Opcode opcode{};
    std::string payload;
    bool masked = false;
};
/// The next frame of the client; nothing at the end of the connection.
inline std::optional<ClientFrame> ws_read(Peer& peer) {
    const std::string head = peer.exactly(2);
    if (head.size() < 2) return std::nullopt;
    std::size_t size = static_cast<unsigned char>(head[1]) & 0x7f;
    if (size >= 126) {
        const std::string more = peer.exactly(size == 126 ? 2 : 8);
        size = 0;
        for (const char byte : more) size = size << 8 | static_cast<unsigned char>(byte);
    }
    ClientFrame frame{static_cast<ws::Opcode>(head[0] & 0x0f), {}, (head[1] & 0x80) != 0};
    const std::string mask = frame.masked ? peer.exactly(4) : std::string(4, '\0');
    if (size > 0) frame.payload = peer.exactly(size);
    for (std::size_t i = 0; i < frame.payload.size(); ++i)
        frame.payload[i] = static_cast<char>(frame.payload[i] ^ mask[i % 4]);
    return frame;
}

}  // namespace anode::support
