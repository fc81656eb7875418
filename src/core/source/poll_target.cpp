#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "core/source/poll.hpp"

/// One round of one request: asked, answered, judged, scheduled anew.
namespace anode::source {

namespace {

constexpr Duration kWhileFull = 1s;  // between looks whether the node has room again

std::string describe(int status, BytesView body) {
    std::string words = "HTTP " + std::to_string(status);
    if (!body.empty()) words += ": " + text::printable(body.substr(0, 200));
    return words;
}

WallTime micros(Duration value) {
    return std::chrono::duration_cast<std::chrono::microseconds>(value).count();
}

}  // namespace

// -- asking ------------------------------------------------------------------------------------------

void PollMachine::schedule(Target& target, Duration wait) {
    target.due = desk_.now.wall + micros(wait);
    target.timer = desk_.arm(TimerKind::Poll, target.number, wait);
}

/// The time to the next round: from when this one began, on the server's grid if so wanted. Jitter
/// only adds: an interval is a floor.
Duration PollMachine::until_next(const Target& target) {
    const PollSpec& poll = desk_.def->poll;
    const Duration every = target.interval.value_or(poll.every);
    const std::int64_t spread = every.count() / 100 * poll.jitter_percent;
    const Duration jitter(spread > 0 ? desk_.rng.between(0, spread) : 0);
    if (poll.align && micros(every) > 0) {
        const WallTime period = micros(every), offset = micros(poll.offset);
        const WallTime passed = desk_.now.wall - offset;
        const WallTime next = (passed / period + 1) * period + offset;
        return std::chrono::microseconds(next - desk_.now.wall) + jitter;
    }
    return std::max(Duration::zero(), target.asked + every + jitter - desk_.now.mono);
}

Variables PollMachine::variables_of(const Target&) const {
    Variables variables = prelude_.variables();
    variables["page"] = "1";
    variables["last"] = "";
    if (!desk_.position.empty()) variables["position"] = desk_.position;
    return variables;
}

void PollMachine::ask(Target& target) {
    if (target.asking || target.state == Target::State::Failed) return;
    if (desk_.patient()) {
        schedule(target, kWhileFull);
        return;
    }
    const auto token = token_.want();
    if (!token) {
        target.wants_token = true;
        if (!token_.asking()) token_here(false);
        return;
    }
    Variables variables = variables_of(target);
    Wanted wanted;
    const std::size_t choices = desk_.def->url.size();
    wanted.url = &desk_.def->url[target.url % choices];
    wanted.items = target.items;
    wanted.variables = &variables;
    wanted.counter = &counter_;
    wanted.method = desk_.def->http.method;
    wanted.body = desk_.def->http.body ? &*desk_.def->http.body : nullptr;
    wanted.oauth_token = *token;
    auto outgoing = assemble(desk_, wanted, desk_.rng);
    target.asked = desk_.now.mono;
    if (!outgoing) {
        broken(target, ErrorClass::Definition, outgoing.error().what, Target::State::Backoff, {});
        return;
    }
    if (desk_.def->resume) add_position(*desk_.def, desk_.position, *outgoing);
    target.pages.begin(outgoing->url);
    add_validators(target, outgoing->headers);
    target.asking = true;
    courier_.ask({Purpose::Kind::Poll, target.number, {}}, to_request(desk_, std::move(*outgoing)));
}

void PollMachine::add_validators(const Target& target, Headers& headers) const {
    if (!target.etag.empty()) headers.emplace_back("If-None-Match", target.etag);
    if (!target.last_modified.empty()) {
        headers.emplace_back("If-Modified-Since", target.last_modified);
    }
}

void PollMachine::ask_page(Target& target, const std::string& url) {
    Variables variables = variables_of(target);
    Wanted wanted;
    wanted.literal_url = url;
    wanted.items = target.items;
    wanted.variables = &variables;
    wanted.counter = &counter_;
    wanted.with_query = false;
    wanted.oauth_token = token_.want().value_or(std::string_view{});
    auto outgoing = assemble(desk_, wanted, desk_.rng);
    if (!outgoing) {
        finish(target, false);
        broken(target, ErrorClass::Definition, outgoing.error().what, Target::State::Backoff, {});
        return;
    }
    target.asking = true;
    courier_.ask({Purpose::Kind::Poll, target.number, {}}, to_request(desk_, std::move(*outgoing)));
}

// -- answers -----------------------------------------------------------------------------------------

void PollMachine::answered(Target& target, const in::Answered& answer) {
    target.asking = false;
    const std::string& header = desk_.def->poll.interval_header;
    if (!header.empty()) {
        if (const auto value = find_header(answer.headers, header)) {
            if (const auto wish = parse_retry_after(*value, desk_.now.wall)) target.interval = wish;
        }
    }
    if (answer.status == 304) {
        ++desk_.polls.not_modified;
        good(target);
        schedule(target, until_next(target));
    } else if (answer.status >= 200 && answer.status < 300) {
        took(target, answer);
    } else {
        refused(target, answer);
    }
}

void PollMachine::took(Target& target, const in::Answered& answer) {
    const bool first_page = target.pages.round().pages == 0;
    const std::uint64_t body = hash64(answer.body);
    const bool same = first_page && desk_.def->poll.same_body && target.body == body;
    if (answer.status == 204 || answer.body.empty() || same) {
        ++desk_.polls.same;
        good(target);
        schedule(target, until_next(target));
        return;
    }
    const Desk::Mark from = desk_.mark();
    Shaper::Input input;
    input.bytes = answer.body;
    input.wall = desk_.now.wall;
    input.data_only = true;
    input.item = target.items.size() == 1 ? &target.items.front() : nullptr;
    const Shaped shaped = desk_.shape(input);
    desk_.sample(name(shaped.kind), shaped.text);
    if (shaped.kind == FrameKind::Garbage) {
        ++desk_.polls.parse;
        desk_.garbage(from, shaped);
        finish(target, false);
        broken(target, ErrorClass::Malformed, {}, Target::State::Backoff, {});
        return;
    }
    if (shaped.kind != FrameKind::Data) {
        desk_.discard(from);
        other(target, shaped);
        return;
    }
    desk_.settle_data(from, shaped);
    if (shaped.emitted + shaped.repeats + shaped.dropped == 0 && shaped.rejected > 0) {
        ++desk_.polls.parse;
        finish(target, false);
        broken(target, ErrorClass::Shape, {}, Target::State::Backoff, {});
        return;
    }
    // Only now: an answer that could not be read must not be answered with 304 next time.
    if (first_page) {
        target.etag = find_header(answer.headers, "ETag").value_or("");
        target.last_modified = find_header(answer.headers, "Last-Modified").value_or("");
        target.body = body;
    }
    desk_.settle_breaks(shaped);
    page_taken(target, answer, shaped, from);
}

/// A body that a classify rule says is no data.
void PollMachine::other(Target& target, const Shaped& shaped) {
    const std::string words =
        text::printable((shaped.words.empty() ? shaped.text : shaped.words).substr(0, 200));
    switch (shaped.kind) {
        case FrameKind::ErrorFatal:
        case FrameKind::ErrorItem:
            finish(target, false);
            broken(target, ErrorClass::Feed, words, Target::State::Backoff, {});
            return;
        case FrameKind::Unknown:
            ++desk_.counters.unknown;
            desk_.sample_unknown(shaped.text);
            break;
        case FrameKind::Heartbeat:
            ++desk_.counters.heartbeats;
            break;
        default:
            ++desk_.counters.ignored;
            break;
    }
    ++desk_.polls.same;
    finish(target, false);
    good(target);
    schedule(target, until_next(target));
}

void PollMachine::page_taken(Target& target, const in::Answered& answer, const Shaped& shaped,
                             Desk::Mark from) {
    const bool whole = shaped.rejected == 0 && shaped.rows_cut == 0;
    if (!whole) target.whole = false;
    if (desk_.def->poll.diff) target.differ.look(desk_, from);
    const bool paged = desk_.def->poll.pages.has_value();
    target.fresh += desk_.out->rows.size() - from.rows;
    target.pages.note(desk_, from, shaped, paged);
    if (!paged) {
        desk_.publish(from);
        finish(target, true);
        good(target);
        schedule(target, until_next(target));
        return;
    }
    const auto next = target.pages.next(desk_, answer, shaped, variables_of(target));
    if (next && *next) {
        ask_page(target, **next);
        return;
    }
    if (!next) desk_.error(ErrorClass::Feed, "next page: " + next.error().what);
    finish(target, next.has_value());
    good(target);
    schedule(target, until_next(target));
}

/// The round is over: what waits goes out, and what it says about the time between is told.
void PollMachine::finish(Target& target, bool complete) {
    const Pages::Round round = target.pages.round();
    if (round.pages > 0) {
        target.pages.release(desk_);
        if (desk_.def->poll.diff) {
            if (complete && target.whole) {
                const std::size_t before = desk_.out->rows.size();
                target.differ.finish(desk_);
                target.fresh += desk_.out->rows.size() - before;
            } else {
                target.differ.give_up();
            }
        } else {
            report_overlap(target, round);
        }
        ++(target.fresh > 0 ? desk_.polls.fresh : desk_.polls.same);
        target.pages.finish();
    }
    target.pages.begin({});
    target.whole = true;
    target.fresh = 0;
}

/// A list that does not meet the one before it: something may have passed between (C46).
void PollMachine::report_overlap(const Target& target, const Pages::Round& round) {
    if (!target.pages.has_past() || round.met_known || round.rows == 0) return;
    const bool listed = desk_.def->poll.pages.has_value() ||
                        (desk_.def->dedupe && target.pages.past_rows() > 1 && round.rows > 1);
    if (!listed) return;
    const auto time = [](std::optional<WallTime> at) {
        return at ? text::rfc3339(*at) : std::string{};
    };
    std::string subject = target.items.size() == 1 ? target.items.front().text : std::string{};
    desk_.gap({std::move(subject), time(target.pages.past_newest()),
               time(round.oldest ? round.oldest : std::optional(desk_.now.wall)), 0, "no-overlap"});
}

// -- what goes wrong ---------------------------------------------------------------------------------

void PollMachine::good(Target& target) {
    target.state = Target::State::Good;
    target.why = "answers";
    target.backoff.reset();
    target.auth_failures = 0;
    token_.accepted();
}

void PollMachine::refused(Target& target, const in::Answered& answer) {
    ++(answer.status >= 500 ? desk_.polls.server_error : desk_.polls.client_error);
    finish(target, false);
    const std::string words = describe(answer.status, answer.body);
    const Remedy what =
        remedy(*desk_.def, answer.status, answer.headers, answer.body, desk_.now.wall);
    switch (what.what) {
        case Remedy::What::Ignore:
            good(target);
            schedule(target, until_next(target));
            return;
        case Remedy::What::Limit: {
            const Duration wait = what.after.value_or(target.backoff.next(desk_.rng));
            desk_.budget.requests.hold_until(desk_.now.mono + wait);
            broken(target, what.error, words, Target::State::Limited, wait);
            return;
        }
        case Remedy::What::Auth:
            if (answer.status == 401 && token_.needed() && token_.refused()) {
                desk_.event("token-renewed", "the server refused the old one");
                ask(target);
                return;
            }
            if (++target.auth_failures > desk_.def->backoff.auth_retries) {
                broken(target, what.error, words, Target::State::Failed, {});
                return;
            }
            break;
        case Remedy::What::Fail:
            broken(target, what.error, words, Target::State::Failed, {});
            return;
        case Remedy::What::TooOld:
            desk_.gap({"", desk_.position, "", 0, "too-old"});
            [[fallthrough]];
        case Remedy::What::Restart:
            desk_.position.clear();
            if (!desk_.def->connect.empty()) {
                broken(target, what.error, words, Target::State::Backoff, {});
                prelude_step(prelude_.start());
                return;
            }
            break;
        case Remedy::What::Retry:
            break;
    }
    broken(target, what.error, words, Target::State::Backoff, {});
}

void PollMachine::failed(Target& target, const Failure& why) {
    target.asking = false;
    if (why.error == ErrorClass::Timeout) ++desk_.polls.timeout;
    finish(target, false);
    broken(target, why.error, why.detail, Target::State::Backoff, {});
}

/// Counts an error (unless `why` is empty: it was counted), and tries again later or never.
void PollMachine::broken(Target& target, ErrorClass error, std::string why, Target::State state,
                         std::optional<Duration> wait) {
    if (!why.empty()) desk_.error(error, why);
    target.state = state;
    target.why = why.empty() ? std::string(name(error)) : std::move(why);
    if (state == Target::State::Failed) {
        target.due = 0;
        desk_.event("failed", target.why);
        return;
    }
    if (!wait && desk_.def->url.size() > 1) target.url = (target.url + 1) % desk_.def->url.size();
    schedule(target, wait.value_or(target.backoff.next(desk_.rng)));
}

}  // namespace anode::source
