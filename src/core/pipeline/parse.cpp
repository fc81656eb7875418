#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "core/pipeline/definition.hpp"

namespace anode::pipeline {
namespace {

/// The members a definition and its steps may have: what parse() accepts, and what schema and reference show.
struct KeyRow {
    std::string_view key;
    std::string_view type;  ///< as the schema names it
    std::string_view meaning;
};
constexpr std::array<KeyRow, 6> kKeys{{
    {"name", "string", "1–64 of a–z 0–9 - _"},
    {"enabled", "boolean", "default true"},
    {"description", "string", "words for people"},
    {"input", "string", "1–64 topic patterns, comma between"},
    {"output", "string",
     "topic template: `{tokens[2]}` a token of the input topic, `{key}`, `{.field}` a field of the "
     "payload"},
    {"steps", "array",
     "what happens to a message, in order; each step is a table with one of the members below"},
}};
constexpr std::array<KeyRow, 8> kSteps{{
    {"filter", "string", "jq over the envelope and `.tokens`; true keeps the message"},
    {"map", "string",
     "jq over the envelope; its result becomes the payload, no result drops the message"},
    {"key", "string", "jq over the envelope, or a template such as `{.symbol}`: the message's key"},
    {"window", "object",
     "`{ size, slide, by, fields }`: one message a group and window; `fields` are `count`, or `{ "
     "sum|min|max|mean|last = jq }`"},
    {"dedupe", "object",
     "`{ by, keep, max }`: repeats within `keep` are dropped; `by` is jq or a list of it"},
    {"limit", "string", "`10/s`: what is over the rate is dropped and counted"},
    {"conflate", "string", "`250ms`: the newest message of each (topic, key) in each period"},
    {"route", "array",
     "`[{ match, to }]`: the first `match` that holds names the output topic; no match drops the "
     "message"},
}};

template <std::size_t N>
std::vector<std::string_view> names(const std::array<KeyRow, N>& rows) {
    std::vector<std::string_view> out;
    for (const KeyRow& row : rows) out.push_back(row.key);
    return out;
}

/// One more step of a JSON pointer (RFC 6901).
std::string below(const std::string& at, std::string_view name) {
    std::string pointer = at + "/";
    for (const char c : name) {
        if (c == '~')
            pointer += "~0";
        else if (c == '/')
            pointer += "~1";
        else
            pointer += c;
    }
    return pointer;
}

class Parser {
public:
    std::vector<Complaint> complaints;

    void complain(std::string pointer, std::string detail) {
        complaints.push_back({std::move(pointer), std::move(detail)});
    }

    void unknown(const std::string& at, const std::string& name,
                 const std::vector<std::string_view>& known) {
        std::string detail = "unknown member `" + text::printable(name) + "`";
        if (const auto near = text::nearest(name, known); !near.empty())
            detail += "; did you mean `" + std::string(near) + "`?";
        complain(below(at, name), std::move(detail));
    }

    std::optional<Language> language(const json::Value& value, const std::string& at) {
        if (!value.is_string()) {
            complain(at, "expects a jq expression (string)");
            return std::nullopt;
        }
        auto compiled = Language::compile(value.string());
        if (compiled) return std::move(*compiled);
        complain(at, compiled.error());
        return std::nullopt;
    }

    std::optional<source::Template> topic(const json::Value& value, const std::string& at) {
        if (!value.is_string()) {
            complain(at, "expects a topic template (string)");
            return std::nullopt;
        }
        const std::string text = value.string();
        auto parsed = source::Template::parse(text, source::Place::Topic);
        if (!parsed) {
            complain(at,
                     parsed.error().detail + " at byte " + std::to_string(parsed.error().offset));
            return std::nullopt;
        }
        std::string sample;
        for (const auto& part : parsed->parts())
            sample += part.kind == source::Template::Part::Kind::Literal ? part.text : "x";
        if (const auto good = check_topic(sample); !good) {
            complain(at, good.error().what);
            return std::nullopt;
        }
        return std::move(*parsed);
    }

    std::optional<Duration> duration(const json::Value& value, const std::string& at,
                                     Duration least, Duration most) {
        const auto parsed = value.is_string() ? text::parse_duration(value.string()) : std::nullopt;
        if (!parsed)
            complain(at, "expects a duration such as 10s");
        else if (*parsed < least || *parsed > most)
            complain(at,
                     "is not between " + text::duration(least) + " and " + text::duration(most));
        else
            return parsed;
        return std::nullopt;
    }

