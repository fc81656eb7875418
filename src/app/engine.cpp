#include "app/engine.hpp"

#include <algorithm>
#include <future>
#include <utility>

#include "app/engine_batch.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;  ///< sealed at once, whoever waits
constexpr Duration kLinger = 500us;             ///< between blocks of a busy lane
constexpr Duration kGather = 5ms;        ///< so long a busy lane's blocks go to the store together
constexpr Duration kGatherWaited = 2ms;  ///< the same, where a publisher waits for the disk
constexpr std::uint64_t kGatherMessages = 4096;  ///< so many go at once
constexpr std::uint64_t kBusyMessages = 30;      ///< in ten milliseconds: then blocks are gathered
constexpr std::uint64_t kPressureBytes = 48u << 20;  ///< three quarters of the store's queue
constexpr std::uint32_t kLettersPerSecond = 100;
constexpr std::size_t kLetterRawBytes = 4096;
constexpr int kLastRounds = 1000;  ///< at the end: how often a store that is full is asked again

}  // namespace

/// What pipelines let out enters the log like everything else, but not the pipelines again.
class Engine::Outputs final : public pipeline::Sink {
public:
    explicit Outputs(Engine& engine) : engine_(engine) {}
    void output(std::string_view, const Draft& draft) override { engine_.add(draft, true); }
    void rejected(std::string_view pipeline, const Draft& draft, std::string_view reason) override {
        engine_.series_.rejected(draft.source, "pipeline").add();
        engine_.dead_letter(draft.source, reason, draft.payload, pipeline);
    }

private:
    Engine& engine_;
};

Engine::Engine(Loop& loop, Store& store, metrics::Registry& metrics, const NodeId& node,
               Epoch epoch)
    : loop_(loop),
      store_(store),
      metrics_(metrics),
      node_(node),
      node_text_(node.text()),
      clock_(store.last_hlc()),
      data_({node, epoch, kDataLane}),
      system_({node, epoch, kSystemLane}),
      next_arrival_(store.first_free()),
      pipelines_(&metrics),
      outputs_(std::make_unique<Outputs>(*this)),
      open_(std::make_shared<Batch>()),
      sealed_head_{store.first_free().value - 1},
      series_(metrics) {}

Engine::~Engine() = default;

void Engine::restore() {
    const WallTime now = loop_.now().wall;
    std::vector<std::pair<std::string, Idempotency::Known>> loaded;
    std::vector<Record> gone;
    for (auto& [key, value] : store_.records("idem")) {
        auto known = Idempotency::decode(value);
        if (known && known->at + 600'000'000 >= now)
            loaded.emplace_back(key, std::move(*known));
        else
            gone.push_back({"idem", key, std::nullopt});
    }
    std::ranges::sort(loaded, {}, [](const auto& entry) { return entry.second.at; });
    for (auto& [key, known] : loaded) idempotency_.remember(std::move(key), std::move(known));
    if (!gone.empty()) (void)store_.put(std::move(gone));
    check_balance();
}

// -- the doors, from any thread ---------------------------------------------------------------------------

void Engine::publish(api::PublishRequest request, api::Reply<Result<api::PublishResult>> reply) {
    if (draining_.load(std::memory_order_relaxed)) {
        if (reply) reply(fail(Errc::Closed, "the node is draining"));
        return;
    }
    {
        const std::lock_guard lock(inbox_mutex_);
        inbox_.push_back({std::move(request), std::move(reply)});
        if (flush_comes_ || std::exchange(inbox_posted_, true)) return;
    }
    loop_.post([this] { take_inbox(); });
}

api::AckLevel Engine::default_level() const {
    const unsigned copies = default_copies_.load(std::memory_order_relaxed);
    return copies == 0 ? api::AckLevel{api::Ack::Received, 1}
                       : api::AckLevel{api::Ack::Disk, copies};
}

void Engine::set_default_level(api::AckLevel level) noexcept {
    default_copies_.store(level.ack == api::Ack::Received ? 0 : level.copies,
                          std::memory_order_relaxed);
}

void Engine::push(Push push, api::Reply<Result<api::PublishResult>> reply) {
    loop_.post([this, push = std::move(push), reply = std::move(reply)]() mutable {
        if (push_target_ == nullptr) return reply(fail(Errc::NotFound, "no such source"));
        push_target_->push(std::move(push), std::move(reply));
    });
}

