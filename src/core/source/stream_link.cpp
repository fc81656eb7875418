#include "core/source/stream_link.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "core/source/grammar.hpp"

namespace anode::source {

namespace {

constexpr std::size_t kOutboxMax = 20'000;  // messages; a server that asks for more is no friend
constexpr std::size_t kWordsMax = 200;
constexpr std::string_view kEventStream = "text/event-stream";

std::string words_of(const Shaped& shaped) {
    const std::string_view words = shaped.words.empty() ? shaped.text : shaped.words;
    return text::printable(words.substr(0, kWordsMax));
}

/// Whether something tells items apart after the subscription; otherwise sending is all there is.
bool acknowledges_items(const Definition& definition) {
    for (const Step& step : definition.connect) {
        const auto* expect = std::get_if<ExpectStep>(&step.what);
        if (expect != nullptr && expect->item) return true;
    }
    return std::any_of(definition.classify.begin(), definition.classify.end(),
                       [](const ClassifyRule& rule) {
                           return rule.as == FrameKind::Ack && rule.item.has_value();
                       });
}

Transport transport_of(const Definition& definition, const Headers& headers) {
    if (definition.type == Type::Websocket) return Transport::WebSocket;
    const auto accept = find_header(headers, "Accept");
    const bool lines = accept && accept->find("json") != std::string_view::npos;
    return lines ? Transport::Ndjson : Transport::Sse;
}

}  // namespace

bool matches(const std::variant<std::string, expr::Program>& rule, const Shaped& shaped) {
    if (const auto* word = std::get_if<std::string>(&rule)) {
        return text::trim(shaped.text) == *word;
    }
    expr::Scope scope;
    scope.root = shaped.frame;
    return shaped.frame && std::get<expr::Program>(rule).holds(scope);
}

Link::Link(Desk& desk, Courier& courier, TokenKeeper& token, LinkHost& host, Setup setup)
    : desk_(desk),
      courier_(courier),
      token_(token),
      host_(host),
      setup_(std::move(setup)),
      book_(setup_.items->size()),
      steps_(*this, desk.def->connect) {
    const AliveSpec& alive = desk.def->alive;
    talks_ = !alive.reply.empty() || (alive.ping && alive.ping->expect);
    paused_ = desk.paused();
}

// -- from nothing to ready -------------------------------------------------------------------------

void Link::start() {
    if (!setup_.position.empty()) variables_["position"] = setup_.position;
    if (!token_.want()) {
        waits_for_token_ = true;
        if (!token_.asking()) down(ErrorClass::Auth, "no access token");
        return;
    }
    advance();
}

void Link::token_here(bool good) {
    if (!waits_for_token_ || phase_ != Phase::Preparing) return;
    waits_for_token_ = false;
    if (good) {
        advance();
    } else {
        down(ErrorClass::Auth, "no access token");
    }
}

void Link::advance() {
    if (phase_ == Phase::Preparing) {
        if (steps_.run(steps_.before_open())) open_now();
    } else if (phase_ == Phase::Stepping) {
        if (steps_.run(desk_.def->connect.size())) finish_steps();
    }
}

void Link::open_now() {
    const Definition& def = *desk_.def;
    Wanted wanted;
    wanted.url = setup_.url;
    wanted.items = items();
    wanted.variables = &variables_;
    wanted.counter = &counter_;
    wanted.oauth_token = token_.want().value_or(std::string_view{});
    if (def.type == Type::Sse) {
        wanted.method = def.http.method;
        wanted.body = def.http.body ? &*def.http.body : nullptr;
    }
    auto outgoing = assemble(desk_, wanted, desk_.rng);
    if (!outgoing) {
        down(ErrorClass::Definition, outgoing.error().what);
        return;
    }
    add_position(def, setup_.position, *outgoing);
    OpenSpec spec;
    spec.transport = transport_of(def, outgoing->headers);
    if (spec.transport == Transport::Sse && !find_header(outgoing->headers, "Accept")) {
        outgoing->headers.emplace_back("Accept", kEventStream);
    }
    spec.url_shown = desk_.secrets.hide(redacted_url(outgoing->url));
    spec.url = std::move(outgoing->url);
    spec.method = std::move(outgoing->method);
    spec.body = std::move(outgoing->body);
    spec.headers = std::move(outgoing->headers);
    spec.subprotocol = def.http.subprotocol;
    spec.origin = def.http.origin;
    spec.deflate = def.http.deflate;
    spec.timeout = def.http.timeout;
    spec.proxy = def.http.proxy;
    spec.tls = def.http.tls;
    spec.frame_bytes_max = def.limits.frame;
    phase_ = Phase::Opening;
    ++desk_.counters.connects;
    desk_.act(act::Open{id(), std::move(spec)});
}

void Link::opened() {
    if (phase_ != Phase::Opening) return;
    phase_ = Phase::Stepping;
    token_.accepted();
    const auto number = static_cast<std::uint32_t>(id());
    any_clock_.start(desk_.def->alive.any, desk_.now.mono);
    if (any_clock_.running()) {
        any_clock_.timer = desk_.arm(TimerKind::Any, number, desk_.def->alive.any);
    }
    if (desk_.def->type == Type::Websocket && desk_.def->alive.protocol_ping > Duration::zero()) {
        protocol_timer_ =
            desk_.arm(TimerKind::ProtocolPing, number, desk_.def->alive.protocol_ping);
    }
    if (paused_) desk_.act(act::Reading{id(), false});
    host_.link_opened(*this);
    advance();
}

void Link::finish_steps() {
    send_position();
    if (phase_ == Phase::Down) return;
    phase_ = Phase::Ready;
    if (!acknowledges_items(*desk_.def)) {
        for (std::size_t i = 0; i < items().size(); ++i) {
            if (book_.entries()[i].state != ItemState::Rejected) {
                book_.set(i, ItemState::Ok, {}, desk_.now.wall);
            }
        }
    }
    start_clocks();
    host_.link_ready(*this);
}

void Link::send_position() {
    if (setup_.position.empty() || !desk_.def->resume) return;
    const auto* send = std::get_if<ResumeSpec::Send>(&desk_.def->resume->as);
    if (send == nullptr) return;
    Bytes message;
    const Context context = context_of(desk_, items(), &variables_, &desk_.rng, &counter_);
    if (const auto made = send->send.append(message, context); !made) {
        down(ErrorClass::Definition, "resume: " + made.error().what);
        return;
    }
    queue_message(std::move(message), false, Duration::zero());
    flush();
}

// -- the end ---------------------------------------------------------------------------------------

void Link::down(ErrorClass error, std::string detail, bool fatal) {
    fail({Failure{error, std::move(detail), 0, 0, {}, {}}, true, fatal, false});
}

void Link::fail(Down how) {
    if (phase_ == Phase::Down) return;
    if (!steps_.done()) steps_.fail_current(how.why.detail);
    const bool told = phase_ != Phase::Preparing;
    phase_ = Phase::Down;
    outbox_.clear();
    courier_.forget(Purpose::Kind::Step, static_cast<std::uint32_t>(id()));
    if (how.ours && told) desk_.act(act::CloseConn{id(), 1000, how.why.detail.substr(0, 100)});
    host_.link_down(*this, std::move(how));
}

void Link::close(std::uint16_t code, std::string reason) {
    if (phase_ == Phase::Down) return;
    const bool told = phase_ != Phase::Preparing;
    phase_ = Phase::Down;
    outbox_.clear();
    courier_.forget(Purpose::Kind::Step, static_cast<std::uint32_t>(id()));
    if (told) desk_.act(act::CloseConn{id(), code, std::move(reason)});
}

void Link::answered(const in::Answered& answer) {
    if (phase_ != Phase::Down) steps_.answered(answer);
}

void Link::request_failed(const Failure& why) {
    if (phase_ != Phase::Down) steps_.request_failed(why);
}

// -- frames ----------------------------------------------------------------------------------------

void Link::frame(BytesView data, bool binary) {
    if (!open()) return;
    receive(data, binary, {});
}

void Link::event(const in::SseEvent& event) {
    if (!open()) return;
    if (event.retry > Duration::zero()) retry_ = event.retry;
    const std::vector<std::string>& wanted = desk_.def->events;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), event.event) == wanted.end()) {
        heard();
        ++desk_.counters.ignored;
        return;
    }
    receive(event.data, false, event.id);
}

