#include "core/source/stream.hpp"

#include <algorithm>
#include <array>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace anode::source {

namespace {

/// From worst to best, for telling the state of many connections in one word.
constexpr std::array kWorstFirst{State::Failed,  State::Limited,    State::Backoff,
                                 State::Pending, State::Connecting, State::Subscribing,
                                 State::Stale,   State::Live};

std::size_t rank(State state) {
    const auto* const found = std::find(kWorstFirst.begin(), kWorstFirst.end(), state);
    return static_cast<std::size_t>(found - kWorstFirst.begin());
}

std::uint64_t content_of(const Row& row) {
    return hash64(row.payload, hash64(row.key, hash64(row.topic)));
}

}  // namespace

State Slot::state() const noexcept {
    if (primary) {
        switch (primary->phase()) {
            case Link::Phase::Preparing:
            case Link::Phase::Opening:
                return State::Connecting;
            case Link::Phase::Stepping:
                return State::Subscribing;
            case Link::Phase::Ready:
                if (primary->stale()) return State::Stale;
                return data ? State::Live : State::Subscribing;
            case Link::Phase::Down:
                break;
        }
    }
    switch (waits) {
        case Waits::Backoff:
            return State::Backoff;
        case Waits::Limited:
            return State::Limited;
        case Waits::Failed:
            return State::Failed;
        case Waits::Budget:
        case Waits::Reopen:
            return State::Connecting;
        case Waits::Nothing:
            break;
    }
    return State::Pending;
}

StreamMachine::StreamMachine(std::shared_ptr<const Definition> definition, Restored restored,
                             const Secrets& secrets, Budgets& budgets, Rng rng)
    : desk_(std::move(definition), std::move(restored), secrets, budgets, rng),
      courier_(desk_),
      token_(desk_, courier_),
      holds_(desk_, courier_, token_),
      lists_(desk_, courier_, token_) {}

void StreamMachine::handle(const Input& input, Now now, Effects& out) {
    desk_.begin(now, out);
    std::visit([&](const auto& what) { on(what); }, input);
    after_step();
}

// -- inputs ------------------------------------------------------------------------------------------

void StreamMachine::on(const in::Start&) {
    dirty_ = true;
    if (running_) return;
    if (!desk_.def->enabled) {
        desk_.enter(State::Disabled, "not enabled");
        return;
    }
    running_ = true;
    if (!isolated_) begin();
}

void StreamMachine::on(const in::Stop& stop) {
    dirty_ = true;
    close_all(1000, "stopped");
    desk_.flush();
    running_ = false;
    desk_.enter(stop.drain ? State::Draining : State::Disabled,
                stop.drain ? "handed over" : "stopped");
}

void StreamMachine::on(const in::Restart&) {
    if (running_) close_all(1000, "restarted");
    running_ = false;
    desk_.event("restarted");
    on(in::Start{});
}

void StreamMachine::on(const in::Isolated& isolated) {
    if (desk_.def->placement.on_isolation != Placement::OnIsolation::Pause) return;
    if (isolated_ == isolated.isolated) return;
    isolated_ = isolated.isolated;
    dirty_ = true;
    if (!running_) return;
    if (isolated_) {
        close_all(1000, "isolated");
        desk_.enter(State::Pending, "the node is cut off from its cluster");
    } else {
        begin();
    }
}

void StreamMachine::on(const in::Opened& opened) {
    dirty_ = true;
    if (Link* link = find(opened.conn)) link->opened();
}

void StreamMachine::on(const in::Frame& frame) {
    if (Link* link = find(frame.conn)) link->frame(frame.data, frame.binary);
}

void StreamMachine::on(const in::SseEvent& event) {
    if (Link* link = find(event.conn)) link->event(event);
}

void StreamMachine::on(const in::Alive& alive) {
    if (Link* link = find(alive.conn)) link->alive();
}

void StreamMachine::on(const in::Closed& closed) {
    Link* link = find(closed.conn);
    if (link == nullptr) return;
    Down down{closed.why, false, false, false};
    const bool ended = down.why.error == ErrorClass::Closed || down.why.error == ErrorClass::Reset;
    down.calm = desk_.def->type == Type::Sse && ended && down.why.status == 0 && link->had_data();
    link->fail(std::move(down));
}

