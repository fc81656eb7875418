#include "api/rest/users.hpp"

#include <algorithm>

#include "api/rest/access.hpp"
#include "api/rest/password.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

namespace anode::api::rest {

namespace {

constexpr std::size_t kNameBytesMax = 64;

bool is_user_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-' || c == '@';
    });
}

void write_user(json::Writer& out, const User& user) {
    out.member("name", user.name);
    write_grants(out, user.roles, user.topics);
}

}  // namespace

Read<UserWish> read_user(std::string_view name, BytesView json, const User* old) {
    if (!is_user_name(name))
        return refuse_member("name", "1 to 64 of a-z 0-9 . _ - @ are expected");
    json::Document document;
    if (const auto parsed = document.parse(json); !parsed)
        return refuse(Problem::bad_json(parsed.error().what));
    const json::Value root = document.root();
    if (!root.is_object()) return refuse(Problem::invalid("an object is expected"));
    UserWish wish;
    if (old != nullptr) wish.user = *old;
    wish.user.name = name;
    for (json::Value v = root.first(); v; v = v.next_in(root)) {
        if (v.is_named("password")) {
            wish.password = v.string();
            const std::size_t size = wish.password->size();
            if (!v.is_string() || size < password::kBytesMin || size > password::kBytesMax)
                return refuse_member("password", "10 to 1,024 bytes are expected");
        } else if (v.is_named("roles")) {
            auto roles = read_roles(v);
            if (!roles) return refuse(std::move(roles.error()));
            wish.user.roles = *roles;
        } else if (v.is_named("topics")) {
            auto topics = read_topics(v);
            if (!topics) return refuse(std::move(topics.error()));
            wish.user.topics = std::move(*topics);
        } else if (!v.is_named("name") || v.string() != name) {
            return refuse_member(v.name(), v.is_named("name") ? "is another name than the path's"
                                                              : "unknown member");
        }
    }
    if (old == nullptr && !wish.password) return refuse_member("password", "is required");
    if (wish.user.roles == 0) return refuse_member("roles", "is required");
    if (needs_topics(wish.user.roles) && wish.user.topics.empty())
        return refuse_member("topics", "is required for the roles S and P");
    return wish;
}

Bytes user_json(const User& user) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    write_user(out, user);
    out.member("changed", text::rfc3339(user.changed)).end_object();
    return json;
}

Bytes encode_user(const User& user) {
    Bytes json;
    json::Writer out(json);
    out.begin_object();
    write_user(out, user);
    out.member("changed", user.changed).member("password", user.password).end_object();
    return json;
}

std::optional<User> decode_user(BytesView record) {
    json::Document document;
    if (!document.parse(record)) return std::nullopt;
    const json::Value root = document.root();
    User user;
    user.name = root["name"].string();
    user.password = root["password"].string();
    user.changed = root["changed"].integer().value_or(0);
    const auto roles = read_roles(root["roles"]);
    auto topics = read_topics(root["topics"]);
    if (!roles || !topics || user.name.empty() || user.password.empty()) return std::nullopt;
    user.roles = *roles;
    user.topics = std::move(*topics);
    return user;
}

Caller caller_of(const User& user) { return caller_with(user.name, user.roles, user.topics); }

}  // namespace anode::api::rest