std::uint64_t Engine::attach(Sink sink, Arrival& head) {
    const std::lock_guard lock(sinks_mutex_);
    head = sealed_head_;
    sinks_.emplace_back(next_sink_, std::move(sink));
    return next_sink_++;
}

void Engine::detach(std::uint64_t id) {
    const std::lock_guard lock(sinks_mutex_);
    std::erase_if(sinks_, [id](const auto& entry) { return entry.first == id; });
}

void Engine::system_message(std::string topic, Bytes json) {
    loop_.post([this, topic = std::move(topic), json = std::move(json)] {
        Draft draft;
        draft.topic = topic;
        draft.source = "system";
        draft.payload = json;
        add(draft, true);
    });
}

// -- taking in --------------------------------------------------------------------------------------------

void Engine::take_inbox() {
    {
        const std::lock_guard lock(inbox_mutex_);
        inbox_posted_ = false;
        taking_.swap(inbox_);
    }
    for (Publish& one : taking_) do_publish(std::move(one.request), std::move(one.reply));
    taking_.clear();
}

void Engine::do_publish(api::PublishRequest request, api::Reply<Result<api::PublishResult>> reply) {
    balance_.received += request.items.size();
    std::string idem;
    const auto refuse = [&](Errc code, const char* why) {
        balance_.rejected += request.items.size();
        series_.rejected("api", code == Errc::NoSpace ? "store-full" : "overloaded")
            .add(request.items.size());
        if (reply) reply(fail(code, why));
    };
    if (!request.idempotency_key.empty() && !request.items.empty()) {
        idem = Idempotency::name(request.items.front().topic, request.idempotency_key);
        if (answer_known(request, idem, reply)) return;
    }
    if (pressed()) return refuse(Errc::Overloaded, "the node cannot keep up");
    if (request.level.copies > nodes())
        return refuse(Errc::Overloaded, "fewer nodes are alive than copies are asked for");
    if (no_space_ && request.level.ack == api::Ack::Disk)
        return refuse(Errc::NoSpace, "the disk is full");

    api::PublishResult result;
    result.level = request.level;
    result.ids.reserve(request.items.size());
    copies_awaited_ |= request.level.copies > 1;
    for (const api::PublishItem& item : request.items) {
        Draft draft;
        draft.topic = item.topic;
        draft.payload = item.payload;
        draft.content_type = item.content_type;
        draft.key = item.key;
        draft.kind = item.kind;
        draft.source_time = item.source_time;
        draft.trace = item.trace;
        result.ids.push_back(take(draft)->id);  // a publisher's message has no content id
    }
    if (!idem.empty()) {
        Idempotency::Known known{request.body_hash, loop_.now().wall, result.ids};
        ride_along({"idem", idem, Idempotency::encode(known)});
        if (outlet_ != nullptr && outlet_->peers() > 0)
            tell_nodes(kIdempotencyTopic, idem, Idempotency::encode(known));
        idempotency_.remember(std::move(idem), std::move(known));
    }
    if (reply) answer_at(std::move(result), std::move(reply));
}

void Engine::answer_at(api::PublishResult result, api::Reply<Result<api::PublishResult>> reply) {
    if (result.level.ack == api::Ack::Received) return reply(std::move(result));
    when_stored([this, result = std::move(result), reply = std::move(reply),
                 last = last_place_](const Result<void>& done) mutable {
        if (!done) return reply(std::unexpected(done.error()));
        if (result.level.copies <= 1) return reply(std::move(result));
        answer_copies(last, std::move(result), std::move(reply));
    });
}

bool Engine::answer_known(const api::PublishRequest& request, const std::string& name,
                          api::Reply<Result<api::PublishResult>>& reply) {
    const Idempotency::Known* known = idempotency_.find(name, loop_.now().wall);
    if (known == nullptr) return false;
    if (known->body != request.body_hash) {
        count_rejected("api", "key-reused", request.items.size());
        if (reply) reply(fail(Errc::Conflict, "the idempotency key was used with another body"));
        return true;
    }
    count_duplicates(request.items.size());
    if (reply) answer_repeat(name, {known->ids, request.level, true}, std::move(reply));
    return true;
}

