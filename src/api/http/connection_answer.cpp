// The part of a connection that writes answers.
#include <cstdio>
#include <utility>

#include "api/http/connection.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace anode::api {

namespace {

constexpr std::size_t kProduceBelow = 64 << 10;
constexpr Duration kWriteWaitAfterLast = 30s;

/// The Date header, made once a second.
const std::string& date_header(WallTime now) {
    thread_local WallTime second = 0;
    thread_local std::string text;
    if (now / 1'000'000 != second) {
        second = now / 1'000'000;
        text = text::http_date(now);
    }
    return text;
}

}  // namespace

void Connection::append_common_headers(const Exchange& exchange, int status,
                                       const Response& response) {
    const Request& request = exchange.request;
    out_ += "HTTP/1.1 ";
    text::append_u64(out_, static_cast<std::uint64_t>(status));
    out_ += ' ';
    out_ += http::reason_phrase(status);
    out_ += "\r\nDate: ";
    out_ += date_header(loop_->now().wall);
    out_ += "\r\n";
    const auto add = [this](std::string_view name, std::string_view value) {
        out_.append(name).append(": ").append(value).append("\r\n");
    };
    if (!response.content_type.empty() && status != 304) add("Content-Type", response.content_type);
    if (!response.etag.empty()) add("ETag", '"' + response.etag + '"');
    if (!response.cache_control.empty()) add("Cache-Control", response.cache_control);
    add("X-Request-Id", request.id);
    add("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers) add(name, value);
    if (!exchange.rate.empty()) {
        add("RateLimit-Policy", exchange.rate_policy);
        add("RateLimit", exchange.rate);
    }
    const auto origin = request.header("origin");
    if (origin && parts_.origins.listed(*origin)) {
        add("Access-Control-Allow-Origin", *origin);
        add("Access-Control-Expose-Headers",
            "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id");
        add("Vary", "Origin");
    }
    if (close_after_)
        add("Connection", "close");
    else if (exchange.head.minor_version == 0)
        add("Connection", "keep-alive");
}

void Connection::answer(Exchange& exchange, Response response) {
    if (&exchange != exchange_.get() || !socket_.open()) return;
    write_answer(exchange, response);
    proceed();
}

void Connection::answer_problem(Exchange& exchange, const Problem& problem) {
    if (&exchange != exchange_.get() || !socket_.open()) return;
    Response response = Response::json(problem.json(exchange.request.id), problem.status);
    response.content_type = "application/problem+json";
    response.headers = problem.headers;
    if (problem.retry_ms && (problem.status == 429 || problem.status == 503)) {
        response.headers.emplace_back("Retry-After",
                                      std::to_string((*problem.retry_ms + 999) / 1000));
    }
    if (problem.status == 426) response.headers.emplace_back("Sec-WebSocket-Version", "13");
    write_answer(exchange, response);
    proceed();
}

void Connection::write_answer(Exchange& exchange, Response& response) {
    if (exchange.body_unread) close_after_ = true;
    const bool reads =
        exchange.request.method == Method::Get || exchange.request.method == Method::Head;
    int status = response.status;
    if (status == 200 && reads && !response.etag.empty() &&
        exchange.request.none_match(response.etag))
        status = 304;
    append_common_headers(exchange, status, response);
    if (status != 204 && status != 304) {
        out_ += "Content-Length: ";
        text::append_u64(out_, response.body.size());
        out_ += "\r\n";
    }
    out_ += "\r\n";
    if (status != 204 && status != 304 && exchange.request.method != Method::Head)
        out_ += response.body;
    request_done(exchange, status);
}

void Connection::answer_stream(std::shared_ptr<Exchange> exchange, Response head,
                               BodyProducer producer) {
    if (exchange != exchange_ || !socket_.open()) return;
    const bool chunked = exchange->head.minor_version == 1;
    if (!chunked) close_after_ = true;
    append_common_headers(*exchange, head.status, head);
    if (chunked) out_ += "Transfer-Encoding: chunked\r\n";
    out_ += "\r\n";
    if (exchange->request.method == Method::Head) {
        request_done(*exchange, head.status);
    } else {
        streamed_ = std::make_unique<Streamed>();
        streamed_->exchange = std::move(exchange);
        streamed_->producer = std::move(producer);
        streamed_->status = head.status;
        streamed_->chunked = chunked;
        state_ = State::Streaming;
        deadline_ = Instant::max();
    }
    proceed();
}

/// Has the next piece made, if the client has read what there was.
void Connection::produce() {
    if (!streamed_ || streamed_->working || out_.size() - out_sent_ > kProduceBelow) return;
    streamed_->working = true;
    const bool queued = parts_.workers.run([weak = weak_from_this(), exchange = streamed_->exchange,
                                            producer = std::move(streamed_->producer)]() mutable {
        Bytes bytes;
        const auto more = producer(bytes);
        exchange->post([weak, more = more.value_or(false), failed = !more, bytes = std::move(bytes),
                        producer = std::move(producer)]() mutable {
            const auto connection = weak.lock();
            if (!connection || !connection->streamed_) return;
            connection->streamed_->producer = std::move(producer);
            connection->produced(more, failed, std::move(bytes));
        });
    });
    if (!queued) {
        log::warn("http", "a stream was cut: too much work queued",
                  {{"req", exchange_->request.id}});
        close();
    }
}

void Connection::produced(bool more, bool failed, Bytes bytes) {
    if (!socket_.open()) return;
    streamed_->working = false;
    if (failed) return close();
    append_chunk(bytes);
    if (!more) {
        if (streamed_->chunked) out_ += "0\r\n\r\n";
        const auto done = std::move(streamed_);
        request_done(*done->exchange, done->status);
    } else if (bytes.empty()) {
        produce();
    }
    proceed();
}

void Connection::append_chunk(BytesView bytes) {
    if (bytes.empty()) return;
    if (!streamed_->chunked) {
        out_ += bytes;
        return;
    }
    char size[20];
    const int length = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    out_.append(size, static_cast<std::size_t>(length)).append(bytes).append("\r\n");
}

void Connection::hand_over(Bytes head, Responder::Taker taker) {
    if (!socket_.open()) return;
    const auto self = shared_from_this();
    out_.erase(0, out_sent_);
    out_ += head;
    if (exchange_) {
        const auto took = std::chrono::duration<double>(loop_->now().mono - exchange_->began);
        parts_.metrics.request(exchange_->request.route, 101, took.count());
    }
    exchange_.reset();
    loop_->forget(socket_.fd());
    Detached detached{std::move(socket_), std::move(out_), std::move(in_), peer_, loop_->index()};
    table_.remove(*this);
    loop_->retire(self);
    taker(std::move(detached));
}

void Connection::request_done(Exchange& exchange, int status) {
    parts_.metrics.request(
        exchange.request.route, status,
        std::chrono::duration<double>(loop_->now().mono - exchange.began).count());
    exchange_.reset();
    route_ = nullptr;
    if (close_after_) {
        state_ = State::Ending;
        deadline_ = loop_->now().mono + kWriteWaitAfterLast;
    } else {
        state_ = State::Idle;
        deadline_ = loop_->now().mono + parts_.limits.idle;
    }
}

}  // namespace anode::api