void Link::alive() {
    heard();
    count_control();
}

void Link::receive(BytesView data, bool binary, std::string_view event_id) {
    heard();
    const Desk::Mark from = desk_.mark();
    Shaper::Input input;
    input.bytes = data;
    input.binary = binary;
    input.connection = static_cast<std::uint32_t>(id());
    input.wall = desk_.now.wall;
    const Shaped shaped = desk_.shape(input);
    desk_.sample(name(shaped.kind), shaped.text);
    if ((talks_ || !steps_.done()) && claims(shaped) && is_talk(shaped)) {
        desk_.discard(from);
        ++desk_.counters.acks;
        return;
    }
    if (phase_ == Phase::Down) {
        desk_.discard(from);
        return;
    }
    settle(shaped, from, event_id);
}

/// Whether a step, a ping or a reply rule waited for this frame. All of them may look at it.
bool Link::claims(const Shaped& shaped) {
    bool claimed = pong(shaped);
    if (answers(shaped)) claimed = true;
    if (!steps_.done() && steps_.take(shaped)) claimed = true;
    return claimed;
}

/// A frame that was waited for is no data, unless the definition says where its rows are.
bool Link::is_talk(const Shaped& shaped) const {
    if (shaped.rule != nullptr) return false;
    return !desk_.def->shape.rows || shaped.kind != FrameKind::Data;
}

