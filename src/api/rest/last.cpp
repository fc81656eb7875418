#include "api/rest/history.hpp"
#include "api/rest/rest.hpp"

/// `GET /v1/topics/{topic}/last`: the newest message of each key.
namespace anode::api::rest {

namespace {

constexpr std::size_t kKeysMax = 1000;

/// The id of the newest message: it changes when any key gets a new value.
std::string newest_id(const std::vector<Found>& found) {
    MessageId newest;
    for (const Found& one : found)
        newest = std::max(newest, one.block->entry(one.index).id(one.block->log().node));
    return found.empty() ? std::string() : newest.text();
}

Answer last(const Doors& doors, const Request& request) {
    const std::string_view topic = request.param("topic");
    if (const auto good = check_topic(topic, true); !good)
        return refuse(Problem::bad_topic(good.error().what));
    if (!request.caller.covers(topic))
        return refuse(Problem::forbidden("the topic is not within your patterns"));
    const auto range = read_range(request);
    if (!range) return refuse(range.error());
    const std::size_t limit = request.arg("limit") ? range->limit : kKeysMax;
    const auto found = doors.store.last(*PatternSet::parse(topic), limit);
    if (!found) return refuse(Problem::of(found.error()));
    const std::string etag = newest_id(*found);
    Response response = Response::json({});
    if (etag.empty() || !request.none_match(etag)) {
        Bytes joined;
        for (const Found& one : *found) {
            if (!joined.empty()) joined += ',';
            append_item(joined, one, doors.store.tag(), {});
        }
        response = page_of(request, std::move(joined), std::nullopt);
    }
    response.etag = etag;
    response.cache_control = "no-cache";
    return response;
}

}  // namespace

void add_last(Router& router, const Context& context) {
    router.add(Method::Get, "/v1/topics/{topic}/last",
               answering([context](Request& request) { return last(context->doors, request); }),
               RunOn::Worker);
}

}  // namespace anode::api::rest
