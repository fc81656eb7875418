#include "api/live/want.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace anode::api {

namespace {

constexpr std::size_t kFilterBytesMax = 1024;
constexpr std::size_t kNewestMax = 100'000;
constexpr std::size_t kTopicsCounted = 1000;

std::unexpected<Problem> refuse(Problem problem, std::string_view name) {
    problem.errors.push_back({"/" + std::string(name), problem.code, problem.detail});
    return std::unexpected(std::move(problem));
}

Asked<PatternSet> read_patterns(const SelectorText& text, std::size_t patterns_max) {
    if (text.topics.empty()) {
        if (text.topics_list.empty())
            return refuse(Problem::bad_topic("topics are missing"), "topics");
        auto set = PatternSet::parse(text.topics_list, patterns_max);
        if (!set) return refuse(Problem::bad_topic(set.error().what), "topics");
        return std::move(*set);
    }
    if (text.topics.size() > patterns_max)
        return refuse(Problem::invalid("more than " + std::to_string(patterns_max) + " patterns"),
                      "topics");
    std::vector<Pattern> patterns;
    for (const std::string& one : text.topics) {
        auto pattern = Pattern::parse(one);
        if (!pattern) return refuse(Problem::bad_topic(pattern.error().what), "topics");
        patterns.push_back(std::move(*pattern));
    }
    return PatternSet(std::move(patterns));
}

}  // namespace

Asked<fanout::SelectorPtr> read_selector(const SelectorText& text, std::size_t patterns_max) {
    auto selector = std::make_shared<fanout::Selector>();
    auto topics = read_patterns(text, patterns_max);
    if (!topics) return std::unexpected(std::move(topics.error()));
    selector->topics = std::move(*topics);
    const std::string_view mode = text.mode.value_or("all");
    if (mode == "latest") {
        selector->mode = fanout::Mode::Latest;
        const auto every = text::parse_duration(text.every.value_or("1s"));
        if (!every || *every < 250ms || *every > std::chrono::hours(1))
            return refuse(Problem::invalid("every must be 250ms to 1h"), "every");
        selector->every = *every;
    } else if (mode == "sample") {
        selector->mode = fanout::Mode::Sample;
        const auto n = text::parse_u64(text.n.value_or(""));
        if (!n || *n < 1 || *n > 1'000'000)
            return refuse(Problem::invalid("n must be 1 to 1000000"), "n");
        selector->n = static_cast<std::uint32_t>(*n);
    } else if (mode != "all") {
        return refuse(Problem::invalid("mode must be all, latest or sample"), "mode");
    }
    if (text.every && mode != "latest")
        return refuse(Problem::invalid("every belongs to mode=latest"), "every");
    if (text.n && mode != "sample")
        return refuse(Problem::invalid("n belongs to mode=sample"), "n");
    if (text.filter && !text.filter->empty()) {
        if (text.filter->size() > kFilterBytesMax)
            return refuse(Problem::invalid("a filter has at most 1 KiB"), "filter");
        auto program = expr::Program::compile(*text.filter, kFilterBytesMax);
        if (!program) {
            return refuse(
                Problem::invalid("filter, byte " + std::to_string(program.error().offset) + ": " +
                                 program.error().detail),
                "filter");
        }
        selector->filter = std::move(*program);
    }
    return selector;
}

Asked<StartAt> read_start(std::string_view text, WallTime now) {
    auto start = parse_start(text, now);
    if (start) return *start;
    if (text.starts_with("c1.")) return refuse(Problem::bad_cursor(start.error().what), "from");
    return refuse(Problem::bad_request(start.error().what), "from");
}

Asked<SlowPolicy> read_slow(std::string_view text) {
    if (text == "catchup") return SlowPolicy::Catchup;
    if (text == "drop") return SlowPolicy::Drop;
    if (text == "close") return SlowPolicy::Close;
    return refuse(Problem::invalid("slow must be catchup, drop or close"), "slow");
}

