#include "core/source/poll.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace anode::source {

PollMachine::PollMachine(std::shared_ptr<const Definition> definition, Restored restored,
                         const Secrets& secrets, Budgets& budgets, Rng rng)
    : desk_(std::move(definition), std::move(restored), secrets, budgets, rng),
      courier_(desk_),
      token_(desk_, courier_),
      lists_(desk_, courier_, token_),
      prelude_(desk_, courier_, token_),
      prelude_backoff_(desk_.def->backoff) {
    if (desk_.def->poll.diff && !desk_.def->dedupe) stored_ = Differ::read(desk_.seen);
    desk_.seen = {};
}

void PollMachine::handle(const Input& input, Now now, Effects& out) {
    desk_.begin(now, out);
    std::visit([&](const auto& what) { on(what); }, input);
    if (running_ && !isolated_) update_state();
}

// -- inputs ------------------------------------------------------------------------------------------

void PollMachine::on(const in::Start&) {
    if (running_) return;
    if (!desk_.def->enabled) {
        desk_.enter(State::Disabled, "not enabled");
        return;
    }
    running_ = true;
    if (!isolated_) begin();
}

void PollMachine::on(const in::Stop& stop) {
    close_all();
    desk_.flush();
    running_ = false;
    desk_.enter(stop.drain ? State::Draining : State::Disabled,
                stop.drain ? "handed over" : "stopped");
}

void PollMachine::on(const in::Restart&) {
    if (running_) close_all();
    running_ = false;
    desk_.event("restarted");
    on(in::Start{});
}

void PollMachine::on(const in::Isolated& isolated) {
    if (desk_.def->placement.on_isolation != Placement::OnIsolation::Pause) return;
    if (isolated_ == isolated.isolated) return;
    isolated_ = isolated.isolated;
    if (!running_) return;
    if (isolated_) {
        close_all();
        desk_.enter(State::Pending, "the node is cut off from its cluster");
    } else {
        begin();
    }
}

void PollMachine::on(const in::Pushed&) {
    desk_.act(act::PushAnswered{false, Errc::Unsupported, "this source takes no pushes"});
}

void PollMachine::on(const in::Answered& answer) {
    const auto purpose = courier_.settle(answer.request, answer.headers);
    if (!purpose || !running_) return;
    switch (purpose->kind) {
        case Purpose::Kind::Poll:
            if (purpose->owner < targets_.size()) answered(targets_[purpose->owner], answer);
            return;
        case Purpose::Kind::Items:
            if (auto items = lists_.answered(purpose->owner, answer)) arrange(std::move(*items));
            return;
        case Purpose::Kind::Step:
            prelude_step(prelude_.answered(answer));
            return;
        case Purpose::Kind::Token:
            token_here(token_.answered(answer.status, answer.body));
            return;
        case Purpose::Kind::Snapshot:
        case Purpose::Kind::Backfill:
            return;
    }
}

void PollMachine::on(const in::RequestFailed& failed_request) {
    const auto purpose = courier_.settle(failed_request.request, {});
    if (!purpose || !running_) return;
    switch (purpose->kind) {
        case Purpose::Kind::Poll:
            if (purpose->owner < targets_.size()) {
                failed(targets_[purpose->owner], failed_request.why);
            }
            return;
        case Purpose::Kind::Items:
            lists_.failed(purpose->owner, failed_request.why.detail);
            return;
        case Purpose::Kind::Step:
            prelude_step(prelude_.request_failed(failed_request.why));
            return;
        case Purpose::Kind::Token:
            token_.failed(failed_request.why);
            token_here(false);
            return;
        case Purpose::Kind::Snapshot:
        case Purpose::Kind::Backfill:
            return;
    }
}

void PollMachine::on(const in::TimerFired& timer) {
    if (Timers::kind(timer.id) == TimerKind::Release) {
        desk_.release_fired(timer.id);
        return;
    }
    if (!running_ || isolated_) return;
    switch (Timers::kind(timer.id)) {
        case TimerKind::Poll: {
            const std::uint32_t number = Timers::owner(timer.id);
            if (number >= targets_.size() || targets_[number].timer != timer.id) return;
            ask(targets_[number]);
            return;
        }
        case TimerKind::Items:
            lists_.fired(timer.id);
            return;
        case TimerKind::Courier:
            courier_.fired(timer.id);
            return;
        case TimerKind::Step:
            prelude_step(prelude_.fired(timer.id));
            return;
        case TimerKind::Backoff:
            if (timer.id == prelude_retry_) prelude_step(prelude_.start());
            return;
        default:
            return;
    }
}

// -- beginning ---------------------------------------------------------------------------------------

void PollMachine::begin() {
    if (auto items = lists_.begin()) {
        arrange(std::move(*items));
    } else {
        desk_.enter(State::Connecting, "fetching the list of items");
    }
}

/// Whether a request is about items, so that there is one for each or for each batch of them.
bool PollMachine::asks_by_item() const {
    const Definition& def = *desk_.def;
    const auto named = [&](const Template& text) {
        return std::any_of(def.items.begin(), def.items.end(),
                           [&](const ItemList& list) { return text.mentions(list.name); });
    };
    const auto filled = [&](const Filler& filler) {
        const auto* text = std::get_if<Template>(&filler.what);
        return text != nullptr && named(*text);
    };
    if (std::any_of(def.url.begin(), def.url.end(), named)) return true;
    for (const QueryValue& query : def.query) {
        if (std::any_of(query.of.begin(), query.of.end(), filled)) return true;
    }
    for (const Header& header : def.headers) {
        if (filled(header.value)) return true;
    }
    if (!def.http.body) return false;
    return def.http.body->has_each() ||
           std::any_of(def.items.begin(), def.items.end(),
                       [&](const ItemList& list) { return def.http.body->mentions(list.name); });
}