    void step(const json::Value& value, const std::string& at, std::vector<Step>& out);
    void window(const json::Value& value, const std::string& at, std::vector<Step>& out);
    void dedupe(const json::Value& value, const std::string& at, std::vector<Step>& out);
    void route(const json::Value& value, const std::string& at, std::vector<Step>& out);
    void aggregate(const json::Value& value, const std::string& at, std::vector<Aggregate>& out);
    void key(const json::Value& value, const std::string& at, std::vector<Step>& out);
};

void Parser::step(const json::Value& value, const std::string& at, std::vector<Step>& out) {
    if (!value.is_object() || value.size() != 1) {
        if (value.is_object() && value.size() > 0) {
            for (json::Value member = value.first(); member; member = member.next_in(value)) {
                const auto known = names(kSteps);
                if (std::ranges::find(known, member.name()) == known.end())
                    return unknown(at, member.name(), known);
            }
        }
        return complain(at,
                        "a step is a table with one member, such as { filter = \".data.q > 5\" }");
    }
    const json::Value what = value.first();
    const std::string name = what.name(), here = below(at, name);
    if (name == "filter") {
        if (auto program = language(what, here)) out.emplace_back(FilterStep{std::move(*program)});
    } else if (name == "map") {
        if (auto program = language(what, here)) out.emplace_back(MapStep{std::move(*program)});
    } else if (name == "key") {
        key(what, here, out);
    } else if (name == "window") {
        window(what, here, out);
    } else if (name == "dedupe") {
        dedupe(what, here, out);
    } else if (name == "limit") {
        const auto rate = what.is_string() ? source::parse_rate(what.string()) : std::nullopt;
        if (rate && rate->count > 0)
            out.emplace_back(LimitStep{*rate});
        else
            complain(here, "expects a rate such as 10/s");
    } else if (name == "conflate") {
        if (const auto every = duration(what, here, 1ms, 1h))
            out.emplace_back(ConflateStep{*every});
    } else if (name == "route") {
        route(what, here, out);
    } else {
        unknown(at, name, names(kSteps));
    }
}

void Parser::key(const json::Value& value, const std::string& at, std::vector<Step>& out) {
    if (value.is_string() && value.string().find('{') != std::string::npos &&
        !value.string().starts_with('.')) {
        auto parsed = source::Template::parse(value.string());
        if (parsed)
            out.emplace_back(KeyStep{std::move(*parsed)});
        else
            complain(at, parsed.error().detail);
    } else if (auto program = language(value, at)) {
        out.emplace_back(KeyStep{std::move(*program)});
    }
}

void Parser::aggregate(const json::Value& value, const std::string& at,
                       std::vector<Aggregate>& out) {
    using Kind = Aggregate::Kind;
    constexpr std::array<std::pair<std::string_view, Kind>, 6> kKinds{{{"count", Kind::Count},
                                                                       {"sum", Kind::Sum},
                                                                       {"min", Kind::Min},
                                                                       {"max", Kind::Max},
                                                                       {"mean", Kind::Mean},
                                                                       {"last", Kind::Last}}};
    Aggregate result;
    result.name = value.name();
    constexpr std::array<std::string_view, 3> kTaken{"key", "from", "to"};
    if (std::ranges::find(kTaken, result.name) != kTaken.end())
        return complain(at, "every window tells `key`, `from` and `to` already");
    if (std::ranges::find(out, result.name, &Aggregate::name) != out.end())
        return complain(at, "is written twice");
    if (value.equals("count")) {
        out.push_back(std::move(result));
        return;
    }
    if (!value.is_object() || value.size() != 1)
        return complain(at, "expects \"count\" or a table such as { sum = \".data.q|tonumber\" }");
    const json::Value of = value.first();
    const std::string kind = of.name();
    const auto found = std::ranges::find(kKinds, kind, &std::pair<std::string_view, Kind>::first);
    if (found == kKinds.end())
        return unknown(at, kind, {"count", "sum", "min", "max", "mean", "last"});
    result.kind = found->second;
    result.of = language(of, at + "/" + kind);
    if (result.of) out.push_back(std::move(result));
}

void Parser::window(const json::Value& value, const std::string& at, std::vector<Step>& out) {
    if (!value.is_object())
        return complain(at,
                        "expects a table such as { size = \"10s\", fields = { n = \"count\" } }");
    WindowStep step;
    for (json::Value member = value.first(); member; member = member.next_in(value)) {
        const std::string name = member.name(), here = below(at, name);
        if (name == "size")
            step.size = duration(member, here, 10ms, 24h).value_or(0ns);
        else if (name == "slide")
            step.slide = duration(member, here, 10ms, 24h).value_or(0ns);
        else if (name == "by")
            step.by = language(member, here);
        else if (name == "fields" && member.is_object())
            for (json::Value field = member.first(); field; field = field.next_in(member))
                aggregate(field, below(here, field.name()), step.fields);
        else if (name == "fields")
            complain(here, "expects a table of names");
        else
            unknown(at, name, {"size", "slide", "by", "fields"});
    }
    if (!value.find("size")) complain(at + "/size", "is required");
    if (!value.find("fields"))
        step.fields.push_back({Aggregate::Kind::Count, "count", std::nullopt});
    if (step.slide == 0ns) step.slide = step.size;
    if (step.size > 0ns && (step.slide > step.size || step.size.count() % step.slide.count() != 0 ||
                            step.size / step.slide > 1000))
        return complain(at + "/slide",
                        "`size` is a whole multiple of `slide`, at most a thousandfold");
    out.emplace_back(std::move(step));
}

void Parser::dedupe(const json::Value& value, const std::string& at, std::vector<Step>& out) {
    if (!value.is_object())
        return complain(at, "expects a table such as { by = \".id\", keep = \"10m\" }");
    DedupeStep step;
    for (json::Value member = value.first(); member; member = member.next_in(value)) {
        const std::string name = member.name(), here = below(at, name);
        if (name == "by" && member.is_array()) {
            std::size_t index = 0;
            for (json::Value one = member.first(); one; one = one.next_in(member), ++index)
                if (auto program = language(one, here + "/" + std::to_string(index)))
                    step.by.push_back(std::move(*program));
        } else if (name == "by") {
            if (auto program = language(member, here)) step.by.push_back(std::move(*program));
        } else if (name == "keep") {
            step.keep = duration(member, here, 1ms, 24h * 30).value_or(step.keep);
        } else if (name == "max") {
            const auto max = member.integer();
            if (max && *max > 0 && *max <= 10'000'000)
                step.max = static_cast<std::uint64_t>(*max);
            else
                complain(here, "expects a count from 1 to 10,000,000");
        } else {
            unknown(at, name, {"by", "keep", "max"});
        }
    }
    if (!value.find("by"))
        complain(at + "/by", "is required");
    else if (value.find("by").is_array() && value.find("by").size() == 0)
        complain(at + "/by", "names nothing to tell repeats by");
    out.emplace_back(std::move(step));
}

void Parser::route(const json::Value& value, const std::string& at, std::vector<Step>& out) {
    if (!value.is_array() || value.size() == 0)
        return complain(at,
                        "expects a list such as [{ match = \".key == \\\"a\\\"\", to = \"x.a\" }]");
    RouteStep step;
    std::size_t index = 0;
    for (json::Value one = value.first(); one; one = one.next_in(value), ++index) {
        const std::string here = at + "/" + std::to_string(index);
        RouteCase route_case;
        if (!one.is_object()) {
            complain(here, "expects { match, to }");
            continue;
        }
        for (json::Value member = one.first(); member; member = member.next_in(one))
            if (const std::string name = member.name(); name != "match" && name != "to")
                unknown(here, name, {"match", "to"});
        if (const json::Value match = one.find("match"))
            route_case.match = language(match, here + "/match");
        if (auto to = topic(one.find("to"), here + "/to")) {
            route_case.to = std::move(*to);
            step.cases.push_back(std::move(route_case));
        }
    }
    out.emplace_back(std::move(step));
}

bool good_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") ==
               std::string_view::npos;
}

}  // namespace

