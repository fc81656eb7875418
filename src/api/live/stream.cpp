#include "api/live/stream.hpp"

#include "base/text.hpp"
#include "core/codec/sse.hpp"

namespace anode::api {

namespace {

/// What a client may say on a stream is little: pings, pongs and close.
ws::DecoderConfig stream_decoder(bool deflate) {
    ws::DecoderConfig config;
    config.frame_bytes_max = 64 << 10;
    config.message_bytes_max = 64 << 10;
    config.deflate = deflate;
    return config;
}

}  // namespace

StreamListener::StreamListener(Hub& hub, Detached socket, Seat seat, Wire wire,
                               const StreamWant& want, std::string identity)
    : Listener(hub, std::move(socket), std::move(seat), wire, want.style, std::move(identity)),
      heartbeat_ms_(static_cast<std::uint32_t>(
          want.heartbeat
              ? std::chrono::duration_cast<std::chrono::milliseconds>(*want.heartbeat).count()
              : 0)),
      decoder_(stream_decoder(wire.deflate)) {
    replace_batch(want.batch);
}

void StreamListener::open(const StreamWant& want, Begin begin) {
    const Begin::Outcome outcome = begin.outcome;
    const Arrival after = begin.after;
    Subscription& sub = subscribe(1, want.want, std::move(begin));
    if (wire_.transport == Transport::Sse) {
        Bytes event;
        sse::append_retry(event, 2000);
        Bytes framed;
        if (wire_.chunked) {
            char size[24];
            std::snprintf(size, sizeof size, "%zx\r\n", event.size());
            framed.append(size).append(event).append("\r\n");
        } else {
            framed = std::move(event);
        }
        outbox() += framed;
        if (outcome != Begin::Outcome::Live) {
            queue_control("hello", "{\"op\":\"hello\",\"node\":" +
                                       text::json_string(hub_.parts().doors.node.facts().id_text) +
                                       ",\"resume\":\"" + std::string(name(outcome)) + "\"}");
        }
    }
    if (outcome == Begin::Outcome::Gap)
        queue_gap("retention", topics(), after, position_of(sub), std::nullopt);
    if (heartbeat_ms_ > 0) hub_.watch_clock(*this, true);
}

void StreamListener::on_input(std::span<char> input) {
    if (wire_.transport != Transport::WebSocket) return;
    while (const auto event = decoder_.next(input)) {
        switch (event->kind) {
            case ws::Event::Kind::Text:
            case ws::Event::Kind::Binary:
                return close_with(4400,
                                  R"({"code":"bad-request","detail":"this stream goes one way"})");
            case ws::Event::Kind::Ping:
                ws::append_frame(outbox(), ws::Opcode::Pong, event->payload);
                break;
            case ws::Event::Kind::Pong:
                break;
            case ws::Event::Kind::Close:
                return close_with(event->code == ws::kNoStatus ? ws::kNormal : event->code, "");
            case ws::Event::Kind::Failed:
                return close_with(event->code, event->payload);
        }
        if (closing_) return;
    }
}

void StreamListener::on_subscription_end(Subscription&, std::string_view) {
    if (wire_.transport == Transport::WebSocket)
        return close_with(ws::kNormal, R"({"code":"done"})");
    append_end(outbox(), wire_);
    end_when_flushed(30s);
    flush();
}

void StreamListener::tick(Instant now) {
    Listener::tick(now);
    if (closing_ || heartbeat_ms_ == 0 || !all_told()) return;
    if (now - last_sent_ < std::chrono::milliseconds(heartbeat_ms_)) return;
    if (wire_.transport == Transport::WebSocket && takes_control() &&
        style_.format == Format::Envelope) {
        std::string json =
            "{\"op\":\"hb\",\"ts\":" + std::to_string(hub_.now().wall) + ",\"cursor\":\"" +
            hub_.cursor_text(subs_.empty() ? hub_.tail().head() : position_of(subs_.front())) +
            "\",\"lag\":" + std::to_string(lag()) + '}';
        queue_control("hb", json);
    } else {
        append_heartbeat(outbox(), wire_);
    }
    flush();
}

}  // namespace anode::api
