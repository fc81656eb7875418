#include <algorithm>

#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"

/// `/v1/listeners`: who is connected, and cutting them off.
namespace anode::api::rest {

namespace {

Bytes listener_json(const ListenerInfo& one, std::string_view node) {
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("id", one.id).member("node", node);
    out.member("transport", one.transport).member("address", one.address);
    out.member("identity", one.identity).key("topics").begin_array();
    for (const std::string& topic : one.topics) out.value(topic);
    out.end_array().member("mode", one.mode).member("queue_bytes", one.queue_bytes);
    out.member("lag", one.lag).member("catching_up", one.catching_up).member("sent", one.sent);
    out.member("skipped", one.skipped).member("conflated", one.conflated).member("gaps", one.gaps);
    out.member("since", text::rfc3339(one.since)).end_object();
    return json;
}

Answer list(const RouteContext& context, const Request& request) {
    const auto range = read_range(request);
    if (!range) return refuse(range.error());
    auto all = context.listeners.snapshot();
    std::ranges::sort(all, {}, &ListenerInfo::id);
    const auto transport = request.arg("transport"), identity = request.arg("identity");
    std::vector<Bytes> items;
    std::optional<std::string> next;
    std::string_view last;
    for (const ListenerInfo& one : all) {
        if (one.id <= range->after && !range->after.empty()) continue;
        if (transport && one.transport != *transport) continue;
        if (identity && one.identity != *identity) continue;
        if (items.size() == range->limit) {
            next = last;
            break;
        }
        items.push_back(listener_json(one, context.doors.node.facts().id_text));
        last = one.id;
    }
    return page(request, items, next);
}

Answer one_listener(const RouteContext& context, std::string_view id) {
    for (const ListenerInfo& one : context.listeners.snapshot())
        if (one.id == id)
            return Response::json(listener_json(one, context.doors.node.facts().id_text));
    return refuse(Problem::not_found("no listener of this id"));
}

Answer cut(const RouteContext& context, const Request& request) {
    const std::string_view id = request.param("id");
    if (request.flag("dry_run")) return one_listener(context, id);
    if (!context.listeners.cut(id)) return refuse(Problem::not_found("no listener of this id"));
    audit(context.doors.node, request, "listener.cut", id);
    return Response::empty();
}

}  // namespace

void add_listeners(Router& router, const Context& context) {
    router.add(Method::Get, "/v1/listeners",
               answering([context](Request& request) { return list(*context, request); }),
               RunOn::Worker);
    router.add(Method::Delete, "/v1/listeners/{id}",
               answering([context](Request& request) { return cut(*context, request); }),
               RunOn::Worker);
}

}  // namespace anode::api::rest
