#include "core/source/stream_link.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "core/source/grammar.hpp"

namespace anode::source {

namespace {

constexpr std::string_view kEventStream = "text/event-stream";

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

}  // namespace anode::source
