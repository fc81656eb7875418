#include "core/source/stream_steps.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "core/source/stream_link.hpp"

namespace anode::source {

namespace {

constexpr unsigned kResends = 1;  // of missing items on one connection, before they count as lost
constexpr std::size_t kWordsMax = 200;

/// What a frame says, for people.
std::string words_of(const Shaped& shaped) {
    const std::string_view words = shaped.words.empty() ? shaped.text : shaped.words;
    return text::printable(words.substr(0, kWordsMax));
}

std::string_view kind_of(const Step& step) {
    struct Visitor {
        std::string_view operator()(const SendStep&) const { return "send"; }
        std::string_view operator()(const ExpectStep&) const { return "expect"; }
        std::string_view operator()(const RequestStep& request) const {
            return request.method == RequestStep::Method::Get ? "get" : "post";
        }
        std::string_view operator()(const WaitStep&) const { return "wait"; }
    };
    return std::visit(Visitor{}, step.what);
}

bool holds(const expr::Program& program, const json::Value& root) {
    expr::Scope scope;
    scope.root = root;
    return root && program.holds(scope);
}

}  // namespace

// -- walking ---------------------------------------------------------------------------------------

StepRunner::StepRunner(Link& link, const std::vector<Step>& steps)
    : link_(link), steps_(steps), met_(steps.size()) {
    for (const Step& step : steps)
        status_.push_back({std::string(kind_of(step)), "pending", "", {}});
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (std::holds_alternative<RequestStep>(steps[i].what))
            before_open_ = i + 1;
        else if (!std::holds_alternative<WaitStep>(steps[i].what))
            break;
    }
}

bool StepRunner::run(std::size_t until) {
    until_ = std::min(until, steps_.size());
    while (at_ < until_ && !running_) {
        if (at_ == 0 && began_ == Instant{}) began_ = link_.desk_.now.mono;
        status_[at_].state = "running";
        const std::size_t here = at_;
        const bool done = begin(steps_[here]);
        if (link_.phase() == Link::Phase::Down) return false;
        if (!done) {
            running_ = true;
            return false;
        }
        next();
    }
    return !running_ && at_ >= until_;
}

void StepRunner::next() {
    status_[at_].state = "ok";
    status_[at_].took = link_.desk_.now.mono - began_;
    timer_ = {};
    running_ = false;
    ++at_;
}

void StepRunner::resume() {
    next();
    link_.advance();
}

void StepRunner::fail_current(std::string detail) {
    if (at_ >= status_.size()) return;
    status_[at_].state = "failed";
    status_[at_].detail = std::move(detail);
    status_[at_].took = link_.desk_.now.mono - began_;
}

bool StepRunner::begin(const Step& step) {
    return std::visit([&](const auto& what) { return begin(what); }, step.what);
}

bool StepRunner::begin(const WaitStep& step) {
    if (step.wait <= Duration::zero()) return true;
    timer_ = link_.desk_.arm(TimerKind::Step, static_cast<std::uint32_t>(link_.id()), step.wait);
    return false;
}

// -- send ------------------------------------------------------------------------------------------

bool StepRunner::is_about_items(const MessageTemplate& message) const {
    if (link_.items().empty()) return false;
    if (message.has_each()) return true;
    const auto& lists = link_.desk_.def->items;
    return std::any_of(lists.begin(), lists.end(),
                       [&](const ItemList& list) { return message.mentions(list.name); });
}

/// Those of `items` that a step is for (`where`).
std::vector<std::size_t> StepRunner::meant_by(const SendStep& step,
                                              std::vector<std::size_t> items) const {
    if (!step.where) return items;
    std::string text;
    json::Document document;
    std::erase_if(items, [&](std::size_t item) {
        text = item_json(link_.items()[item]);
        return !document.parse(text) || !holds(*step.where, document.root());
    });
    return items;
}

bool StepRunner::begin(const SendStep& step) {
    if (is_about_items(step.send) || (step.where && !link_.items().empty())) {
        std::vector<std::size_t> all(link_.items().size());
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
        if (!send_to(step, meant_by(step, std::move(all)))) return false;
    } else {
        Bytes message;
        if (!send_one(step, {}, message)) return false;
        link_.queue_message(std::move(message), step.frame == FrameForm::Binary, Duration::zero());
    }
    link_.flush();
    return link_.outbox_.empty();
}

/// Messages for these items, as many in each as `batch` and `bytes` allow.
bool StepRunner::send_to(const SendStep& step, const std::vector<std::size_t>& items) {
    const std::size_t unlimited = step.send.has_each() ? items.size() : 1;
    const std::size_t most = step.batch > 0 ? step.batch : unlimited;
    std::size_t begin = 0;
    bool first = true;
    while (begin < items.size()) {
        std::size_t count = std::min(most, items.size() - begin);
        const std::uint64_t number = link_.counter_;
        Bytes message;
        for (;;) {
            link_.counter_ = number;
            message.clear();
            if (!send_one(step, std::span(items).subspan(begin, count), message)) return false;
            if (step.bytes == 0 || message.size() <= step.bytes || count == 1) break;
            count =
                std::max<std::size_t>(1, std::min(count - 1, count * step.bytes / message.size()));
        }
        for (std::uint64_t n = number; n < link_.counter_; ++n) {
            link_.book_.note_number(n,
                                    {items.begin() + static_cast<std::ptrdiff_t>(begin),
                                     items.begin() + static_cast<std::ptrdiff_t>(begin + count)});
        }
        link_.queue_message(std::move(message), step.frame == FrameForm::Binary,
                            first ? Duration::zero() : step.every);
        first = false;
        begin += count;
    }
    return true;
}

