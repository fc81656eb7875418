#include "app/retention.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/varint.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

using api::Failure;
using api::Outcome;

std::unexpected<Failure> failure(Failure::Why why, std::string detail) {
    return std::unexpected(Failure{why, std::move(detail), {}});
}

RetentionRule default_rule() {
    RetentionRule rule;
    rule.name = "default";
    rule.topics = *PatternSet::parse(">");
    rule.age = 24h;
    rule.bytes = 20ull << 30;
    return rule;
}

Bytes rule_json(const RetentionRule& rule, std::string_view origin) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("name", rule.name).member("topics", rule.topics.text());
    out.key("age");
    if (rule.age)
        out.value(text::duration(*rule.age));
    else
        out.null();
    out.key("bytes");
    if (rule.bytes)
        out.value(text::size(*rule.bytes));
    else
        out.null();
    if (!origin.empty()) out.member("origin", origin);
    out.end_object();
    return json;
}

/// A JSON pointer to a member (RFC 6901).
std::string pointer_to(std::string_view name) {
    std::string pointer = "/";
    for (const char c : name) {
        if (c == '~' || c == '/')
            pointer.append(c == '~' ? "~0" : "~1");
        else
            pointer += c;
    }
    return pointer;
}

std::string unknown_member(std::string_view name) {
    constexpr std::string_view kKnown[] = {"name", "topics", "age", "bytes"};
    const auto near = text::nearest(name, kKnown);
    if (near.empty()) return "unknown member; known are topics, age, bytes";
    return "unknown member; did you mean `" + std::string(near) + "`?";
}

}  // namespace

Outcome<RetentionRule> parse_retention(std::string name, const json::Value& tree) {
    Failure failed{Failure::Why::Invalid, {}, {}};
    const auto complain = [&failed](std::string pointer, std::string detail) {
        failed.detail += (failed.detail.empty() ? "" : "; ") + pointer + ": " + detail;
        failed.errors.push_back({std::move(pointer), "invalid", std::move(detail)});
    };
    RetentionRule rule;
    rule.name = std::move(name);
    if (!tree.is_object()) {
        complain("", "an object is expected");
        return std::unexpected(std::move(failed));
    }
    for (json::Value member = tree.first(); member; member = member.next_in(tree)) {
        const std::string key = member.name();
        if (key == "topics") {
            auto topics = PatternSet::parse(member.string());
            if (topics)
                rule.topics = std::move(*topics);
            else
                complain("/topics", topics.error().what);
        } else if (key == "age") {
            rule.age = text::parse_duration(member.string());
            if (!rule.age && !member.is_null())
                complain("/age", "`" + member.string() + "` is no duration such as 7d");
        } else if (key == "bytes") {
            rule.bytes = text::parse_size(member.scalar().value_or(""));
            if (!rule.bytes && !member.is_null())
                complain("/bytes",
                         "`" + member.scalar().value_or("") + "` is no size such as 20GiB");
        } else if (key == "name") {
            if (!member.equals(rule.name)) complain("/name", "the path names another rule");
        } else {
            complain(pointer_to(key), unknown_member(key));
        }
    }
    if (rule.topics.patterns().empty() && failed.errors.empty()) complain("/topics", "is required");
    if (!rule.age && !rule.bytes && failed.errors.empty())
        complain("/age", "`age` or `bytes` is required");
    if (!failed.errors.empty()) return std::unexpected(std::move(failed));
    return rule;
}

RetentionObjects::RetentionObjects(Store& store, Ledger& ledger) : store_(store), ledger_(ledger) {
    for (auto& [name, record] : store.records("retention")) {
        json::Document document;
        if (!document.parse(record)) continue;
        auto rule = parse_retention(name, document.root());
        if (rule)
            set_[name] = std::move(*rule);
        else
            log::error("store", "a stored retention rule is unreadable",
                       {{"rule", name}, {"err", rule.error().detail}});
    }
}

void RetentionObjects::declare(std::vector<RetentionRule> declared) {
    const std::lock_guard lock(mutex_);
    declared_ = std::move(declared);
    apply_locked();
}

void RetentionObjects::apply_locked() {
    std::vector<RetentionRule> all;
    for (const auto& [name, rule] : set_) all.push_back(rule);
    all.insert(all.end(), declared_.begin(), declared_.end());
    all.push_back(default_rule());
    store_.set_retention(std::move(all));
}

api::Object RetentionObjects::object(const RetentionRule& rule, std::string_view origin) {
    Bytes json = rule_json(rule, origin), raw;
    put_be(raw, hash64(json));
    return {std::move(json), text::hex(raw)};
}

