#include "api/live/push.hpp"

#include <utility>

#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api {

namespace {

constexpr std::uint32_t kInFlightMax = 1024;
constexpr std::uint64_t kBytesInFlightMax = 8U << 20;

ws::DecoderConfig push_decoder(bool deflate) {
    ws::DecoderConfig config;
    config.frame_bytes_max = kPayloadBytesMax;
    config.message_bytes_max = kPayloadBytesMax;
    config.deflate = deflate;
    return config;
}

}  // namespace

PushConnection::PushConnection(Hub& hub, Detached socket, Seat seat, Wire wire,
                               std::string identity, std::string topic, AckLevel level,
                               bool answers)
    : Listener(hub, std::move(socket), std::move(seat), wire, EnvelopeStyle{}, std::move(identity)),
      decoder_(push_decoder(wire.deflate)),
      topic_(std::move(topic)),
      level_(level),
      answers_(answers) {}

bool PushConnection::wants_input() const noexcept {
    return in_flight_ < kInFlightMax && bytes_in_flight_ < kBytesInFlightMax &&
           outbox_bytes() < (1 << 20);
}

void PushConnection::tick(Instant now) { Listener::tick(now); }

void PushConnection::on_input(std::span<char> input) {
    take(input);
    publish_gathered();
}

void PushConnection::take(std::span<char> input) {
    while (const auto event = decoder_.next(input)) {
        switch (event->kind) {
            case ws::Event::Kind::Text:
                gather(event->payload, false);
                break;
            case ws::Event::Kind::Binary:
                gather(event->payload, true);
                break;
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

void PushConnection::gather(BytesView payload, bool binary) {
    const std::uint64_t n = ++taken_;
    PublishItem item;
    item.topic = topic_;
    if (binary) {
        item.payload = payload;
        item.content_type = "application/octet-stream";
    } else {
        auto compact = json::compact(payload);
        if (!compact) {
            publish_gathered();  // so that what is gathered has numbers without a hole
            return refuse(n, compact.error().code == Errc::Malformed ||
                                     compact.error().code == Errc::Truncated
                                 ? Problem::bad_json(compact.error().what)
                                 : Problem::of(compact.error()));
        }
        item.payload = std::move(*compact);
    }
    if (gathered_.empty()) gathered_first_ = n;
    gathered_bytes_ += item.payload.size();
    gathered_.push_back(std::move(item));
}

void PushConnection::publish_gathered() {
    if (gathered_.empty()) return;
    const Taken taken{gathered_first_, static_cast<std::uint32_t>(gathered_.size()),
                      std::exchange(gathered_bytes_, 0)};
    if (const auto problem = too_fast(taken.count)) {
        gathered_.clear();
        for (std::uint32_t i = 0; i < taken.count; ++i) refuse(taken.first + i, *problem);
        return;
    }
    in_flight_ += taken.count;
    bytes_in_flight_ += taken.bytes;
    PublishRequest request;
    request.level = level_;
    request.items = std::exchange(gathered_, {});
    hub_.parts().doors.publishing.publish(
        std::move(request), [self = hub_.ref(id()), taken](Result<PublishResult> result) {
            self.post([taken, result = std::move(result)](Listener& listener) {
                static_cast<PushConnection&>(listener).answer(taken, result);
            });
        });
}

void PushConnection::answer(const Taken& taken, const Result<PublishResult>& result) {
    in_flight_ -= taken.count;
    bytes_in_flight_ -= taken.bytes;
    if (closing_) return;
    for (std::uint32_t i = 0; i < taken.count; ++i) {
        if (!result) {
            refuse(taken.first + i, Problem::of(result.error()));
        } else if (answers_ && i < result->ids.size()) {
            append_control(outbox(), wire_, {},
                           "{\"op\":\"ok\",\"n\":" + std::to_string(taken.first + i) +
                               ",\"id\":\"" + result->ids[i].text() + "\"}");
        }
    }
    flush();
    resume_input();
}

void PushConnection::refuse(std::uint64_t n, const Problem& problem) {
    append_control(outbox(), wire_, {},
                   "{\"op\":\"err\",\"n\":" + std::to_string(n) +
                       ",\"code\":" + text::json_string(problem.code) +
                       ",\"title\":" + text::json_string(problem.title()) +
                       ",\"detail\":" + text::json_string(problem.detail) + '}');
}

}  // namespace anode::api
