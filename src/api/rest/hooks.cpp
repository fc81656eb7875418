#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

/// `POST /v1/in/{source}`: what others push. Source: interfaces, section 8.
namespace anode::api::rest {

namespace {

Bytes taken_json(const PublishResult& result) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("accepted", static_cast<std::uint64_t>(result.ids.size()));
    out.key("rejected").begin_array().end_array().key("last");
    if (result.ids.empty())
        out.null();
    else
        out.value(result.ids.back().text());
    out.member("ack", result.level.text()).end_object();
    return json;
}

void push(const Doors& doors, Request& request, Responder responder) {
    Publishing::Push push;
    push.source = request.param("source");
    push.headers = request.headers;
    push.body = std::move(request.body);
    doors.publishing.push(std::move(push),
                          [responder = std::move(responder)](Result<PublishResult> result) mutable {
                              if (!result) return responder.problem(Problem::of(result.error()));
                              responder.json(taken_json(*result));
                          });
}

/// A caller without credential is let in where the source itself checks a signature.
void push_if_signed(const Context& context, Request& request, Responder responder) {
    context->doors.sources.get(
        std::string(request.param("source")),
        [context, &request, responder = std::move(responder)](Outcome<Object> source) mutable {
            json::Document document;
            const bool verifies =
                source && document.parse(source->json) && document.root()["verify"].is_object();
            if (verifies) return push(context->doors, request, std::move(responder));
            Problem problem{401, "unauthenticated", "a token or a signed source is needed", {}, {},
                            {}};
            problem.headers.emplace_back("WWW-Authenticate", "Bearer");
            responder.problem(std::move(problem));
        });
}

}  // namespace

void add_hooks(Router& router, const Context& context) {
    router.add(Method::Post, "/v1/in/{source}", [context](Request& request, Responder responder) {
        if (request.caller.may(Role::Publisher))
            push(context->doors, request, std::move(responder));
        else
            push_if_signed(context, request, std::move(responder));
    });
}

}  // namespace anode::api::rest
