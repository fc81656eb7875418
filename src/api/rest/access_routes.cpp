#include "api/rest/access.hpp"
#include "api/rest/rest.hpp"
#include "api/rest/secret_text.hpp"
#include "api/rest/settle.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// `/v1/tokens`, `/v1/tickets`. Connections of a token that has ended are cut by the live side, on every node.
namespace anode::api::rest {

namespace {

Answer list(const Access& access, const Request& request) {
    const auto range = read_range(request);
    if (!range) return refuse(range.error());
    std::vector<Bytes> items;
    std::optional<std::string> next;
    std::string last;
    for (const Token& token : access.tokens()) {
        if (!range->after.empty() && token.id <= range->after) continue;
        if (items.size() == range->limit) {
            next = last;
            break;
        }
        items.push_back(token_json(token));
        last = token.id;
    }
    return page(request, items, next);
}

Answer create(const Context& context, Access& access, const Request& request) {
    if (auto problem = wrong_body_type(request)) return refuse(std::move(*problem));
    auto wanted = read_token(request.body, wall_now());
    if (!wanted) return refuse(std::move(wanted.error()));
    if (request.flag("dry_run")) return Response::json(token_json(*wanted));
    const auto made = access.create(std::move(*wanted), wall_now());
    if (!made) return refuse(made.error());
    audit_change(context->doors.node, request, "token.create", made->token.id, {},
                 fingerprint_of(encode_token(made->token)));
    Response response = Response::json(token_json(made->token, made->text), 201);
    response.headers.emplace_back("Location", "/v1/tokens/" + made->token.id);
    return response;
}

Answer rotate(const Context& context, Access& access, const Request& request) {
    const auto old = access.token(request.param("id"));
    const auto made = access.rotate(request.param("id"), wall_now());
    if (!made) return refuse(made.error());
    audit_change(context->doors.node, request, "token.rotate", made->token.id,
                 old ? fingerprint_of(encode_token(*old)) : std::string(),
                 fingerprint_of(encode_token(made->token)));
    return Response::json(token_json(made->token, made->text));
}

Answer revoke(const Context& context, Access& access, const Request& request) {
    const auto gone = access.revoke(request.param("id"));
    if (!gone) return refuse(gone.error());
    audit_change(context->doors.node, request, "token.revoke", gone->id,
                 fingerprint_of(encode_token(*gone)), {});
    return Response::empty();
}

Answer ticket(Access& access, const Request& request) {
    const auto made = access.issue_ticket(request.caller, wall_now());
    if (!made) return refuse({503, "overloaded", "too many tickets are open", {}, 5000, {}});
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("ticket", made->text);
    out.member("expires", text::rfc3339(made->expires)).end_object();
    return Response::json(std::move(json));
}

}  // namespace

void add_access(Router& router, const Context& context) {
    const std::shared_ptr<Access> access = Access::of(context->doors);
    const auto row = [&](Method method, std::string pattern, Role role, std::string summary,
                         Handler handler, std::vector<std::string> args) {
        router.add({.method = method,
                    .pattern = std::move(pattern),
                    .role = role,
                    .handler = std::move(handler),
                    .run_on = RunOn::Worker,
                    .summary = std::move(summary),
                    .args = std::move(args)});
    };
    const auto change = [&](auto ask) {
        return settling(context->doors.state, [context, access, ask](Request& request) {
            return ask(context, *access, request);
        });
    };
    row(Method::Get, "/v1/tokens", Role::Admin, "All tokens, without their secrets",
        answering([access](Request& request) { return list(*access, request); }),
        {"limit", "after"});
    row(Method::Post, "/v1/tokens", Role::Admin, "Make a token; its secret is shown this once",
        change(create), {"dry_run", "wait", "timeout"});
    row(Method::Delete, "/v1/tokens/{id}", Role::Admin, "Revoke a token", change(revoke),
        {"wait", "timeout"});
    row(Method::Post, "/v1/tokens/{id}:rotate", Role::Admin, "Give a token a new secret",
        change(rotate), {"wait", "timeout"});
    row(Method::Post, "/v1/tickets", Role::Any,
        "A ticket for one connection to this node within 30 s",
        answering([access](Request& request) { return ticket(*access, request); }), {});
}

}  // namespace anode::api::rest
