#include "api/table/schema.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api {

namespace {

void write_type(json::Writer& out, std::string_view type, std::string_view text);

void write_plain(json::Writer& out, std::string_view name, bool nullable) {
    out.key("type");
    if (nullable)
        out.begin_array().value(name).value("null").end_array();
    else
        out.value(name);
}

void write_reference(json::Writer& out, std::string_view name, bool nullable) {
    const std::string target = "#/components/schemas/" + std::string(name);
    if (!nullable) {
        out.member("$ref", target);
        return;
    }
    out.key("anyOf").begin_array().begin_object().member("$ref", target).end_object();
    out.begin_object().member("type", "null").end_object().end_array();
}

void write_words(json::Writer& out, std::string_view words, bool nullable) {
    out.key("enum").begin_array();
    for (const std::string_view word : text::split(words, '/')) out.value(word);
    if (nullable) out.null();
    out.end_array();
}

void write_text(json::Writer& out, std::string_view type, bool nullable) {
    write_plain(out, "string", nullable);
    if (type == "time") out.member("format", "date-time");
    if (type == "text" || type == "time") return;
    out.member("minLength", 1).key("maxLength").raw(type.substr(5));
}

/// The members of the schema object that is open.
void write_inside(json::Writer& out, std::string_view type) {
    const bool nullable = type.ends_with('?');
    if (nullable) type.remove_suffix(1);
    if (type == "any") return;
    if (type.starts_with('[')) {
        write_plain(out, "array", nullable);
        out.key("items");
        write_type(out, type.substr(1, type.size() - 2), {});
    } else if (type.find('/') != std::string_view::npos) {
        write_words(out, type, nullable);
    } else if (type == "text" || type == "time" || type.starts_with("text<")) {
        write_text(out, type, nullable);
    } else if (type == "flag") {
        write_plain(out, "boolean", nullable);
    } else if (type == "integer" || type == "number" || type == "object") {
        write_plain(out, type, nullable);
    } else {
        write_reference(out, type, nullable);
    }
}

void write_type(json::Writer& out, std::string_view type, std::string_view text) {
    out.begin_object();
    if (!text.empty()) out.member("description", text);
    write_inside(out, type);
    out.end_object();
}

}  // namespace

std::vector<Member> members_of(const Schema& schema) {
    std::vector<Member> members;
    for (std::string_view line : text::split(schema.members, '\n')) {
        line = text::trim(line);
        if (line.empty()) continue;
        Member member;
        const std::size_t first = line.find(' ');
        member.name = line.substr(0, first);
        const std::string_view rest = text::trim(line.substr(first));
        const std::size_t second = rest.find(' ');
        member.type = rest.substr(0, second);
        if (second != std::string_view::npos) member.text = text::trim(rest.substr(second));
        member.optional = member.name.ends_with('?');
        if (member.optional) member.name.remove_suffix(1);
        members.push_back(member);
    }
    return members;
}

std::span<const Schema> schemas() {
    static const std::vector<Schema> all = [] {
        std::vector<Schema> made;
        table::add_data_schemas(made);
        table::add_object_schemas(made);
        table::add_observe_schemas(made);
        table::add_admin_schemas(made);
        std::ranges::sort(made, {}, &Schema::name);
        return made;
    }();
    return all;
}

const Schema* find_schema(std::string_view name) noexcept {
    for (const Schema& schema : schemas())
        if (schema.name == name) return &schema;
    return nullptr;
}

Bytes json_of(const Schema& schema) {
    if (!schema.raw.empty()) return schema.raw;
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("description", schema.text).member("type", "object");
    const std::vector<Member> members = members_of(schema);
    out.key("required").begin_array();
    for (const Member& member : members)
        if (!member.optional) out.value(member.name);
    out.end_array().key("properties").begin_object();
    for (const Member& member : members) {
        out.key(member.name);
        write_type(out, member.type, member.text);
    }
    out.end_object();
    if (schema.closed) out.member("additionalProperties", false);
    out.end_object();
    return json;
}

}  // namespace anode::api
