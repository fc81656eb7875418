#include <algorithm>

#include "base/text.hpp"
#include "core/source/stream_link.hpp"

/// What a link makes of frames, and what it says.
namespace anode::source {

namespace {

constexpr std::size_t kOutboxMax = 20'000;  // messages; a server that asks for more is no friend
constexpr std::size_t kWordsMax = 200;

std::string words_of(const Shaped& shaped) {
    const std::string_view words = shaped.words.empty() ? shaped.text : shaped.words;
    return text::printable(words.substr(0, kWordsMax));
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
            // As with a frame that is too large on the wire: what follows it cannot be trusted to be smaller.
            if (shaped.undecoded == Errc::TooLarge)
                down(ErrorClass::TooLarge, "a frame unpacks to more than limits.frame");
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

// -- sending -----------------------------------------------------------------------------------------

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

}  // namespace anode::source
