// The requests of anode.v1.
#include <algorithm>
#include <array>

#include "api/live/session.hpp"
#include "base/text.hpp"
#include "core/fanout/form.hpp"
#include "core/message/cursor.hpp"

namespace anode::api {

namespace {

constexpr std::uint32_t kWindowMax = 65'536;
constexpr std::size_t kPageMax = 1000;
constexpr std::size_t kPageBytesMax = 4 << 20;
constexpr std::int64_t kIdMax = 1LL << 53;

Problem wrong_field(std::string_view name, std::string detail) {
    Problem problem = Problem::invalid(std::string(name) + ": " + std::move(detail));
    problem.errors.push_back({"/" + std::string(name), "invalid", std::move(detail)});
    return problem;
}

/// Fields of one request, read by type; the first that is wrong is remembered.
class Fields {
public:
    explicit Fields(const json::Value& root) : root_(root) {}

    std::optional<std::string> text(std::string_view name) {
        const json::Value value = root_[name];
        if (!value) return std::nullopt;
        if (!value.is_string()) return wrong(name, "must be text"), std::nullopt;
        return value.string();
    }
    /// Text, or a number as its text.
    std::optional<std::string> scalar(std::string_view name) {
        const json::Value value = root_[name];
        if (!value) return std::nullopt;
        if (!value.is_string() && !value.is_number())
            return wrong(name, "must be text or a number"), std::nullopt;
        return value.scalar();
    }
    std::optional<std::int64_t> integer(std::string_view name, std::int64_t low,
                                        std::int64_t high) {
        const json::Value value = root_[name];
        if (!value) return std::nullopt;
        const auto number = value.integer();
        if (!value.is_number() || !number || *number < low || *number > high)
            return wrong(name, "must be a number from " + std::to_string(low) + " to " +
                                   std::to_string(high)),
                   std::nullopt;
        return number;
    }
    std::optional<bool> boolean(std::string_view name) {
        const json::Value value = root_[name];
        if (!value) return std::nullopt;
        if (!value.is_bool()) return wrong(name, "must be true or false"), std::nullopt;
        return value.boolean();
    }
    std::vector<std::string> topics() {
        const json::Value value = root_["topics"];
        std::vector<std::string> list;
        if (!value.is_array() || value.size() == 0)
            return wrong("topics", "must be an array of at least one pattern"), list;
        for (json::Value v = value.first(); v; v = v.next_in(value)) {
            if (!v.is_string()) return wrong("topics", "must hold patterns"), list;
            list.push_back(v.string());
        }
        return list;
    }
    void wrong(std::string_view name, std::string detail) {
        if (!problem_) problem_ = wrong_field(name, std::move(detail));
    }
    template <class T>
    void take(Asked<T> value, T& to) {
        if (problem_) return;
        if (value)
            to = std::move(*value);
        else
            problem_ = std::move(value.error());
    }
    [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }

private:
    const json::Value& root_;
    std::optional<Problem> problem_;
};

std::optional<std::string_view> view(const std::optional<std::string>& text) {
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

/// Mode, filter and topics as a selector. `old` fills in what an update leaves out.
fanout::SelectorPtr selector_of(Fields& fields, std::vector<std::string> topics,
                                const fanout::Selector* old, std::size_t patterns_max) {
    auto mode = fields.text("mode"), every = fields.scalar("every"), n = fields.scalar("n");
    auto filter = fields.text("filter");
    if (old && !mode && !every && !n) {
        if (old->mode == fanout::Mode::Latest) {
            mode = "latest";
            every = text::duration(old->every);
        }
        if (old->mode == fanout::Mode::Sample) {
            mode = "sample";
            n = std::to_string(old->n);
        }
    }
    if (old && !filter) filter = old->filter_text();
    SelectorText text;
    text.topics = std::move(topics);
    text.mode = view(mode);
    text.every = view(every);
    text.n = view(n);
    text.filter = view(filter);
    fanout::SelectorPtr selector;
    if (!fields.problem()) fields.take(read_selector(text, patterns_max), selector);
    return selector;
}

}  // namespace

struct Session::Op {
    std::string_view name;
    bool needs_id;
    void (Session::*handle)(const json::Value&, std::optional<std::int64_t>);
    std::array<std::string_view, 12> fields;
};

const Session::Op* Session::find_op(std::string_view name) {
    static const std::array<Op, 9> kOps{{
        {"hello",
         false,
         &Session::hello,
         {"token", "ticket", "hb", "batch", "format", "fields", "client"}},
        {"sub",
         true,
         &Session::sub,
         {"topics", "from", "mode", "every", "n", "filter", "slow", "on_gap", "window"}},
        {"upd", true, &Session::upd, {"sid", "mode", "every", "n", "filter", "window", "paused"}},
        {"unsub", true, &Session::unsub, {"sid"}},
        {"pub",
         false,
         &Session::pub,
         {"topic", "data", "b64", "ct", "key", "kind", "sts", "idem", "ack"}},
        {"hist", true, &Session::hist, {"topics", "from", "to", "limit", "order"}},
        {"get", true, &Session::get, {"topics"}},
        {"ack", false, &Session::ack, {"cursor"}},
        {"ping", false, &Session::ping, {}},
    }};
    const auto found = std::ranges::find(kOps, name, &Op::name);
    return found == kOps.end() ? nullptr : &*found;
}

void Session::on_request(BytesView text) {
    json::Limits limits;
    limits.depth_max = 72;  // a payload has its own limit
    const auto parsed = document_.parse(text, limits);
    if (!parsed && parsed.error().code == Errc::TooDeep)
        return err(std::nullopt, Problem{422, "too-deep", parsed.error().what, {}, {}, {}});
    if (!parsed || !document_.root().is_object()) return close_with(4400, R"({"code":"bad-json"})");
    request(document_.root());
}

void Session::request(const json::Value& root) {
    std::optional<std::int64_t> id;
    if (const json::Value value = root["id"]) {
        id = value.is_number() ? value.integer() : std::nullopt;
        if (!id || *id < 1 || *id > kIdMax)
            return err(std::nullopt, wrong_field("id", "must be a number from 1 to 2^53"));
    }
    const json::Value name = root["op"];
    const Op* op = name.is_string() ? find_op(name.string()) : nullptr;
    if (!op) return err(id, wrong_field("op", "is not one of anode.v1"));
    if (op->needs_id && !id) return err(id, wrong_field("id", "is missing"));
    for (json::Value v = root.first(); v; v = v.next_in(root)) {
        const std::string field = v.name();
        if (field == "op" || field == "id") continue;
        if (std::ranges::find(op->fields, field) == op->fields.end())
            return err(id, wrong_field(text::printable(field),
                                       "is not a field of " + std::string(op->name)));
    }
    if (!known_ && op->name != "hello") return close_with(4401, R"({"code":"unauthenticated"})");
    (this->*op->handle)(root, id);
}

void Session::hello(const json::Value& root, std::optional<std::int64_t> id) {
    Fields fields(root);
    const auto token = fields.text("token"), ticket = fields.text("ticket");
    const auto format = fields.text("format"), wanted = fields.text("fields");
    const auto hb = fields.integer("hb", 0, 3600), batch = fields.integer("batch", 0, 10'000);
    [[maybe_unused]] const auto client = fields.text("client");
    EnvelopeStyle style = style_;
    if (format) fields.take(read_format(*format), style.format);
    if (style.format == Format::Data) fields.wrong("format", "must be envelope or cloudevents");
    if (wanted) {
        if (*wanted != "prov") fields.wrong("fields", "knows prov");
        style.provenance = true;
    }
    if (!subs_.empty() && (format || wanted || batch))
        fields.wrong("format", "can be set before the first subscription only");
    if (fields.problem()) return err(id, *fields.problem());
    if (token || ticket) {
        auto caller = token ? hub_.parts().auth.identify_token(*token, peer())
                            : hub_.parts().auth.identify_ticket(*ticket);
        if (!caller) return close_with(4401, "{\"code\":\"" + caller.error().code + "\"}");
        caller_ = std::move(*caller);
        identity_ = caller_.name;
        known_ = caller_.authenticated;
        admit(caller_.credential);
    }
    if (!known_) return close_with(4401, R"({"code":"unauthenticated"})");
    style_ = style;
    if (hb) hb_ = std::chrono::seconds(*hb);
    if (batch) replace_batch(std::chrono::milliseconds(*batch));
    welcome();
}

void Session::sub(const json::Value& root, std::optional<std::int64_t> id) {
    const EdgeLimits& limits = hub_.parts().doors.limits;
    Fields fields(root);
    auto topics = fields.topics();
    Want want;
    want.selector = selector_of(fields, std::move(topics), nullptr, limits.patterns_max);
    const auto from = fields.scalar("from"), slow = fields.text("slow"),
               on_gap = fields.text("on_gap");
    if (from) fields.take(read_start(*from, hub_.now().wall), want.start);
    if (slow) fields.take(read_slow(*slow), want.slow);
    if (on_gap) fields.take(read_on_gap(*on_gap), want.fail_on_gap);
    want.window = static_cast<std::uint32_t>(fields.integer("window", 1, kWindowMax).value_or(0));
    if (fields.problem()) return err(id, *fields.problem());
    if (subs_.size() + subs_coming_ >= limits.subscriptions_max) {
        return err(id,
                   Problem::invalid("a connection has at most " +
                                    std::to_string(limits.subscriptions_max) + " subscriptions"));
    }
    if (!caller_.may(Role::Subscriber) || !may_read(caller_, want.selector->topics))
        return err(id, Problem::forbidden("these topics are not within your patterns"));
    if (hub_.parts().doors.node.draining())
        return err(id, Problem{503, "draining", "the node is about to leave", {}, 0, {}});
    const std::uint32_t sid = ++next_sid_;
    ++subs_coming_;
    Hub& hub = hub_;
    const bool queued = hub.parts().work([&hub, id = *id, sid, want, self = this->id()] {
        auto begin = find_begin(hub.parts().doors.store, want);
        hub.post_to(self, [id, sid, want, begin = std::move(begin)](Listener& listener) mutable {
            static_cast<Session&>(listener).subscribed(id, sid, want, std::move(begin));
        });
    });
    if (queued) return;
    --subs_coming_;
    err(id, Problem::of(Error{Errc::Overloaded, "too much work queued"}));
}

void Session::subscribed(std::int64_t id, std::uint32_t sid, const Want& want, Asked<Begin> begin) {
    --subs_coming_;
    if (closing_) return;
    if (!begin) {
        err(id, begin.error());
        return flush();
    }
    const auto outcome = begin->outcome;
    const Arrival after = begin->after;
    const std::uint64_t matched = begin->matched;
    const Subscription& sub = subscribe(sid, want, std::move(*begin));
    say("{\"op\":\"ok\",\"id\":" + std::to_string(id) + ",\"sid\":" + std::to_string(sid) +
        ",\"resume\":\"" + std::string(name(outcome)) + "\",\"cursor\":\"" +
        hub_.cursor_text(sub.start) + "\",\"matched\":" + std::to_string(matched) + '}');
    if (outcome == Begin::Outcome::Gap) {
        std::vector<std::string> names;
        for (const Pattern& pattern : want.selector->topics.patterns())
            names.push_back(pattern.text());
        queue_gap("retention", names, after, sub.start, std::nullopt);
    }
    flush();
    pump();
}

Subscription* Session::subscription_of(const json::Value& root, std::optional<std::int64_t> id) {
    const auto sid = root["sid"].is_number() ? root["sid"].integer() : std::nullopt;
    Subscription* sub =
        sid && *sid > 0 && *sid <= UINT32_MAX ? find(static_cast<std::uint32_t>(*sid)) : nullptr;
    if (!sub) err(id, Problem{404, "not-found", "no subscription of this sid", {}, {}, {}});
    return sub;
}

void Session::upd(const json::Value& root, std::optional<std::int64_t> id) {
    Subscription* sub = subscription_of(root, id);
    if (!sub) return;
    Fields fields(root);
    std::vector<std::string> topics;
    for (const Pattern& pattern : sub->selector->topics.patterns())
        topics.push_back(pattern.text());
    auto selector = selector_of(fields, std::move(topics), sub->selector.get(),
                                hub_.parts().doors.limits.patterns_max);
    const auto window = fields.integer("window", 0, kWindowMax);
    const auto paused = fields.boolean("paused");
    if (fields.problem()) return err(id, *fields.problem());
    if (selector->key() != sub->selector->key()) change_selector(*sub, std::move(selector));
    if (window) {
        hub_.drain_feed();
        sub->window = static_cast<std::uint32_t>(*window);
        if (*window == 0) sub->unacknowledged.clear();
        arrange();
    }
    if (paused) pause(*find(sub->sid), *paused);
    say("{\"op\":\"ok\",\"id\":" + std::to_string(*id) + '}');
    pump();
}

void Session::unsub(const json::Value& root, std::optional<std::int64_t> id) {
    Subscription* sub = subscription_of(root, id);
    if (!sub) return;
    hub_.drain_feed();
    const Arrival position = unsubscribe(sub->sid);
    say("{\"op\":\"ok\",\"id\":" + std::to_string(*id) + ",\"cursor\":\"" +
        hub_.cursor_text(position) + "\"}");
}

void Session::pub(const json::Value& root, std::optional<std::int64_t> id) {
    Fields fields(root);
    PublishItem item;
    item.topic = fields.text("topic").value_or("");
    const auto b64 = fields.text("b64"), ct = fields.text("ct"), kind = fields.text("kind");
    const auto level = fields.text("ack"), idem = fields.text("idem");
    item.key = fields.text("key").value_or("");
    item.source_time = fields.integer("sts", INT64_MIN, INT64_MAX);
    if (kind) {
        const auto parsed = parse_kind(*kind);
        if (!parsed) fields.wrong("kind", "must be set, delete, retract or snapshot");
        item.kind = parsed.value_or(Kind::Set);
    }
    PublishRequest request;
    request.level = hub_.parts().doors.publishing.default_level();
    if (const auto parsed = level ? AckLevel::parse(*level) : request.level)
        request.level = *parsed;
    else
        fields.wrong("ack", "must be received, disk or copies:N");
    const json::Value data = root["data"];
    if (data && b64) fields.wrong("data", "and b64 exclude each other");
    if (!data && !b64 && item.kind != Kind::Delete) fields.wrong("data", "is missing");
    if (b64.has_value() != ct.has_value()) fields.wrong("b64", "and ct belong together");
    if (fields.problem()) return err(id, *fields.problem());
    if (const auto topic = check_topic(item.topic); !topic)
        return err(id, Problem::bad_topic(topic.error().what));
    if (!caller_.may(Role::Publisher) || !caller_.covers(item.topic))
        return err(id, Problem::forbidden("the topic is not within your patterns"));
    if (b64) {
        auto payload = text::from_base64(*b64);
        if (!payload) return err(id, wrong_field("b64", "is not valid base64"));
        item.payload = std::move(*payload);
        item.content_type = *ct;
        if (item.content_type.empty()) return err(id, wrong_field("ct", "is empty"));
    } else if (data) {
        auto payload = json::compact(data.raw());
        if (!payload) return err(id, Problem::of(payload.error()));
        item.payload = std::move(*payload);
    } else {
        item.payload = "null";
    }
    request.idempotency_key = idem.value_or("");
    request.body_hash = hash128(item.payload);
    request.items.push_back(std::move(item));
    if (const auto problem = too_fast(1)) return err(id, *problem);
    ++in_flight_;
    hub_.parts().doors.publishing.publish(
        std::move(request), [self = hub_.ref(this->id()), id](Result<PublishResult> result) {
            self.post([id, result = std::move(result)](Listener& to) mutable {
                static_cast<Session&>(to).published(id, std::move(result));
            });
        });
}

void Session::published(std::optional<std::int64_t> id, Result<PublishResult> result) {
    --in_flight_;
    if (closing_) return;
    if (!result) {
        err(id, result.error().code == Errc::Conflict
                    ? Problem{422, "key-reused", result.error().what, {}, {}, {}}
                    : Problem::of(result.error()));
    } else if (id && !result->ids.empty()) {
        say("{\"op\":\"ok\",\"id\":" + std::to_string(*id) + ",\"mid\":\"" +
            result->ids.front().text() + "\",\"ack\":\"" + result->level.text() + "\"}");
    }
    look_later();
}

namespace {

struct PageMaker {
    const Store& store;
    EnvelopeStyle style;
    fanout::Judge judge;

    void append(Bytes& out, const Found& found) const {
        if (!out.empty()) out += ',';
        append_message(out, *found.block, found.index, store.tag(), style);
    }
};

struct PageResult {
    Bytes items;
    std::optional<Arrival> next;
};

Result<PageResult> read_page(const Store& store, const EnvelopeStyle& style, Query query,
                             std::size_t limit) {
    const PageMaker maker{store, style, {}};
    PageResult page;
    const auto scan = store.scan(std::move(query));
    std::size_t count = 0;
    std::vector<Found> found;
    Arrival last;
    for (bool more = true; more;) {
        found.clear();
        const auto got = scan->next(found, limit - count + 1, 1 << 20);
        if (!got) return std::unexpected(got.error());
        more = *got;
        for (const Found& one : found) {
            if (count == limit || page.items.size() > kPageBytesMax) {
                page.next = last;
                return page;
            }
            maker.append(page.items, one);
            last = one.block->first_arrival().plus(one.index);
            ++count;
        }
    }
    return page;
}

Result<PageResult> read_newest(const Store& store, const EnvelopeStyle& style,
                               const PatternSet& topics) {
    const PageMaker maker{store, style, {}};
    PageResult page;
    const auto found = store.last(topics, 10'000);
    if (!found) return std::unexpected(found.error());
    for (const Found& one : *found) {
        if (page.items.size() > kPageBytesMax) break;
        maker.append(page.items, one);
    }
    return page;
}

}  // namespace

/// Has a page made by a worker and answers with it.
template <class Make>
void Session::page(std::int64_t id, Make make) {
    ++in_flight_;
    Hub& hub = hub_;
    const bool queued = hub.parts().work([&hub, self = this->id(), id, make = std::move(make)] {
        auto made = make(hub.parts().doors.store);
        hub.post_to(self, [id, made = std::move(made)](Listener& listener) {
            auto& session = static_cast<Session&>(listener);
            --session.in_flight_;
            if (session.closing()) return;
            if (!made) {
                session.err(id, Problem::of(made.error()));
            } else {
                session.say("{\"op\":\"page\",\"id\":" + std::to_string(id) + ",\"items\":[" +
                            made->items + "],\"next\":" +
                            (made->next ? '"' + session.hub_.cursor_text(*made->next) + '"'
                                        : std::string("null")) +
                            '}');
            }
            session.look_later();
        });
    });
    if (queued) return;
    --in_flight_;
    err(id, Problem::of(Error{Errc::Overloaded, "too much work queued"}));
}

void Session::hist(const json::Value& root, std::optional<std::int64_t> id) {
    Fields fields(root);
    SelectorText text;
    text.topics = fields.topics();
    const auto from = fields.scalar("from"), to = fields.scalar("to"), order = fields.text("order");
    const auto limit = fields.integer("limit", 1, INT32_MAX).value_or(100);
    fanout::SelectorPtr selector;
    if (!fields.problem())
        fields.take(read_selector(text, hub_.parts().doors.limits.patterns_max), selector);
    Query query;
    if (order && *order != "asc" && *order != "desc") fields.wrong("order", "must be asc or desc");
    query.order = order && *order == "asc" ? Order::Ascending : Order::Descending;
    if (from) {
        StartAt start;
        fields.take(read_start(*from, hub_.now().wall), start);
        if (start.at == StartAt::At::Cursor)
            query.after = start.cursor.after;
        else if (start.at == StartAt::At::Time)
            query.from = start.time;
        else if (start.at != StartAt::At::Earliest && !fields.problem())
            fields.wrong("from", "must be earliest, a cursor or a time");
    }
    if (to) {
        const auto time = parse_time(*to, hub_.now().wall);
        if (!time)
            fields.wrong("to", time.error().what);
        else
            query.to = *time;
    }
    if (fields.problem()) return err(id, *fields.problem());
    if (!may_read(caller_, selector->topics))
        return err(id, Problem::forbidden("these topics are not within your patterns"));
    query.topics = selector->topics;
    page(*id, [query = std::move(query), style = style_,
               count = std::min<std::size_t>(static_cast<std::size_t>(limit), kPageMax)](
                  const Store& store) { return read_page(store, style, query, count); });
}

void Session::get(const json::Value& root, std::optional<std::int64_t> id) {
    Fields fields(root);
    SelectorText text;
    text.topics = fields.topics();
    fanout::SelectorPtr selector;
    if (!fields.problem())
        fields.take(read_selector(text, hub_.parts().doors.limits.patterns_max), selector);
    if (fields.problem()) return err(id, *fields.problem());
    if (!may_read(caller_, selector->topics))
        return err(id, Problem::forbidden("these topics are not within your patterns"));
    page(*id, [selector, style = style_](const Store& store) {
        return read_newest(store, style, selector->topics);
    });
}

void Session::ack(const json::Value& root, std::optional<std::int64_t> id) {
    Fields fields(root);
    const auto text = fields.text("cursor");
    if (!text && !fields.problem()) fields.wrong("cursor", "is missing");
    if (fields.problem()) return err(id, *fields.problem());
    const auto cursor = Cursor::parse(*text);
    if (!cursor) return err(id, Problem::bad_cursor(cursor.error().what));
    acknowledge(cursor->after);
    pump();
}

void Session::ping(const json::Value&, std::optional<std::int64_t> id) {
    std::string json = "{\"op\":\"pong\"";
    if (id) json += ",\"id\":" + std::to_string(*id);
    say(json + ",\"ts\":" + std::to_string(hub_.now().wall) + '}');
}

}  // namespace anode::api
