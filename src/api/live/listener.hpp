#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/http/response.hpp"
#include "api/http/socket.hpp"
#include "api/live/hub.hpp"
#include "api/live/reader.hpp"
#include "api/live/want.hpp"

namespace anode::api {

/// One subscription of a connected listener.
struct Subscription {
    std::uint32_t sid = 0;
    fanout::SelectorPtr selector;
    SlowPolicy slow = SlowPolicy::Catchup;
    bool paused = false;
    bool on_ring = false;
    std::optional<WallTime> to;
    std::optional<std::uint64_t> left;  ///< of `limit`
    std::uint32_t window = 0;
    Arrival start;                        ///< it is owed what arrived behind this
    Arrival ring_since;                   ///< the ring delivers what arrived behind this
    Arrival position;                     ///< of one that is paused
    std::vector<Arrival> unacknowledged;  ///< in order
    std::shared_ptr<Reader> reader;

    /// Whether the shared ring may serve it: nothing has to be counted for it alone.
    [[nodiscard]] bool ring_may_serve() const noexcept {
        return !paused && !to && !left && window == 0;
    }
};

/// A connected listener of any transport: its socket, what is queued for it alone, its place in a
/// ring, and its private readers. While nothing is pending it owns no buffer.
/// Order on the wire: what is queued for it alone goes first, at the edge of a frame; the ring after
/// it. So a control object never falls into a frame, and a replay always precedes live messages.
/// Thread: its loop's.
class Listener : public Watcher,
                 public fanout::Member,
                 public std::enable_shared_from_this<Listener> {
public:
    Listener(Hub& hub, Detached socket, Seat seat, Wire wire, EnvelopeStyle style,
             std::string identity);
    ~Listener() override;

    /// Watches the socket and reads what came with the request.
    void begin(Bytes pending);
    void ready(std::uint32_t events) override;
    /// Writes all that is pending, in as few calls as it takes.
    void flush();
    /// After a round in which something was found: too slow, or gone.
    void attend();
    /// New blocks are in the tail.
    void follow();
    virtual void tick(Instant now);
    virtual void drain(Duration grace);
    virtual void close_with(std::uint16_t code, std::string_view reason);
    /// Ends it without a word.
    void drop();
    /// The feed let go of blocks up to `last`: what the ring cannot give comes from the store.
    void missed_blocks();

    /// What let it in. It is looked at again whenever credentials change.
    void admit(Credential by) {
        credential_ = std::move(by);
        credential_checked_ = 0;
    }
    /// Counts messages against who publishes them: why they are too many, if they are.
    [[nodiscard]] std::optional<Problem> too_fast(std::size_t messages) const;
    /// Whether what let it in holds no more.
    [[nodiscard]] bool credential_ended(Authenticator& auth, std::uint64_t changes, WallTime now);

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] Transport transport() const noexcept { return wire_.transport; }
    [[nodiscard]] bool closing() const noexcept { return closing_; }
    /// False for connections that only publish.
    [[nodiscard]] virtual bool listens() const noexcept { return true; }
    [[nodiscard]] ListenerInfo info() const;
    [[nodiscard]] std::size_t subscriptions() const noexcept { return subs_.size(); }

protected:
    // -- what the transports decide -------------------------------------------------------------------
    virtual void on_input(std::span<char> input) = 0;
    virtual void on_subscription_end(Subscription& sub, std::string_view code) = 0;
    virtual void on_live(Subscription&) {}
    virtual void on_half_close() { drop(); }
    [[nodiscard]] virtual bool takes_control() const noexcept {
        return style_.format != Format::Data || wire_.transport == Transport::Sse;
    }
    [[nodiscard]] virtual bool wants_input() const noexcept { return true; }

    // -- for them -------------------------------------------------------------------------------------
    /// Adds a subscription; `begin` as find_begin() found it. Its messages follow what is queued now.
    Subscription& subscribe(std::uint32_t sid, const Want& want, Begin begin);
    /// Takes one out; the answer is where it stands.
    Arrival unsubscribe(std::uint32_t sid);
    Subscription* find(std::uint32_t sid) noexcept;
    /// Puts subscriptions that the ring may serve on the ring and gives the others a reader.
    void arrange();
    void change_selector(Subscription& sub, fanout::SelectorPtr selector);
    void pause(Subscription& sub, bool on);
    void acknowledge(Arrival upto);
    [[nodiscard]] Arrival position_of(const Subscription& sub) const;

