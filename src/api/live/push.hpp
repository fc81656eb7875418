#pragma once

#include <string>
#include <vector>

#include "api/live/listener.hpp"
#include "core/codec/websocket.hpp"

namespace anode::api {

/// A publisher on `/v1/push`: each text frame is a payload and gets an answer of its own if it asked
/// for one. Source: interfaces, section 8.
class PushConnection final : public Listener {
public:
    PushConnection(Hub& hub, Detached socket, Seat seat, Wire wire, std::string identity,
                   std::string topic, AckLevel level, bool answers);

    void tick(Instant now) override;
    [[nodiscard]] bool listens() const noexcept override { return false; }

protected:
    void on_input(std::span<char> input) override;
    void on_subscription_end(Subscription&, std::string_view) override {}
    [[nodiscard]] bool wants_input() const noexcept override;

private:
    /// Frames that came together go to the engine together: their numbers and size.
    struct Taken {
        std::uint64_t first;
        std::uint32_t count;
        std::uint64_t bytes;
    };
    void take(std::span<char> input);
    void gather(BytesView payload, bool binary);
    void publish_gathered();
    void answer(const Taken& taken, const Result<PublishResult>& result);
    void refuse(std::uint64_t n, const Problem& problem);

    ws::Decoder decoder_;
    std::string topic_;
    AckLevel level_;
    bool answers_;
    std::vector<PublishItem> gathered_;  ///< of the input at hand
    std::uint64_t gathered_first_ = 0, gathered_bytes_ = 0;
    std::uint64_t taken_ = 0;  ///< frames so far
    std::uint64_t bytes_in_flight_ = 0;
    std::uint32_t in_flight_ = 0;
};

}  // namespace anode::api