void StreamMachine::on(const in::Answered& answer) {
    dirty_ = true;
    const auto purpose = courier_.settle(answer.request, answer.headers);
    if (!purpose) return;
    switch (purpose->kind) {
        case Purpose::Kind::Step:
            if (Link* link = find(ConnId{purpose->owner})) link->answered(answer);
            return;
        case Purpose::Kind::Items:
            if (auto items = lists_.answered(purpose->owner, answer)) arrange(std::move(*items));
            return;
        case Purpose::Kind::Snapshot:
        case Purpose::Kind::Backfill:
            holds_.answered(*purpose, answer);
            return;
        case Purpose::Kind::Token: {
            const bool good = token_.answered(answer.status, answer.body);
            for (const auto& [id, link] : std::map(links_.begin(), links_.end())) {
                link->token_here(good);
            }
            return;
        }
        case Purpose::Kind::Poll:
            return;
    }
}

void StreamMachine::on(const in::RequestFailed& failed) {
    dirty_ = true;
    const auto purpose = courier_.settle(failed.request, {});
    if (!purpose) return;
    switch (purpose->kind) {
        case Purpose::Kind::Step:
            if (Link* link = find(ConnId{purpose->owner})) link->request_failed(failed.why);
            return;
        case Purpose::Kind::Items:
            lists_.failed(purpose->owner, failed.why.detail);
            return;
        case Purpose::Kind::Snapshot:
        case Purpose::Kind::Backfill:
            holds_.request_failed(*purpose, failed.why);
            return;
        case Purpose::Kind::Token:
            token_.failed(failed.why);
            for (const auto& [id, link] : std::map(links_.begin(), links_.end())) {
                link->token_here(false);
            }
            return;
        case Purpose::Kind::Poll:
            return;
    }
}

void StreamMachine::on(const in::TimerFired& timer) {
    dirty_ = true;
    switch (Timers::kind(timer.id)) {
        case TimerKind::Backoff:
        case TimerKind::Connects:
        case TimerKind::Rotate:
        case TimerKind::Overlap:
            slot_timer(timer.id);
            return;
        case TimerKind::Items:
            if (running_ && !isolated_) lists_.fired(timer.id);
            return;
        case TimerKind::Courier:
            courier_.fired(timer.id);
            return;
        case TimerKind::Settle:
        case TimerKind::Resnapshot:
            holds_.fired(timer.id);
            return;
        case TimerKind::Release:
            desk_.release_fired(timer.id);
            return;
        default:
            if (Link* link = find(ConnId{Timers::owner(timer.id)})) link->fired(timer.id);
            return;
    }
}

void StreamMachine::on(const in::Pressure& pressure) { desk_.set_pressure(pressure.full); }

void StreamMachine::on(const in::Pushed&) {
    desk_.act(act::PushAnswered{false, Errc::Unsupported, "this source takes no pushes"});
}

// -- after every step --------------------------------------------------------------------------------

void StreamMachine::after_step() {
    if (desk_.paused() == reading_) apply_reading();
    if (!dirty_) return;
    dirty_ = false;
    graveyard_.clear();
    if (running_ && !isolated_) update_state();
}

void StreamMachine::apply_reading() {
    reading_ = !desk_.paused();
    for (const auto& [id, link] : std::map(links_.begin(), links_.end())) link->reading(reading_);
}

void StreamMachine::update_state() {
    std::map<std::uint32_t, const Slot*> best;  // of each race
    desk_.next_due = lists_.due();
    for (const auto& [number, slot] : slots_) {
        const Slot*& held = best[slot.group];
        if (held == nullptr || rank(slot.state()) > rank(held->state())) held = &slot;
        if (slot.due && (!desk_.next_due || *slot.due < *desk_.next_due)) desk_.next_due = slot.due;
    }
    const Slot* worst = nullptr;
    for (const auto& [group, slot] : best) {
        if (worst == nullptr || rank(slot->state()) < rank(worst->state())) worst = slot;
    }
    if (worst != nullptr) desk_.enter(worst->state(), worst->why);
}

// -- links -------------------------------------------------------------------------------------------

Link* StreamMachine::find(ConnId id) {
    if (newest_ != nullptr && newest_->id() == id) return newest_;
    const auto found = links_.find(static_cast<std::uint32_t>(id));
    if (found == links_.end()) return nullptr;
    newest_ = found->second;
    return newest_;
}

Slot* StreamMachine::slot_of(std::uint32_t number) {
    const auto found = slots_.find(number);
    return found == slots_.end() ? nullptr : &found->second;
}

void StreamMachine::link_opened(Link& link) {
    dirty_ = true;
    Slot* slot = slot_of(link.slot());
    if (slot == nullptr) return;
    slot->auth_failures = 0;
    slot->why = "connected";
    if (slot->candidate.get() == &link && desk_.shaper.dedupe() == nullptr) {
        overlaps_.try_emplace(slot->group);
    }
}

