#include "api/rest/forward_capture.hpp"

#include <utility>

#include "base/log.hpp"

namespace anode::api::rest {

CapturedExchange::CapturedExchange(Request asked, Done done)
    : Exchange(nullptr, {}), done_(std::move(done)) {
    request = std::move(asked);
    request.head = nullptr;  // it belongs to a connection
}

void CapturedExchange::finish(ForwardedAnswer answer) {
    if (claim()) std::exchange(done_, nullptr)(std::move(answer));
}

void CapturedExchange::send(Response response) {
    if (response.body.size() > kForwardedAnswerMax)
        return problem(Problem::too_large("the answer is too large to be sent between nodes"));
    finish({response.status, std::move(response.content_type), std::move(response.etag),
            std::move(response.headers), std::move(response.body)});
}

void CapturedExchange::problem(Problem problem) { finish(answer_of(problem, request.id)); }

void CapturedExchange::stream(Response, BodyProducer) {
    problem(Problem::bad_request("a stream is not sent between nodes"));
}

void CapturedExchange::detach(Bytes, Responder::Taker) {
    problem(Problem::bad_request("a connection cannot be upgraded by way of another node"));
}

void capture(const Handler& handler, Request request, CapturedExchange::Done done) {
    const auto exchange = std::make_shared<CapturedExchange>(std::move(request), std::move(done));
    try {
        handler(exchange->request, Responder(exchange));
    } catch (const std::exception& error) {
        log::error("http", "a handler failed",
                   {{"route", exchange->request.route},
                    {"req", exchange->request.id},
                    {"err", error.what()}});
        exchange->problem(Problem::internal("see the log under this request's id"));
    }
}

ForwardedAnswer answer_of(const Problem& problem, std::string_view request_id) {
    ForwardedAnswer answer;
    answer.status = problem.status;
    answer.content_type = "application/problem+json";
    answer.headers = problem.headers;
    if (problem.retry_ms && (problem.status == 429 || problem.status == 503))
        answer.headers.emplace_back("Retry-After",
                                    std::to_string((*problem.retry_ms + 999) / 1000));
    answer.body = problem.json(request_id);
    return answer;
}

}  // namespace anode::api::rest
