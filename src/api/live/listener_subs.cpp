// Subscriptions of a listener: which of them the shared ring serves, and which read by themselves.
#include <algorithm>

#include "api/live/listener.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"

namespace anode::api {

namespace {

constexpr std::size_t kOutboxFull = 64 << 10;  ///< above it no reader is asked for more
constexpr int kPiecesAtOnce = 16;
constexpr Duration kStoreBreath = 5ms;    ///< until blocks on their way into the store are there
constexpr Duration kStorePatience = 30s;  ///< after that they will not come

}  // namespace

Subscription* Listener::find(std::uint32_t sid) noexcept {
    const auto found = std::ranges::find(subs_, sid, &Subscription::sid);
    return found == subs_.end() ? nullptr : &*found;
}

Subscription& Listener::subscribe(std::uint32_t sid, const Want& want, Begin begin) {
    hub_.drain_feed();
    const Arrival head = hub_.tail().head();
    Subscription sub;
    sub.sid = sid;
    sub.selector = want.selector;
    sub.slow = want.slow;
    sub.to = want.to;
    sub.left = want.limit;
    sub.window = want.window;
    sub.start = begin.outcome == Begin::Outcome::Live ? head : std::min(begin.after, head);
    subs_.push_back(std::move(sub));
    hub_.parts().metrics.transports[static_cast<std::size_t>(wire_.transport)].subscriptions->add(
        1);
    if (begin.outcome != Begin::Outcome::Live) {
        subs_.back().reader = make_reader(subs_.back().start, {sid}, begin.from, begin.extra_flags,
                                          std::move(begin.newest));
    }
    if (subs_.back().to) hub_.watch_clock(*this, true);
    arrange();
    return *find(sid);
}

std::shared_ptr<Reader> Listener::make_reader(Arrival after, std::vector<std::uint32_t> sids,
                                              std::optional<WallTime> from,
                                              std::uint8_t extra_flags, std::vector<Found> first) {
    fanout::Picker::Want want;
    want.from = from;
    want.form = {style_, &framing_of(wire_, style_.format)};
    want.gather = batch_ > Duration{0};
    want.extra_flags = extra_flags;
    auto reader = std::make_shared<Reader>(std::move(want), hub_.parts().doors.store.tag(), after,
                                           std::move(first));
    reader->handed = after;
    reader->sids = std::move(sids);
    hub_.follow(*this, true);
    return reader;
}

Arrival Listener::unsubscribe(std::uint32_t sid) {
    const auto found = std::ranges::find(subs_, sid, &Subscription::sid);
    ANODE_ASSERT(found != subs_.end());
    const Arrival position = position_of(*found);
    if (found->reader) {
        std::erase(found->reader->sids, sid);
        if (found->reader->sids.empty() && found->reader->catching_up)
            hub_.parts().metrics.catching_up.add(-1);
    }
    subs_.erase(found);
    hub_.parts().metrics.transports[static_cast<std::size_t>(wire_.transport)].subscriptions->add(
        -1);
    arrange();
    return position;
}

Arrival Listener::position_of(const Subscription& sub) const {
    if (sub.reader) return sub.reader->handed;
    if (sub.paused) return sub.position;
    return hub_.tail().head();
}

/// The ring serves what it may; whoever may not use it and has no reader gets one at the present.
void Listener::arrange() {
    const Arrival head = hub_.tail().head();
    bool changed = false;
    for (Subscription& sub : subs_) {
        const bool belongs = sub.ring_may_serve() && !sub.reader;
        if (!belongs && !sub.reader && !sub.paused)
            sub.reader = make_reader(sub.on_ring ? head : std::max(sub.start, sub.position),
                                     {sub.sid}, std::nullopt, 0, {});
        changed |= belongs != sub.on_ring;
        if (belongs && !sub.on_ring) sub.ring_since = head;
        sub.on_ring = belongs;
    }
    const auto selectors = ring_selectors();
    changed |= selectors.size() != (group ? group->spec().selectors.size() : 0);
    if (!changed) return;
    leave_ring(true);
    if (!selectors.empty()) join_ring();
}

/// What it wants from the ring; subscriptions that want the same count once.
std::vector<fanout::SelectorPtr> Listener::ring_selectors() const {
    std::vector<fanout::SelectorPtr> selectors;
    std::vector<std::string> keys;
    for (const Subscription& sub : subs_) {
        if (!sub.on_ring) continue;
        std::string key = subs_.size() == 1 ? std::string() : sub.selector->key();
        if (std::ranges::find(keys, key) != keys.end()) continue;
        keys.push_back(std::move(key));
        selectors.push_back(sub.selector);
    }
    return selectors;
}

void Listener::join_ring() {
    fanout::GroupSpec spec;
    spec.selectors = ring_selectors();
    spec.form = {style_, &framing_of(wire_, style_.format)};
    spec.batch = batch_;
    hub_.fanout().join(*this, std::move(spec), hub_.now());
    // Equal wishes are kept once, whatever the number of listeners that have them.
    if (subs_.size() == 1) subs_.front().selector = group->spec().selectors.front();
    ring_since_ = hub_.tail().head();
    ring_matched_from_ = group->matched();
    ring_conflated_from_ = group->conflated();
}

/// `keep_rest`: what the ring still holds for it is moved to the outbox; else a reader will read it anew.
void Listener::leave_ring(bool keep_rest) {
    if (!group) return;
    if (keep_rest) hub_.fanout().flush_waiting(*group, hub_.now());
    fanout::Ring& ring = group->ring();
    if (keep_rest && offset < ring.head()) {
        outbox();
        while (offset < ring.head()) {
            ++offset;  // a frame edge is the end of the frame before it
            const std::uint64_t end = ring.frame_end(offset--);
            const std::uint64_t messages = ring.messages_at(end) - ring.messages_at(offset);
            std::array<BytesView, 1> slice;
            ring.slices(offset, slice);
            outbox_->bytes += slice[0].substr(0, end - offset);
            outbox_->marks.push_back({outbox_->bytes.size(), messages, ring.mark_at(end).arrival});
            offset = end;
        }
    }
    const std::uint64_t unread = ring.messages() - ring.messages_at(offset) + group->waiting();
    matched_ += group->matched() - ring_matched_from_ - unread;
    count_conflated(group->conflated() - ring_conflated_from_);
    hub_.fanout().leave(*this);
}

/// Moves the rest of a frame that is half written to the outbox, so that something else may follow it.
void Listener::finish_ring_frame() {
    if (!group) return;
    const fanout::Ring& ring = group->ring();
    const std::uint64_t end = ring.frame_end(offset);
    if (end == offset) return;
    if (!outbox_) outbox_ = std::make_unique<Outbox>();
    std::array<BytesView, 1> slice;
    ring.slices(offset, slice);
    outbox_->bytes += slice[0].substr(0, end - offset);
    outbox_->marks.push_back({outbox_->bytes.size(),
                              ring.messages_at(end) - ring.messages_at(offset),
                              ring.mark_at(end).arrival});
    offset = end;
}

void Listener::change_selector(Subscription& sub, fanout::SelectorPtr selector) {
    hub_.drain_feed();
    sub.selector = std::move(selector);
    if (!sub.on_ring) return;
    leave_ring(true);
    join_ring();
}

void Listener::pause(Subscription& sub, bool on) {
    if (on == sub.paused) return;
    hub_.drain_feed();
    if (on) {
        sub.position = position_of(sub);
        if (sub.reader) std::erase(sub.reader->sids, sub.sid);
        sub.reader.reset();
        sub.paused = true;
    } else {
        sub.paused = false;
        sub.reader = make_reader(sub.position, {sub.sid}, std::nullopt, 0, {});
    }
    arrange();
}

void Listener::acknowledge(Arrival upto) {
    for (Subscription& sub : subs_) {
        auto& waiting = sub.unacknowledged;
        waiting.erase(waiting.begin(), std::ranges::upper_bound(waiting, upto));
    }
}

// -- too slow ------------------------------------------------------------------------------------

/// Policy `drop`: the oldest half of what waits is skipped; how much is told before the next message.
void Listener::drop_oldest() {
    finish_ring_frame();
    const EdgeLimits& limits = hub_.parts().doors.limits;
    fanout::Ring& ring = group->ring();
    const std::uint64_t target =
        ring.edge_with_left(limits.queue_bytes_max / 2, limits.queue_messages_max / 2);
    if (target <= offset) return;
    const std::uint64_t lost = ring.messages_at(target) - ring.messages_at(offset);
    if (!gap_) {
        gap_ = std::make_unique<PendingGap>();
        gap_->from = std::max(ring.mark_at(offset).arrival, ring_since_);
    }
    gap_->to = ring.mark_at(target).arrival;
    gap_->lost += lost;
    skipped_ += lost;
    hub_.parts().metrics.transports[static_cast<std::size_t>(wire_.transport)].skipped_slow->add(
        lost);
    offset = target;
}

void Listener::report_gap() {
    const auto gap = std::move(gap_);
    queue_gap("slow", topics(), gap->from, gap->to, gap->lost);
}

/// Policy `catchup`: leaves the ring where it stands and reads on from the store, at its own pace.
void Listener::begin_catchup() {
    finish_ring_frame();
    const Arrival at = std::max(group->ring().mark_at(offset).arrival, ring_since_);
    leave_ring(false);
    std::vector<std::uint32_t> sids;
    for (const Subscription& sub : subs_)
        if (sub.on_ring) sids.push_back(sub.sid);
    const auto reader = make_reader(at, sids, std::nullopt, 0, {});
    reader->catching_up = true;
    reader->began = hub_.now().mono;
    for (Subscription& sub : subs_) {
        if (!sub.on_ring) continue;
        sub.on_ring = false;
        sub.reader = reader;
    }
    hub_.parts().metrics.catching_up.add(1);
}

void Listener::missed_blocks() {
    if (!group || closing_) return;
    leave_ring(true);
    bool any = false;
    const Arrival head = hub_.tail().head();
    std::vector<std::uint32_t> sids;
    for (const Subscription& sub : subs_)
        if (sub.on_ring) sids.push_back(sub.sid);
    const auto reader = make_reader(head, sids, std::nullopt, 0, {});
    reader->catching_up = true;
    reader->began = hub_.now().mono;
    for (Subscription& sub : subs_) {
        if (!sub.on_ring) continue;
        sub.on_ring = false;
        sub.reader = reader;
        any = true;
    }
    if (any) hub_.parts().metrics.catching_up.add(1);
}

// -- private reading -----------------------------------------------------------------------------

void Listener::follow() {
    flush();
    pump();
}

/// Lets the readers go on while the outbox has room.
void Listener::pump() {
    if (pumping_ || closing_ || !socket_.open()) return;
    pumping_ = true;
    int pieces = 0;
    for (bool moved = true; moved && socket_.open() && !closing_;) {
        moved = false;
        std::vector<std::shared_ptr<Reader>> readers;
        for (const Subscription& sub : subs_)
            if (sub.reader && std::ranges::find(readers, sub.reader) == readers.end())
                readers.push_back(sub.reader);
        for (const auto& reader : readers) {
            if (outbox_bytes() > kOutboxFull || !socket_.open() || closing_) break;
            if (reader->working) continue;
            const Arrival before = reader->handed;
            const bool was_pending = reader->has_pending();
            step(reader);
            moved |= !reader->working && (reader->handed != before || was_pending);
        }
        if (moved && ++pieces >= kPiecesAtOnce) {
            hub_.post_to(id_, [](Listener& self) { self.follow(); });
            break;
        }
    }
    pumping_ = false;
    if (outbox_) flush();
}

std::uint64_t Listener::messages_allowed(const Reader& reader) {
    std::uint64_t allowed = UINT64_MAX;
    for (const std::uint32_t sid : reader.sids) {
        const Subscription* sub = find(sid);
        if (!sub) continue;
        if (sub->left) allowed = std::min(allowed, *sub->left);
        if (sub->window > 0)
            allowed = std::min<std::uint64_t>(
                allowed,
                sub->window - std::min<std::size_t>(sub->window, sub->unacknowledged.size()));
    }
    return allowed;
}

/// What its subscriptions want now, less what others of this connection deliver. A message is
/// delivered once per connection: of two readers the one of the older subscription delivers; the
/// ring delivers what came behind the moment the subscription joined it.
void Listener::refresh_clauses(Reader& reader) {
    std::vector<fanout::Clause> pass, except;
    std::uint32_t lowest = UINT32_MAX;
    std::optional<WallTime> to;
    for (const std::uint32_t sid : reader.sids) {
        const Subscription* sub = find(sid);
        if (!sub) continue;
        pass.push_back({sub->selector, Arrival{}});
        lowest = std::min(lowest, sid);
        if (sub->to) to = sub->to;
    }
    for (const Subscription& other : subs_) {
        const bool own = std::ranges::find(reader.sids, other.sid) != reader.sids.end();
        if (own || !other.ring_may_serve() || other.selector->mode != fanout::Mode::All) continue;
        if (other.on_ring)
            except.push_back({other.selector, other.sid < lowest ? other.start : other.ring_since});
        else if (other.sid < lowest)
            except.push_back({other.selector, other.start});
    }
    auto& want = reader.picker().want();
    const auto same = [](const fanout::Clause& a, const fanout::Clause& b) {
        return a.selector == b.selector && a.since == b.since;
    };
    if (!std::ranges::equal(want.pass, pass, same)) {
        want.pass = std::move(pass);
        reader.forget_scan();
    }
    want.except = std::move(except);
    want.to = to;
}

void Listener::step(const std::shared_ptr<Reader>& reader) {
    if (reader->working || reader->sids.empty()) return;
    if (hub_.now().mono < reader->not_before) return;
    const std::uint64_t allowed = messages_allowed(*reader);
    if (allowed == 0) {
        end_if_over(reader);
        return;
    }
    refresh_clauses(*reader);
    if (reader->position() < hub_.tail().after()) return step_in_store(reader, allowed);
    stepped(reader, reader->step_tail(hub_.tail(), allowed), true);
}

void Listener::step_in_store(const std::shared_ptr<Reader>& reader, std::uint64_t messages_max) {
    reader->working = true;
    Hub& hub = hub_;
    const bool queued = hub_.parts().work([&hub, reader, messages_max, id = id_] {
        auto outcome = reader->step_store(hub.parts().doors.store, messages_max);
        hub.post_to(id, [reader, outcome = std::move(outcome)](Listener& self) mutable {
            reader->working = false;
            // What the store has is in the feed since before: taken in now, so that nobody goes live behind what was read.
            self.hub_.drain_feed();
            self.stepped(reader, std::move(outcome), false);
            self.flush();
            self.pump();
        });
    });
    if (queued) return;
    reader->working = false;
    reader->not_before = hub_.now().mono + kStoreBreath;
    hub_.loop().after(kStoreBreath,
                      [&hub, id = id_] { hub.post_to(id, [](Listener& self) { self.follow(); }); });
}

void Listener::count_conflated(std::uint64_t messages) {
    if (messages == 0) return;
    conflated_ += messages;
    hub_.parts().metrics.transports[static_cast<std::size_t>(wire_.transport)].skipped_mode->add(
        messages);
}

void Listener::append_piece(Reader& reader, fanout::Piece& piece) {
    count_conflated(reader.picker().conflated() - reader.conflated_seen);
    matched_ += reader.picker().conflated() - reader.conflated_seen + piece.messages();
    reader.conflated_seen = reader.picker().conflated();
    reader.handed = reader.position();
    if (piece.marks.empty()) return;
    for (const std::uint32_t sid : reader.sids) {
        Subscription* sub = find(sid);
        if (!sub) continue;
        if (sub->left) *sub->left -= std::min(*sub->left, piece.messages());
        if (sub->window == 0) continue;
        for (const fanout::Mark& mark : piece.marks) sub->unacknowledged.push_back(mark.arrival);
    }
    Bytes& out = outbox();
    const std::size_t base = out.size();
    if (out.empty())
        out = std::move(piece.bytes);
    else
        out += piece.bytes;
    std::uint64_t before = 0;
    for (const fanout::Mark& mark : piece.marks) {
        outbox_->marks.push_back({base + mark.end, mark.messages - before, mark.arrival});
        before = mark.messages;
    }
}

void Listener::stepped(const std::shared_ptr<Reader>& reader, Reader::Outcome outcome,
                       bool in_tail) {
    if (closing_ || !socket_.open()) return;
    const bool orphan =
        std::ranges::none_of(subs_, [&](const Subscription& sub) { return sub.reader == reader; });
    if (orphan) return;
    if (outcome.failed) {
        log::error("live", "reading for a listener failed", {{"err", outcome.why}});
        return close_with(1011, R"({"code":"store-unavailable"})");
    }
    const Arrival before = reader->handed;
    append_piece(*reader, outcome.piece);
    flush();
    if (closing_ || !socket_.open() || end_if_over(reader)) return;
    if (in_tail) {
        if (outcome.at_end) reader_done(reader);
        return;
    }
    if (!outcome.at_end || reader->position() >= hub_.tail().after()) {
        reader->stuck_since = Instant::max();
        return;
    }
    // The store has told all it has, but the tail begins later: blocks are being committed.
    const Instant now = hub_.now().mono;
    if (reader->handed != before || reader->stuck_since == Instant::max())
        reader->stuck_since = now;
    if (now - reader->stuck_since > kStorePatience) {
        queue_gap("origin", topics(), reader->position(), hub_.tail().after(), std::nullopt);
        reader->skip_to(hub_.tail().after());
        return;
    }
    reader->not_before = now + kStoreBreath;
    Hub& hub = hub_;
    hub_.loop().after(kStoreBreath,
                      [&hub, id = id_] { hub.post_to(id, [](Listener& self) { self.follow(); }); });
}

/// Whether all that was asked for has been read: then its subscriptions end.
bool Listener::end_if_over(const std::shared_ptr<Reader>& reader) {
    const auto sids = reader->sids;
    for (const std::uint32_t sid : sids) {
        Subscription* sub = find(sid);
        if (!sub) continue;
        const bool counted_out = sub->left && *sub->left == 0;
        const bool timed_out =
            sub->to && hub_.now().wall >= *sub->to && reader->position() >= hub_.tail().head();
        if (!counted_out && !timed_out) continue;
        on_subscription_end(*sub, "done");
        return true;
    }
    return false;
}

/// It has reached the present. Whoever may goes (back) to the ring, exactly where the reader stands.
void Listener::reader_done(const std::shared_ptr<Reader>& reader) {
    std::vector<std::uint32_t> now_live;
    bool stays = false;
    for (Subscription& sub : subs_) {
        if (sub.reader != reader) continue;
        if (!reader->announced) now_live.push_back(sub.sid);
        if (sub.ring_may_serve())
            sub.reader.reset();
        else
            stays = true;
    }
    reader->announced = true;
    if (!stays && reader->catching_up) {
        const auto behind = std::chrono::duration<double>(hub_.now().mono - reader->began);
        hub_.parts().metrics.lag.observe(behind.count());
        hub_.parts().metrics.catching_up.add(-1);
    }
    if (stays) {
        Duration every{0};
        for (const fanout::Clause& clause : reader->picker().want().pass)
            if (clause.selector->mode == fanout::Mode::Latest) every = clause.selector->every;
        if (every > Duration{0}) {
            reader->not_before = hub_.now().mono + every;
            Hub& hub = hub_;
            hub_.loop().after(every, [&hub, id = id_] {
                hub.post_to(id, [](Listener& self) { self.follow(); });
            });
        }
    }
    for (const std::uint32_t sid : now_live)
        if (Subscription* sub = find(sid)) on_live(*sub);
    arrange();
    const bool any_reader =
        std::ranges::any_of(subs_, [](const Subscription& sub) { return sub.reader != nullptr; });
    if (!any_reader) hub_.follow(*this, false);
}

}  // namespace anode::api
