#include <map>

#include "api/rest/await.hpp"
#include "api/rest/history.hpp"
#include "api/rest/rates.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// `/v1/topics`: names in order, or the tree above them, and one topic whole.
namespace anode::api::rest {

namespace {

constexpr std::size_t kStep = 4096;
/// Sorts behind all system topics and before all others.
constexpr std::string_view kBehindSystem = "$\x7f";

/// Which retention rule holds for a topic: the first that matches.
class Rules {
public:
    explicit Rules(Objects& retention) {
        auto listed =
            await<std::vector<Object>>([&](auto reply) { retention.list(std::move(reply)); });
        if (!listed) return;
        json::Document document;
        for (Object& object : *listed) {
            if (!document.parse(object.json)) continue;
            auto topics = PatternSet::parse(document.root()["topics"].string());
            if (topics) rules_.push_back({std::move(*topics), std::move(object.json)});
        }
    }
    void write(json::Writer& out, std::string_view topic) const {
        out.key("retention");
        for (const Rule& rule : rules_)
            if (rule.topics.matches(topic)) {
                out.raw(rule.json);
                return;
            }
        out.null();
    }

private:
    struct Rule {
        PatternSet topics;
        Bytes json;
    };
    std::vector<Rule> rules_;
};

void write_time(json::Writer& out, std::string_view name, WallTime at) {
    out.key(name);
    if (at == 0)
        out.null();
    else
        out.value(text::rfc3339(at));
}

void write_facts(json::Writer& out, const TopicInfo& info, Rates& rates, WallTime now) {
    out.member("topic", info.topic).member("messages", info.messages).member("bytes", info.bytes);
    write_time(out, "first", info.first_ts);
    write_time(out, "last", info.last_ts);
    out.key("messages_per_second");
    if (const auto rate = rates.look(info.topic, info.messages, now))
        out.value(*rate);
    else
        out.null();
}

/// What lies below one prefix.
struct Branch {
    std::uint64_t topics = 0, messages = 0, bytes = 0;
    WallTime last = 0;
    bool is_topic = false;
};

/// Everything the topic pages share.
class TopicPages {
public:
    explicit TopicPages(Context context) : context_(std::move(context)) {}

    Answer list(const Request& request) {
        const auto range = read_range(request);
        if (!range) return refuse(range.error());
        if (request.arg("depth")) return tree(request, *range);
        const std::string prefix(request.arg("prefix").value_or(""));
        const Rules rules(context_->doors.retention);
        const WallTime now = wall_now();
        std::vector<Bytes> items;
        std::optional<std::string> next;
        std::string last;
        walk(request.caller, prefix, range->after, [&](const TopicInfo& info) {
            if (items.size() == range->limit) {
                next = last;
                return false;
            }
            Bytes json;
            json::Writer out(json);
            out.begin_object();
            write_facts(out, info, rates_, now);
            rules.write(out, info.topic);
            out.end_object();
            items.push_back(std::move(json));
            last = info.topic;
            return true;
        });
        return page(request, items, next);
    }

    Answer one(const Request& request) {
        const std::string topic(request.param("topic"));
        if (const auto good = check_topic(topic, true); !good)
            return refuse(Problem::bad_topic(good.error().what));
        if (!request.caller.covers(topic))
            return refuse(Problem::forbidden("the topic is not within your patterns"));
        const Store& store = context_->doors.store;
        const auto info = store.topic(topic);
        if (!info) return refuse(Problem::not_found("no message of this topic is kept"));
        Bytes json;
        json::Writer out(json);
        out.begin_object();
        write_facts(out, *info, rates_, wall_now());
        Rules(context_->doors.retention).write(out, topic);
        out.key("last_message");
        const auto newest = store.last(*PatternSet::parse(topic), 1);
        if (newest && !newest->empty()) {
            Bytes message;
            append_item(message, newest->back(), store.tag(), {});
            out.raw(message);
        } else {
            out.null();
        }
        out.end_object();
        return Response::json(std::move(json));
    }

private:
    /// Calls `visit` for each topic the caller may see, in order, until it says no. System topics are
    /// shown only to those who ask for them by prefix.
    template <class Visit>
    void walk(const Caller& caller, const std::string& prefix, std::string after, Visit visit) {
        if (prefix.empty() && after < kBehindSystem) after = kBehindSystem;
        for (;;) {
            const auto step = context_->doors.store.topics(prefix, after, kStep);
            for (const TopicInfo& info : step)
                if (caller.covers(info.topic) && !visit(info)) return;
            if (step.size() < kStep) return;
            after = step.back().topic;
        }
    }

    /// Topics folded to their first tokens: `depth` more than the prefix has.
    Answer tree(const Request& request, const Range& range) {
        const auto depth = text::parse_u64(*request.arg("depth"));
        if (!depth || *depth < 1 || *depth > kTopicTokensMax)
            return refuse_member("depth", "a number from 1 to 16 is expected");
        std::string prefix(request.arg("prefix").value_or(""));
        while (prefix.ends_with('.')) prefix.pop_back();
        const std::size_t tokens = *depth + (prefix.empty() ? 0 : text::split(prefix, '.').size());
        std::map<std::string, Branch> branches;
        walk(request.caller, prefix, {}, [&](const TopicInfo& info) {
            const bool below =
                prefix.empty() || info.topic == prefix || info.topic.starts_with(prefix + ".");
            if (!below) return true;
            const std::string name = first_tokens(info.topic, tokens);
            Branch& branch = branches[name];
            ++branch.topics;
            branch.messages += info.messages;
            branch.bytes += info.bytes;
            branch.last = std::max(branch.last, info.last_ts);
            branch.is_topic |= name == info.topic;
            return true;
        });
        return branch_page(request, range, branches);
    }

    static std::string first_tokens(const std::string& topic, std::size_t tokens) {
        std::size_t end = 0;
        for (std::size_t i = 0; i < tokens; ++i) {
            end = topic.find('.', i == 0 ? 0 : end + 1);
            if (end == std::string::npos) return topic;
        }
        return topic.substr(0, end);
    }

    Answer branch_page(const Request& request, const Range& range,
                       const std::map<std::string, Branch>& branches) {
        std::vector<Bytes> items;
        const WallTime now = wall_now();
        auto at = range.after.empty() ? branches.begin() : branches.upper_bound(range.after);
        std::optional<std::string> next;
        for (; at != branches.end() && items.size() < range.limit; ++at) {
            const Branch& branch = at->second;
            Bytes json;
            json::Writer out(json);
            out.begin_object().member("prefix", at->first).member("topics", branch.topics);
            out.member("is_topic", branch.is_topic).member("messages", branch.messages);
            out.member("bytes", branch.bytes);
            write_time(out, "last", branch.last);
            out.key("messages_per_second");
            if (const auto rate = rates_.look(at->first + ".>", branch.messages, now))
                out.value(*rate);
            else
                out.null();
            out.end_object();
            items.push_back(std::move(json));
        }
        if (at != branches.end()) next = std::prev(at)->first;
        return page(request, items, next);
    }

    Context context_;
    Rates rates_;
};

}  // namespace

void add_topics(Router& router, const Context& context) {
    const auto pages = std::make_shared<TopicPages>(context);
    router.add(Method::Get, "/v1/topics",
               answering([pages](Request& request) { return pages->list(request); }),
               RunOn::Worker);
    router.add(Method::Get, "/v1/topics/{topic}",
               answering([pages](Request& request) { return pages->one(request); }), RunOn::Worker);
}

}  // namespace anode::api::rest
