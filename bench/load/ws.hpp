#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/codec/websocket.hpp"
#include "load/net.hpp"

/// The client's side of WebSocket for load programs: as little work as the protocol allows.
namespace bench {

/// Opens a WebSocket on a blocking socket; returns false if the server says anything but 101.
inline bool upgrade(int fd, std::string_view target) {
    std::string request = "GET ";
    request.append(target).append(
        " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    send_all(fd, request);
    // Byte by byte at the end, so that nothing of the first frame is lost.
    std::string answer;
    char byte = 0;
    while (!answer.ends_with("\r\n\r\n")) {
        if (::recv(fd, &byte, 1, 0) != 1) return false;
        answer.push_back(byte);
    }
    return answer.starts_with("HTTP/1.1 101");
}

/// Any mask will do on loopback, but it is one that costs the server its unmasking.
inline constexpr anode::ws::MaskKey kMask{'\x5a', '\x17', '\x33', '\x71'};

inline void append_client_frame(std::string& out, std::string_view payload,
                                anode::ws::Opcode opcode = anode::ws::Opcode::Text) {
    anode::ws::append_frame(out, opcode, payload, kMask);
}

/// Cuts a server's bytes into pieces of frames without copying or collecting them.
class FrameWalk {
public:
    /// Calls `begin(bytes)` at the head of each frame with the length of its payload, and
    /// `piece(view, last)` for the payload as it comes.
    template <class Begin, class Piece>
    void walk(std::string_view in, Begin begin, Piece piece) {
        while (!in.empty()) {
            if (left_ == 0 && !take_head(in)) return;
            if (started_) begin(left_);
            started_ = false;
            const std::string_view now = in.substr(0, left_);
            left_ -= now.size();
            in.remove_prefix(now.size());
            piece(now, left_ == 0);
        }
    }

private:
    bool take_head(std::string_view& in) {
        while (!in.empty()) {
            head_[got_++] = static_cast<unsigned char>(in.front());
            in.remove_prefix(1);
            if (got_ < 2) continue;
            const unsigned length = head_[1] & 0x7f;
            const unsigned more = length == 126 ? 2 : length == 127 ? 8 : 0;
            if (got_ < 2 + more) continue;
            left_ = more == 0 ? length : 0;
            for (unsigned i = 0; i < more; ++i) left_ = left_ << 8 | head_[2 + i];
            got_ = 0;
            started_ = left_ > 0;
            if (left_ > 0) return true;
        }
        return false;
    }

    std::uint64_t left_ = 0;
    unsigned char head_[10]{};
    std::uint8_t got_ = 0;
    bool started_ = false;
};

}  // namespace bench
