#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "core/json/json.hpp"
#include "store/store.hpp"

/// Build and caller: `/v1/version`, `/v1/whoami`.
namespace anode::api::rest {

namespace {

Bytes version_json() {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("name", "anode").member("version", kVersion);
    out.member("wire", 1).member("disk", kDiskVersion);
    out.key("api").begin_array().value("v1").end_array();
    out.key("protocols").begin_array().value("anode.v1").end_array();
    out.key("formats").begin_array().value("envelope").value("data").value("cloudevents");
    out.end_array().key("transports").begin_array();
    out.value("websocket").value("sse").value("ndjson").end_array().end_object();
    return json;
}

Bytes whoami_json(const Caller& caller) {
    struct Letter {
        Role role;
        std::string_view text;
    };
    constexpr Letter kLetters[] = {{Role::Viewer, "V"},
                                   {Role::Subscriber, "S"},
                                   {Role::Publisher, "P"},
                                   {Role::Operator, "O"},
                                   {Role::Admin, "A"}};
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("name", caller.name).member("authenticated", caller.authenticated);
    out.key("roles").begin_array();
    for (const Letter& letter : kLetters)
        if ((caller.roles & 1U << static_cast<unsigned>(letter.role)) != 0) out.value(letter.text);
    out.end_array().key("topics").begin_array();
    if (caller.all_topics) out.value(">");
    for (const Pattern& pattern : caller.topics.patterns()) out.value(pattern.text());
    out.end_array().key("expires");
    if (caller.expires == 0)
        out.null();
    else
        out.value(text::rfc3339(caller.expires));
    out.end_object();
    return json;
}

}  // namespace

void add_about(Router& router, const Context&) {
    router.add(Method::Get, "/v1/version",
               answering([](Request&) -> Answer { return Response::json(version_json()); }));
    router.add(Method::Get, "/v1/whoami", answering([](Request& request) -> Answer {
                   return Response::json(whoami_json(request.caller));
               }));
}

}  // namespace anode::api::rest
