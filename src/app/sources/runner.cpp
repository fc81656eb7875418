#include "app/sources/runner.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/random.hpp"

namespace anode::app {
namespace {

constexpr std::size_t kEventsMax = 200;
constexpr std::size_t kHeldMax = 20'000, kHeldBytesMax = 16u << 20;
constexpr Duration kPositionEvery = 500ms;

metrics::Labels of(const source::Definition& definition) { return {{"source", definition.name}}; }

/// The members of a JSON object, without its braces, as the ledger wants them.
class Members {
public:
    Members& add(std::string_view name, std::string_view value) {
        begin(name);
        text::append_json_string(out_, value);
        return *this;
    }
    Members& add(std::string_view name, std::uint64_t value) {
        begin(name);
        text::append_u64(out_, value);
        return *this;
    }
    Members& null(std::string_view name) {
        begin(name);
        out_ += "null";
        return *this;
    }
    [[nodiscard]] const std::string& text() const { return out_; }

private:
    void begin(std::string_view name) {
        if (!out_.empty()) out_ += ',';
        text::append_json_string(out_, name);
        out_ += ':';
    }
    std::string out_;
};

}  // namespace

SourceRunner::SourceRunner(RunnerWorld& world, std::shared_ptr<const source::Definition> definition,
                           source::Restored restored, bool held)
    : world_(world),
      definition_(std::move(definition)),
      position_(restored.position),
      reconnects_(world.metrics.counter("anode_source_reconnects_total",
                                        "Connections opened again.", of(*definition_))),
      gaps_(world.metrics.counter(
          "anode_source_gaps_total", "Holes found in feeds.",
          {{"source", definition_->name}, {"scope", "source"}, {"reason", "source"}})),
      gap_messages_(world.metrics.counter("anode_gap_messages_total",
                                          "Messages known to be missing.",
                                          {{"scope", "source"}, {"reason", "source"}})),
      last_message_(world.metrics.gauge("anode_source_last_message_timestamp_seconds",
                                        "When the newest message came.", of(*definition_))),
      lag_(world.metrics.histogram("anode_ingest_lag_seconds", "Our time less the source's own.",
                                   of(*definition_))),
      held_(held) {
    auto machine = source::make_machine(definition_, std::move(restored), world.secrets,
                                        world.budgets, seeded_rng());
    show_state(source::State::Disabled);  // what a runner before this one left behind
    show_state(machine->state());
    driver_ =
        std::make_unique<SourceDriver>(world.world, definition_->name, std::move(machine), *this);
}

SourceRunner::~SourceRunner() = default;

void SourceRunner::retire() {
    show_state(source::State::Disabled);
    if (!position_.empty() && !held_)
        world_.engine.ride_along({"position", definition_->name, position_});
    retired_ = true;
    driver_->stop(false);
}

Result<std::vector<MessageId>> SourceRunner::push(
    std::span<const std::pair<std::string, std::string>> headers, BytesView body) {
    std::vector<MessageId> ids;
    collect_ = &ids;
    const Result<void> pushed = driver_->push(headers, body);
    collect_ = nullptr;
    balance_books();
    if (!pushed) return std::unexpected(pushed.error());
    return ids;
}

/// A row as the machine gives it, or as it was held back.
template <class Row>
void SourceRunner::take_row(const Row& row, WallTime wall) {
    Draft draft;
    draft.topic = row.topic;
    draft.payload = row.payload;
    draft.content_type = row.content_type;
    draft.key = row.key;
    draft.kind = row.kind;
    draft.flags = row.flags;
    draft.source_time = row.source_time;
    draft.cid = row.cid;
    draft.source_position = row.position;
    take(draft, wall);
}

template <class Rows>
void SourceRunner::take_all(const Rows& rows) {
    const WallTime wall = world_.world.loop.now().wall;
    if (rows.empty()) return;
    for (const auto& row : rows) take_row(row, wall);
    world_.engine.count_received(rows.size());
    messages_ += rows.size();
    last_message_.set(static_cast<double>(wall) / 1e6);
    keep_position(rows.back().position);
}

void SourceRunner::on_rows(SourceDriver&, std::span<const source::Row> rows,
                           std::span<const source::DeadLetter> dead_letters) {
    if (held_) return hold(rows);  // what cannot be read is told by the owner
    take_all(rows);
    for (const source::DeadLetter& letter : dead_letters)
        world_.engine.dead_letter(definition_->name, letter.reason, letter.raw);
}

void SourceRunner::take(const Draft& draft, WallTime wall) {
    Draft named = draft;
    named.source = definition_->name;
    const std::optional<Place> place = world_.engine.take(named);
    if (!place) return;
    if (collect_ != nullptr) collect_->push_back(place->id);
    if (draft.source_time && *draft.source_time <= wall)
        lag_.observe(static_cast<double>(wall - *draft.source_time) / 1e6);
}

/// The owner brings these as well. Without a content id nobody could tell, so a repeat is avoided. In a race whoever has a row
/// first brings it, and the other's is known for what it is.
void SourceRunner::hold(std::span<const source::Row> rows) {
    const bool races = definition_->placement.standby == source::Placement::Standby::Race;
    for (const source::Row& row : rows) {
        if (!row.cid) continue;
        if (races) {
            world_.engine.count_received(1);
            take_row(row, world_.world.loop.now().wall);
            continue;
        }
        held_rows_.push_back({std::string(row.topic), std::string(row.key), Bytes(row.payload),
                              std::string(row.content_type), row.kind, row.flags, row.source_time,
                              row.cid, Bytes(row.position)});
        held_bytes_ += held_rows_.back().bytes();
    }
    while (held_rows_.size() > kHeldMax || held_bytes_ > kHeldBytesMax) {
        held_bytes_ -= held_rows_.front().bytes();
        held_rows_.pop_front();
    }
}

void SourceRunner::release() {
    if (!std::exchange(held_, false)) return;
    tell_state(source::State::Pending, driver_->machine().state(), "stood by");
    take_all(held_rows_);
    held_rows_.clear();
    held_bytes_ = 0;
}

void SourceRunner::on_batch_end(SourceDriver&) { balance_books(); }

/// What the machine counted and did not let out was received too, and has gone somewhere.
void SourceRunner::balance_books() {
    const source::Counters& now = driver_->machine().counters();
    const std::uint64_t repeats = now.duplicates - counted_.duplicates;
    const std::uint64_t rejected = now.rejected - counted_.rejected;
    const std::uint64_t dropped = now.dropped - counted_.dropped;
    const std::uint64_t overflowed = now.overflowed - counted_.overflowed;
    const std::uint64_t conflated = now.conflated - counted_.conflated;
    reconnects_.add(now.reconnects - counted_.reconnects);
    counted_ = now;
    const std::uint64_t all = repeats + rejected + dropped + overflowed + conflated;
    if (all == 0) return;
    world_.engine.count_received(all);
    world_.engine.count_duplicates(repeats);
    if (rejected > 0) world_.engine.count_rejected(definition_->name, "invalid", rejected);
    if (dropped > 0) world_.engine.count_dropped(definition_->name, "unwanted", dropped);
    if (overflowed > 0) world_.engine.count_dropped(definition_->name, "queue-full", overflowed);
    if (conflated > 0) world_.engine.count_dropped(definition_->name, "conflated", conflated);
}

void SourceRunner::keep_position(std::string_view position) {
    if (position.empty() || retired_) return;  // a removed source leaves no record behind
    position_.assign(position);
    const Instant now = world_.world.loop.now().mono;
    if (now - position_written_ < kPositionEvery) return;
    position_written_ = now;
    world_.engine.ride_along({"position", definition_->name, position_});
}

void SourceRunner::on_state(SourceDriver&, const source::act::StateChanged& change) {
    if (!retired_) show_state(change.to);
    note("state", std::string(source::name(change.from)) + " → " +
                      std::string(source::name(change.to)) +
                      (change.why.empty() ? "" : ": " + change.why));
    if (!held_) tell_state(change.from, change.to, change.why);
}

void SourceRunner::tell_state(source::State from, source::State to, std::string_view why) {
    world_.ledger.event("source", Members()
                                      .add("source", definition_->name)
                                      .add("from", source::name(from))
                                      .add("to", source::name(to))
                                      .add("why", why)
                                      .text());
    log::debug("source", "state changed",
               {{"source", definition_->name}, {"state", source::name(to)}, {"err", why}});
}

void SourceRunner::show_state(source::State state) {
    if (shown_state_ != nullptr) shown_state_->set(0);
    shown_state_ = &world_.metrics.gauge(
        "anode_source_state", "1 for the state a source is in.",
        {{"source", definition_->name}, {"state", std::string(source::name(state))}});
    shown_state_->set(1);
}

void SourceRunner::on_gap(SourceDriver&, const source::act::GapFound& gap) {
    if (held_) return;  // the owner sees its own
    gaps_.add();
    gap_messages_.add(gap.lost);
    note("gap",
         gap.cause + (gap.key.empty() ? "" : " of " + gap.key) + ": " + gap.from + " → " + gap.to);
    Members members;
    members.add("source", definition_->name).add("key", gap.key).add("cause", gap.cause);
    members.add("from", gap.from).add("to", gap.to);
    if (gap.lost > 0)
        members.add("lost", gap.lost);
    else
        members.null("lost");
    world_.ledger.gap("source", "source", members.text());
}

void SourceRunner::on_event(SourceDriver&, const source::act::Event& event) {
    note(std::string(event.kind), event.detail);
}

void SourceRunner::note(std::string kind, std::string detail) {
    events_.push_back({world_.world.loop.now().wall, std::move(kind), std::move(detail)});
    if (events_.size() > kEventsMax) events_.pop_front();
}

void SourceRunner::tick() {
    balance_books();
    const double now = static_cast<double>(messages_ - messages_before_);
    messages_before_ = messages_;
    rate_ += (now - rate_) / 5;  // the weight of a second falls to a tenth in ten
    if (rate_ < 0.01) rate_ = 0;
    for (const source::ErrorCount& error : driver_->machine().status().errors) {
        auto& [counter, counted] = errors_[std::string(source::name(error.error))];
        if (counter == nullptr) {
            counter = &world_.metrics.counter(
                "anode_source_errors_total", "Errors of a source, by class.",
                {{"source", definition_->name}, {"class", std::string(source::name(error.error))}});
        }
        counter->add(error.count - std::exchange(counted, error.count));
    }
}

}  // namespace anode::app
