#include "core/source/poll_prelude.hpp"

namespace anode::source {

Prelude::Prelude(Desk& desk, Courier& courier, TokenKeeper& token)
    : desk_(desk), courier_(courier), token_(token) {
    reset();
}

void Prelude::reset() {
    at_ = 0;
    done_ = false;
    status_.clear();
    for (const Step& step : desk_.def->connect) {
        const auto* request = std::get_if<RequestStep>(&step.what);
        const bool post = request != nullptr && request->method == RequestStep::Method::Post;
        status_.push_back({request == nullptr ? "wait" : post ? "post" : "get", "pending", "", {}});
    }
}

Prelude::Progress Prelude::start() {
    reset();
    began_ = desk_.now.mono;
    return run();
}

Prelude::Progress Prelude::run() {
    const auto& steps = desk_.def->connect;
    for (; at_ < steps.size(); ++at_) {
        status_[at_].state = "running";
        if (const auto* request = std::get_if<RequestStep>(&steps[at_].what)) {
            return ask(*request) ? Progress::Waiting : Progress::Failed;
        }
        if (const auto* wait = std::get_if<WaitStep>(&steps[at_].what)) {
            timer_ = desk_.arm(TimerKind::Step, 0, wait->wait);
            return Progress::Waiting;
        }
        status_[at_].state = "ok";  // there is nobody to send to or to expect from
    }
    done_ = true;
    return Progress::Done;
}

Prelude::Progress Prelude::next() {
    status_[at_].state = "ok";
    status_[at_].took = desk_.now.mono - began_;
    ++at_;
    return run();
}

Prelude::Progress Prelude::fail(std::string why) {
    if (at_ < status_.size()) {
        status_[at_].state = "failed";
        status_[at_].detail = why;
    }
    why_ = std::move(why);
    return Progress::Failed;
}

bool Prelude::ask(const RequestStep& step) {
    Wanted wanted;
    wanted.url = &step.url;
    wanted.variables = &variables_;
    wanted.counter = &counter_;
    wanted.method = step.method == RequestStep::Method::Get ? "GET" : "POST";
    wanted.body = step.body ? &*step.body : nullptr;
    wanted.headers = step.headers;
    wanted.with_query = wanted.with_headers = false;
    const auto token = token_.want();
    wanted.oauth_token = token.value_or(std::string_view{});
    auto outgoing = assemble(desk_, wanted, desk_.rng);
    if (!outgoing) {
        fail(outgoing.error().what);
        return false;
    }
    HttpRequest request = to_request(desk_, std::move(*outgoing));
    request.timeout = step.within;
    courier_.ask({Purpose::Kind::Step, 0, {}}, std::move(request));
    return true;
}

Prelude::Progress Prelude::answered(const in::Answered& answer) {
    const auto& steps = desk_.def->connect;
    if (done_ || at_ >= steps.size()) return Progress::Waiting;
    const auto* step = std::get_if<RequestStep>(&steps[at_].what);
    if (step == nullptr) return Progress::Waiting;
    if (answer.status < 200 || answer.status >= 300) {
        return fail("HTTP " + std::to_string(answer.status));
    }
    if (!step->capture.empty()) {
        json::Document body;
        if (const auto parsed = body.parse(answer.body); !parsed) return fail(parsed.error().what);
        for (const Capture& wanted : step->capture) {
            auto value = wanted.from.text_of(body.root());
            if (!value) return fail("nothing to capture as " + wanted.name);
            variables_[wanted.name] = std::move(*value);
        }
    }
    return next();
}

Prelude::Progress Prelude::request_failed(const Failure& why) { return fail(why.detail); }

Prelude::Progress Prelude::fired(TimerId id) {
    if (done_ || id != timer_) return Progress::Waiting;
    return next();
}

}  // namespace anode::source