bool StepRunner::send_one(const SendStep& step, std::span<const std::size_t> which, Bytes& out) {
    if (!refresh_credentials()) return false;
    std::vector<Item> batch;
    batch.reserve(which.size());
    for (const std::size_t item : which) batch.push_back(link_.items()[item]);
    Desk& desk = link_.desk_;
    const std::span<const Item> items = which.empty() ? std::span(link_.items()) : std::span(batch);
    const Context context = context_of(desk, items, &link_.variables_, &desk.rng, &link_.counter_);
    if (const auto made = step.send.append(out, context); !made) {
        link_.down(ErrorClass::Definition, "send: " + made.error().what);
        return false;
    }
    return true;
}

/// Signatures that go into messages are made anew for each: they live for seconds.
bool StepRunner::refresh_credentials() {
    Desk& desk = link_.desk_;
    const auto* hmac = std::get_if<AuthHmac>(&desk.def->auth);
    const auto* jwt = std::get_if<AuthJwt>(&desk.def->auth);
    const Into* into = hmac != nullptr ? &hmac->into : jwt != nullptr ? &jwt->into : nullptr;
    if (into == nullptr || into->where != Into::Where::Variable) return true;
    Outgoing message;
    message.variables = link_.variables_;
    const Context context =
        context_of(desk, link_.items(), &link_.variables_, &desk.rng, &link_.counter_);
    if (const auto made = sign(desk.def->auth, message, context); !made) {
        link_.down(ErrorClass::Definition, "auth: " + made.error().what);
        return false;
    }
    for (auto& [name, value] : message.variables) link_.variables_[name] = std::move(value);
    return true;
}

void StepRunner::sent() {
    if (!running_ || done() || !std::holds_alternative<SendStep>(steps_[at_].what)) return;
    resume();
}

// -- expect ----------------------------------------------------------------------------------------

bool StepRunner::begin(const ExpectStep& step) {
    if (met_[at_]) return true;
    const bool by_item = step.item.has_value() && !link_.items().empty();
    if (by_item && link_.book_.pending() == 0) {
        if (link_.book_.accepted() > 0) return true;
        link_.down(ErrorClass::Handshake, "no item was accepted");
        return false;
    }
    resent_ = 0;
    timer_ = link_.desk_.arm(TimerKind::Step, static_cast<std::uint32_t>(link_.id()), step.within);
    return false;
}

bool StepRunner::take(const Shaped& shaped) {
    bool after_expect = false;
    for (std::size_t i = at_; i < steps_.size(); ++i) {
        const auto* expect = std::get_if<ExpectStep>(&steps_[i].what);
        if (expect == nullptr) {
            if (after_expect || std::holds_alternative<RequestStep>(steps_[i].what)) return false;
            continue;
        }
        after_expect = true;
        if (met_[i]) continue;
        if (expect->reject && holds(*expect->reject, shaped.frame)) return refuse(*expect, shaped);
        if (matches(expect->expect, shaped)) return accept(i, *expect, shaped);
    }
    return false;
}

bool StepRunner::accept(std::size_t index, const ExpectStep& step, const Shaped& shaped) {
    if (!capture(step.capture, shaped.frame)) return true;
    const bool by_item = step.item.has_value() && !link_.items().empty();
    std::vector<std::size_t> about;
    if (by_item) about = link_.book_.find(*step.item, shaped.frame, link_.items());
    if (step.bind && shaped.frame) {
        const auto value = step.bind->text_of(shaped.frame);
        if (!by_item && link_.items().size() == 1) about = {0};
        if (value) {
            for (const std::size_t item : about) {
                link_.desk_.shaper.bind(static_cast<std::uint32_t>(link_.id()), *value,
                                        link_.items()[item]);
            }
        }
    }
    if (!by_item) {
        met(index);
        return true;
    }
    for (const std::size_t item : about) {
        link_.book_.set(item, ItemState::Ok, {}, link_.desk_.now.wall);
    }
    items_changed();
    return true;
}

bool StepRunner::met(std::size_t step) {
    met_[step] = true;
    if (step == at_ && running_) resume();
    return true;
}

void StepRunner::items_changed() {
    if (!running_ || done()) return;
    const auto* step = std::get_if<ExpectStep>(&steps_[at_].what);
    if (step == nullptr || !step->item || link_.book_.pending() > 0) return;
    if (link_.book_.accepted() == 0) {
        link_.down(ErrorClass::Handshake, "no item was accepted");
        return;
    }
    met(at_);
}

