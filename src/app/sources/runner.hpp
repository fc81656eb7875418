#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "app/engine.hpp"
#include "app/ledger.hpp"
#include "app/sources/book.hpp"
#include "base/metrics.hpp"
#include "runtime/source_driver.hpp"

namespace anode::app {

/// One line of a source's timeline.
struct SourceEvent {
    WallTime at = 0;
    std::string kind, detail;
};

/// What a source runs on. Outlives the runners.
struct RunnerWorld {
    SourceWorld world;
    Engine& engine;
    Ledger& ledger;
    metrics::Registry& metrics;
    source::Secrets& secrets;
    source::Budgets& budgets;
    std::string node;
};

/// A source at work: its machine on the loop, and what comes out of it on the way into the engine, counted. One that is held only
/// stands by: it keeps the newest rows that can be told apart until it is released; in a race it brings them at once.
/// Thread: the engine's loop.
/// Limits: a held one keeps 20,000 rows and 16 MiB, and forgets the oldest.
class SourceRunner final : public SourceSink {
public:
    SourceRunner(RunnerWorld& world, std::shared_ptr<const source::Definition> definition,
                 source::Restored restored, bool held = false);
    ~SourceRunner() override;

    [[nodiscard]] const std::string& name() const noexcept { return definition_->name; }
    void start() { driver_->start(); }
    void stop(bool drain) { driver_->stop(drain); }
    /// Another runner takes over, or none does: ends politely and shows no state any more.
    void retire();
    void restart() { driver_->restart(); }
    [[nodiscard]] bool held() const noexcept { return held_; }
    /// From now on rows are let through, first those that were held back.
    void release();
    void set_pressure(bool full) { driver_->set_pressure(full); }
    /// The answer tells what was taken in once `reply` may be given; rows are in the engine when this returns.
    Result<std::vector<MessageId>> push(
        std::span<const std::pair<std::string, std::string>> headers, BytesView body);
    [[nodiscard]] bool quiet() const noexcept { return driver_->quiet(); }
    [[nodiscard]] const source::Machine& machine() const noexcept { return driver_->machine(); }
    [[nodiscard]] const std::deque<SourceEvent>& events() const noexcept { return events_; }
    /// Where the feed stands, as `resume` needs it; empty if it has no positions.
    [[nodiscard]] const Bytes& position() const noexcept { return position_; }
    [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
    /// Messages a second, over the last ten seconds.
    [[nodiscard]] double rate() const noexcept { return rate_; }
    /// Once a second: rate, lag and time of the newest message.
    void tick();

private:
    void on_rows(SourceDriver& driver, std::span<const source::Row> rows,
                 std::span<const source::DeadLetter> dead_letters) override;
    void on_batch_end(SourceDriver& driver) override;
    void on_state(SourceDriver& driver, const source::act::StateChanged& change) override;
    void on_gap(SourceDriver& driver, const source::act::GapFound& gap) override;
    void on_event(SourceDriver& driver, const source::act::Event& event) override;

    /// A row that outlives the frame it came in.
    struct HeldRow {
        std::string topic, key;
        Bytes payload;
        std::string content_type;
        Kind kind = Kind::Set;
        std::uint8_t flags = 0;
        std::optional<WallTime> source_time;
        std::optional<Hash128> cid;
        Bytes position;
        [[nodiscard]] std::size_t bytes() const {
            return sizeof(HeldRow) + topic.size() + key.size() + payload.size() + position.size();
        }
    };
    void hold(std::span<const source::Row> rows);
    template <class Row>
    void take_row(const Row& row, WallTime wall);
    template <class Rows>
    void take_all(const Rows& rows);
    void take(const Draft& draft, WallTime wall);
    void tell_state(source::State from, source::State to, std::string_view why);
    void note(std::string kind, std::string detail);
    void balance_books();
    void show_state(source::State state);
    void keep_position(std::string_view position);

    RunnerWorld& world_;
    std::shared_ptr<const source::Definition> definition_;
    std::unique_ptr<SourceDriver> driver_;
    std::deque<SourceEvent> events_;
    source::Counters counted_;  ///< machine counters that are in the books already
    std::uint64_t messages_ = 0, messages_before_ = 0;
    double rate_ = 0;
    std::vector<MessageId>* collect_ = nullptr;
    Bytes position_;
    Instant position_written_{};

    metrics::Counter& reconnects_;
    metrics::Counter& gaps_;
    metrics::Counter& gap_messages_;
    metrics::Gauge& last_message_;
    metrics::Histogram& lag_;
    struct ErrorSeries {
        metrics::Counter* counter = nullptr;
        std::uint64_t counted = 0;  ///< of this runner's errors, in the counter already
    };
    std::map<std::string, ErrorSeries, std::less<>> errors_;
    metrics::Gauge* shown_state_ = nullptr;
    bool retired_ = false;
    bool held_;
    std::deque<HeldRow> held_rows_;
    std::size_t held_bytes_ = 0;
};

}  // namespace anode::app
