#include "api/http/response.hpp"

#include <array>

#include "api/http/exchange.hpp"
#include "core/json/json.hpp"

namespace anode::api {

namespace {

struct Named {
    std::string_view code, title;
};
constexpr std::array kTitles{
    Named{"bad-request", "Request is malformed"},
    Named{"bad-json", "Text is not valid JSON"},
    Named{"bad-topic", "Topic or pattern is not valid"},
    Named{"bad-cursor", "Cursor is not valid"},
    Named{"invalid", "Request is invalid"},
    Named{"key-reused", "Idempotency key was used for another body"},
    Named{"address-blocked", "Address may not be reached"},
    Named{"too-deep", "JSON is nested too deeply"},
    Named{"unauthenticated", "Credential is missing or wrong"},
    Named{"token-expired", "Token has expired"},
    Named{"forbidden", "Not allowed"},
    Named{"origin-refused", "Origin is not allowed"},
    Named{"not-found", "Not found"},
    Named{"method", "Method is not allowed here"},
    Named{"not-acceptable", "No acceptable form of the answer"},
    Named{"media-type", "Media type or encoding is not supported"},
    Named{"exists", "Exists already"},
    Named{"conflict", "State does not allow this"},
    Named{"not-owner", "Another node owns this"},
    Named{"cursor-too-old", "Cursor is older than what is kept"},
    Named{"stale-version", "Version is stale"},
    Named{"timeout", "Request took too long"},
    Named{"too-large", "Too large"},
    Named{"headers-too-large", "Request head is too large"},
    Named{"rate-limited", "Too many requests"},
    Named{"too-many-connections", "Too many connections"},
    Named{"overloaded", "Overloaded"},
    Named{"draining", "Node is about to leave"},
    Named{"not-ready", "Node is not ready"},
    Named{"store-unavailable", "Store is not available"},
    Named{"store-full", "Store is full"},
    Named{"internal", "Internal error"},
    Named{"peer-failed", "Another node failed"},
    Named{"peer-timeout", "Another node did not answer in time"},
};

Problem of_code(int status, std::string_view code, std::string detail) {
    Problem problem;
    problem.status = status;
    problem.code = code;
    problem.detail = std::move(detail);
    if (status == 503 || status == 429) problem.retry_ms = 1000;
    return problem;
}

}  // namespace

std::string_view Problem::title() const noexcept {
    for (const Named& named : kTitles)
        if (named.code == code) return named.title;
    return "Request failed";
}

Bytes Problem::json(std::string_view request_id) const {
    Bytes out;
    json::Writer writer(out);
    writer.begin_object();
    writer.member("type", "urn:anode:problem:" + code);
    writer.member("title", title()).member("status", status).member("code", code);
    writer.member("detail", detail).member("instance", request_id);
    writer.key("errors").begin_array();
    for (const ObjectError& error : errors) {
        writer.begin_object().member("pointer", error.pointer).member("code", error.code);
        writer.member("detail", error.detail).end_object();
    }
    writer.end_array().key("retry_ms");
    if (retry_ms)
        writer.value(*retry_ms);
    else
        writer.null();
    writer.end_object();
    return out;
}

Problem Problem::of(const Error& error) {
    switch (error.code) {
        case Errc::Truncated:
        case Errc::Malformed:
            return of_code(400, "bad-request", error.what);
        case Errc::TooLarge:
            return of_code(413, "too-large", error.what);
        case Errc::TooDeep:
            return of_code(422, "too-deep", error.what);
        case Errc::Unsupported:
            return of_code(422, "invalid", error.what);
        case Errc::Refused:
            return of_code(403, "forbidden", error.what);
        case Errc::NotFound:
            return of_code(404, "not-found", error.what);
        case Errc::Exists:
            return of_code(409, "exists", error.what);
        case Errc::Conflict:
            return of_code(409, "conflict", error.what);
        case Errc::Closed:
            return of_code(503, "draining", error.what);
        case Errc::Overloaded:
            return of_code(503, "overloaded", error.what);
        case Errc::NoSpace:
            return of_code(507, "store-full", error.what);
        case Errc::Corrupt:
        case Errc::Io:
            return of_code(503, "store-unavailable", error.what);
        case Errc::Timeout:
            return of_code(504, "peer-timeout", error.what);
        case Errc::Internal:
            break;
    }
    return of_code(500, "internal", "see the log under this request's id");
}

Problem Problem::of(const Failure& failure) {
    Problem problem;
    switch (failure.why) {
        case Failure::Why::NotFound:
            problem = of_code(404, "not-found", failure.detail);
            break;
        case Failure::Why::Exists:
            problem = of_code(409, "exists", failure.detail);
            break;
        case Failure::Why::Invalid:
            problem = of_code(422, "invalid", failure.detail);
            break;
        case Failure::Why::AddressBlocked:
            problem = of_code(422, "address-blocked", failure.detail);
            break;
        case Failure::Why::Stale:
            problem = of_code(412, "stale-version", failure.detail);
            break;
        case Failure::Why::ReadOnly:
            problem = of_code(409, "conflict", failure.detail);
            break;
        case Failure::Why::TooLarge:
            problem = of_code(413, "too-large", failure.detail);
            break;
        case Failure::Why::RateLimited:
            problem = of_code(429, "rate-limited", failure.detail);
            break;
        case Failure::Why::Unavailable:
            problem = of_code(503, "store-unavailable", failure.detail);
            break;
    }
    problem.errors = failure.errors;
    return problem;
}

Response Response::json(Bytes body, int status) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

Response Response::text(std::string body, int status) {
    Response response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::move(body);
    return response;
}

Response Response::empty(int status) {
    Response response;
    response.status = status;
    response.content_type.clear();
    return response;
}

Responder::Responder(std::shared_ptr<Exchange> exchange) noexcept
    : exchange_(std::move(exchange)) {}

Responder::~Responder() {
    if (exchange_ && !exchange_->answered())
        exchange_->problem(Problem::internal("the request was dropped"));
}

void Responder::send(Response response) { exchange_->send(std::move(response)); }
void Responder::problem(Problem problem) { exchange_->problem(std::move(problem)); }
void Responder::stream(Response head, BodyProducer producer) {
    exchange_->stream(std::move(head), std::move(producer));
}
void Responder::detach(Bytes head, Taker taker) {
    exchange_->detach(std::move(head), std::move(taker));
}
void Responder::post(std::move_only_function<void()> work) { exchange_->post(std::move(work)); }
bool Responder::alive() const noexcept { return exchange_->alive(); }

}  // namespace anode::api
