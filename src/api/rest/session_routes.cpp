#include <openssl/crypto.h>

#include "api/rest/access.hpp"
#include "api/rest/rest.hpp"
#include "api/rest/secret_text.hpp"
#include "api/rest/settle.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// `/v1/session`: signing in and out at the dashboard; `/v1/users`: who may.
namespace anode::api::rest {

namespace {

/// What a sign-in says: a name with a password, or a token.
struct Wish {
    Access::SignIn person;
    std::string token;
    ~Wish() {
        OPENSSL_cleanse(person.password.data(), person.password.size());
        OPENSSL_cleanse(token.data(), token.size());
    }
};

Read<void> read_wish(BytesView body, Wish& wish) {
    json::Document document;
    if (const auto parsed = document.parse(body); !parsed)
        return refuse(Problem::bad_json(parsed.error().what));
    const json::Value root = document.root();
    if (!root.is_object()) return refuse(Problem::invalid("an object is expected"));
    for (json::Value v = root.first(); v; v = v.next_in(root)) {
        std::string* const to = v.is_named("name")       ? &wish.person.name
                                : v.is_named("password") ? &wish.person.password
                                : v.is_named("token")    ? &wish.token
                                                         : nullptr;
        if (to == nullptr) return refuse_member(v.name(), "unknown member");
        if (!v.is_string() || v.string().empty())
            return refuse_member(v.name(), "text is expected");
        *to = v.string();
    }
    const bool person = !wish.person.name.empty() && !wish.person.password.empty();
    if (person == !wish.token.empty())
        return refuse(Problem::invalid("name and password are expected, or a token"));
    return {};
}

Response session_json(const Caller& caller) {
    Bytes json;
    json::Writer out(json);
    std::vector<std::string> topics;
    for (const Pattern& pattern : caller.topics.patterns()) topics.push_back(pattern.text());
    out.begin_object().member("name", caller.name);
    write_grants(out, caller.roles, topics);
    out.member("expires", text::rfc3339(caller.expires)).end_object();
    return Response::json(std::move(json));
}

void audit_sign_in(const Context& context, Request& request, std::string_view name, bool good) {
    request.caller.name = good ? std::string(name) : "anonymous";
    audit(context->doors.node, request, "session.open", text::printable(name),
          good ? "\"outcome\":\"ok\"" : "\"outcome\":\"refused\"");
}

Answer sign_in(const Context& context, Access& access, Request& request) {
    if (auto problem = wrong_body_type(request)) return refuse(std::move(*problem));
    if (access.open())
        return refuse({409, "conflict", "nobody needs to sign in at this node", {}, {}, {}});
    Wish wish;
    auto read = read_wish(request.body, wish);
    OPENSSL_cleanse(request.body.data(), request.body.size());
    if (!read) return refuse(std::move(read.error()));
    wish.person.peer = request.peer;
    const std::string name = wish.token.empty() ? wish.person.name : "token";
    auto signed_in = wish.token.empty()
                         ? access.sign_in(wish.person, wall_now(), monotonic_now())
                         : access.sign_in_with_token(wish.token, request.peer, wall_now());
    if (!signed_in) {
        // Who is turned away for trying too often is not written down each time: it would fill the audit.
        if (signed_in.error().status == 401) audit_sign_in(context, request, name, false);
        return refuse(std::move(signed_in.error()));
    }
    audit_sign_in(context, request, signed_in->caller.name, true);
    Response response = session_json(signed_in->caller);
    response.headers.emplace_back("Set-Cookie", set_cookie(signed_in->secret));
    response.compressible = false;
    return response;
}

Answer sign_out(const Context& context, Access& access, Request& request) {
    const auto secret = session_cookie(request);
    if (secret && access.sign_out(*secret))
        audit(context->doors.node, request, "session.close", request.caller.name);
    Response response = Response::empty();
    response.headers.emplace_back("Set-Cookie", set_cookie({}));
    return response;
}

Answer list_users(const Access& access, const Request& request) {
    const auto range = read_range(request);
    if (!range) return refuse(range.error());
    std::vector<Bytes> items;
    std::string last;
    for (const User& user : access.users()) {
        if (!range->after.empty() && user.name <= range->after) continue;
        if (items.size() == range->limit) return page(request, items, last);
        items.push_back(user_json(user));
        last = user.name;
    }
    return page(request, items, std::nullopt);
}

/// PUT makes one or replaces one as a whole; PATCH changes what is named.
Answer write_user(const Context& context, Access& access, Request& request) {
    const bool patch = request.method == Method::Patch;
    if (auto problem = wrong_body_type(request, patch)) return refuse(std::move(*problem));
    const std::string name(request.param("name"));
    const auto old = access.user(name);
    if (patch && !old) return refuse(Problem::not_found("no user of this name"));
    auto wish = read_user(name, request.body, patch ? &*old : nullptr);
    OPENSSL_cleanse(request.body.data(), request.body.size());
    if (!wish) return refuse(std::move(wish.error()));
    if (request.flag("dry_run")) return Response::json(user_json(wish->user));
    const auto kept = access.put_user(std::move(*wish), wall_now());
    if (!kept) return refuse(kept.error());
    audit_change(context->doors.node, request, old ? "user.change" : "user.create", name,
                 old ? fingerprint_of(encode_user(*old)) : std::string(),
                 fingerprint_of(encode_user(*kept)));
    return Response::json(user_json(*kept), old ? 200 : 201);
}

Answer remove_user(const Context& context, Access& access, Request& request) {
    const auto gone = access.remove_user(request.param("name"));
    if (!gone) return refuse(gone.error());
    audit_change(context->doors.node, request, "user.remove", gone->name,
                 fingerprint_of(encode_user(*gone)), {});
    return Response::empty();
}

}  // namespace

void add_sessions(Router& router, const Context& context) {
    const std::shared_ptr<Access> access = Access::of(context->doors);
    const auto row = [&](Method method, std::string pattern, Role role, std::string summary,
                         Handler handler, std::vector<std::string> args = {}) {
        router.add({.method = method,
                    .pattern = std::move(pattern),
                    .role = role,
                    .handler = std::move(handler),
                    .run_on = RunOn::Worker,
                    .summary = std::move(summary),
                    .args = std::move(args),
                    .body_bytes_max = 16 << 10});
    };
    const auto plain = [&](auto ask) {
        return answering(
            [context, access, ask](Request& request) { return ask(context, *access, request); });
    };
    const auto change = [&](auto ask) {
        return settling(context->doors.state, [context, access, ask](Request& request) {
            return ask(context, *access, request);
        });
    };
    row(Method::Post, "/v1/session", Role::None,
        "Sign in with name and password, or a token; the answer sets a cookie", plain(sign_in));
    row(Method::Delete, "/v1/session", Role::None, "Sign out", plain(sign_out));
    row(Method::Get, "/v1/users", Role::Admin, "People who may sign in, without their passwords",
        answering([access](Request& request) { return list_users(*access, request); }),
        {"limit", "after"});
    row(Method::Put, "/v1/users/{name}", Role::Admin, "Make or replace a user", change(write_user),
        {"dry_run", "wait", "timeout"});
    row(Method::Patch, "/v1/users/{name}", Role::Admin, "Change a user: password, roles or topics",
        change(write_user), {"dry_run", "wait", "timeout"});
    row(Method::Delete, "/v1/users/{name}", Role::Admin, "Remove a user; their sessions end",
        change(remove_user), {"wait", "timeout"});
}

}  // namespace anode::api::rest
