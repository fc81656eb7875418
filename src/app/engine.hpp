#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/doors.hpp"
#include "app/ingest_series.hpp"
#include "core/node/balance.hpp"
#include "core/node/content_window.hpp"
#include "core/node/idempotency.hpp"
#include "core/node/lane_writer.hpp"
#include "core/pipeline/pipeline.hpp"
#include "runtime/loop.hpp"
#include "store/store.hpp"

namespace anode::app {

/// Takes pushed bodies for webhook sources. Called on the engine's thread.
class PushTarget {
public:
    virtual ~PushTarget() = default;
    virtual void push(api::Publishing::Push push, api::Reply<Result<api::PublishResult>> reply) = 0;
};

/// What nodes tell each other: the small state, which idempotency keys were used, who has seen whose lane. Shown to nobody.
inline constexpr std::string_view kStateTopic = "$state", kIdempotencyTopic = "$idem",
                                  kSeenTopic = "$seen";

/// Hears of our own blocks, for the other nodes.
class Outlet {
public:
    virtual ~Outlet() = default;
    /// How many other nodes are linked to us. Any thread.
    [[nodiscard]] virtual std::size_t peers() const = 0;
    /// A block of ours was sealed; `wire` is what the store writes too. Under the engine's lock: no waiting.
    virtual void sealed(const BlockPtr& block, const BlockWirePtr& wire) = 0;
    /// These are synced. The store's thread.
    virtual void stored(const std::vector<BlockPtr>& blocks) = 0;
    /// Answers once so many nodes, we among them, have this synced; or with how many had when `timeout` passed. Any thread.
    using Copies = std::move_only_function<void(unsigned copies, bool met)>;
    virtual void await_copies(LogKey log, Seq seq, unsigned copies, Duration timeout,
                              Copies reply) = 0;
};

/// A block of another node, decoded and checked.
struct RemoteBlock {
    BlockPtr block;
    std::shared_ptr<const Bytes> wire;
    bool late = false;  ///< it fills a hole
};

/// Where messages enter this node: from publishers, sources, pipelines and the node itself. Gives them their place in a
/// log, runs the pipelines, seals blocks, and hands them to the live listeners and to the store side by side.
/// Thread:  publish(), push(), attach(), detach(), system_message() from any thread; everything else on the engine's loop.
/// Limits:  what waits for the store is bounded by the store's queue; past three quarters of it publishers are refused
///          and sources are asked to stop reading.
/// Errors:  a full disk refuses durable publishes (NoSpace) and keeps streaming.
class Engine final : public api::Publishing, public api::LiveFeed {
public:
    Engine(Loop& loop, Store& store, metrics::Registry& metrics, const NodeId& node, Epoch epoch);
    ~Engine() override;

    void publish(api::PublishRequest request,
                 api::Reply<Result<api::PublishResult>> reply) override;
    [[nodiscard]] unsigned nodes() const override {
        return outlet_ == nullptr ? 1 : 1 + static_cast<unsigned>(outlet_->peers());
    }
    [[nodiscard]] api::AckLevel default_level() const override;
    void set_default_level(api::AckLevel level) noexcept;
    void push(Push push, api::Reply<Result<api::PublishResult>> reply) override;
    std::uint64_t attach(Sink sink, Arrival& head) override;
    void detach(std::uint64_t id) override;
    /// `$sys…` and `$dlq…`: JSON payload.
    void system_message(std::string topic, Bytes json);

    // -- the engine's thread only -----------------------------------------------------------------------------

    /// Takes in one message of a source or of the node, and runs it through the pipelines. Nothing: another owner of its
    /// source brought it already.
    std::optional<Place> take(const Draft& draft);
    /// Takes in blocks of other nodes, as they are: stored, shown to listeners, no pipelines. What one of our logs or another
    /// one holds already (equal content ids) is stored and not shown.
    void take_remote(std::vector<RemoteBlock> blocks, std::vector<Record> records);
    /// Entries of a system lane go here before listeners see them; true: it was for us alone, hide it.
    using SystemEntry = std::function<bool(const LogKey& log, const Entry& entry)>;
    void on_remote_system(SystemEntry listener) { system_entry_ = std::move(listener); }
    /// Writes an entry of the small state, or another one between nodes, to our system lane, which no listener sees, and tells
    /// where it stands.
    Place state_message(BytesView payload, std::string_view topic = kStateTopic);
    /// The latest position of a source in blocks of other nodes; nothing if none came.
    [[nodiscard]] const Bytes* remote_position(std::string_view source) const;
    void set_outlet(Outlet* outlet) noexcept { outlet_ = outlet; }
    /// A record that goes to the store together with the block that is open now (positions, windows).
    void ride_along(Record record);
    /// Answers once everything taken in so far is synced, or why it never will be.
    void when_stored(std::move_only_function<void(const Result<void>&)> done);
    /// Answers once everything taken in so far has reached the level that the result names, or why it never will.
    void answer_at(api::PublishResult result, api::Reply<Result<api::PublishResult>> reply);
    /// Counts what never became a message.
    void count_rejected(std::string_view source, std::string_view reason, std::uint64_t n = 1);
    void count_duplicates(std::uint64_t n);
    void count_dropped(std::string_view source, std::string_view reason, std::uint64_t n = 1);
    void count_received(std::uint64_t n) { balance_.received += n; }
    /// A source has ended and took its series along.
    void forget_series(std::string_view source);
    /// Writes a dead letter: `$dlq.<source>`, at most a hundred a second and source; the rest are counted.
    void dead_letter(std::string_view source, std::string_view reason, BytesView raw,
                     std::string_view where = {});