std::expected<std::shared_ptr<const Definition>, std::vector<Complaint>> parse(
    const json::Value& tree) {
    Parser parser;
    auto definition = std::make_shared<Definition>();
    if (!tree.is_object()) {
        parser.complain("", "a pipeline is an object");
        return std::unexpected(std::move(parser.complaints));
    }
    bool routed = false;
    for (json::Value member = tree.first(); member; member = member.next_in(tree)) {
        const std::string name = member.name(), at = below({}, name);
        if (name == "name") {
            definition->name = member.is_string() ? member.string() : "";
            if (!good_name(definition->name))
                parser.complain(at, "`" + text::printable(member.scalar().value_or("")) +
                                        "` is no name: 1–64 of a–z 0–9 - _");
        } else if (name == "enabled") {
            if (member.is_bool())
                definition->enabled = *member.boolean();
            else
                parser.complain(at, "expects true or false");
        } else if (name == "description") {
            definition->description = member.string();
            if (!member.is_string()) parser.complain(at, "expects a string");
        } else if (name == "input") {
            auto input = PatternSet::parse(member.is_string() ? member.string() : "");
            if (input)
                definition->input = std::move(*input);
            else
                parser.complain(at, input.error().what);
        } else if (name == "output") {
            if (auto output = parser.topic(member, at)) definition->output = std::move(*output);
        } else if (name == "steps") {
            if (!member.is_array() || member.size() > 100) {
                parser.complain(at, "expects a list of at most 100 steps");
                continue;
            }
            std::size_t index = 0;
            definition->steps.clear();  // a repeated member: the last wins
            for (json::Value step = member.first(); step; step = step.next_in(member), ++index)
                parser.step(step, at + "/" + std::to_string(index), definition->steps);
        } else {
            parser.unknown("", name, names(kKeys));
        }
    }
    for (const Step& step : definition->steps) routed |= std::holds_alternative<RouteStep>(step);
    for (const std::string_view required : {"name", "input", "steps"})
        if (!tree.find(required)) parser.complain("/" + std::string(required), "is required");
    if (!tree.find("output") && !routed)
        parser.complain("/output", "is required unless a step routes");
    if (!parser.complaints.empty()) return std::unexpected(std::move(parser.complaints));
    return definition;
}

