#include "api/live/hub.hpp"

#include <algorithm>

#include "api/live/listener.hpp"
#include "base/log.hpp"
#include "core/message/cursor.hpp"

namespace anode::api {

namespace {

constexpr std::size_t kFeedBytesMax = 64U << 20;
constexpr std::size_t kDesertedBytes = 1U << 20;  ///< nobody waits for it, but it is to be let go
constexpr std::size_t kTailKeepBytes = 4U << 20;
constexpr std::size_t kTailMaxBytes = 64U << 20;

TransportMetrics transport_metrics(metrics::Registry& registry, Transport transport) {
    const std::string label(name(transport));
    const metrics::Labels plain{{"transport", label}};
    const auto skipped = [&](const char* reason) {
        return &registry.counter("anode_delivery_skipped_total",
                                 "Messages not delivered, by reason",
                                 {{"transport", label}, {"reason", reason}});
    };
    TransportMetrics series;
    series.listeners = &registry.gauge("anode_listeners", "Connected listeners", plain);
    series.subscriptions =
        &registry.gauge("anode_listener_subscriptions", "Subscriptions of listeners", plain);
    series.messages =
        &registry.counter("anode_delivery_messages_total", "Messages written to listeners", plain);
    series.bytes =
        &registry.counter("anode_delivery_bytes_total", "Bytes written to listeners", plain);
    series.skipped_slow = skipped("slow");
    series.skipped_mode = skipped("mode");
    return series;
}

metrics::Histogram& latency(metrics::Registry& registry, const char* stage) {
    return registry.histogram("anode_delivery_latency_seconds",
                              "From reception by the cluster to the listener's socket",
                              {{"stage", stage}});
}

}  // namespace

LiveMetrics::LiveMetrics(metrics::Registry& registry)
    : transports{transport_metrics(registry, Transport::WebSocket),
                 transport_metrics(registry, Transport::Sse),
                 transport_metrics(registry, Transport::Ndjson)},
      latency_local(latency(registry, "local")),
      latency_remote(latency(registry, "remote")),
      lag(registry.histogram("anode_listener_lag_seconds",
                             "How long listeners were behind that had to catch up")),
      catching_up(registry.gauge("anode_listener_catchup", "Listeners that read from the store")),
      feed_queue(registry.gauge("anode_feed_queue_bytes", "Blocks on their way to the listeners")),
      feed_overflows(registry.counter("anode_feed_overflows_total",
                                      "Times the way to the listeners was full")),
      balance_errors(registry.counter("anode_balance_errors_total",
                                      "Double-entry checks of message counts that failed")) {}

Hub::Hub(std::shared_ptr<Loop> loop, LiveParts& parts)
    : loop_(std::move(loop)),
      parts_(parts),
      fanout_(parts.doors.store.tag(), parts.doors.node.facts().id),
      tail_(Arrival{}),
      next_id_(loop_->index()) {}

Hub::~Hub() { detach(); }

void Hub::attach() {
    Arrival head;
    feed_id_ = parts_.doors.live.attach([this](const BlockPtr& block) { on_block(block); }, head);
    attached_ = true;
    tail_.reset(head);
    loop_->each_round([this] { return round(); });
    loop_->post([this] { tick(); });
}

void Hub::detach() {
    if (std::exchange(attached_, false)) parts_.doors.live.detach(feed_id_);
}

void Hub::on_block(const BlockPtr& block) {
    {
        const std::lock_guard lock(mutex_);
        if (queue_bytes_ > kFeedBytesMax) {
            // This loop has not run for long. Its listeners will read these from the store.
            overflowed_to_ = queue_.back()->last_arrival();
            queue_.clear();
            queue_bytes_ = 0;
        }
        queue_.push_back(block);
        queue_bytes_ += block->raw_bytes();
        if (deserted_ && queue_bytes_ < kDesertedBytes) return;
        if (std::exchange(scheduled_, true)) return;
    }
    loop_->post([this] {
        const std::lock_guard lock(mutex_);
        scheduled_ = false;  // the round that follows takes the blocks
    });
}

void Hub::drain_feed() {
    Arrival overflowed_to;
    {
        const std::lock_guard lock(mutex_);
        taken_.swap(queue_);
        queue_bytes_ = 0;
        overflowed_to = std::exchange(overflowed_to_, Arrival{});
    }
    if (overflowed_to.value != 0) missed(overflowed_to);
    for (BlockPtr& block : taken_) {
        fanout_.publish(*block, now());
        tail_.push(std::move(block));
        news_ = true;
    }
    taken_.clear();
}

void Hub::missed(Arrival last_missed) {
    parts_.metrics.feed_overflows.add();
    log::warn("live", "the way to the listeners was full: they read on from the store");
    for (const auto& [id, listener] : listeners_) listener->missed_blocks();
    tail_.reset(last_missed);
}

Instant Hub::round() {
    drain_feed();
    Instant next = fanout_.tick(now());
    write_rings();
    if (std::exchange(news_, false)) {
        tail_.trim(parts_.doors.store.committed(), kTailKeepBytes, kTailMaxBytes);
        stepping_.assign(followers_.begin(), followers_.end());
        for (Listener* listener : stepping_)
            if (followers_.contains(listener)) listener->follow();
    }
    for (std::size_t i = 0; i < written_.size(); ++i) {
        Written& written = written_[i];
        if (written.bytes == 0) continue;
        parts_.metrics.transports[i].messages->add(written.messages);
        parts_.metrics.transports[i].bytes->add(written.bytes);
        written = {};
    }
    return next;
}

void Hub::write_rings() {
    fanout_.take_dirty(dirty_);
    writing_ = true;
    for (fanout::Group* group : dirty_) {
        for (fanout::Member* member : group->members()) static_cast<Listener*>(member)->flush();
        const WallTime oldest = group->oldest_unflushed();
        if (oldest != 0 && !group->members().empty()) {
            const double seconds = static_cast<double>(now().wall - oldest) / 1e6;
            (group->remote() ? parts_.metrics.latency_remote : parts_.metrics.latency_local)
                .observe(std::max(0.0, seconds));
        }
        group->flushed();
        group->trim();
    }
    writing_ = false;
    while (!attention_.empty()) {
        const auto listener = attention_.back()->shared_from_this();
        attention_.pop_back();
        listener->attend();
    }
}

void Hub::add(std::shared_ptr<Listener> listener) {
    if (listener->listens())
        parts_.metrics.transports[static_cast<std::size_t>(listener->transport())].listeners->add(
            1);
    listeners_.emplace(listener->id(), std::move(listener));
    set_deserted(false);  // what is queued already is taken at the end of this round
}

void Hub::remove(Listener& listener) {
    const auto found = listeners_.find(listener.id());
    if (found == listeners_.end()) return;
    const auto& series = parts_.metrics.transports[static_cast<std::size_t>(listener.transport())];
    if (listener.listens()) series.listeners->add(-1);
    followers_.erase(&listener);
    clock_watchers_.erase(&listener);
    std::erase(attention_, &listener);
    loop_->retire(std::move(found->second));
    listeners_.erase(found);
    if (listeners_.empty()) set_deserted(true);
}

void Hub::set_deserted(bool on) {
    const std::lock_guard lock(mutex_);
    deserted_ = on;
}

void Hub::drain(Duration grace) {
    std::vector<std::shared_ptr<Listener>> all;
    for (const auto& [id, listener] : listeners_) all.push_back(listener);
    for (const auto& listener : all) listener->drain(grace);
}

void Hub::close_all(std::uint16_t code, std::string_view reason) {
    std::vector<std::shared_ptr<Listener>> all;
    for (const auto& [id, listener] : listeners_) all.push_back(listener);
    for (const auto& listener : all) listener->close_with(code, reason);
}

std::string Hub::cursor_text(Arrival after) const {
    std::string text;
    Cursor::append_text(text, parts_.doors.store.tag(), after, now().wall - kCursorSlack);
    return text;
}

std::shared_ptr<Listener> Hub::find(std::uint64_t id) const {
    const auto found = listeners_.find(id);
    return found == listeners_.end() ? nullptr : found->second;
}

void ListenerRef::post_any(std::move_only_function<void(Listener*)> work) const {
    loop_->post([hub = hub_, id = id_, work = std::move(work)]() mutable {
        if (const auto listener = hub->find(id)) work(listener.get());
    });
}

void Hub::follow(Listener& listener, bool on) {
    if (on)
        followers_.insert(&listener);
    else
        followers_.erase(&listener);
}

void Hub::watch_clock(Listener& listener, bool on) {
    if (on)
        clock_watchers_.insert(&listener);
    else
        clock_watchers_.erase(&listener);
}

void Hub::tick() {
    stepping_.assign(clock_watchers_.begin(), clock_watchers_.end());
    for (Listener* listener : stepping_)
        if (clock_watchers_.contains(listener)) listener->tick(now().mono);
    recheck_credentials();
    {
        const std::lock_guard lock(mutex_);
        parts_.metrics.feed_queue.set(static_cast<double>(queue_bytes_));
    }
    loop_->after(250ms, [this] { tick(); });
}

/// Who was let in by a token that has ended since goes, whichever node was told of its end.
void Hub::recheck_credentials() {
    const std::uint64_t changes = parts_.auth.changes();
    for (const auto& [id, listener] : listeners_)
        if (listener->credential_ended(parts_.auth, changes, now().wall))
            checking_.push_back(listener);
    for (const auto& listener : checking_)
        listener->close_with(4401, R"({"code":"unauthenticated"})");
    checking_.clear();
}

void Hub::count_written(Transport transport, std::uint64_t messages, std::uint64_t bytes) {
    Written& written = written_[static_cast<std::size_t>(transport)];
    written.messages += messages;
    written.bytes += bytes;
}

std::vector<ListenerInfo> Hub::snapshot() const {
    std::vector<ListenerInfo> all;
    for (const auto& [id, listener] : listeners_)
        if (!listener->closing() && listener->listens()) all.push_back(listener->info());
    return all;
}

bool Hub::cut(std::string_view id) {
    for (const auto& [number, listener] : listeners_) {
        if (listener->closing() || listener->info().id != id) continue;
        const auto alive = listener;
        alive->close_with(1001, "cut");
        return true;
    }
    return false;
}

}  // namespace anode::api