    [[nodiscard]] pipeline::Pipelines& pipelines() noexcept { return pipelines_; }
    void pipelines_changed();
    void set_push_target(PushTarget* target) noexcept { push_target_ = target; }
    /// True while the store cannot keep up: sources stop reading.
    /// Any thread.
    [[nodiscard]] bool pressed() const noexcept { return pressed_.load(std::memory_order_relaxed); }
    void on_pressure(std::function<void(bool)> listener) {
        pressure_listener_ = std::move(listener);
    }
    [[nodiscard]] const Balance& balance() const noexcept { return balance_; }
    [[nodiscard]] HlcClock& clock() noexcept { return clock_; }
    [[nodiscard]] const LogKey& system_log() const noexcept { return system_.log(); }
    /// Any thread.
    [[nodiscard]] metrics::Registry& metrics() const noexcept { return metrics_; }

    /// Memory is nearly used up: publishes are refused and sources stop reading until it is over.
    void shed(bool on);
    /// What comes in is marked `partitioned` from now on, or no longer. Any thread.
    void set_partitioned(bool on) noexcept { partitioned_.store(on, std::memory_order_relaxed); }
    /// Refuses new publishes from now on.
    void drain(bool on) noexcept { draining_.store(on, std::memory_order_relaxed); }
    /// Lets windows out, seals, and waits until the store has it all or takes no more. Any thread but the engine's;
    /// the loop runs.
    void stop();

    /// Loads what the last run remembered (idempotency keys). Before the loop starts.
    void restore();

private:
    struct Batch;
    struct Letters {
        Instant second{};
        std::uint32_t written = 0;
        std::uint64_t suppressed = 0;
    };

    class Outputs;
    struct Publish {
        api::PublishRequest request;
        api::Reply<Result<api::PublishResult>> reply;
    };
    void take_inbox();
    void do_publish(api::PublishRequest request, api::Reply<Result<api::PublishResult>> reply);
    bool answer_known(const api::PublishRequest& request, const std::string& name,
                      api::Reply<Result<api::PublishResult>>& reply);
    Place add(const Draft& draft, bool derived);
    /// Where a message stands in the cluster.
    struct LogPlace {
        LogKey log;
        Seq seq = 0;
    };
    void answer_copies(LogPlace last, api::PublishResult result,
                       api::Reply<Result<api::PublishResult>> reply);
    std::uint8_t block_flags(const LaneWriter& lane);
    static void hide_between_nodes(BlockPtr& block);
    bool take_system(const LogKey& log, const Entry& entry);
    Place tell_nodes(std::string_view topic, std::string_view key, BytesView payload);
    BlockMarks judge_remote(const RemoteBlock& remote);
    void count_taken(const Draft& draft);
    void seal(LaneWriter& lane);
    void schedule_flush();
    void flush_after(Duration wait);
    void flush();
    bool seal_open();
    void hand_over_when_due();
    void hand_over_open();
    void hand_over(std::shared_ptr<Batch> batch);
    void stored(std::shared_ptr<Batch> batch, Result<void> result);
    void retry_stalled();
    void forget_unstored(const Batch& batch);
    void answer_repeat(std::string name, api::PublishResult result,
                       api::Reply<Result<api::PublishResult>> reply);
    void forget_old_letters();
    void set_pressure();
    void arm_tick();
    void check_balance();

    Loop& loop_;
    Store& store_;
    metrics::Registry& metrics_;
    NodeId node_;
    std::string node_text_;
    HlcClock clock_;
    LaneWriter data_, system_;
    Arrival next_arrival_;
    struct Race {
        Instant last{};
        unsigned blocks = 0;  ///< since then
    };
    std::array<Race, 2> races_{};  ///< of the lanes
    bool copies_awaited_ = false;  ///< by a publisher of what is open
    LogPlace last_place_;          ///< of the message of the data lane taken in last
    pipeline::Pipelines pipelines_;
    std::unique_ptr<Outputs> outputs_;
    PushTarget* push_target_ = nullptr;
    Outlet* outlet_ = nullptr;
    SystemEntry system_entry_;
    ContentWindow contents_;
    struct RemotePosition {
        Hlc at;
        Bytes position;
    };
    std::unordered_map<std::string, RemotePosition> remote_positions_;
    std::function<void(bool)> pressure_listener_;
    std::atomic<bool> pressed_{false};
    bool shedding_ = false;
    std::atomic<bool> draining_{false};
    std::atomic<bool> partitioned_{false};

    std::mutex inbox_mutex_;  ///< guards the three below
    std::vector<Publish> inbox_;
    bool inbox_posted_ = false;  ///< the loop was asked to take it
    bool flush_comes_ = false;   ///< a flush is due within the linger and takes it: nobody is woken
    std::vector<Publish> taking_;

    std::shared_ptr<Batch> open_;                 ///< sealed since the last flush
    std::deque<std::shared_ptr<Batch>> stalled_;  ///< the store's queue was full
    bool retrying_ = false;
    bool flush_scheduled_ = false;
    TimerId flush_timer_{};
    bool gathering_ = false;  ///< sealed blocks wait for others
    Instant last_flush_{}, last_hand_over_{};
    bool tick_armed_ = false;
    Instant tick_at_{};
    std::uint64_t in_flight_ = 0;
    Instant no_space_since_{};
    bool no_space_ = false;

    std::mutex sinks_mutex_;  ///< guards sinks_ and the order of attach and seal
    std::vector<std::pair<std::uint64_t, Sink>> sinks_;
    std::uint64_t next_sink_ = 1;
    Arrival sealed_head_;

    Idempotency idempotency_;
    Balance balance_;
    std::unordered_map<std::string, Letters> letters_;
    IngestSeries series_;
    RecentRate intake_;                        ///< with what other nodes send
    std::atomic<unsigned> default_copies_{1};  ///< of the level that nobody chose; 0: received
};

}  // namespace anode::app
