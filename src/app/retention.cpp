#include "app/retention.hpp"

#include <algorithm>

#include "app/cluster/adopt.hpp"
#include "app/cluster/object_state.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/varint.hpp"
#include "core/json/json.hpp"

namespace anode::app {
namespace {

constexpr std::string_view kKind = "retention";

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

void write_rule(json::Writer& out, const RetentionRule& rule) {
    out.member("name", rule.name).member("topics", rule.topics.text());
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
}

Bytes rule_json(const RetentionRule& rule) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    write_rule(out, rule);
    out.end_object();
    return json;
}

/// A rule that is ours alone.
api::Object local_object(const RetentionRule& rule, std::string_view origin) {
    Bytes json, raw;
    json::Writer out(json);
    out.begin_object();
    write_rule(out, rule);
    out.member("origin", origin).end_object();
    put_be(raw, hash64(json));
    return {std::move(json), text::hex(raw)};
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

RetentionObjects::RetentionObjects(Loop& loop, Engine& engine, SharedState& state, Store& store,
                                   Ledger& ledger)
    : loop_(loop), engine_(engine), state_(state), store_(store), ledger_(ledger) {
    state_.on_change(std::string(kKind), [this](const state::Item& item, bool) { take(item); });
}

void RetentionObjects::load(std::vector<RetentionRule> declared) {
    for (const auto& [name, record] : store_.records(kKind)) {
        // They hold from now on: what they keep must not go before they are shared.
        json::Document document;
        if (!document.parse(record)) continue;
        auto rule = parse_retention(name, document.root());
        if (rule && !shared_.contains(name)) shared_[name] = {std::move(*rule), 1, {}};
    }
    {
        const std::lock_guard lock(mutex_);
        loaded_ = true;
    }
    declare(std::move(declared));
    adopt(loop_, engine_, store_, state_, std::string(kKind), [](BytesView record) {
        json::Document document;
        return document.parse(record) ? std::optional<Bytes>(record) : std::nullopt;
    });
}

void RetentionObjects::declare(std::vector<RetentionRule> declared) {
    const std::lock_guard lock(mutex_);
    declared_ = std::move(declared);
    apply_locked();
}

/// A rule of the cluster came, changed or went.
void RetentionObjects::take(const state::Item& item) {
    const std::lock_guard lock(mutex_);
    if (item.value) {
        json::Document document;
        auto rule = document.parse(*item.value)
                        ? parse_retention(item.key, document.root())
                        : Outcome<RetentionRule>(failure(Failure::Why::Invalid, "no JSON"));
        if (!rule) {
            // A rule that we cannot read might keep more than the next one says: the last known one stays.
            log::error("store", "a retention rule cannot be read by this version",
                       {{"rule", item.key}, {"err", rule.error().detail}});
            return;
        }
        shared_[item.key] = {std::move(*rule), item.version, item.stamp.text()};
    } else {
        shared_.erase(item.key);
    }
    apply_locked();
}

void RetentionObjects::apply_locked() {
    if (!loaded_) return;
    std::vector<RetentionRule> all;
    for (const auto& [name, shared] : shared_) all.push_back(shared.rule);
    all.insert(all.end(), declared_.begin(), declared_.end());
    all.push_back(default_rule());
    store_.set_retention(std::move(all));
}

bool RetentionObjects::declares(std::string_view name) const {
    return name == "default" ||
           std::ranges::find(declared_, name, &RetentionRule::name) != declared_.end();
}

api::Object RetentionObjects::object(const Shared& shared,
                                     const std::vector<state::Earlier>* history) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    write_rule(out, shared.rule);
    out.member("origin", "api").member("version", shared.version);
    if (history != nullptr) write_history(out, *history);
    out.end_object();
    return {std::move(json), shared.etag};
}

void RetentionObjects::list(api::Reply<std::vector<api::Object>> reply) {
    std::vector<api::Object> objects;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [name, shared] : shared_) objects.push_back(object(shared));
        for (const auto& rule : declared_) objects.push_back(local_object(rule, "file"));
        objects.push_back(local_object(default_rule(), "default"));
    }
    reply(std::move(objects));
}

void RetentionObjects::get(std::string name, api::Reply<Outcome<api::Object>> reply) {
    loop_.post([this, name = std::move(name), reply = std::move(reply)]() mutable {
        do_get(name, std::move(reply));
    });
}

void RetentionObjects::do_get(const std::string& name, api::Reply<Outcome<api::Object>> reply) {
    std::unique_lock lock(mutex_);
    Outcome<api::Object> found = failure(Failure::Why::NotFound, "no such retention rule");
    if (name == "default") found = local_object(default_rule(), "default");
    for (const auto& rule : declared_)
        if (rule.name == name) found = local_object(rule, "file");
    if (const auto shared = shared_.find(name); shared != shared_.end()) {
        const auto history = state_.history(kKind, name);
        found = object(shared->second, &history);
    }
    lock.unlock();
    reply(std::move(found));
}

