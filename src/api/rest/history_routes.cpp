#include "api/live/want.hpp"
#include "api/rest/history.hpp"
#include "api/rest/rest.hpp"
#include "runtime/clock.hpp"

/// `/v1/topics/{topic}/messages` and `/v1/messages`.
namespace anode::api::rest {

namespace {

Read<PatternSet> topics_of(const Request& request, std::size_t patterns_max) {
    const std::string_view topic = request.param("topic");
    if (!topic.empty()) {
        if (const auto good = check_topic(topic, true); !good)
            return refuse(Problem::bad_topic(good.error().what));
        if (!request.caller.covers(topic))
            return refuse(Problem::forbidden("the topic is not within your patterns"));
        return *PatternSet::parse(topic);
    }
    auto topics = PatternSet::parse(request.arg("topics").value_or(""), patterns_max);
    if (!topics) return refuse(Problem::bad_topic("topics: " + topics.error().what));
    if (!may_read(request.caller, *topics))
        return refuse(Problem::forbidden("the topics are not within your patterns"));
    return std::move(*topics);
}

void history(const Doors& doors, Request& request, Responder responder) {
    auto topics = topics_of(request, doors.limits.patterns_max);
    if (!topics) return responder.problem(std::move(topics.error()));
    auto ask = read_history(request, std::move(*topics), doors.store, wall_now());
    if (!ask) return responder.problem(std::move(ask.error()));
    answer_history(doors.store, std::move(*ask), request, std::move(responder));
}

}  // namespace

void add_history(Router& router, const Context& context) {
    const auto handler = [context](Request& request, Responder responder) {
        history(context->doors, request, std::move(responder));
    };
    router.add(Method::Get, "/v1/topics/{topic}/messages", handler, RunOn::Worker);
    router.add(Method::Get, "/v1/messages", handler, RunOn::Worker);
}

}  // namespace anode::api::rest
