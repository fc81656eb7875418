#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "core/source/check.hpp"

/// What single keys cannot tell: keys that contradict or miss each other.
namespace anode::source {

namespace {

/// Variables that are there without being captured.
constexpr std::string_view kBuiltIn =
    "secret key position from to page last method path query body host timestamp";

class Sense {
public:
    Sense(const json::Value& root, std::uint8_t type, const std::vector<TemplateUse>& uses,
          Complaints& complaints)
        : root_(root), type_(type), uses_(uses), complaints_(complaints) {}

    void all() {
        urls();
        steps();
        items();
        variables();
        dedupe();
        continuity();
        snapshot();
        shape(root_, "");
        for_each(root_["classify"], "/classify",
                 [this](const json::Value& rule, const std::string& at) { classify(rule, at); });
        poll();
        backoff();
        rate();
        resume();
        jwt();
    }

private:
    void complain(const json::Value& at, std::string pointer, std::string detail) {
        complaints_.add(at, std::move(pointer), std::move(detail));
    }

    template <class Visit>
    static void for_each(const json::Value& list, const std::string& pointer, const Visit& visit) {
        if (!list.is_array()) return;
        std::size_t index = 0;
        for (json::Value v = list.first(); v; v = v.next_in(list))
            visit(v, pointer + "/" + std::to_string(index++));
    }

    void needs(const json::Value& table, const std::string& pointer, std::string_view name,
               std::string_view why) {
        if (table[name].is_null())
            complain(table, child_pointer(pointer, name),
                     "`" + std::string(name) + "` is required: " + std::string(why));
    }

    void urls() {
        const json::Value url = root_["url"], urls = root_["urls"];
        if (urls.equals("race") && (!url.is_array() || url.size() < 2))
            complain(urls, "/urls", "a race needs a list of two URLs or more");
        if (url.is_array() && type_ == kRest && url.size() > 1 && urls.equals("race"))
            complain(urls, "/urls", "polls do not race");
    }

    void steps() {
        const json::Value steps = root_["connect"];
        std::size_t index = 0;
        for_each(steps, "/connect", [&](const json::Value& step, const std::string& at) {
            ++index;
            const json::Value final = step["final"];
            if (final.boolean() == true) {
                if (index != steps.size())
                    complain(final, at + "/final", "`final` is for the last step only");
                const json::Value alive = root_["alive"];
                for (const std::string_view talks : {"ping", "reply"}) {
                    if (!alive[talks].is_null())
                        complain(alive[talks], "/alive/" + std::string(talks),
                                 "a source whose last step is `final` sends nothing more");
                }
            }
            if (type_ != kWebsocket && type_ != 0 &&
                (!step["send"].is_null() || !step["expect"].is_null())) {
                complain(
                    step, at,
                    "only requests and waits are possible before a source that is no websocket");
            }
            if (!step["item"].is_null() && root_["items"].is_null())
                complain(step["item"], at + "/item", "there are no `items`");
            if (!step["item_as"].is_null() && step["item"].is_null())
                needs(step, at, "item", "`item_as` tells how it is spelled");
            if (!step["bind"].is_null() && step["item"].is_null())
                needs(step, at, "item", "`bind` ties a value to it");
            if (step["fatal"].boolean() == true && step["reject"].is_null())
                complain(step["fatal"], at + "/fatal", "there is no `reject`");
        });
    }

    void items() {
        const json::Value items = root_["items"];
        if (!items.is_object()) return;
        for (json::Value list = items.first(); list; list = list.next_in(items)) {
            const std::string name = list.name();
            const std::string at = child_pointer("/items", name);
            if (name.empty() || name.find_first_of(".{}:$ ") != std::string::npos ||
                among("now uuid n tokens", name)) {
                complain(list, at, "`" + text::printable(name) + "` cannot be the name of a list");
            } else if (list.is_array() && list.size() == 0) {
                complain(list, at, "the list is empty");
            } else if (!mentioned(name) && !asked_for(name)) {
                complain(list, at, "`{" + name + "}` stands nowhere: the list is not used");
            }
        }
    }

    [[nodiscard]] bool mentioned(const std::string& list) const {
        return std::ranges::any_of(uses_, [&](const TemplateUse& use) {
            return std::ranges::any_of(use.fields, [&](const std::string& field) {
                return field == list || field.starts_with(list + ".");
            });
        });
    }