/// The first answer may still wait for the disk: this one must not overtake it, nor tell of messages that the disk then
/// did not take.
void Engine::answer_repeat(std::string name, api::PublishResult result,
                           api::Reply<Result<api::PublishResult>> reply) {
    when_stored([this, name = std::move(name), result = std::move(result),
                 reply = std::move(reply)](const Result<void>& done) mutable {
        if (!done) return reply(std::unexpected(done.error()));
        loop_.post([this, name = std::move(name), result = std::move(result),
                    reply = std::move(reply)]() mutable {
            const Idempotency::Known* known = idempotency_.find(name, loop_.now().wall);
            if (known == nullptr || known->ids != result.ids)
                return reply(fail(Errc::Overloaded, "the first request was not stored: try again"));
            reply(std::move(result));
        });
    });
}

std::optional<Place> Engine::take(const Draft& draft) {
    if (draft.cid && (draft.flags & flag::kState) == 0
            ? contents_.repeats(draft.source, *draft.cid)
            : draft.cid && contents_.repeats_state(draft.source, *draft.cid)) {
        ++balance_.duplicates;
        return std::nullopt;
    }
    Draft marked = draft;
    if (partitioned_.load(std::memory_order_relaxed)) marked.flags |= flag::kPartitioned;
    const Place place = add(marked, false);
    if (!pipelines_.empty() && pipelines_.reads(draft.topic)) {
        pipeline::Input input{draft, place.id, place.hlc.micros(), node_text_};
        pipelines_.handle(input, loop_.now(), *outputs_);
        arm_tick();
    }
    return place;
}

Place Engine::add(const Draft& draft, bool derived) {
    LaneWriter& lane = draft.topic.starts_with('$') ? system_ : data_;
    if (lane.full(draft.payload.size())) seal(lane);
    const Place place = lane.add(draft, clock_, loop_.now().wall);
    if (&lane == &data_) last_place_ = {lane.log(), place.seq};
    if (derived)
        ++balance_.derived;
    else
        series_.taken(draft);
    series_.rate.add(loop_.now().mono);
    intake_.add(loop_.now().mono);
    ++balance_.open;
    if (lane.bytes() >= kBlockBytes) seal(lane);
    schedule_flush();
    return place;
}

void Engine::ride_along(Record record) {
    open_->records.push_back(std::move(record));
    schedule_flush();
}

void Engine::when_stored(std::move_only_function<void(const Result<void>&)> done) {
    open_->waiting.push_back(std::move(done));
    schedule_flush();
}

void Engine::count_rejected(std::string_view source, std::string_view reason, std::uint64_t n) {
    balance_.rejected += n;
    series_.rejected(source, reason).add(n);
}

void Engine::count_duplicates(std::uint64_t n) { balance_.duplicates += n; }

void Engine::count_dropped(std::string_view source, std::string_view reason, std::uint64_t n) {
    balance_.dropped += n;
    series_.rejected(source, reason).add(n);
}

void Engine::forget_series(std::string_view source) {
    series_.forget(source);
    letters_.erase(std::string(source));
}

/// Whoever had no dead letter for a minute begins anew, unless the next one has something to tell.
void Engine::forget_old_letters() {
    const Instant now = loop_.now().mono;
    std::erase_if(letters_, [now](const auto& entry) {
        return now - entry.second.second > 60s && entry.second.suppressed == 0;
    });
}

void Engine::dead_letter(std::string_view source, std::string_view reason, BytesView raw,
                         std::string_view where) {
    Letters& letters = letters_[std::string(source)];
    const Instant now = loop_.now().mono;
    if (now - letters.second >= 1s) {
        letters.second = now;
        letters.written = 0;
    }
    if (letters.written >= kLettersPerSecond) {
        ++letters.suppressed;
        return;
    }
    ++letters.written;
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("reason", reason).member("source", source);
    if (!where.empty()) out.member("pipeline", where);
    if (letters.suppressed > 0) out.member("suppressed", std::exchange(letters.suppressed, 0));
    out.member("raw", raw.substr(0, kLetterRawBytes))
        .member("bytes", static_cast<std::uint64_t>(raw.size()));
    out.end_object();
    std::string topic = "$dlq.";
    topic.append(source);
    Draft draft;
    draft.topic = topic;
    draft.source = source;
    draft.payload = json;
    add(draft, true);
}