bool Link::pong(const Shaped& shaped) {
    const auto& ping = desk_.def->alive.ping;
    if (!ping || !ping->expect || !matches(*ping->expect, shaped)) return false;
    answer_due_ = false;
    return true;
}

bool Link::answers(const Shaped& shaped) {
    bool answered = false;
    for (const ReplyRule& rule : desk_.def->alive.reply) {
        if (!matches(rule.match, shaped)) continue;
        answered = true;
        if (!may_send()) continue;
        Bytes message;
        Context context = context_of(desk_, items(), &variables_, &desk_.rng, &counter_);
        context.row = shaped.frame;
        if (const auto made = rule.send.append(message, context); !made) {
            desk_.error(ErrorClass::Definition, "reply: " + made.error().what);
            continue;
        }
        queue_message(std::move(message), rule.frame == FrameForm::Binary, Duration::zero());
        flush();
        if (phase_ == Phase::Down) break;
    }
    return answered;
}

void Link::settle(const Shaped& shaped, Desk::Mark from, std::string_view event_id) {
    Counters& counters = desk_.counters;
    switch (shaped.kind) {
        case FrameKind::Data:
            settle_data(shaped, from, event_id);
            return;
        case FrameKind::Heartbeat:
            ++counters.heartbeats;
            settle_gaps(shaped, from);
            return;
        case FrameKind::Ack:
            ++counters.acks;
            settle_item(shaped, ItemState::Ok);
            return;
        case FrameKind::Notice:
            ++counters.notices;
            noticed_ = true;
            host_.link_notice(*this, words_of(shaped));
            return;
        case FrameKind::Ignore:
        case FrameKind::ErrorIgnore:
            ++counters.ignored;
            return;
        case FrameKind::ErrorItem:
            settle_item(shaped, ItemState::Rejected);
            return;
        case FrameKind::ErrorFatal:
            down(ErrorClass::Feed, words_of(shaped));
            return;
        case FrameKind::Unknown:
            ++counters.unknown;
            desk_.sample_unknown(shaped.text);
            desk_.settle_letters(from, shaped);
            return;
        case FrameKind::Garbage:
            desk_.garbage(from, shaped);
            return;
    }
}

void Link::settle_data(const Shaped& shaped, Desk::Mark from, std::string_view event_id) {
    data_clock_.touch(desk_.now.mono);
    last_data_at_ = desk_.now.wall;
    if (!had_data_ || stale_) {
        const bool was_stale = stale_;
        had_data_ = true;
        stale_ = false;
        host_.link_data(*this);
        if (was_stale) check_stale();
    }
    if (!event_id.empty() && !(desk_.def->resume && desk_.def->resume->at)) {
        if (shaped.emitted > 0) {
            desk_.out->rows.back().position = event_id;
        } else {
            desk_.position.assign(event_id);
        }
    }
    desk_.settle_data(from, shaped);
    host_.link_rows(*this, from, shaped);
    desk_.publish(from);
    settle_gaps(shaped, from);
}