    /// Whether an expression over an item's fields reads this list.
    [[nodiscard]] bool asked_for(const std::string& list) const {
        const auto reads = [&list](const json::Value& text) {
            return text.string().find("." + list) != std::string::npos;
        };
        bool found = false;
        for_each(root_["connect"], "", [&](const json::Value& step, const std::string&) {
            found = found || reads(step["where"]);
        });
        for_each(root_["shard"]["route"], "", [&](const json::Value& route, const std::string&) {
            found = found || reads(route["match"]);
        });
        return found;
    }

    void variables() {
        std::set<std::string, std::less<>> known;
        for_each(root_["connect"], "", [&](const json::Value& step, const std::string&) {
            const json::Value capture = step["capture"];
            for (json::Value v = capture.first(); v; v = v.next_in(capture)) known.insert(v.name());
        });
        known.insert(root_["auth"]["into"]["variable"].string());
        for (const TemplateUse& use : uses_) {
            for (const std::string& variable : use.variables) {
                if (known.contains(variable) || among(kBuiltIn, variable)) continue;
                complaints_.add_at(use.place, use.pointer,
                                   "`{$" + variable + "}` is captured by no step");
            }
        }
    }

    void dedupe() {
        const json::Value by = root_["dedupe"]["by"];
        for_each(by, "/dedupe/by", [&](const json::Value& part, const std::string& at) {
            const auto word = part.plain();
            if (!word || !among("key id version", *word)) return;
            if (root_["map"][*word].is_null() && !rule_maps(*word))
                complain(part, at, "there is no `map." + std::string(*word) + "`");
        });
    }

    [[nodiscard]] bool rule_maps(std::string_view part) const {
        bool found = false;
        for_each(root_["classify"], "", [&](const json::Value& rule, const std::string&) {
            found = found || !rule["map"][part].is_null();
        });
        return found;
    }

    void continuity() {
        const json::Value chain = root_["continuity"];
        const std::string rule = chain["rule"].string();
        if (among("+1 counter monotonic previous parent", rule))
            needs(chain, "/continuity", "at", "rule `" + rule + "` reads it");
        if (rule == "range") {
            needs(chain, "/continuity", "first", "rule `range` reads it");
            needs(chain, "/continuity", "last", "rule `range` reads it");
        }
        if (rule == "previous" || rule == "parent")
            needs(chain, "/continuity", rule, "rule `" + rule + "` reads it");
        if (chain["on_gap"].equals("snapshot") && root_["snapshot"]["get"].is_null())
            complain(chain["on_gap"], "/continuity/on_gap", "there is no `snapshot.get`");
        if (chain["on_gap"].equals("backfill") && root_["backfill"].is_null())
            complain(chain["on_gap"], "/continuity/on_gap", "there is no `backfill`");
        if (chain["on_gap"].equals("reconnect") && type_ != 0 && (type_ & kStreams) == 0)
            complain(chain["on_gap"], "/continuity/on_gap", "there is no connection to renew");
    }

    void snapshot() {
        const json::Value snapshot = root_["snapshot"];
        if (!snapshot.is_object()) return;
        for (const std::string_view name : {"every", "align", "settle", "retry"}) {
            if (!snapshot[name].is_null() && snapshot["get"].is_null())
                complain(snapshot[name], child_pointer("/snapshot", name),
                         "there is no `snapshot.get`");
        }
        if (snapshot["get"].is_null() && snapshot["in_band"].is_null())
            complain(snapshot, "/snapshot", "`get` or `in_band` is required");
    }

    void shape(const json::Value& at, const std::string& pointer) {
        const json::Value keep = at["keep_parent"], map = at["map"];
        if (keep.boolean() == true && at["parent"].is_null() && root_["parent"].is_null())
            complain(keep, pointer + "/keep_parent", "there is no `parent`");
        if (!map["unit"].is_null() && map["time"].is_null() && root_["map"]["time"].is_null())
            complain(map["unit"], pointer + "/map/unit", "there is no `map.time`");
    }