// -- blocks -----------------------------------------------------------------------------------------------

void Engine::seal(LaneWriter& lane) {
    const std::lock_guard lock(sinks_mutex_);
    BlockPtr block = lane.seal(next_arrival_, block_flags(lane));
    if (&lane == &system_) hide_between_nodes(block);
    sealed_head_ = block->last_arrival();
    for (const auto& [id, sink] : sinks_) sink(block);
    balance_.open -= block->count();
    balance_.queued += block->count();
    open_->messages += block->count();
    auto wire = std::make_shared<const BlockWire>(block);
    if (outlet_ != nullptr) outlet_->sealed(block, wire);
    open_->blocks.push_back(std::move(block));
    open_->wires.push_back(std::move(wire));
}

void Engine::schedule_flush() {
    if (flush_scheduled_) return;
    flush_scheduled_ = true;
    const Instant now = loop_.now().mono;
    const Duration since = now - last_flush_;
    if (since >= kLinger || series_.rate.in_last_ten_ms(now) < kBusyMessages)
        loop_.post([this] { flush(); });
    else
        flush_after(kLinger - since);
}

/// Publishers need not wake the loop meanwhile: what they bring cannot leave any sooner.
void Engine::flush_after(Duration wait) {
    {
        const std::lock_guard lock(inbox_mutex_);
        flush_comes_ = true;
    }
    flush_timer_ = loop_.after(wait, [this] { flush(); });
}

void Engine::flush() {
    loop_.cancel(std::exchange(flush_timer_, {}));
    {
        const std::lock_guard lock(inbox_mutex_);
        flush_comes_ = false;
    }
    flush_scheduled_ = true;  // by what is taken in now
    take_inbox();
    flush_scheduled_ = false;
    last_flush_ = loop_.now().mono;
    const bool went = seal_open();
    loop_.post([this] { hand_over_when_due(); });  // behind what goes to the other nodes
    // Who was busy will be so again: the next wake-up is the clock's, not the first publisher's.
    if (went && series_.rate.in_last_ten_ms(last_flush_) >= kBusyMessages) {
        flush_scheduled_ = true;
        flush_after(kLinger);
    }
}

bool Engine::seal_open() {
    const bool some = !data_.empty() || !system_.empty();
    if (!data_.empty()) seal(data_);
    if (!system_.empty()) seal(system_);
    copies_awaited_ = false;
    return some;
}

void Engine::hand_over_when_due() {
    if (open_->empty()) return;
    // A sync costs as much as a thousand messages: what nobody waits for shares one.
    const Instant now = loop_.now().mono;
    const Duration since = now - last_hand_over_;
    const Duration gather = open_->waiting.empty() ? kGather : kGatherWaited;
    if (since >= gather || open_->messages >= kGatherMessages) return hand_over_open();
    if (std::exchange(gathering_, true)) return;
    loop_.after(gather - since, [this] {
        gathering_ = false;
        hand_over_when_due();
    });
}

void Engine::hand_over_open() {
    if (open_->empty()) return;
    last_hand_over_ = loop_.now().mono;
    auto batch = std::exchange(open_, std::make_shared<Batch>());
    if (stalled_.empty())
        hand_over(std::move(batch));
    else
        stalled_.push_back(std::move(batch));
    set_pressure();
}

void Engine::hand_over(std::shared_ptr<Batch> batch) {
    if (batch->blocks.empty() && batch->records.empty() && in_flight_ == 0) {
        stored(std::move(batch), {});
        return;
    }
    ++in_flight_;
    const Result<void> queued = store_.append(
        {batch->blocks, batch->wires, batch->records}, [this, batch](const Result<void>& done) {
            if (done && outlet_ != nullptr && !batch->blocks.empty())
                outlet_->stored(batch->blocks);
            // First the books, then the answers: who asks again finds the books closed.
            auto answers = std::exchange(batch->waiting, {});
            loop_.post([this, batch, done] {
                --in_flight_;
                stored(batch, done);
            });
            for (auto& answer : answers) answer(done);
        });
    if (queued) return;
    --in_flight_;
    if (queued.error().code == Errc::Overloaded)
        stalled_.push_front(std::move(batch));
    else
        stored(std::move(batch), queued);
}

