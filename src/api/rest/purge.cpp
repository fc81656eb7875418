#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "core/message/cursor.hpp"
#include "runtime/clock.hpp"

/// `DELETE /v1/topics/{topic}/messages?before=`.
namespace anode::api::rest {

namespace {

Bytes purged_json(std::string_view topic, WallTime before, bool done) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("topic", topic).member("before", text::rfc3339(before));
    out.member("purged", done).end_object();
    return json;
}

Answer purge(const Doors& doors, const Request& request) {
    const std::string_view topic = request.param("topic");
    if (topic.starts_with('$'))
        return refuse(Problem::forbidden("what the system has told cannot be purged"));
    if (const auto good = check_topic(topic); !good)
        return refuse(Problem::bad_topic(good.error().what));
    if (!request.caller.covers(topic))
        return refuse(Problem::forbidden("the topic is not within your patterns"));
    const auto before = parse_time(request.arg("before").value_or(""), wall_now());
    if (!before) return refuse_member("before", "is required: " + before.error().what);
    if (request.flag("dry_run")) return Response::json(purged_json(topic, *before, false));
    const auto done = doors.store.purge(*PatternSet::parse(topic), *before);
    if (!done) return refuse(Problem::of(done.error()));
    audit(doors.node, request, "topic.purge", topic,
          "\"before\":" + text::json_string(text::rfc3339(*before)));
    return Response::json(purged_json(topic, *before, true));
}

}  // namespace

void add_purge(Router& router, const Context& context) {
    router.add(Method::Delete, "/v1/topics/{topic}/messages",
               answering([context](Request& request) { return purge(context->doors, request); }),
               RunOn::Worker);
}

}  // namespace anode::api::rest