/// Splits items into requests. What is known of a request that stays the same is kept.
void PollMachine::arrange(std::vector<Item> items) {
    std::size_t batch = items.size();
    if (asks_by_item()) batch = std::max<std::uint32_t>(1, desk_.def->poll.batch_items);
    std::vector<std::vector<Item>> shares;
    for (std::size_t begin = 0; begin < items.size(); begin += batch) {
        const std::size_t end = std::min(items.size(), begin + batch);
        shares.emplace_back(items.begin() + static_cast<std::ptrdiff_t>(begin),
                            items.begin() + static_cast<std::ptrdiff_t>(end));
    }
    if (shares.empty()) shares.emplace_back();
    for (std::size_t i = 0; i < shares.size(); ++i) {
        if (i >= targets_.size()) {
            targets_.emplace_back(static_cast<std::uint32_t>(i), desk_.def->backoff, stored_);
        } else if (targets_[i].items == shares[i]) {
            continue;
        } else {
            courier_.forget(Purpose::Kind::Poll, static_cast<std::uint32_t>(i));
            targets_[i].etag.clear();
            targets_[i].last_modified.clear();
            targets_[i].body.reset();
            targets_[i].asking = false;
        }
        targets_[i].items = std::move(shares[i]);
        if (prelude_.done()) schedule(targets_[i], Duration::zero());
    }
    while (targets_.size() > shares.size()) {
        courier_.forget(Purpose::Kind::Poll, targets_.back().number);
        targets_.pop_back();
    }
    if (!prelude_.done()) prelude_step(prelude_.start());
}

void PollMachine::prelude_step(Prelude::Progress progress) {
    if (progress == Prelude::Progress::Waiting) return;
    if (progress == Prelude::Progress::Done) {
        prelude_backoff_.reset();
        for (Target& target : targets_) ask(target);
        return;
    }
    desk_.error(ErrorClass::Handshake, prelude_.why());
    desk_.enter(State::Backoff, prelude_.why());
    prelude_failed_ = true;
    prelude_retry_ = desk_.arm(TimerKind::Backoff, 0, prelude_backoff_.next(desk_.rng));
}

void PollMachine::token_here(bool good) {
    for (Target& target : targets_) {
        if (!target.wants_token) continue;
        target.wants_token = false;
        if (good) {
            ask(target);
        } else {
            broken(target, ErrorClass::Auth, "no access token", Target::State::Backoff, {});
        }
    }
}

void PollMachine::close_all() {
    courier_.forget_all();
    token_.reset();
    lists_.reset();
    prelude_.reset();
    for (Target& target : targets_) {
        target.asking = target.wants_token = false;
        target.timer = {};
        target.state = Target::State::New;
        target.backoff.reset();
        target.auth_failures = 0;
        target.pages.begin({});
    }
    desk_.next_due.reset();
}

// -- telling -----------------------------------------------------------------------------------------

void PollMachine::update_state() {
    if (targets_.empty() || !prelude_.done()) {
        if (!lists_.due() && !prelude_failed_) {
            desk_.enter(State::Connecting, "requests before the first poll");
        }
        return;
    }
    prelude_failed_ = false;
    desk_.next_due.reset();
    const Target* worst = nullptr;
    const auto rank = [](const Target& target) {
        switch (target.state) {
            case Target::State::Failed:
                return 0;
            case Target::State::Limited:
                return 1;
            case Target::State::Backoff:
                return 2;
            case Target::State::New:
                return 3;
            case Target::State::Good:
                return 4;
        }
        return 4;
    };
    for (const Target& target : targets_) {
        if (worst == nullptr || rank(target) < rank(*worst)) worst = &target;
        if (target.due != 0 && (!desk_.next_due || target.due < *desk_.next_due)) {
            desk_.next_due = target.due;
        }
    }
    switch (worst->state) {
        case Target::State::Failed:
            desk_.enter(State::Failed, worst->why);
            return;
        case Target::State::Limited:
            desk_.enter(State::Limited, worst->why);
            return;
        case Target::State::Backoff:
            desk_.enter(State::Backoff, worst->why);
            return;
        case Target::State::New:
            desk_.enter(State::Connecting, worst->why);
            return;
        case Target::State::Good:
            desk_.enter(State::Live, "answers");
            return;
    }
}

Status PollMachine::status() const {
    Status status;
    desk_.fill(status);
    status.steps = prelude_.status();
    for (const Target& target : targets_) {
        for (const Item& item : target.items) {
            ItemStatus shown{item.text, ItemState::Pending, {}, 0};
            if (target.state == Target::State::Good) shown.state = ItemState::Ok;
            if (target.state == Target::State::Failed) shown.state = ItemState::Rejected;
            if (target.state != Target::State::Good && target.state != Target::State::New) {
                shown.reason = desk_.secrets.hide(target.why);
            }
            status.items.push_back(std::move(shown));
        }
    }
    return status;
}

}  // namespace anode::source