void Engine::stored(std::shared_ptr<Batch> batch, Result<void> result) {
    for (auto& answer : std::exchange(batch->waiting, {})) answer(result);
    balance_.queued -= batch->messages;
    balance_.remote_queued -= batch->remote;
    if (result) {
        balance_.stored += batch->messages;
        balance_.remote_stored += batch->remote;
    } else {
        const bool full = result.error().code == Errc::NoSpace;
        if (full && !no_space_)
            log::error("store", "the disk is full: durable publishes are refused",
                       {{"err", result.error().what}});
        if (full)
            no_space_ = true;
        else
            log::error("store", "a block could not be stored", {{"err", result.error().what}});
        balance_.remote_dropped += batch->remote;
        if (batch->messages > 0)
            count_dropped("store", full ? "store-full" : "store-error", batch->messages);
        forget_unstored(*batch);
    }
    retry_stalled();
    set_pressure();
}

void Engine::retry_stalled() {
    if (std::exchange(retrying_, true)) return;  // a batch that failed at once asks again
    while (!stalled_.empty()) {
        auto batch = std::move(stalled_.front());
        stalled_.pop_front();
        const std::size_t before = stalled_.size();
        hand_over(std::move(batch));
        if (stalled_.size() > before) break;  // still full: it went back to the front
    }
    retrying_ = false;
}

/// A key whose messages were lost is free again: the next try with it is no repeat.
void Engine::forget_unstored(const Batch& batch) {
    for (const Record& record : batch.records)
        if (record.space == "idem" && record.value) idempotency_.forget(record.key);
}

void Engine::set_pressure() {
    const bool pressed = shedding_ || !stalled_.empty() || store_.queued_bytes() > kPressureBytes;
    if (pressed == pressed_.load(std::memory_order_relaxed)) return;
    pressed_.store(pressed, std::memory_order_relaxed);
    log::warn("engine",
              pressed ? "intake stops: the store or the memory is full" : "intake goes on");
    if (pressure_listener_) pressure_listener_(pressed);
}

void Engine::shed(bool on) {
    shedding_ = on;
    set_pressure();
}

// -- time -------------------------------------------------------------------------------------------------

void Engine::pipelines_changed() { arm_tick(); }

void Engine::arm_tick() {
    const auto due = pipelines_.due();
    if (!due || (tick_armed_ && tick_at_ <= *due)) return;
    tick_armed_ = true;
    tick_at_ = *due;
    const Duration after = std::max<Duration>(*due - loop_.now().mono, 0ns);
    loop_.after(after, [this, at = *due] {
        if (!tick_armed_ || tick_at_ != at) return;
        tick_armed_ = false;
        pipelines_.tick(loop_.now(), *outputs_);
        arm_tick();
    });
}

void Engine::check_balance() {
    if (!balance_.holds()) {
        series_.balance_errors.add();
        log::error("engine", "the double entry of messages does not balance",
                   {{"in", balance_.in()}, {"out", balance_.out()}});
    }
    if (no_space_ && !store_.stats().full) {
        no_space_ = false;
        log::info("store", "there is room on the disk again");
    }
    retry_stalled();  // nothing may be in flight whose end would do it
    set_pressure();
    forget_old_letters();
    for (std::string& name : idempotency_.expire(loop_.now().wall))
        ride_along({"idem", std::move(name), std::nullopt});
    loop_.after(1s, [this] { check_balance(); });
}

void Engine::stop() {
    drain(true);
    bool more = true;
    for (int round = 0; more && round < kLastRounds; ++round) {
        auto left = std::make_shared<std::promise<bool>>();
        const bool runs = loop_.post([this, left, round] {
            if (round == 0) pipelines_.flush(loop_.now(), *outputs_);
            flush();
            hand_over_open();
            retry_stalled();
            left->set_value(!stalled_.empty());
        });
        if (!runs) return;
        more = left->get_future().get();
        if (!store_.flush()) return;
    }
}

}  // namespace anode::app
