#include "core/source/sign.hpp"
#include "core/source/simple.hpp"

namespace anode::source {

void WebhookMachine::begin() { desk_.enter(State::Pending, "waiting for the first push"); }

void WebhookMachine::on(const Input& input) {
    if (const auto* pushed = std::get_if<in::Pushed>(&input)) push(*pushed);
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
