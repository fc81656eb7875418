#include "api/rest/answer.hpp"
#include "api/rest/rest.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// `/v1/storage`, `:compact`, `:verify`.
namespace anode::api::rest {

namespace {

constexpr Duration kVerifyPatience = 20s;
constexpr std::size_t kVerifyStep = 8 << 20;

Bytes storage_json(const Doors& doors) {
    const StoreStats stats = doors.store.stats();
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("node", doors.node.facts().id_text).member("engine", "rocksdb");
    out.member("bytes", stats.bytes).member("pending_bytes", stats.pending_bytes);
    out.member("queued_bytes", doors.store.queued_bytes()).member("messages", stats.messages);
    out.member("topics", stats.topics).member("blocks", stats.blocks);
    out.member("segments", stats.segments).member("quarantined", stats.quarantined);
    out.key("oldest");
    if (stats.oldest_ts != 0)
        out.value(text::rfc3339(stats.oldest_ts));
    else
        out.null();
    out.key("disk").begin_object().member("free", stats.disk_free);
    out.member("total", stats.disk_total).member("full", stats.full).end_object().end_object();
    return json;
}

Answer compact(const Doors& doors, const Request& request) {
    const std::uint64_t before = doors.store.stats().bytes;
    if (!request.flag("dry_run")) {
        if (const auto done = doors.store.compact(); !done)
            return refuse(Problem::of(done.error()));
        audit(doors.node, request, "storage.compact", doors.node.facts().id_text);
    }
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("bytes_before", before);
    out.member("bytes_after", doors.store.stats().bytes).end_object();
    return Response::json(std::move(json));
}

/// Reads blocks back and checks their sums, for some seconds; `next` tells where to go on.
Answer verify(const Doors& doors, const Request& request) {
    Arrival after = doors.store.oldest();
    if (after.value > 0) --after.value;
    if (const auto from = request.arg("after")) {
        const auto number = text::parse_u64(*from);
        if (!number) return refuse_member("after", "the `next` of an earlier answer is expected");
        after.value = *number;
    }
    std::uint64_t blocks = 0, messages = 0;
    bool ended = false;
    for (const Instant until = monotonic_now() + kVerifyPatience;
         !ended && monotonic_now() < until;) {
        const auto read = doors.store.blocks(after, kVerifyStep);
        if (!read) return refuse(Problem::of(read.error()));
        for (const BlockPtr& block : *read) {
            ++blocks;
            messages += block->count();
            after = block->last_arrival();
        }
        ended = read->empty();
    }
    Bytes json;
    json::Writer out(json);
    out.begin_object().member("blocks", blocks).member("messages", messages);
    out.member("quarantined", doors.store.stats().quarantined).key("next");
    if (ended)
        out.null();
    else
        out.value(std::to_string(after.value));
    out.end_object();
    return Response::json(std::move(json));
}

}  // namespace

void add_storage(Router& router, const Context& context) {
    router.add(Method::Get, "/v1/storage", answering([context](Request&) {
                   return Response::json(storage_json(context->doors));
               }),
               RunOn::Worker);
    router.add(Method::Post, "/v1/storage:compact",
               answering([context](Request& request) { return compact(context->doors, request); }),
               RunOn::Worker);
    router.add(Method::Post, "/v1/storage:verify",
               answering([context](Request& request) { return verify(context->doors, request); }),
               RunOn::Worker);
}

}  // namespace anode::api::rest
