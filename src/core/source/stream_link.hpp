#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/source/clocks.hpp"
#include "core/source/machine_desk.hpp"
#include "core/source/machine_request.hpp"
#include "core/source/stream_steps.hpp"

/// One connection of a stream: opened, taken through the connect steps, kept alive.
namespace anode::source {

class Link;

/// Why a connection is over.
struct Down {
    Failure why;
    bool ours = false;   ///< we ended it: the world must be told
    bool fatal = false;  ///< trying again is no use
    bool calm = false;   ///< part of normal life (the end of an event stream): no error
};

/// What a link tells the machine it belongs to.
class LinkHost {
public:
    virtual ~LinkHost() = default;
    virtual void link_opened(Link& link) = 0;
    virtual void link_ready(Link& link) = 0;
    /// The first data of this connection, or data again after it was stale.
    virtual void link_data(Link& link) = 0;
    virtual void link_stale(Link& link) = 0;
    virtual void link_notice(Link& link, std::string_view words) = 0;
    virtual void link_down(Link& link, Down down) = 0;
    /// Rows of a data frame, before they go out: repeats of an overlap, snapshots, backfill.
    virtual void link_rows(Link& link, Desk::Mark from, const Shaped& shaped) = 0;
};

/// Lifetime: stays until the machine's step ends, also after link_down().
class Link {
public:
    struct Setup {
        ConnId id{};
        std::uint32_t slot = 0;
        std::shared_ptr<const std::vector<Item>> items;
        const Template* url = nullptr;
        Bytes position;  ///< where to go on from; empty: live
    };
    Link(Desk& desk, Courier& courier, TokenKeeper& token, LinkHost& host, Setup setup);

    void start();
    void fail(Down how);
    // What the world says about it.
    void opened();
    void frame(BytesView data, bool binary);
    void event(const in::SseEvent& event);
    void alive();
    void answered(const in::Answered& answer);
    void request_failed(const Failure& why);
    void token_here(bool good);
    void fired(TimerId id);
    void reading(bool on);
    /// Ends it from our side, without link_down().
    void close(std::uint16_t code, std::string reason);

    enum class Phase : std::uint8_t { Preparing, Opening, Stepping, Ready, Down };
    [[nodiscard]] Phase phase() const noexcept { return phase_; }
    [[nodiscard]] bool ready() const noexcept { return phase_ == Phase::Ready; }
    [[nodiscard]] bool open() const noexcept {
        return phase_ == Phase::Stepping || phase_ == Phase::Ready;
    }
    [[nodiscard]] bool had_data() const noexcept { return had_data_; }
    [[nodiscard]] bool stale() const noexcept { return stale_; }
    /// The server announced that it will end this connection.
    [[nodiscard]] bool noticed() const noexcept { return noticed_; }
    [[nodiscard]] Instant last_data() const noexcept { return data_clock_.last(); }
    [[nodiscard]] WallTime last_data_at() const noexcept { return last_data_at_; }
    [[nodiscard]] Duration retry() const noexcept { return retry_; }
    [[nodiscard]] ConnId id() const noexcept { return setup_.id; }
    [[nodiscard]] std::uint32_t slot() const noexcept { return setup_.slot; }
    [[nodiscard]] const std::vector<Item>& items() const noexcept { return *setup_.items; }
    [[nodiscard]] const ItemBook& book() const noexcept { return book_; }
    [[nodiscard]] std::vector<StepStatus> steps() const { return steps_.status(); }

private:
    friend class StepRunner;

    void advance();
    void refuse_item(std::size_t item, std::string words);
    void open_now();
    void finish_steps();
    void send_position();
    void heard() noexcept { any_clock_.touch(desk_.now.mono); }
    void down(ErrorClass error, std::string detail, bool fatal = false);

    // frames
    void receive(BytesView data, bool binary, std::string_view event_id);
    bool claims(const Shaped& shaped);
    bool answers(const Shaped& shaped);
    bool pong(const Shaped& shaped);
    bool is_talk(const Shaped& shaped) const;
    void settle(const Shaped& shaped, Desk::Mark from, std::string_view event_id);
    void settle_data(const Shaped& shaped, Desk::Mark from, std::string_view event_id);
    void settle_gaps(const Shaped& shaped, Desk::Mark from);
    void settle_item(const Shaped& shaped, ItemState state);

    // sending
    void queue_message(Bytes data, bool binary, Duration gap);
    void flush();
    Duration message_wait();
    void count_control();
    [[nodiscard]] bool may_send() const noexcept;

    // clocks
    void start_clocks();
    void check_any();
    void check_stale();
    void protocol_ping();
    void ping_due();
    void send_ping();

    Desk& desk_;
    Courier& courier_;
    TokenKeeper& token_;
    LinkHost& host_;
    Setup setup_;
    Phase phase_ = Phase::Preparing;
    Variables variables_;
    std::uint64_t counter_ = 1;
    ItemBook book_;
    StepRunner steps_;
    bool waits_for_token_ = false;

    struct Message {
        Bytes data;
        bool binary = false;
        Duration gap{};  ///< to the message before it
    };
    std::deque<Message> outbox_;
    Bucket messages_;
    Instant next_send_{};
    TimerId send_timer_{};
    bool send_armed_ = false;

    IdleClock any_clock_, data_clock_;
    TimerId protocol_timer_{}, ping_timer_{}, answer_timer_{};
    bool answer_due_ = false;
    bool talks_ = false;  ///< replies or pongs may come: frames are looked at twice
    bool had_data_ = false, stale_ = false, paused_ = false, noticed_ = false;
    WallTime last_data_at_ = 0;
    Duration retry_{};
};

/// Whether a frame is this word, or fulfils this expression.
bool matches(const std::variant<std::string, expr::Program>& rule, const Shaped& shaped);

}  // namespace anode::source
