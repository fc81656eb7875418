#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/live/listener.hpp"
#include "core/codec/websocket.hpp"
#include "core/json/json.hpp"

namespace anode::api {

/// How often something may happen: `rate` a second, `burst` at once.
class Bucket {
public:
    Bucket(double rate, double burst) : rate_(rate), burst_(burst), left_(burst) {}
    bool take(Instant now) {
        const double passed = std::chrono::duration<double>(now - at_).count();
        at_ = now;
        left_ = std::min(burst_, left_ + std::max(0.0, passed) * rate_);
        if (left_ < 1) return false;
        left_ -= 1;
        return true;
    }

private:
    double rate_, burst_, left_;
    Instant at_{};
};

/// A connection of the protocol anode.v1. Source: interfaces, section 7.
class Session final : public Listener {
public:
    Session(Hub& hub, Detached socket, Seat seat, Wire wire, Caller caller);

    /// Greets, if the handshake has told who the caller is.
    void open();
    void tick(Instant now) override;

protected:
    void on_input(std::span<char> input) override;
    void on_subscription_end(Subscription& sub, std::string_view code) override;
    void on_live(Subscription& sub) override;
    [[nodiscard]] bool wants_input() const noexcept override;

private:
    struct Op;
    static const Op* find_op(std::string_view name);

    void on_request(BytesView text);
    void request(const json::Value& root);
    void hello(const json::Value& root, std::optional<std::int64_t> id);
    void sub(const json::Value& root, std::optional<std::int64_t> id);
    void upd(const json::Value& root, std::optional<std::int64_t> id);
    void unsub(const json::Value& root, std::optional<std::int64_t> id);
    void pub(const json::Value& root, std::optional<std::int64_t> id);
    void hist(const json::Value& root, std::optional<std::int64_t> id);
    void get(const json::Value& root, std::optional<std::int64_t> id);
    void ack(const json::Value& root, std::optional<std::int64_t> id);
    void ping(const json::Value& root, std::optional<std::int64_t> id);

    void subscribed(std::int64_t id, std::uint32_t sid, const Want& want, Asked<Begin> begin);
    void published(std::optional<std::int64_t> id, Result<PublishResult> result);
    void welcome();
    void heartbeat();
    void say(std::string_view json);
    /// Writes, and reads again what may have waited.
    void look_later();
    void err(std::optional<std::int64_t> id, const Problem& problem);
    Subscription* subscription_of(const json::Value& root, std::optional<std::int64_t> id);
    template <class Make>
    void page(std::int64_t id, Make make);

    Caller caller_;
    ws::Decoder decoder_;
    json::Document document_;
    Duration hb_{20s};
    Bucket control_frames_{10, 50};
    Instant opened_, last_ping_, last_positions_{};
    std::uint32_t next_sid_ = 0;
    std::uint32_t subs_coming_ = 0;
    std::uint32_t in_flight_ = 0;  ///< requests whose answer comes later
    bool known_ = false;           ///< who the caller is
};

}  // namespace anode::api