void RetentionObjects::list(api::Reply<std::vector<api::Object>> reply) {
    std::vector<api::Object> objects;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, rule] : set_) objects.push_back(object(rule, "api"));
        for (const auto& rule : declared_) objects.push_back(object(rule, "file"));
        objects.push_back(object(default_rule(), "default"));
    }
    reply(std::move(objects));
}

void RetentionObjects::get(std::string name, api::Reply<Outcome<api::Object>> reply) {
    std::unique_lock lock(mutex_);
    Outcome<api::Object> found = failure(Failure::Why::NotFound, "no such retention rule");
    if (name == "default") found = object(default_rule(), "default");
    for (const auto& rule : declared_)
        if (rule.name == name) found = object(rule, "file");
    if (const auto set = set_.find(name); set != set_.end()) found = object(set->second, "api");
    lock.unlock();
    reply(std::move(found));
}

/// Why a write may not be, from what is there.
std::optional<Failure> RetentionObjects::refusal(const api::Write& write,
                                                 const RetentionRule* present) {
    using Why = Failure::Why;
    if (present == nullptr) {
        if (write.patch || write.must_exist || write.if_match)
            return Failure{Why::NotFound, "no such retention rule", {}};
        return std::nullopt;
    }
    if (write.create_only) return Failure{Why::Exists, "a rule of this name exists", {}};
    if (write.if_match && *write.if_match != "*" && *write.if_match != object(*present, "api").etag)
        return Failure{Why::Stale, "the rule was changed meanwhile", {}};
    return std::nullopt;
}

Outcome<RetentionRule> RetentionObjects::written_rule(const api::Write& write,
                                                      const json::Value& body,
                                                      const RetentionRule* present) {
    if (!write.patch || present == nullptr) return parse_retention(write.name, body);
    const Bytes before = rule_json(*present, {});
    json::Document stored, merged;
    if (const auto parsed = stored.parse(before); !parsed)
        return failure(Failure::Why::Invalid, parsed.error().what);
    const Bytes after = json::merge_patch(stored.root(), body);
    if (const auto parsed = merged.parse(after); !parsed)
        return failure(Failure::Why::Invalid, parsed.error().what);
    return parse_retention(write.name, merged.root());
}

void RetentionObjects::write(api::Write write, api::Reply<Outcome<api::Written>> reply) {
    json::Document document;
    if (const auto parsed = document.parse(write.body); !parsed)
        return reply(failure(Failure::Why::Invalid, parsed.error().what));
    if (write.name.empty()) write.name = document.root()["name"].string();
    if (write.name.empty() || write.name == "default")
        return reply(failure(Failure::Why::Invalid, "a rule needs a name of its own"));
    std::unique_lock lock(mutex_);
    const auto present = set_.find(write.name);
    const bool created = present == set_.end();
    if (auto refused = refusal(write, created ? nullptr : &present->second)) {
        lock.unlock();
        return reply(std::unexpected(std::move(*refused)));
    }
    auto rule = written_rule(write, document.root(), created ? nullptr : &present->second);
    if (!rule) {
        lock.unlock();
        return reply(std::unexpected(std::move(rule.error())));
    }
    api::Written written{object(*rule, "api"), created};
    const auto stored = write.dry_run
                            ? Result<void>()
                            : store_.put({{"retention", write.name, rule_json(*rule, {})}});
    if (write.dry_run || !stored) {
        lock.unlock();
        if (stored) return reply(std::move(written));
        return reply(failure(Failure::Why::Unavailable, stored.error().what));
    }
    set_[write.name] = std::move(*rule);
    apply_locked();
    lock.unlock();
    ledger_.audit(write.actor, "retention.change", write.name);
    reply(std::move(written));
}

void RetentionObjects::remove(std::string name, std::string actor,
                              api::Reply<Outcome<void>> reply) {
    std::unique_lock lock(mutex_);
    const auto refuse = [&](Failure::Why why, std::string detail) {
        lock.unlock();
        reply(failure(why, std::move(detail)));
    };
    if (!set_.contains(name)) {
        if (name == "default" ||
            std::ranges::find(declared_, name, &RetentionRule::name) != declared_.end())
            return refuse(Failure::Why::ReadOnly, "the rule is declared in the configuration");
        return refuse(Failure::Why::NotFound, "no such retention rule");
    }
    if (const auto stored = store_.put({{"retention", name, std::nullopt}}); !stored)
        return refuse(Failure::Why::Unavailable, stored.error().what);
    set_.erase(name);
    apply_locked();
    lock.unlock();
    ledger_.audit(actor, "retention.delete", name);
    reply({});
}

void RetentionObjects::act(std::string, std::string, Bytes, std::string,
                           api::Reply<Outcome<Bytes>> reply) {
    reply(failure(Failure::Why::NotFound, "no such verb"));
}

}  // namespace anode::app