Asked<bool> read_on_gap(std::string_view text) {
    if (text == "tell") return false;
    if (text == "fail") return true;
    return refuse(Problem::invalid("on_gap must be tell or fail"), "on_gap");
}

Asked<Format> read_format(std::string_view text) {
    if (text == "envelope") return Format::Envelope;
    if (text == "data") return Format::Data;
    if (text == "cloudevents") return Format::CloudEvents;
    return refuse(Problem::invalid("format must be envelope, data or cloudevents"), "format");
}

namespace {

/// Reads the parameters one by one; the first that is wrong ends it.
class StreamReader {
public:
    StreamReader(const Request& request, WallTime now) : request_(request), now_(now) {}

    Asked<StreamWant> read(bool web_socket, bool sse, std::size_t patterns_max) {
        StreamWant out;
        SelectorText text;
        text.topics_list = request_.arg("topics").value_or("");
        text.mode = request_.arg("mode");
        text.every = request_.arg("every");
        text.n = request_.arg("n");
        text.filter = request_.arg("filter");
        take(read_selector(text, patterns_max), out.want.selector);
        take(read_format(request_.arg("format").value_or("envelope")), out.style.format);
        read_fields(out.style);
        take(read_slow(request_.arg("slow").value_or("catchup")), out.want.slow);
        const bool no_room_for_control = out.style.format == Format::Data && !sse;
        take(read_on_gap(request_.arg("on_gap").value_or(no_room_for_control ? "fail" : "tell")),
             out.want.fail_on_gap);
        read_position(out.want, sse);
        read_times(out, web_socket);
        if (problem_) return std::unexpected(std::move(*problem_));
        return out;
    }

private:
    template <class T>
    void take(Asked<T> value, T& to) {
        if (problem_) return;
        if (value)
            to = std::move(*value);
        else
            problem_ = std::move(value.error());
    }
    void wrong(std::string_view name, std::string detail) {
        if (!problem_) problem_ = refuse(Problem::invalid(std::move(detail)), name).error();
    }

    void read_fields(EnvelopeStyle& style) {
        const auto fields = request_.arg("fields");
        if (!fields || fields->empty()) return;
        if (*fields != "prov" || style.format != Format::Envelope)
            return wrong("fields", "fields knows prov, in format=envelope");
        style.provenance = true;
    }

    void read_position(Want& want, bool sse) {
        std::string_view from = request_.arg("from").value_or("live");
        if (const auto last = request_.arg("last_event_id"); last && !last->empty()) from = *last;
        if (const auto last = request_.header("last-event-id"); sse && last && !last->empty())
            from = *last;
        take(read_start(from.empty() ? "live" : from, now_), want.start);
        if (const auto to = request_.arg("to")) {
            const auto time = parse_time(*to, now_);
            if (!time) return wrong("to", time.error().what);
            want.to = *time;
        }
        if (const auto limit = request_.arg("limit")) {
            const auto count = text::parse_u64(*limit);
            if (!count || *count == 0) return wrong("limit", "limit must be a number above 0");
            want.limit = *count;
        }
    }

    void read_times(StreamWant& out, bool web_socket) {
        if (const auto batch = request_.arg("batch")) {
            auto text = std::string(*batch);
            if (text::parse_u64(text)) text += "ms";
            const auto time = text::parse_duration(text);
            if (!time || *time > 10s) return wrong("batch", "batch must be 0 to 10000 ms");
            out.batch = *time;
        }
        if (!web_socket) out.heartbeat = 15s;
        if (const auto beat = request_.arg("hb")) {
            const auto time = text::parse_duration(*beat);
            if (!time || (*time != Duration{0} && *time < 1s) || *time > std::chrono::hours(1))
                return wrong("hb", "hb must be 0 or 1s to 1h");
            out.heartbeat = *time == Duration{0} ? std::nullopt : std::optional(*time);
        }
    }

    const Request& request_;
    WallTime now_;
    std::optional<Problem> problem_;
};

}  // namespace