/// Why a write may not be, from what is there.
std::optional<Failure> RetentionObjects::refusal(const api::Write& write,
                                                 const Shared* present) const {
    using Why = Failure::Why;
    if (declares(write.name))
        return Failure{Why::ReadOnly, "the rule is declared in the configuration", {}};
    if (present == nullptr) {
        if (write.patch || write.must_exist || write.if_match)
            return Failure{Why::NotFound, "no such retention rule", {}};
        return std::nullopt;
    }
    if (write.create_only) return Failure{Why::Exists, "a rule of this name exists", {}};
    if (!matches(write.if_match, present->etag))
        return Failure{Why::Stale, "the rule was changed meanwhile", {}};
    return std::nullopt;
}

Outcome<RetentionRule> RetentionObjects::asked(const api::Write& write, const json::Value& body,
                                               const Shared* present) {
    if (!write.patch || present == nullptr) return parse_retention(write.name, body);
    const Bytes before = rule_json(present->rule);
    json::Document stored, merged;
    if (const auto parsed = stored.parse(before); !parsed)
        return failure(Failure::Why::Invalid, parsed.error().what);
    const Bytes after = json::merge_patch(stored.root(), body);
    if (const auto parsed = merged.parse(after); !parsed)
        return failure(Failure::Why::Invalid, parsed.error().what);
    return parse_retention(write.name, merged.root());
}

void RetentionObjects::write(api::Write write, api::Reply<Outcome<api::Written>> reply) {
    loop_.post([this, write = std::move(write), reply = std::move(reply)]() mutable {
        do_write(std::move(write), std::move(reply));
    });
}

void RetentionObjects::do_write(api::Write write, api::Reply<Outcome<api::Written>> reply) {
    json::Document document;
    if (const auto parsed = document.parse(write.body); !parsed)
        return reply(failure(Failure::Why::Invalid, parsed.error().what));
    if (write.name.empty()) write.name = document.root()["name"].string();
    if (write.name.empty() || write.name == "default")
        return reply(failure(Failure::Why::Invalid, "a rule needs a name of its own"));
    std::unique_lock lock(mutex_);
    const auto found = shared_.find(write.name);
    const Shared* present = found == shared_.end() ? nullptr : &found->second;
    auto refused = refusal(write, present);
    auto rule = refused ? Outcome<RetentionRule>(std::unexpected(std::move(*refused)))
                        : asked(write, document.root(), present);
    const std::uint64_t version = present != nullptr ? present->version + 1 : 1;
    const std::string before = present != nullptr ? present->etag : std::string();
    lock.unlock();
    if (!rule) return reply(std::unexpected(std::move(rule.error())));
    const bool created = present == nullptr;
    if (write.dry_run) return reply(api::Written{object({*rule, version, {}}), created});
    SharedState::Wish wish{std::string(kKind), write.name, rule_json(*rule), false, std::nullopt};
    if (created || write.if_match) wish.if_stamp = before;
    state_.write(
        std::move(wish), [this, rule = *rule, actor = write.actor, created,
                          reply = std::move(reply)](const Result<state::Item>& item) mutable {
            if (!item) return reply(std::unexpected(failure_of(item.error())));
            ledger_.audit(actor, "retention.change", rule.name);
            api::Written written{object({rule, item->version, item->stamp.text()}), created};
            engine_.when_stored([reply = std::move(reply),
                                 written = std::move(written)](const Result<void>& stored) mutable {
                if (!stored) return reply(failure(Failure::Why::Unavailable, stored.error().what));
                reply(std::move(written));
            });
        });
}

void RetentionObjects::remove(std::string name, std::string actor,
                              api::Reply<Outcome<void>> reply) {
    remove_if(std::move(name), "*", std::move(actor), std::move(reply));
}

void RetentionObjects::remove_if(std::string name, std::string etag, std::string actor,
                                 api::Reply<Outcome<void>> reply) {
    loop_.post(
        [this, name = std::move(name), etag = std::move(etag), actor = std::move(actor),
         reply = std::move(reply)]() mutable { do_remove(name, etag, actor, std::move(reply)); });
}

void RetentionObjects::do_remove(const std::string& name, const std::string& etag,
                                 const std::string& actor, api::Reply<Outcome<void>> reply) {
    std::unique_lock lock(mutex_);
    const auto found = shared_.find(name);
    const bool known = found != shared_.end(), declared = declares(name);
    const bool stale = known && !matches(etag, found->second.etag);
    lock.unlock();
    if (declared)
        return reply(failure(Failure::Why::ReadOnly, "the rule is declared in the configuration"));
    if (!known) return reply(failure(Failure::Why::NotFound, "no such retention rule"));
    if (stale) return reply(failure(Failure::Why::Stale, "the rule was changed meanwhile"));
    state_.write(
        {std::string(kKind), name, std::nullopt, false, std::nullopt},
        [this, name, actor, reply = std::move(reply)](const Result<state::Item>& item) mutable {
            if (!item) return reply(std::unexpected(failure_of(item.error())));
            ledger_.audit(actor, "retention.delete", name);
            engine_.when_stored([reply = std::move(reply)](const Result<void>& stored) mutable {
                if (!stored) return reply(failure(Failure::Why::Unavailable, stored.error().what));
                reply({});
            });
        });
}

void RetentionObjects::act(std::string, std::string, Bytes, std::string,
                           api::Reply<Outcome<Bytes>> reply) {
    reply(failure(Failure::Why::NotFound, "no such verb"));
}

}  // namespace anode::app
