#include <algorithm>

#include "base/text.hpp"
#include "core/source/stream.hpp"

/// The life of a slot: opening, rotating, breaking, coming back.
namespace anode::source {

namespace {

/// A position that is a time, set back by `by`. Other positions stay as they are.
Bytes rewound(const Bytes& position, Duration by) {
    if (by <= Duration::zero()) return position;
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(by).count();
    if (const auto number = text::parse_u64(position)) {
        // What unit a bare number is in shows by its size: years 2001 to 5138 do not overlap.
        std::uint64_t back = 0;
        if (*number >= 1'000'000'000'000'000'000)
            back = static_cast<std::uint64_t>(micros) * 1000;
        else if (*number >= 1'000'000'000'000'000)
            back = static_cast<std::uint64_t>(micros);
        else if (*number >= 1'000'000'000'000)
            back = static_cast<std::uint64_t>(micros) / 1000;
        else if (*number >= 1'000'000'000)
            back = static_cast<std::uint64_t>(micros) / 1'000'000;
        return std::to_string(*number - std::min(back, *number));
    }
    if (const auto time = text::parse_rfc3339(position)) return text::rfc3339(*time - micros);
    return position;
}

/// Whether a hole in the chain will show by itself once data comes again.
bool chain_goes_on(const Definition& definition) {
    const ContinuitySpec& chain = definition.continuity;
    if (chain.per == ContinuitySpec::Per::Connection) return false;
    return chain.rule != ContinuitySpec::Rule::None &&
           chain.rule != ContinuitySpec::Rule::Monotonic;
}

std::string describe(const Failure& why) {
    std::string words = why.detail;
    if (why.status != 0 && words.find(std::to_string(why.status)) == std::string::npos) {
        words = "HTTP " + std::to_string(why.status) + (words.empty() ? "" : ": ") + words;
    }
    if (!why.body.empty())
        words += ": " + text::printable(std::string_view(why.body).substr(0, 200));
    if (words.empty()) words = std::string(name(why.error));
    return words;
}

}  // namespace

void StreamMachine::open(Slot& slot, bool candidate) {
    if (desk_.def->rate.connects) {
        const Rate part = Budgets::part(desk_.budget, *desk_.def->rate.connects);
        const Duration wait = desk_.budget.connects.take(part, desk_.now.mono);
        if (wait > Duration::zero()) {
            if (candidate) {
                slot.rotate = desk_.arm(TimerKind::Rotate, slot.number, wait);
            } else {
                slot.waits = Slot::Waits::Budget;
                slot.why = "waiting for the budget of connections";
                slot.retry = desk_.arm(TimerKind::Connects, slot.number, wait);
            }
            return;
        }
    }
    slot.due.reset();
    Link::Setup setup;
    setup.id = ConnId{++next_conn_};
    setup.slot = slot.number;
    setup.items = slot.items;
    setup.url = slot.urls[slot.url % slot.urls.size()];
    setup.position = position_for(slot);
    LinkHost& self = *this;
    auto link = std::make_unique<Link>(desk_, courier_, token_, self, std::move(setup));
    Link* started = link.get();
    links_[next_conn_] = started;
    (candidate ? slot.candidate : slot.primary) = std::move(link);
    if (!candidate) {
        slot.waits = Slot::Waits::Nothing;
        slot.why = "connecting";
    }
    started->start();
}

/// Where to go on from, set back where host or owner changed.
Bytes StreamMachine::position_for(Slot& slot) {
    if (desk_.position.empty()) return {};
    if (!desk_.def->resume && desk_.def->type != Type::Sse) return {};
    const Template* url = slot.urls[slot.url % slot.urls.size()];
    const bool other_host = position_url_ != nullptr
                                ? position_url_ != url
                                : desk_.restored_position && slot.urls.size() > 1;
    const bool rewind = other_host || desk_.position_moved;
    position_url_ = url;
    if (!rewind || !desk_.def->resume) return desk_.position;
    desk_.position_moved = false;
    return rewound(desk_.position, desk_.def->resume->rewind);
}

void StreamMachine::rotate(Slot& slot, std::string_view why) {
    if (slot.candidate || !slot.primary) return;
    desk_.event("rotating", std::string(why));
    open(slot, true);
}

/// The second connection takes over.
void StreamMachine::promote(Slot& slot) {
    slot.primary = std::move(slot.candidate);
    slot.overlap = {};
    const bool race = desk_.def->urls == Urls::Race && slot.urls.size() > 1;
    if (!race) overlaps_.erase(slot.group);
    if (slot.primary->ready() && desk_.def->alive.rotate) {
        slot.rotate =
            desk_.arm(TimerKind::Rotate, slot.number, desk_.def->alive.rotate->draw(desk_.rng));
    }
    if (slot.primary->noticed()) rotate(slot, "the server announced a change");
}

void StreamMachine::slot_timer(TimerId id) {
    Slot* slot = slot_of(Timers::owner(id));
    if (slot == nullptr || !running_ || isolated_) return;
    switch (Timers::kind(id)) {
        case TimerKind::Backoff:
        case TimerKind::Connects:
            if (id == slot->retry && !slot->primary) {
                if (Timers::kind(id) == TimerKind::Backoff) ++desk_.counters.reconnects;
                open(*slot, false);
            }
            return;
        case TimerKind::Rotate:
            if (id == slot->rotate) rotate(*slot, "planned");
            return;
        case TimerKind::Overlap:
            if (id != slot->overlap || !slot->candidate) return;
            if (slot->primary) {
                slot->primary->close(1000, "rotated");
                links_.erase(static_cast<std::uint32_t>(slot->primary->id()));
                desk_.shaper.forget_connection(static_cast<std::uint32_t>(slot->primary->id()));
                newest_ = nullptr;
                graveyard_.push_back(std::move(slot->primary));
            }
            promote(*slot);
            desk_.event("rotated");
            return;
        default:
            return;
    }
}

// -- breaking ----------------------------------------------------------------------------------------

void StreamMachine::link_down(Link& link, Down down) {
    dirty_ = true;
    newest_ = nullptr;
    links_.erase(static_cast<std::uint32_t>(link.id()));
    desk_.shaper.forget_connection(static_cast<std::uint32_t>(link.id()));
    Slot* slot = slot_of(link.slot());
    if (slot == nullptr) return;
    if (slot->candidate.get() == &link) {
        graveyard_.push_back(std::move(slot->candidate));
        slot->overlap = {};
        desk_.error(down.why.error, "second connection: " + describe(down.why));
        slot->rotate = desk_.arm(TimerKind::Rotate, slot->number, slot->backoff.next(desk_.rng));
        return;
    }
    slot->last_book = link.book().entries();
    slot->last_steps = link.steps();
    graveyard_.push_back(std::move(slot->primary));
    if (slot->candidate) {
        if (slot->candidate->ready()) {
            promote(*slot);
            desk_.event("rotated", "the old connection ended by itself");
            return;
        }
        // The new connection is not through its steps yet: what comes meanwhile is missed.
        if (slot->data && !chain_goes_on(*desk_.def) && desk_.position.empty()) {
            slot->broken_at = link.last_data_at();
        }
        promote(*slot);
        slot->data = false;
        return;
    }
    recover(*slot, link, down);
}

void StreamMachine::recover(Slot& slot, const Link& link, const Down& down) {
    holds_.broken();
    if (down.calm) {
        // Event streams end every few minutes by design: go on where we were.
        const Duration wait =
            link.retry() > Duration::zero() ? link.retry() : slot.backoff.next(desk_.rng);
        slot.backoff.reset();
        retry_after(slot, Slot::Waits::Reopen, wait, "the stream ended, as streams do");
        return;
    }
    const bool resumes =
        !desk_.position.empty() && (desk_.def->resume.has_value() || desk_.def->type == Type::Sse);
    if (slot.data && !resumes && !chain_goes_on(*desk_.def)) {
        slot.broken_at = link.last_data_at();
    }
    slot.data = false;
    if (!link.had_data() && desk_.def->urls == Urls::Order) {
        slot.url = (slot.url + 1) % slot.urls.size();
    }
    const Failure& why = down.why;
    Remedy what;
    what.error = why.error;
    if (why.status >= 300 || (why.status == 0 && !why.body.empty())) {
        what = remedy(*desk_.def, why.status, why.headers, why.body, desk_.now.wall);
        if (what.what == Remedy::What::Retry) what.error = why.error;
    }
    if (down.fatal) what.what = Remedy::What::Fail;
    apply(slot, down, what);
}

void StreamMachine::apply(Slot& slot, const Down& down, const Remedy& remedy) {
    const std::string words = describe(down.why);
    if (remedy.what != Remedy::What::Ignore) desk_.error(remedy.error, words);
    switch (remedy.what) {
        case Remedy::What::Limit: {
            const Duration wait = remedy.after.value_or(slot.backoff.next(desk_.rng));
            desk_.budget.connects.hold_until(desk_.now.mono + wait);
            retry_after(slot, Slot::Waits::Limited, wait, words);
            return;
        }
        case Remedy::What::Auth:
            if (token_.needed() && token_.refused()) {
                retry_after(slot, Slot::Waits::Backoff, Duration::zero(), words);
                return;
            }
            if (++slot.auth_failures > desk_.def->backoff.auth_retries) {
                fail(slot, words);
                return;
            }
            break;
        case Remedy::What::Fail:
            fail(slot, words);
            return;
        case Remedy::What::TooOld:
            desk_.gap({"", desk_.position, "", 0, "too-old"});
            [[fallthrough]];
        case Remedy::What::Restart:
            desk_.position.clear();
            position_url_ = nullptr;
            break;
        case Remedy::What::Retry:
        case Remedy::What::Ignore:
            break;
    }
    retry_after(slot, Slot::Waits::Backoff, slot.backoff.next(desk_.rng), words);
}

void StreamMachine::retry_after(Slot& slot, Slot::Waits why, Duration wait, std::string words) {
    slot.waits = why;
    slot.why = std::move(words);
    slot.due = desk_.now.wall + std::chrono::duration_cast<std::chrono::microseconds>(wait).count();
    slot.retry = desk_.arm(TimerKind::Backoff, slot.number, wait);
}

void StreamMachine::fail(Slot& slot, std::string why) {
    slot.waits = Slot::Waits::Failed;
    slot.due.reset();
    desk_.event("failed", why);
    slot.why = std::move(why);
}

void StreamMachine::close_all(std::uint16_t code, const std::string& reason) {
    for (auto& [number, slot] : slots_) {
        for (std::unique_ptr<Link>* link : {&slot.primary, &slot.candidate}) {
            if (!*link) continue;
            (*link)->close(code, reason);
            desk_.shaper.forget_connection(static_cast<std::uint32_t>((*link)->id()));
            graveyard_.push_back(std::move(*link));
        }
    }
    newest_ = nullptr;
    links_.clear();
    slots_.clear();
    routes_.clear();
    overlaps_.clear();
    courier_.forget_all();
    token_.reset();
    holds_.stop();
    lists_.reset();
    desk_.next_due.reset();
}

}  // namespace anode::source
