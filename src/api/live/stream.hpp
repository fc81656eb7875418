#pragma once

#include <optional>

#include "api/live/listener.hpp"
#include "core/codec/websocket.hpp"

namespace anode::api {

/// A listener of `/v1/stream`: one subscription, one way. Source: interfaces, section 6.
class StreamListener final : public Listener {
public:
    StreamListener(Hub& hub, Detached socket, Seat seat, Wire wire, const StreamWant& want,
                   std::string identity);

    /// Subscribes; tells first what a resume has come to, where there is room for that.
    void open(const StreamWant& want, Begin begin);
    void tick(Instant now) override;

protected:
    void on_input(std::span<char> input) override;
    void on_subscription_end(Subscription& sub, std::string_view code) override;

private:
    std::uint32_t heartbeat_ms_;
    ws::Decoder decoder_;
};

}  // namespace anode::api