bool StepRunner::refuse(const ExpectStep& step, const Shaped& shaped) {
    const std::string words = words_of(shaped);
    if (step.fatal) {
        link_.down(ErrorClass::Handshake, "refused: " + words);
        return true;
    }
    std::vector<std::size_t> about;
    if (step.item) about = link_.book_.find(*step.item, shaped.frame, link_.items());
    if (about.empty() && link_.items().size() == 1) about = {0};
    if (about.empty()) {
        link_.down(ErrorClass::Handshake, "refused: " + words);
        return true;
    }
    for (const std::size_t item : about) link_.refuse_item(item, words);
    items_changed();
    return true;
}

bool StepRunner::capture(const std::vector<Capture>& captures, const json::Value& from) {
    for (const Capture& wanted : captures) {
        auto value = from ? wanted.from.text_of(from) : std::nullopt;
        if (!value) {
            link_.down(ErrorClass::Handshake,
                       "nothing to capture as " + wanted.name + " at " + wanted.from.text());
            return false;
        }
        link_.variables_[wanted.name] = std::move(*value);
    }
    return true;
}

void StepRunner::fired(TimerId id) {
    if (!running_ || id != timer_ || done()) return;
    if (const auto* expect = std::get_if<ExpectStep>(&steps_[at_].what)) {
        expect_ran_out(*expect);
    } else {
        resume();
    }
}

void StepRunner::expect_ran_out(const ExpectStep& step) {
    const std::string within = text::duration(step.within);
    const std::vector<std::size_t> missing = link_.book_.missing();
    if (!step.item || link_.book_.accepted() == 0 || missing.empty()) {
        link_.down(ErrorClass::Handshake, "no answer to the subscription within " + within);
        return;
    }
    if (resent_ < kResends && ask_again(missing)) {
        ++resent_;
        timer_ =
            link_.desk_.arm(TimerKind::Step, static_cast<std::uint32_t>(link_.id()), step.within);
        return;
    }
    if (link_.phase() == Link::Phase::Down) return;
    for (const std::size_t item : missing) {
        link_.book_.set(item, ItemState::Lost, "no answer within " + within, link_.desk_.now.wall);
    }
    link_.desk_.error(ErrorClass::Handshake,
                      std::to_string(missing.size()) + " items got no answer within " + within);
    link_.desk_.event("items-lost", std::to_string(missing.size()));
    met(at_);
}

/// Sends the steps so far again, for these items only. False if there was nothing to send.
bool StepRunner::ask_again(const std::vector<std::size_t>& missing) {
    bool asked = false;
    for (std::size_t i = 0; i < at_; ++i) {
        const auto* send = std::get_if<SendStep>(&steps_[i].what);
        if (send == nullptr || !is_about_items(send->send)) continue;
        if (!send_to(*send, meant_by(*send, missing))) return false;
        asked = true;
    }
    if (asked) link_.desk_.event("items-asked-again", std::to_string(missing.size()));
    link_.flush();
    return asked && link_.phase() != Link::Phase::Down;
}

// -- get, post -------------------------------------------------------------------------------------

bool StepRunner::begin(const RequestStep& step) {
    Desk& desk = link_.desk_;
    const auto token = link_.token_.want();
    Wanted wanted;
    wanted.url = &step.url;
    wanted.items = link_.items();
    wanted.variables = &link_.variables_;
    wanted.counter = &link_.counter_;
    wanted.method = step.method == RequestStep::Method::Get ? "GET" : "POST";
    wanted.body = step.body ? &*step.body : nullptr;
    wanted.headers = step.headers;
    wanted.with_query = wanted.with_headers = false;
    wanted.oauth_token = token.value_or(std::string_view{});
    auto outgoing = assemble(desk, wanted, desk.rng);
    if (!outgoing) {
        link_.down(ErrorClass::Definition, outgoing.error().what);
        return false;
    }
    HttpRequest request = to_request(desk, std::move(*outgoing));
    request.timeout = step.within;
    link_.courier_.ask({Purpose::Kind::Step, static_cast<std::uint32_t>(link_.id()), {}},
                       std::move(request));
    return false;
}

void StepRunner::answered(const in::Answered& answer) {
    if (!running_ || done()) return;
    const auto* step = std::get_if<RequestStep>(&steps_[at_].what);
    if (step == nullptr) return;
    if (answer.status < 200 || answer.status >= 300) {
        Failure why{ErrorClass::Http,
                    "HTTP " + std::to_string(answer.status),
                    answer.status,
                    0,
                    Headers(answer.headers.begin(), answer.headers.end()),
                    Bytes(answer.body)};
        request_failed(why);
        return;
    }
    if (!step->capture.empty()) {
        json::Document body;
        if (const auto parsed = body.parse(answer.body); !parsed) {
            link_.down(ErrorClass::Malformed, "step: " + parsed.error().what);
            return;
        }
        if (!capture(step->capture, body.root())) return;
    }
    resume();
}

void StepRunner::request_failed(const Failure& why) {
    if (!running_ || done()) return;
    fail_current(why.detail);
    link_.fail({why, false, false, false});
}

}  // namespace anode::source