    Bytes& outbox();  ///< to append whole frames to
    void queue_control(std::string_view event, std::string_view json);
    void queue_gap(std::string_view reason, const std::vector<std::string>& topics, Arrival from,
                   Arrival to, std::optional<std::uint64_t> lost);
    void end_when_flushed(Duration grace);
    void pump();
    void resume_input();
    [[nodiscard]] std::size_t outbox_bytes() const noexcept;
    [[nodiscard]] bool all_told() const noexcept;
    [[nodiscard]] std::uint64_t lag() const;
    [[nodiscard]] const std::string& peer() const noexcept { return seat_.address(); }
    [[nodiscard]] Subscription* slowest() noexcept;
    std::vector<std::string> topics() const;
    void replace_batch(Duration batch) { batch_ = batch; }

    Hub& hub_;
    Wire wire_;
    EnvelopeStyle style_;
    Duration batch_{0};
    std::string identity_;
    Instant last_sent_{};
    Instant last_heard_{};
    std::vector<Subscription> subs_;
    bool gone_ = false;
    bool closing_ = false;

private:
    /// Queued bytes and which messages they hold; exists only while there are some.
    struct Outbox {
        Bytes bytes;
        std::size_t sent = 0;
        std::vector<fanout::Mark> marks;  ///< `messages`: of this mark alone
        std::size_t marks_told = 0;       ///< these have been written
        [[nodiscard]] std::uint64_t messages() const noexcept {
            std::uint64_t sum = 0;
            for (std::size_t i = marks_told; i < marks.size(); ++i) sum += marks[i].messages;
            return sum;
        }
    };
    struct PendingGap {
        Arrival from, to;
        std::uint64_t lost = 0;
    };

    void read_input();
    bool write_outbox();
    bool write_ring();
    void count_ring(std::uint64_t from, std::uint64_t to);
    bool send_bytes(const char* bytes, std::size_t size, std::size_t& sent);
    void note_failed_send();
    void finish_ring_frame();
    void leave_ring(bool keep_rest);
    void join_ring();
    [[nodiscard]] std::vector<fanout::SelectorPtr> ring_selectors() const;
    void mind_slowness();
    void drop_oldest();
    void begin_catchup();
    void count_conflated(std::uint64_t messages);
    void append_piece(Reader& reader, fanout::Piece& piece);
    void step(const std::shared_ptr<Reader>& reader);
    void step_in_store(const std::shared_ptr<Reader>& reader, std::uint64_t messages_max);
    void stepped(const std::shared_ptr<Reader>& reader, Reader::Outcome outcome, bool in_tail);
    void reader_done(const std::shared_ptr<Reader>& reader);
    bool end_if_over(const std::shared_ptr<Reader>& reader);
    [[nodiscard]] std::uint64_t messages_allowed(const Reader& reader);
    void refresh_clauses(Reader& reader);
    std::shared_ptr<Reader> make_reader(Arrival after, std::vector<std::uint32_t> sids,
                                        std::optional<WallTime> from, std::uint8_t extra_flags,
                                        std::vector<Found> first);
    void check_balance();
    void report_gap();

    Credential credential_;
    std::uint64_t credential_checked_ = 0;  ///< Authenticator::changes() when it was

    Socket socket_;
    std::uint64_t id_;
    Seat seat_;
    WallTime since_;
    bool readable_ = true, writable_ = true, peer_ended_ = false, half_closed_ = false;
    bool flushing_ = false, pumping_ = false, shut_ = false, end_after_flush_ = false;
    Instant end_by_ = Instant::max();
    std::unique_ptr<Outbox> outbox_;
    std::unique_ptr<PendingGap> gap_;
    Arrival ring_since_;                   ///< when it joined its present group
    std::uint64_t ring_matched_from_ = 0;  ///< the group's counters at that time
    std::uint64_t ring_conflated_from_ = 0;
    std::uint64_t ring_waiting_from_ = 0;
    std::uint64_t matched_ = 0, written_ = 0, skipped_ = 0, conflated_ = 0;
    std::uint32_t gaps_ = 0;
};

}  // namespace anode::api