    void classify(const json::Value& rule, const std::string& at) {
        shape(rule, at);
        const bool data = rule["as"].equals("data");
        for (const std::string_view name : {"topic", "rows", "columns", "parent", "keep_parent",
                                            "map", "require", "drop", "by"}) {
            if (!data && !rule[name].is_null())
                complain(rule[name], child_pointer(at, name),
                         "`" + std::string(name) + "` goes with `as = \"data\"` only");
        }
        for (const std::string_view name : {"topic", "rows", "columns", "map"}) {
            if (!rule["text"].is_null() && data && !rule[name].is_null())
                complain(rule[name], child_pointer(at, name), "a word has no fields");
        }
        if (!rule["by"].is_null() && !any_bind())
            complain(rule["by"], at + "/by", "no step of `connect` has `bind`");
        if (!rule["item_as"].is_null()) {
            if (rule["item"].is_null())
                needs(rule, at, "item", "`item_as` tells how it is spelled");
        }
        if (!rule["item"].is_null() && root_["items"].is_null())
            complain(rule["item"], at + "/item", "there are no `items`");
    }

    [[nodiscard]] bool any_bind() const {
        bool found = false;
        for_each(root_["connect"], "", [&](const json::Value& step, const std::string&) {
            found = found || !step["bind"].is_null();
        });
        return found;
    }

    void poll() {
        const json::Value poll = root_["poll"];
        if (!poll["batch"].is_null() && root_["items"].is_null())
            complain(poll["batch"], "/poll/batch", "there are no `items`");
        if (!poll["diff"]["window"].is_null() && root_["map"]["time"].is_null())
            complain(poll["diff"]["window"], "/poll/diff/window",
                     "there is no `map.time` to tell a row's age");
        if (!poll["offset"].is_null() && poll["align"].boolean() != true)
            complain(poll["offset"], "/poll/offset", "`offset` needs `align = true`");
        if (!poll["pages"].is_null() && !poll["diff"].is_null())
            complain(poll["diff"], "/poll/diff",
                     "`diff` compares whole documents; it does not go with `pages`");
        const json::Value pages = poll["pages"];
        const bool until_known =
            pages.is_object() && (pages["until"].is_null() || pages["until"].equals("known"));
        if (until_known && root_["dedupe"].is_null())
            complain(pages, "/poll/pages/until", "`known` needs `dedupe`, which remembers rows");
    }

    void backoff() {
        const json::Value backoff = root_["backoff"];
        const auto low =
            text::parse_duration(backoff["min"].is_null() ? "1s" : backoff["min"].string());
        const auto high =
            text::parse_duration(backoff["max"].is_null() ? "60s" : backoff["max"].string());
        if (backoff.is_object() && low && high && *low > *high) {
            const bool at_min = !backoff["min"].is_null();
            complain(backoff[at_min ? "min" : "max"], at_min ? "/backoff/min" : "/backoff/max",
                     "`min` is above `max`");
        }
    }

    void rate() {
        const json::Value rate = root_["rate"];
        if (type_ == kTest && rate.is_object())
            complain(rate, "/rate", "the rate of a test source is written `10/s`");
        if (type_ != kTest && type_ != 0 && rate.is_string())
            complain(rate, "/rate", "a table is expected, such as { messages = \"5/s\" }");
        if (rate["per"].equals("provider") && root_["labels"]["provider"].is_null())
            complain(rate["per"], "/rate/per", "there is no `labels.provider`");
    }

    void resume() {
        const json::Value resume = root_["resume"];
        if (!resume.is_object()) return;
        if (type_ != kSse)
            needs(resume, "/resume", "at", "only event streams have an id by themselves");
        if (type_ != kSse)
            needs(resume, "/resume", "as", "the position has to be given back somewhere");
    }

    void jwt() {
        const json::Value auth = root_["auth"];
        if (!auth["type"].equals("jwt")) return;
        needs(auth, "/auth", "key", "a jwt is signed with it");
        if (!auth["key"].is_null() && !read_secret_form(auth["key"]))
            complain(auth["key"], "/auth/key",
                     "a secret is expected: { env = \"NAME\" } or { file = \"/…\" }");
    }

    const json::Value root_;
    std::uint8_t type_;
    const std::vector<TemplateUse>& uses_;
    Complaints& complaints_;
};

}  // namespace

void check_sense(const json::Value& definition, std::uint8_t type,
                 const std::vector<TemplateUse>& uses, Complaints& complaints) {
    Sense(definition, type, uses, complaints).all();
    const json::Value hmac = definition["auth"];
    if (hmac["type"].equals("hmac") && hmac["into"].is_null())
        complaints.add(hmac, "/auth/into", "`into` is required: the signature has to go somewhere");
}

}  // namespace anode::source