void StreamMachine::link_ready(Link& link) {
    dirty_ = true;
    Slot* slot = slot_of(link.slot());
    if (slot == nullptr) return;
    if (desk_.def->backoff.reset_after == BackoffSpec::ResetAfter::Connect) slot->backoff.reset();
    slot->why = "subscribed";
    if (slot->candidate.get() == &link) {
        slot->overlap = desk_.arm(TimerKind::Overlap, slot->number, desk_.def->alive.overlap);
        desk_.event("overlap", "a second connection is ready");
    } else if (desk_.def->alive.rotate) {
        slot->rotate =
            desk_.arm(TimerKind::Rotate, slot->number, desk_.def->alive.rotate->draw(desk_.rng));
    }
}

void StreamMachine::link_data(Link& link) {
    dirty_ = true;
    Slot* slot = slot_of(link.slot());
    if (slot == nullptr) return;
    slot->data = true;
    slot->why = "data";
    slot->backoff.reset();
    if (slot->broken_at != 0) {
        desk_.gap(
            {"", text::rfc3339(slot->broken_at), text::rfc3339(desk_.now.wall), 0, "reconnect"});
        slot->broken_at = 0;
    }
}

void StreamMachine::link_stale(Link& link) {
    dirty_ = true;
    const std::string words = "no data for " + text::duration(*desk_.def->alive.stale);
    if (Slot* slot = slot_of(link.slot())) slot->why = words;
    desk_.event("stale", words);
    if (desk_.def->alive.stale_action == AliveSpec::StaleAction::Reconnect) {
        link.fail({Failure{ErrorClass::Stale, words, 0, 0, {}, {}}, true, false, false});
    } else {
        desk_.error(ErrorClass::Stale, words);
    }
}

void StreamMachine::link_notice(Link& link, std::string_view words) {
    dirty_ = true;
    desk_.event("notice", std::string(words));
    Slot* slot = slot_of(link.slot());
    if (slot != nullptr && slot->primary.get() == &link && !slot->candidate) {
        rotate(*slot, "the server announced a change");
    }
}

void StreamMachine::link_rows(Link& link, Desk::Mark from, const Shaped& shaped) {
    if (!overlaps_.empty()) {
        if (const Slot* slot = slot_of(link.slot())) {
            const auto overlap = overlaps_.find(slot->group);
            if (overlap != overlaps_.end()) remove_copies(link, from, overlap->second);
        }
    }
    if (holds_.wanted()) {
        holds_.rows(static_cast<std::uint32_t>(link.id()), link.items(), from, shaped);
    }
}

void StreamMachine::remove_copies(Link& link, Desk::Mark from, Overlap& overlap) {
    std::vector<Row>& rows = desk_.out->rows;
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(from.rows);
    const auto end = std::remove_if(begin, rows.end(), [&](const Row& row) {
        return !overlap.fresh(link.id(), content_of(row), desk_.now.mono);
    });
    desk_.counters.duplicates += static_cast<std::uint64_t>(rows.end() - end);
    rows.erase(end, rows.end());
}

// -- telling -----------------------------------------------------------------------------------------

Status StreamMachine::status() const {
    Status status;
    desk_.fill(status);
    std::map<std::string, ItemStatus> items;
    for (const auto& [number, slot] : slots_) {
        if (slot.primary && slot.primary->open()) ++status.connections;
        if (slot.candidate && slot.candidate->open()) ++status.connections;
        const bool up = slot.primary && slot.primary->open();
        const auto& book = up ? slot.primary->book().entries() : slot.last_book;
        const auto& held = up ? slot.primary->items() : *slot.items;
        for (std::size_t i = 0; i < held.size(); ++i) {
            ItemStatus item{held[i].text, ItemState::Pending, {}, 0};
            if (i < book.size()) {
                item.state = book[i].state;
                item.reason = book[i].reason;
                item.since = book[i].since;
            }
            if (!up && item.state == ItemState::Ok) item.state = ItemState::Lost;
            const auto known = items.find(item.item);
            if (known != items.end() && known->second.state == ItemState::Ok) continue;
            items[item.item] = std::move(item);
        }
    }
    for (auto& [name, item] : items) status.items.push_back(std::move(item));
    if (!slots_.empty()) {
        const Slot& first = slots_.begin()->second;
        status.steps = first.primary ? first.primary->steps() : first.last_steps;
    }
    return status;
}

}  // namespace anode::source
