#include "base/text.hpp"
#include "core/source/stream_link.hpp"

/// The clocks of a link: pings, any frame, data (C7).
namespace anode::source {

void Link::start_clocks() {
    const auto number = static_cast<std::uint32_t>(id());
    const AliveSpec& alive = desk_.def->alive;
    data_clock_.start(alive.stale.value_or(Duration::zero()), desk_.now.mono);
    if (alive.stale) data_clock_.timer = desk_.arm(TimerKind::Stale, number, *alive.stale);
    if (alive.ping && may_send()) {
        ping_timer_ = desk_.arm(TimerKind::PingDue, number, alive.ping->period);
    }
}

void Link::fired(TimerId id) {
    if (phase_ == Phase::Down) return;
    switch (Timers::kind(id)) {
        case TimerKind::Step:
            steps_.fired(id);
            return;
        case TimerKind::Messages:
            if (!send_armed_ || id != send_timer_) return;
            send_armed_ = false;
            flush();
            return;
        case TimerKind::Any:
            if (id == any_clock_.timer) check_any();
            return;
        case TimerKind::Stale:
            if (id == data_clock_.timer) check_stale();
            return;
        case TimerKind::ProtocolPing:
            if (id == protocol_timer_) protocol_ping();
            return;
        case TimerKind::PingDue:
            if (id == ping_timer_) ping_due();
            return;
        case TimerKind::PingAnswer:
            if (id != answer_timer_ || !answer_due_) return;
            if (paused_) {
                answer_due_ = false;
                return;
            }
            down(ErrorClass::Silence,
                 "no answer to our ping within " + text::duration(desk_.def->alive.ping->within));
            return;
        default:
            return;
    }
}

void Link::check_any() {
    const auto number = static_cast<std::uint32_t>(id());
    const Duration period = desk_.def->alive.any;
    const Duration left = paused_ ? period : any_clock_.left(desk_.now.mono);
    if (left > Duration::zero()) {
        any_clock_.timer = desk_.arm(TimerKind::Any, number, left);
        return;
    }
    down(ErrorClass::Silence, "no frame of any kind for " + text::duration(period));
}

void Link::check_stale() {
    if (!data_clock_.running()) return;
    const auto number = static_cast<std::uint32_t>(id());
    const Duration left = paused_ ? *desk_.def->alive.stale : data_clock_.left(desk_.now.mono);
    if (left > Duration::zero()) {
        data_clock_.timer = desk_.arm(TimerKind::Stale, number, left);
        return;
    }
    stale_ = true;
    host_.link_stale(*this);
}

void Link::protocol_ping() {
    protocol_timer_ = desk_.arm(TimerKind::ProtocolPing, static_cast<std::uint32_t>(id()),
                                desk_.def->alive.protocol_ping);
    if (!may_send()) return;
    count_control();
    desk_.act(act::Ping{id(), Bytes("anode")});
}

void Link::ping_due() {
    const PingSpec& ping = *desk_.def->alive.ping;
    Duration next = ping.period;
    if (ping.when == PingSpec::When::Idle) {
        const Duration idle = desk_.now.mono - any_clock_.last();
        if (idle < ping.period) {
            next = ping.period - idle;
        } else {
            send_ping();
        }
    } else {
        send_ping();
    }
    if (phase_ == Phase::Down) return;
    ping_timer_ = desk_.arm(TimerKind::PingDue, static_cast<std::uint32_t>(id()), next);
}

void Link::send_ping() {
    if (answer_due_ || !may_send()) return;
    const PingSpec& ping = *desk_.def->alive.ping;
    Bytes message;
    const Context context = context_of(desk_, items(), &variables_, &desk_.rng, &counter_);
    if (const auto made = ping.send.append(message, context); !made) {
        desk_.error(ErrorClass::Definition, "ping: " + made.error().what);
        return;
    }
    queue_message(std::move(message), ping.frame == FrameForm::Binary, Duration::zero());
    flush();
    if (!ping.expect || phase_ == Phase::Down) return;
    answer_due_ = true;
    answer_timer_ = desk_.arm(TimerKind::PingAnswer, static_cast<std::uint32_t>(id()), ping.within);
}

void Link::reading(bool on) {
    paused_ = !on;
    if (!open()) return;
    if (on) {
        // What we did not read is no silence of theirs.
        any_clock_.touch(desk_.now.mono);
        data_clock_.touch(desk_.now.mono);
    }
    desk_.act(act::Reading{id(), on});
}

}  // namespace anode::source
