#include "api/live/framing.hpp"

#include <array>
#include <cstdio>
#include <cstring>

#include "base/text.hpp"
#include "core/codec/sse.hpp"
#include "core/codec/websocket.hpp"
#include "core/codec/websocket_deflate.hpp"

namespace anode::api {

namespace {

using fanout::Framing;
using fanout::Line;

/// Below this a frame is not worth compressing (interfaces, section 7).
constexpr std::size_t kDeflateFrom = 256;

class WebSocketFraming final : public Framing {
public:
    explicit WebSocketFraming(bool deflate) : deflate_(deflate) {}

    void append(Bytes& out, const Line& line) const override {
        const auto opcode = line.binary ? ws::Opcode::Binary : ws::Opcode::Text;
        if (!deflate_ || line.text.size() < kDeflateFrom)
            return ws::append_frame(out, opcode, line.text);
        thread_local ws::MessageDeflater deflater;
        thread_local Bytes packed;
        packed.clear();
        deflater.deflate(line.text, packed);
        ws::append_frame(out, opcode, packed, std::nullopt, true, true);
    }
    [[nodiscard]] bool joins_lines() const noexcept override { return true; }

private:
    bool deflate_;
};

void append_chunk(Bytes& out, BytesView bytes, bool chunked) {
    if (!chunked) {
        out += bytes;
        return;
    }
    char size[24];
    const int length = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    out.append(size, static_cast<std::size_t>(length)).append(bytes).append("\r\n");
}

/// A payload that is no text has no place in a stream of lines: it goes as a JSON string of base64.
BytesView as_text(const Line& line, Bytes& scratch) {
    if (!line.binary) return line.text;
    scratch = '"' + text::base64(line.text) + '"';
    return scratch;
}

class SseFraming final : public Framing {
public:
    explicit SseFraming(bool chunked) : chunked_(chunked) {}

    void append(Bytes& out, const Line& line) const override {
        Bytes scratch, event;
        sse::append_event(event, line.cursor, {}, as_text(line, scratch));
        append_chunk(out, event, chunked_);
    }
    [[nodiscard]] bool wants_cursor() const noexcept override { return true; }

private:
    bool chunked_;
};

class NdjsonFraming final : public Framing {
public:
    explicit NdjsonFraming(bool chunked) : chunked_(chunked) {}

    void append(Bytes& out, const Line& line) const override {
        Bytes scratch;
        const BytesView text = as_text(line, scratch);
        if (!chunked_) {
            out.append(text).push_back('\n');
            return;
        }
        char size[24];
        const int length = std::snprintf(size, sizeof size, "%zx\r\n", text.size() + 1);
        out.append(size, static_cast<std::size_t>(length)).append(text).append("\n\r\n");
    }

private:
    bool chunked_;
};

}  // namespace

std::string_view name(Transport transport) noexcept {
    constexpr std::array<std::string_view, 3> kNames{"ws", "sse", "ndjson"};
    return kNames[static_cast<std::size_t>(transport)];
}

const Framing& framing_of(const Wire& wire, Format) {
    static const WebSocketFraming plain(false), deflated(true);
    static const SseFraming sse(false), sse_chunked(true);
    static const NdjsonFraming ndjson(false), ndjson_chunked(true);
    switch (wire.transport) {
        case Transport::WebSocket:
            return wire.deflate ? deflated : plain;
        case Transport::Sse:
            return wire.chunked ? sse_chunked : sse;
        case Transport::Ndjson:
            break;
    }
    return wire.chunked ? ndjson_chunked : ndjson;
}

void append_control(Bytes& out, const Wire& wire, std::string_view event, std::string_view json) {
    if (wire.transport == Transport::WebSocket)
        return ws::append_frame(out, ws::Opcode::Text, json);
    Bytes text;
    if (wire.transport == Transport::Sse)
        sse::append_event(text, {}, event, json);
    else
        text.append(json).push_back('\n');
    append_chunk(out, text, wire.chunked);
}

void append_heartbeat(Bytes& out, const Wire& wire) {
    if (wire.transport == Transport::WebSocket) return ws::append_frame(out, ws::Opcode::Ping, {});
    Bytes text;
    if (wire.transport == Transport::Sse)
        sse::append_comment(text, "hb");
    else
        text.push_back('\n');
    append_chunk(out, text, wire.chunked);
}

void append_end(Bytes& out, const Wire& wire) {
    if (wire.transport == Transport::WebSocket)
        ws::append_close(out, ws::kNormal);
    else if (wire.chunked)
        out += "0\r\n\r\n";
}

}  // namespace anode::api
