#include <new>
#include <utility>

#include "api/http/rates.hpp"
#include "api/http/workers.hpp"
#include "api/rest/publish_body.hpp"
#include "api/rest/rest.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "core/json/json.hpp"
#include "runtime/clock.hpp"

/// `POST /v1/topics/{topic}/messages`. Source: interfaces, section 8.
namespace anode::api::rest {

namespace {

/// Bodies above this are read on a thread of their own, so that no loop stands still meanwhile.
constexpr std::size_t kBodyOnLoopMax = 128 << 10;
constexpr std::size_t kIdempotencyKeyMax = 255;

Read<AckLevel> read_level(const Doors& doors, const Request& request) {
    const auto text = request.arg("ack");
    if (!text) return doors.publishing.default_level();
    const auto level = AckLevel::parse(*text);
    if (!level) return refuse_member("ack", "received, disk or copies:N is expected");
    return *level;
}

Read<std::string> read_idempotency_key(const Request& request) {
    const auto key = request.header("idempotency-key");
    if (!key) return std::string();
    if (key->empty() || key->size() > kIdempotencyKeyMax)
        return refuse(Problem::bad_request("Idempotency-Key has 1 to 255 bytes"));
    return std::string(*key);
}

void append_rejected(Bytes& out, const std::vector<Rejected>& rejected) {
    out += "\"rejected\":[";
    for (const Rejected& one : rejected) {
        if (out.back() != '[') out += ',';
        out += "{\"line\":";
        text::append_u64(out, one.line);
        out += ",\"code\":";
        text::append_json_string(out, one.code);
        out += ",\"detail\":";
        text::append_json_string(out, one.detail);
        out += '}';
    }
    out += ']';
}

Bytes answer_json(std::size_t accepted, const std::vector<Rejected>& rejected,
                  const MessageId* last, AckLevel level) {
    Bytes json = "{\"accepted\":";
    text::append_u64(json, accepted);
    json += ',';
    append_rejected(json, rejected);
    json += ",\"last\":";
    if (last)
        json.append("\"").append(last->text()).append("\"");
    else
        json += "null";
    json.append(",\"ack\":\"").append(level.text()).append("\"}");
    return json;
}

Problem publish_problem(const Error& error) {
    if (error.code == Errc::Conflict) return {422, "key-reused", error.what, {}, {}, {}};
    return Problem::of(error);
}

void hand_over(const Doors& doors, Request& request, Batch batch, AckLevel level, std::string key,
               Responder responder) {
    PublishRequest publish;
    publish.level = level;
    publish.idempotency_key = std::move(key);
    if (!publish.idempotency_key.empty())
        publish.body_hash = hash128(request.body, hash64(request.content_type));
    publish.items = std::move(batch.items);
    doors.publishing.publish(std::move(publish), [rejected = std::move(batch.rejected),
                                                  responder = std::move(responder)](
                                                     Result<PublishResult> result) mutable {
        if (!result) return responder.problem(publish_problem(result.error()));
        const MessageId* last = result->ids.empty() ? nullptr : &result->ids.back();
        send_from_node(
            std::move(responder),
            Response::json(answer_json(result->ids.size(), rejected, last, result->level)));
    });
}

/// Counts the messages against their publisher.
std::optional<Problem> too_fast(const Doors& doors, const Request& request, std::size_t count) {
    if (doors.rates == nullptr || request.peer == "unix" || count == 0) return std::nullopt;
    const std::string who = rate_key(request.caller, request.peer);
    const auto verdict = doors.rates->take(RateLimits::What::Messages, who, count, monotonic_now());
    if (verdict.admitted) return std::nullopt;
    return too_many("messages", verdict.retry_after);
}

void publish(const Doors& doors, Request& request, Responder responder) {
    const std::string_view topic = request.param("topic");
    if (auto problem = refuse_topic(request.caller, topic))
        return responder.problem(std::move(*problem));
    auto level = read_level(doors, request);
    if (!level) return responder.problem(std::move(level.error()));
    if (level->copies > doors.publishing.nodes())
        return responder.problem(
            {503, "not-ready", "fewer nodes are alive than copies are asked for", {}, 5000, {}});
    auto key = read_idempotency_key(request);
    if (!key) return responder.problem(std::move(key.error()));
    auto batch = read_batch(request, topic);
    if (!batch) return responder.problem(std::move(batch.error()));
    const bool dry_run = request.flag("dry_run");
    if (!dry_run)
        if (auto problem = too_fast(doors, request, batch->items.size()))
            return responder.problem(std::move(*problem));
    if (batch->items.empty() || dry_run) {
        const int status = batch->items.empty() ? 422 : 200;
        return responder.send(Response::json(
            answer_json(batch->items.size(), batch->rejected, nullptr, *level), status));
    }
    hand_over(doors, request, std::move(*batch), *level, std::move(*key), std::move(responder));
}

/// The same on the thread for large bodies.
void read_aside(const Context& context, Workers& workers, Request& request, Responder responder) {
    const auto kept = std::make_shared<Responder>(std::move(responder));
    const bool queued = workers.run([context, &request, kept] {
        try {
            publish(context->doors, request, std::move(*kept));
        } catch (const std::bad_alloc&) {  // the answer is that of a dropped request
            log::error("http", "no memory for a large body", {{"topic", request.param("topic")}});
        }
    });
    if (!queued)
        kept->problem({503, "overloaded", "too many large bodies wait to be read", {}, 1000, {}});
}

}  // namespace

void add_publish(Router& router, const Context& context) {
    const auto workers = std::make_shared<Workers>(1, 64);
    router.add(Method::Post, "/v1/topics/{topic}/messages",
               [context, workers](Request& request, Responder responder) {
                   if (request.body.size() <= kBodyOnLoopMax)
                       return publish(context->doors, request, std::move(responder));
                   read_aside(context, *workers, request, std::move(responder));
               });
}

}  // namespace anode::api::rest
