#include <algorithm>

#include "base/text.hpp"
#include "core/source/grammar.hpp"
#include "core/source/keys.hpp"

/// JSON Schema from the table of keys. Source: JSON Schema, draft 2020-12.
namespace anode::source {

namespace {

using json::Writer;

void write_schema(Writer& w, const Key& key, bool described);

void write_words(Writer& w, std::string_view words) {
    w.begin_object().member("type", "string").key("enum").begin_array();
    for (const std::string_view word : text::split(words, ' ')) w.value(word);
    w.end_array().end_object();
}

void write_choice(Writer& w, const Key& key) {
    if (key.one_of.empty()) return;
    w.key("oneOf").begin_array();
    for (const std::string_view name : text::split(key.one_of, ' ')) {
        w.begin_object().key("required").begin_array().value(name).end_array().end_object();
    }
    w.end_array();
}

void write_table(Writer& w, const Key& key) {
    w.begin_object().member("type", "object").key("properties").begin_object();
    for (const Key& member : key.table) {
        w.key(member.name);
        write_schema(w, member, true);
    }
    w.end_object();
    const auto always = [](const Key& member) {
        return member.required && member.belongs.empty() && member.types == kAllTypes;
    };
    if (std::ranges::any_of(key.table, always)) {
        w.key("required").begin_array();
        for (const Key& member : key.table) {
            if (always(member)) w.value(member.name);
        }
        w.end_array();
    }
    write_choice(w, key);
    w.member("additionalProperties", false).end_object();
}

void write_container(Writer& w, const Key& key, Form form) {
    const bool list = form == Form::List;
    w.begin_object().member("type", list ? "array" : "object");
    w.key(list ? "items" : "additionalProperties");
    write_schema(w, *key.element, false);
    w.end_object();
}

void write_text(Writer& w, std::string_view format, std::string_view pattern = {}) {
    w.begin_object().member("type", "string");
    if (!format.empty()) w.member("format", format);
    if (!pattern.empty()) w.member("pattern", pattern);
    w.end_object();
}

void write_number(Writer& w, const Key& key) {
    w.begin_object().member("type", "integer").member("minimum", key.low);
    if (key.high != INT64_MAX) w.member("maximum", key.high);
    w.end_object();
}

/// `anode-…` formats tell the editor what help to give; validators pass over formats they do not know.
void write_form(Writer& w, const Key& key, Form form) {
    switch (form) {
        case Form::Bool:
            w.begin_object().member("type", "boolean").end_object();
            return;
        case Form::Number:
            return write_number(w, key);
        case Form::Float:
            w.begin_object().member("type", "number").end_object();
            return;
        case Form::Word:
            return write_words(w, key.words);
        case Form::Name:
            return write_text(w, "", "^[a-z0-9_-]{1,64}$");
        case Form::Duration:
            return write_text(w, "anode-duration");
        case Form::Jitter:
            return write_text(w, "anode-jitter");
        case Form::Size:
            return write_text(w, "anode-size");
        case Form::Rate:
            return write_text(w, "anode-rate", "^\\s*[0-9]+\\s*/.+$");
        case Form::Percent:
            return write_text(w, "anode-percent");
        case Form::When:
            return write_text(w, "anode-when", "^(idle|every) .+$");
        case Form::Path:
            return write_text(w, "anode-path");
        case Form::Selector:
            return write_text(w, "anode-selector");
        case Form::Expr:
            return write_text(w, "anode-expression");
        case Form::Expect:
            return write_text(w, "anode-expect");
        case Form::Template:
            return write_text(w, "anode-template");
        case Form::Topic:
            return write_text(w, "anode-topic");
        case Form::Url:
            return write_text(w, "anode-url");
        case Form::PlainUrl:
            return write_text(w, "uri");
        case Form::Next:
            return write_text(w, "anode-next");
        case Form::Secret:
            w.begin_object().member("$ref", "#/$defs/secret").end_object();
            return;
        case Form::Json:
            w.begin_object()
                .key("type")
                .begin_array()
                .value("object")
                .value("array")
                .end_array()
                .end_object();
            return;
        case Form::Table:
            return write_table(w, key);
        case Form::List:
        case Form::Map:
            return write_container(w, key, form);
        case Form::Scalar:
            w.begin_object()
                .key("type")
                .begin_array()
                .value("number")
                .value("boolean")
                .end_array()
                .end_object();
            return;
        default:
            return write_text(w, "");
    }
}

void write_default(Writer& w, const Key& key) {
    if (key.fallback.empty()) return;
    w.key("default");
    if (key.has(Form::Bool) || key.has(Form::Number) || key.has(Form::Float)) {
        w.raw(key.fallback);
    } else {
        w.value(key.fallback);
    }
}

void write_notes(Writer& w, const Key& key) {
    w.member("description", key.meaning);
    write_default(w, key);
    if (key.types == kAllTypes) return;
    constexpr std::pair<std::string_view, std::uint8_t> kTypes[] = {
        {"websocket", kWebsocket}, {"rest", kRest}, {"sse", kSse},
        {"webhook", kWebhook},     {"file", kFile}, {"test", kTest}};
    w.key("x-types").begin_array();
    for (const auto& [name, bit] : kTypes) {
        if ((key.types & bit) != 0) w.value(name);
    }
    w.end_array();
}

void write_schema(Writer& w, const Key& key, bool described) {
    w.begin_object();
    if (described) write_notes(w, key);
    w.key("anyOf").begin_array();
    for (std::uint32_t bit = 1; bit <= static_cast<std::uint32_t>(Form::Next); bit <<= 1) {
        if ((key.forms & bit) != 0) write_form(w, key, static_cast<Form>(bit));
    }
    // A duration or size may be a bare number where that has one meaning.
    if (key.has(Form::Duration) && key.low == 0) w.begin_object().member("const", 0).end_object();
    if (key.has(Form::Size)) write_number(w, key);
    if (key.has(Form::Percent))
        w.begin_object()
            .member("type", "integer")
            .member("minimum", 0)
            .member("maximum", 100)
            .end_object();
    w.end_array().end_object();
}

}  // namespace

std::string json_schema() {
    std::string out;
    Writer w(out);
    w.begin_object();
    w.member("$schema", "https://json-schema.org/draft/2020-12/schema");
    w.member("$id", "urn:anode:source");
    w.member("title", "Source definition");
    w.key("$defs").begin_object().key("secret").begin_object();
    w.member("description",
             "A secret by reference: the name of an environment variable, or a file.")
        .member("type", "object");
    w.member("minProperties", 1).member("maxProperties", 1).member("additionalProperties", false);
    w.key("properties").begin_object();
    w.key("env").begin_object().member("type", "string").member("minLength", 1).end_object();
    w.key("file").begin_object().member("type", "string").member("pattern", "^/").end_object();
    w.end_object().end_object().end_object();
    w.key("allOf").begin_array();
    write_table(w, root_key());
    w.end_array().end_object();
    return out;
}

}  // namespace anode::source