Asked<StreamWant> read_stream_want(const Request& request, bool web_socket, bool sse, WallTime now,
                                   std::size_t patterns_max) {
    return StreamReader(request, now).read(web_socket, sse, patterns_max);
}

namespace {

/// Whether all topics of `inner` match `outer`: token by token, as far as patterns can tell.
bool contains(std::string_view outer, std::string_view inner) {
    const auto out = text::split(outer, '.');
    const auto in = text::split(inner, '.');
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (i >= in.size()) return false;
        if (out[i] == ">") return i > 0 || !in[0].starts_with('$');
        if (in[i] == ">") return false;
        if (out[i] == "*") {
            if (i == 0 && in[0].starts_with('$')) return false;
            continue;
        }
        if (out[i] != in[i]) return false;
    }
    return out.size() == in.size();
}

}  // namespace

bool may_read(const Caller& caller, const PatternSet& topics) {
    if (caller.all_topics) return true;
    return std::ranges::all_of(topics.patterns(), [&](const Pattern& wanted) {
        return std::ranges::any_of(caller.topics.patterns(), [&](const Pattern& allowed) {
            return contains(allowed.text(), wanted.text());
        });
    });
}

std::string_view name(Begin::Outcome outcome) noexcept {
    constexpr std::array<std::string_view, 4> kNames{"live", "exact", "overlap", "gap"};
    return kNames[static_cast<std::size_t>(outcome)];
}

namespace {

std::uint64_t topics_matched(const Store& store, const PatternSet& topics) {
    std::uint64_t count = 0;
    for (const Pattern& pattern : topics.patterns()) {
        if (pattern.literal()) {
            count += store.topic(pattern.text()) ? 1 : 0;
            continue;
        }
        for (const TopicInfo& info : store.topics(pattern.prefix(), "", kTopicsCounted))
            count += pattern.matches(info.topic) ? 1 : 0;
    }
    return count;
}

Arrival before(Arrival arrival) { return {arrival.value == 0 ? 0 : arrival.value - 1}; }

}  // namespace

Asked<Begin> find_begin(const Store& store, const Want& want) {
    Begin begin;
    begin.matched = topics_matched(store, want.selector->topics);
    const StartAt& start = want.start;
    switch (start.at) {
        case StartAt::At::Live:
            return begin;
        case StartAt::At::Earliest:
            begin.outcome = Begin::Outcome::Exact;
            begin.after = {0};
            return begin;
        case StartAt::At::Time:
            begin.outcome = Begin::Outcome::Exact;
            begin.after = before(store.at_time(start.time));
            begin.from = start.time;
            return begin;
        case StartAt::At::Last: {
            begin.outcome = Begin::Outcome::Exact;
            begin.after = store.committed();
            auto newest = store.last(want.selector->topics, kNewestMax);
            if (!newest) return std::unexpected(Problem::of(newest.error()));
            // What was committed meanwhile comes with the rest, in its order.
            std::erase_if(*newest, [&](const Found& found) {
                return found.block->first_arrival().plus(found.index) > begin.after;
            });
            begin.newest = std::move(*newest);
            return begin;
        }
        case StartAt::At::Cursor:
            break;
    }
    if (start.cursor.store == store.tag()) {
        begin.outcome = Begin::Outcome::Exact;
        begin.after = start.cursor.after;
    } else {
        begin.outcome = Begin::Outcome::Overlap;
        begin.after = before(store.at_time(start.cursor.watermark));
        begin.from = start.cursor.watermark;
        begin.extra_flags = flag::kRepeat;
    }
    if (store.removed_since(want.selector->topics, begin.after)) {
        begin.outcome = Begin::Outcome::Gap;
        if (want.fail_on_gap) {
            return std::unexpected(Problem{410,
                                           "cursor-too-old",
                                           "messages behind the cursor are no longer kept",
                                           {},
                                           std::nullopt,
                                           {}});
        }
    }
    return begin;
}

}  // namespace anode::api
