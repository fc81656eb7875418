#include "api/live/session.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "base/version.hpp"

namespace anode::api {

namespace {

constexpr std::size_t kFrameBytesMax = 64 << 10;
constexpr std::uint32_t kInFlightMax = 1024;
constexpr std::size_t kOutboxPause = 1 << 20;
constexpr Duration kPingEvery = 20s, kSilenceMax = 45s, kCredentialWait = 5s;

ws::DecoderConfig session_decoder(bool deflate) {
    ws::DecoderConfig config;
    config.frame_bytes_max = kFrameBytesMax;
    config.message_bytes_max = kFrameBytesMax;
    config.deflate = deflate;
    return config;
}

}  // namespace

Session::Session(Hub& hub, Detached socket, Seat seat, Wire wire, Caller caller)
    : Listener(hub, std::move(socket), std::move(seat), wire, EnvelopeStyle{}, caller.name),
      caller_(std::move(caller)),
      decoder_(session_decoder(wire.deflate)),
      opened_(hub.now().mono),
      last_ping_(hub.now().mono) {
    known_ = caller_.authenticated;
    admit(caller_.credential);
}

void Session::open() {
    hub_.watch_clock(*this, true);
    if (known_) welcome();
}

void Session::say(std::string_view json) {
    if (closing_) return;
    append_control(outbox(), wire_, {}, json);
}

void Session::err(std::optional<std::int64_t> id, const Problem& problem) {
    Bytes json;
    json::Writer writer(json);
    writer.begin_object().member("op", "err").key("id");
    if (id)
        writer.value(*id);
    else
        writer.null();
    writer.member("code", problem.code).member("title", problem.title());
    writer.member("detail", problem.detail).key("retry_ms");
    if (problem.retry_ms)
        writer.value(*problem.retry_ms);
    else
        writer.null();
    writer.end_object();
    say(json);
}

void Session::welcome() {
    const NodeFacts& facts = hub_.parts().doors.node.facts();
    const EdgeLimits& limits = hub_.parts().doors.limits;
    Bytes json;
    json::Writer writer(json);
    writer.begin_object().member("op", "welcome").member("v", 1).member("node", facts.id_text);
    writer.member("cluster", facts.cluster).member("session", "l-" + std::to_string(id()));
    writer.member("hb", static_cast<std::int64_t>(
                            std::chrono::duration_cast<std::chrono::seconds>(hb_).count()));
    writer.key("limits").begin_object();
    writer.member("frame_bytes", static_cast<std::uint64_t>(kFrameBytesMax));
    writer.member("subscriptions", static_cast<std::uint64_t>(limits.subscriptions_max));
    writer.member("patterns", static_cast<std::uint64_t>(limits.patterns_max));
    writer.member("queue_bytes", static_cast<std::uint64_t>(limits.queue_bytes_max));
    writer.member("queue_messages", static_cast<std::uint64_t>(limits.queue_messages_max));
    writer.end_object();
    writer.key("retention").begin_object();
    writer.member("oldest_ts", hub_.parts().doors.store.stats().oldest_ts).end_object();
    writer.key("nodes").begin_array();
    for (const std::string& url : hub_.parts().doors.cluster.urls()) writer.value(url);
    writer.end_array();
    writer.key("auth").begin_object().member("name", caller_.name).end_object().end_object();
    say(json);
}

bool Session::wants_input() const noexcept {
    return in_flight_ < kInFlightMax && outbox_bytes() < kOutboxPause;
}

void Session::look_later() {
    flush();
    resume_input();
}

void Session::on_input(std::span<char> input) {
    while (const auto event = decoder_.next(input)) {
        switch (event->kind) {
            case ws::Event::Kind::Text:
                on_request(event->payload);
                break;
            case ws::Event::Kind::Binary:
                return close_with(ws::kUnsupported, R"({"code":"bad-request"})");
            case ws::Event::Kind::Ping:
                if (!control_frames_.take(hub_.now().mono))
                    return close_with(4429, R"({"code":"rate-limited","retry_ms":1000})");
                ws::append_frame(outbox(), ws::Opcode::Pong, event->payload);
                break;
            case ws::Event::Kind::Pong:
                if (!control_frames_.take(hub_.now().mono))
                    return close_with(4429, R"({"code":"rate-limited","retry_ms":1000})");
                break;
            case ws::Event::Kind::Close:
                return close_with(event->code == ws::kNoStatus ? ws::kNormal : event->code, "");
            case ws::Event::Kind::Failed:
                return close_with(event->code, event->payload);
        }
        if (closing_) return;
    }
}

void Session::on_subscription_end(Subscription& sub, std::string_view code) {
    const std::uint32_t sid = sub.sid;
    const Arrival position = position_of(sub);
    say("{\"op\":\"end\",\"sid\":" + std::to_string(sid) + ",\"code\":" + text::json_string(code) +
        ",\"cursor\":\"" + hub_.cursor_text(position) + "\"}");
    unsubscribe(sid);
}

void Session::on_live(Subscription& sub) {
    say("{\"op\":\"live\",\"sid\":" + std::to_string(sub.sid) + ",\"cursor\":\"" +
        hub_.cursor_text(hub_.tail().head()) + "\"}");
}

void Session::tick(Instant now) {
    Listener::tick(now);
    if (closing_) return;
    if (!known_ && now - opened_ > kCredentialWait)
        return close_with(4440, R"({"code":"unauthenticated"})");
    if (now - last_heard_ > kSilenceMax) return close_with(4440, R"({"code":"timeout"})");
    if (now - last_ping_ >= kPingEvery) {
        last_ping_ = now;
        const Instant said = last_sent_;  // a browser does not see pings: they are no heartbeat
        append_heartbeat(outbox(), wire_);
        flush();
        last_sent_ = said;
    }
    const bool several = subs_.size() > 1;
    const bool one_reads =
        std::ranges::any_of(subs_, [](const Subscription& s) { return s.reader != nullptr; });
    if (several && one_reads && now - last_positions_ >= 1s) {
        last_positions_ = now;
        heartbeat();
    } else if (all_told() && known_ && hb_ > Duration{0} && now - last_sent_ >= hb_) {
        heartbeat();
    }
}

void Session::heartbeat() {
    std::string json =
        "{\"op\":\"hb\",\"ts\":" + std::to_string(hub_.now().wall) + ",\"cursor\":\"";
    Arrival lowest = hub_.tail().head();
    for (const Subscription& sub : subs_) lowest = std::min(lowest, position_of(sub));
    json += hub_.cursor_text(lowest) + "\",\"lag\":" + std::to_string(lag());
    if (subs_.size() > 1) {
        json += ",\"subs\":{";
        for (const Subscription& sub : subs_) {
            if (json.back() != '{') json += ',';
            json +=
                '"' + std::to_string(sub.sid) + "\":\"" + hub_.cursor_text(position_of(sub)) + '"';
        }
        json += '}';
    }
    say(json + '}');
    flush();
}

}  // namespace anode::api
