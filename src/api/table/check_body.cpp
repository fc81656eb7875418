#include <algorithm>

#include "api/table/operation.hpp"
#include "api/table/schema.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api {

namespace {

/// A part of a JSON pointer (RFC 6901).
std::string escaped(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c == '~' || c == '/')
            out.append(c == '~' ? "~0" : "~1");
        else
            out += c;
    }
    return out;
}

Problem wrong(const std::string& pointer, std::string_view code, std::string detail) {
    Problem problem = Problem::invalid(pointer + ": " + detail);
    problem.errors.push_back({pointer, std::string(code), std::move(detail)});
    return problem;
}

/// What the type asks for, if the value is something else. Sizes and grammars are left to those who read it.
std::string_view complaint(std::string_view type, const json::Value& value) {
    if (type.ends_with('?') && value.is_null()) return {};
    if (type.ends_with('?')) type.remove_suffix(1);
    if (type.starts_with('[')) return value.is_array() ? std::string_view() : "a list is expected";
    if (type == "flag") return value.is_bool() ? std::string_view() : "true or false is expected";
    if (type == "integer")
        return value.integer() && value.is_number() ? std::string_view()
                                                    : "a whole number is expected";
    if (type == "text" || type == "time" || type.starts_with("text<"))
        return value.is_string() ? std::string_view() : "a text is expected";
    return {};
}

std::optional<Problem> wrong_members(const Schema& schema, const json::Value& root) {
    const std::vector<Member> members = members_of(schema);
    for (json::Value value = root.first(); value; value = value.next_in(root)) {
        const std::string name = value.name();
        const auto member = std::ranges::find(members, name, &Member::name);
        if (member == members.end()) return wrong("/" + escaped(name), "unknown", "unknown member");
        if (const auto detail = complaint(member->type, value); !detail.empty())
            return wrong("/" + name, "invalid", std::string(detail));
    }
    for (const Member& member : members)
        if (!member.optional && !root.find(member.name))
            return wrong("/" + std::string(member.name), "invalid", "is required");
    return std::nullopt;
}

const BodyForm* form_of(const Operation& operation, std::string_view type) {
    for (const BodyForm& form : operation.bodies)
        if (type.empty() || form.media_type == type || form.media_type == "*/*") return &form;
    return nullptr;
}

}  // namespace

std::optional<Problem> wrong_body(const Operation& operation, const Request& request) {
    if (operation.bodies.empty()) return std::nullopt;
    const BodyForm* form = form_of(operation, request.content_type);
    const bool none = request.body.empty();
    if (form == nullptr && !none) {
        std::string known;
        for (const BodyForm& one : operation.bodies)
            known.append(known.empty() ? "" : ", ").append(one.media_type);
        return Problem::media_type("the body must be " + known + ", not " +
                                   text::printable(request.content_type));
    }
    if (form == nullptr || !form->media_type.ends_with("json")) return std::nullopt;
    const Schema* schema = find_schema(form->schema);
    if (schema == nullptr || !schema->closed) return std::nullopt;
    if (none)
        return operation.body_required ? std::optional(wrong("", "invalid", "a body is required"))
                                       : std::nullopt;
    json::Document document;
    if (const auto parsed = document.parse(request.body); !parsed)
        return parsed.error().code == Errc::TooDeep
                   ? Problem{422, "too-deep", parsed.error().what, {}, {}, {}}
                   : Problem::bad_json(parsed.error().what);
    if (!document.root().is_object()) return wrong("", "invalid", "an object is expected");
    return wrong_members(*schema, document.root());
}

}  // namespace anode::api