void Link::settle_gaps(const Shaped& shaped, Desk::Mark from) {
    if (shaped.breaks.empty()) return;
    desk_.settle_breaks(shaped);
    if (shaped.kind != FrameKind::Data) host_.link_rows(*this, from, shaped);
    if (desk_.def->continuity.on_gap != ContinuitySpec::OnGap::Reconnect) return;
    const bool gap = std::any_of(shaped.breaks.begin(), shaped.breaks.end(),
                                 [](const auto& found) { return found.verdict.flow == Flow::Gap; });
    if (gap) down(ErrorClass::Feed, "messages are missing: connecting anew");
}

void Link::settle_item(const Shaped& shaped, ItemState state) {
    std::vector<std::size_t> about;
    if (shaped.rule != nullptr && shaped.rule->item && shaped.frame) {
        about = book_.find(*shaped.rule->item, shaped.frame, items());
    }
    if (state == ItemState::Rejected) {
        if (about.empty() && items().size() == 1) about = {0};
        if (about.empty()) desk_.error(ErrorClass::Rejected, words_of(shaped));
        for (const std::size_t item : about) refuse_item(item, words_of(shaped));
    } else {
        for (const std::size_t item : about) book_.set(item, state, {}, desk_.now.wall);
    }
    if (about.empty()) return;
    steps_.items_changed();
    if (ready() && book_.accepted() == 0 && book_.pending() == 0) {
        down(ErrorClass::Handshake, "no item was accepted");
    }
}

void Link::refuse_item(std::size_t item, std::string words) {
    const std::string& what = items()[item].text;
    if (!book_.set(item, ItemState::Rejected, words, desk_.now.wall)) return;
    desk_.error(ErrorClass::Rejected, what + ": " + words);
    desk_.event("item-rejected", what + ": " + words);
}

// -- sending ---------------------------------------------------------------------------------------

bool Link::may_send() const noexcept {
    return open() && !(ready() && desk_.def->silent_after_connect());
}

void Link::queue_message(Bytes data, bool binary, Duration gap) {
    if (outbox_.size() >= kOutboxMax) {
        down(ErrorClass::Overflow, "more to say to the server than it lets us send");
        return;
    }
    outbox_.push_back({std::move(data), binary, gap});
}

void Link::flush() {
    if (send_armed_) return;
    while (!outbox_.empty() && open()) {
        const Duration wait = message_wait();
        if (wait > Duration::zero()) {
            send_timer_ = desk_.arm(TimerKind::Messages, static_cast<std::uint32_t>(id()), wait);
            send_armed_ = true;
            return;
        }
        Message message = std::move(outbox_.front());
        outbox_.pop_front();
        ++desk_.counters.sent;
        desk_.act(act::Send{id(), std::move(message.data), message.binary});
        if (!outbox_.empty()) next_send_ = desk_.now.mono + outbox_.front().gap;
    }
    if (open() && outbox_.empty()) steps_.sent();
}

Duration Link::message_wait() {
    if (next_send_ > desk_.now.mono) return next_send_ - desk_.now.mono;
    const RateSpec& rate = desk_.def->rate;
    if (!rate.messages) return Duration::zero();
    if (rate.per == RateSpec::Per::Source) return messages_.take(*rate.messages, desk_.now.mono);
    const Rate part = Budgets::part(desk_.budget, *rate.messages);
    return desk_.budget.messages.take(part, desk_.now.mono);
}

void Link::count_control() {
    const RateSpec& rate = desk_.def->rate;
    if (!rate.count_control || !rate.messages) return;
    const bool shared = rate.per == RateSpec::Per::Provider;
    (shared ? desk_.budget.messages : messages_).spend(*rate.messages, desk_.now.mono);
}

// -- clocks ----------------------------------------------------------------------------------------

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
