#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <span>
#include <utility>

#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/codec/websocket.hpp"

/// A client made of a socket, so that a spec can send what no library would.
namespace anode::api::testing {

class Client {
public:
    explicit Client(std::uint16_t port, int receive_buffer = 0) {
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (receive_buffer > 0)
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("connect failed");
    }
    ~Client() { shut(); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void shut() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    /// Waits for more; false at the end, or after ten seconds without a byte.
    bool more(int timeout_ms = 10'000) {
        pollfd wait{fd_, POLLIN, 0};
        if (::poll(&wait, 1, timeout_ms) <= 0) return timed_out = true, false;
        char buffer[65536];
        const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
        if (got <= 0) return ended = true, false;
        in.append(buffer, static_cast<std::size_t>(got));
        return true;
    }
    bool wait_for(std::string_view text) {
        while (in.find(text) == std::string::npos)
            if (!more()) return false;
        return true;
    }
    /// Everything until the server closes.
    std::string rest() {
        while (more()) {
        }
        return in;
    }
    std::string take_head() {
        if (!wait_for("\r\n\r\n")) return {};
        const std::size_t end = in.find("\r\n\r\n") + 4;
        std::string head = in.substr(0, end);
        in.erase(0, end);
        return head;
    }

    std::string in;
    bool ended = false, timed_out = false;

private:
    int fd_ = -1;
};

inline int status_of(std::string_view head) {
    return head.size() > 12 ? std::stoi(std::string(head.substr(9, 3))) : 0;
}

/// A WebSocket client over it.
class Socket {
public:
    Socket(std::uint16_t port, const std::string& path, const std::string& headers = {},
           int receive_buffer = 0)
        : client(port, receive_buffer), decoder_([] {
              ws::DecoderConfig config;
              config.role = ws::Role::Client;
              config.frame_bytes_max = config.message_bytes_max = 64U << 20;
              config.deflate = true;
              return config;
          }()) {
        client.send("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                    "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
                    "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                    headers + "\r\n");
        head = client.take_head();
    }
    void send(std::string_view text, ws::Opcode opcode = ws::Opcode::Text) {
        Bytes frame;
        ws::append_frame(frame, opcode, text, ws::MaskKey{1, 2, 3, 4});
        client.send(frame);
    }
    /// The next text or binary message; none at the end. Pings are passed over.
    std::optional<std::string> next(int timeout_ms = 10'000) {
        for (;;) {
            while (queued_ < events_.size()) {
                auto& event = events_[queued_++];
                if (event.kind == ws::Event::Kind::Text || event.kind == ws::Event::Kind::Binary)
                    return std::move(event.text);
                if (event.kind == ws::Event::Kind::Close) {
                    close_code = event.code;
                    close_reason = event.text;
                    return std::nullopt;
                }
            }
            if (!client.in.empty()) {
                std::span<char> input(client.in);
                while (const auto event = decoder_.next(input))
                    events_.push_back({event->kind, event->code, std::string(event->payload)});
                client.in.clear();
                continue;
            }
            if (!client.more(timeout_ms)) return std::nullopt;
        }
    }
    /// The next control object with this op; messages before it are passed over.
    std::string next_op(std::string_view op) {
        const std::string sign = "\"op\":\"" + std::string(op) + '"';
        while (auto text = next())
            if (text->find(sign) != std::string::npos) return *text;
        return {};
    }
    std::uint16_t wait_for_close() {
        while (next()) {
        }
        return close_code;
    }

    Client client;
    std::string head;
    std::uint16_t close_code = 0;
    std::string close_reason;

private:
    struct Seen {
        ws::Event::Kind kind;
        std::uint16_t code;
        std::string text;
    };
    ws::Decoder decoder_;
    std::vector<Seen> events_;
    std::size_t queued_ = 0;
};

/// The value of `"data":` in an envelope.
inline std::string data_of(std::string_view envelope) {
    const std::size_t at = envelope.find("\"data\":");
    if (at == std::string_view::npos) return {};
    return std::string(envelope.substr(at + 7, envelope.size() - at - 8));
}
inline std::string cursor_of(std::string_view json) {
    const std::size_t at = json.find("\"cursor\":\"");
    if (at == std::string_view::npos) return {};
    return std::string(json.substr(at + 10, json.find('"', at + 10) - at - 10));
}

}  // namespace anode::api::testing
