#include "base/text.hpp"
#include "core/source/sign.hpp"
#include "core/source/simple.hpp"

namespace anode::source {

void WebhookMachine::begin() {
    desk_.enter(State::Pending, "waiting for the first push");
    if (!desk_.def->alive.stale) return;
    clock_.start(*desk_.def->alive.stale, desk_.now.mono);
    clock_.timer = desk_.arm(TimerKind::Stale, 0, *desk_.def->alive.stale);
}

void WebhookMachine::on(const Input& input) {
    if (const auto* pushed = std::get_if<in::Pushed>(&input)) {
        push(*pushed);
        return;
    }
    const auto* timer = std::get_if<in::TimerFired>(&input);
    if (timer == nullptr || !running_ || !clock_.running() || timer->id != clock_.timer) return;
    const Duration left = clock_.left(desk_.now.mono);
    if (left > Duration::zero()) {
        clock_.timer = desk_.arm(TimerKind::Stale, 0, left);
        return;
    }
    stale_ = true;
    const std::string words = "no push for " + text::duration(*desk_.def->alive.stale);
    desk_.error(ErrorClass::Stale, words);
    desk_.event("stale", words);
    desk_.enter(State::Stale, words);
}

void WebhookMachine::push(const in::Pushed& pushed) {
    if (!running_) {
        answer(false, Errc::Closed, "the source is not running");
        return;
    }
    if (pushed.body.size() > desk_.def->limits.frame) {
        desk_.error(ErrorClass::TooLarge, "a push over limits.frame");
        answer(false, Errc::TooLarge, "the body is larger than this source takes");
        return;
    }
    if (desk_.def->verify) {
        const auto header = [&](std::string_view name) {
            return find_header(pushed.headers, name);
        };
        const auto verified =
            verify_push(*desk_.def->verify, pushed.body, header, desk_.now.wall, desk_.secrets);
        if (!verified) {
            desk_.error(ErrorClass::Auth, verified.error().what);
            answer(false, Errc::Refused, verified.error().what);
            return;
        }
    }
    if (desk_.patient()) {
        answer(false, Errc::Overloaded, "the node's intake is full");
        return;
    }
    Shaper::Input input;
    input.bytes = pushed.body;
    input.data_only = true;
    input.content_type = find_header(pushed.headers, "Content-Type").value_or("");
    const Shaped shaped = take(input);
    clock_.touch(desk_.now.mono);
    if (stale_) {
        stale_ = false;
        if (clock_.running()) {
            clock_.timer = desk_.arm(TimerKind::Stale, 0, *desk_.def->alive.stale);
        }
    }
    if (shaped.kind == FrameKind::Garbage) {
        answer(false, Errc::Malformed, std::string(shaped.words));
    } else if (shaped.rejected > 0 && shaped.emitted + shaped.repeats + shaped.dropped == 0) {
        answer(false, Errc::Malformed, "no row of the body is what this source takes");
    } else {
        answer(true, {}, {});
    }
}

void WebhookMachine::answer(bool accepted, Errc why, std::string detail) {
    desk_.act(act::PushAnswered{accepted, why, desk_.secrets.hide(detail)});
}

}  // namespace anode::source