std::string json_schema() {
    std::string out;
    json::Writer json(out);
    const auto rows = [&json](const auto& table) {
        json.key("properties").begin_object();
        for (const KeyRow& row : table) {
            json.key(row.key).begin_object().member("type", row.type);
            if (row.key == "steps")
                json.key("items").begin_object().member("$ref", "#/$defs/step").end_object();
            json.member("description", row.meaning).end_object();
        }
        json.end_object();
    };
    json.begin_object()
        .member("$schema", "https://json-schema.org/draft/2020-12/schema")
        .member("title", "aNode pipeline");
    json.member("type", "object").member("additionalProperties", false);
    json.key("required").begin_array().value("name").value("input").value("steps").end_array();
    json.key("$defs")
        .begin_object()
        .key("step")
        .begin_object()
        .member("type", "object")
        .member("minProperties", 1)
        .member("maxProperties", 1);
    json.member("additionalProperties", false);
    rows(kSteps);
    json.end_object().end_object();
    rows(kKeys);
    json.end_object();
    return out;
}

std::string reference_markdown() {
    std::string out =
        "# Pipelines\n\nRules that turn messages into messages. jq is the language: the common "
        "subset is compiled (about a million messages a second),\n"
        "the rest runs in libjq (about eighty thousand) and the pipeline then says "
        "`slow_path`.\n\n| key | type | meaning |\n| --- | --- | --- |\n";
    for (const KeyRow& row : kKeys)
        out.append("| `")
            .append(row.key)
            .append("` | ")
            .append(row.type)
            .append(" | ")
            .append(row.meaning)
            .append(" |\n");
    out += "\n## Steps\n\n| step | type | meaning |\n| --- | --- | --- |\n";
    for (const KeyRow& row : kSteps) {
        std::string meaning(row.meaning);
        for (std::size_t at = 0; (at = meaning.find('|', at)) != std::string::npos; at += 2)
            meaning.insert(at, "\\");
        out.append("| `")
            .append(row.key)
            .append("` | ")
            .append(row.type)
            .append(" | ")
            .append(meaning)
            .append(" |\n");
    }
    return out;
}

const std::string& name_of(const Definition& definition) { return definition.name; }

}  // namespace anode::pipeline
