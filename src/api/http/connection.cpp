#include "api/http/connection.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <utility>

#include "api/table/operation.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "core/codec/inflate.hpp"

namespace anode::api {

namespace {

constexpr std::size_t kReadAhead = 64 << 10;
constexpr Duration kLinger = 2s;
constexpr Duration kWriteWait = 30s;

std::string_view code_of(int status) {
    switch (status) {
        case 408:
            return "timeout";
        case 413:
            return "too-large";
        case 415:
            return "media-type";
        case 431:
            return "headers-too-large";
        default:
            return "bad-request";
    }
}

}  // namespace

Connection::Connection(Socket socket, std::string peer, std::string local,
                       std::shared_ptr<Loop> loop, ServerParts& parts, ConnectionTable& table)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      local_(std::move(local)),
      unix_socket_(peer_.starts_with("unix")),
      loop_(std::move(loop)),
      parts_(parts),
      table_(table),
      reader_({parts.limits.header_bytes_max, parts.limits.headers_max}) {
    if (unix_socket_) {
        unix_name_ = peer_;
        peer_ = "unix";
    }
    parts_.metrics.connection(+1);
}

Connection::~Connection() { parts_.metrics.connection(-1); }

void Connection::begin() {
    greeted_ = socket_.established();
    deadline_ = loop_->now().mono + (greeted_ ? parts_.limits.idle : parts_.limits.header_wait);
    if (!loop_->watch(socket_.fd(), *this, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)) close();
}

void Connection::ready(std::uint32_t events) {
    const auto self = shared_from_this();
    if (!socket_.open()) return;
    if ((events & EPOLLERR) != 0) return close();
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0) readable_ = true;
    if ((events & EPOLLRDHUP) != 0) half_closed_ = true;
    if ((events & EPOLLOUT) != 0) writable_ = true;
    proceed();
}

void Connection::proceed() {
    if (proceeding_ || !socket_.open()) return;
    const auto self = shared_from_this();
    proceeding_ = true;
    for (bool moved = true; moved && socket_.open();) {
        const State before = state_;
        if (readable_ && !peer_ended_ && in_.size() < kReadAhead) read_more();
        if (!greeted_ && socket_.established()) {
            greeted_ = true;
            deadline_ = loop_->now().mono + parts_.limits.idle;
        }
        const std::size_t had = in_.size();
        if (state_ == State::Idle || state_ == State::Head)
            take_head();
        else if (state_ == State::Body)
            take_body();
        else if (state_ == State::Ending)
            in_.clear();
        moved = state_ != before || in_.size() != had || (readable_ && in_.size() < kReadAhead);
    }
    proceeding_ = false;
    if (!socket_.open()) return;
    if (in_.empty() && in_.capacity() > 4096) Bytes().swap(in_);
    if (!flush()) return;
    if (!peer_ended_) return;
    if (state_ == State::Busy || state_ == State::Streaming) {
        close_after_ = true;  // a client may close its side and still wait for the answer
    } else if (out_.empty()) {
        close();
    }
}

void Connection::read_more() {
    char buffer[kReadAhead];
    while (in_.size() < 4 * kReadAhead) {
        const ssize_t got = socket_.recv(buffer, sizeof buffer);
        if (got > 0) {
            if (state_ != State::Ending) in_.append(buffer, static_cast<std::size_t>(got));
            const bool more_to_come = !half_closed_ && !socket_.ended();
            if (static_cast<std::size_t>(got) < sizeof buffer && more_to_come) {
                // Less than asked for: what comes later, an end among it, makes a new edge.
                readable_ = false;
                return;
            }
            continue;
        }
        readable_ = false;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (got < 0 && errno == EINTR) continue;
        peer_ended_ = true;
        return;
    }
}

void Connection::take_head() {
    if (in_.empty()) return;
    if (state_ == State::Idle) {
        state_ = State::Head;
        deadline_ = loop_->now().mono + parts_.limits.header_wait;
    }
    BytesView input = in_;
    const auto progress = reader_.read(input);
    in_.erase(0, in_.size() - input.size());
    if (progress == http::Progress::Refused)
        return refuse(reader_.refusal().status, reader_.refusal().why);
    if (progress == http::Progress::Done) begin_request();
}

void Connection::begin_request() {
    auto exchange = std::make_shared<Exchange>(loop_, weak_from_this());
    exchange->head = std::move(reader_.head());
    exchange->began = loop_->now().mono;
    reader_ = http::RequestReader({parts_.limits.header_bytes_max, parts_.limits.headers_max});
    exchange_ = exchange;
    route_ = nullptr;
    if (!exchange->head.keep_alive) close_after_ = true;
    if (auto refusal = refusal_of(*exchange)) {
        exchange->body_unread = exchange->head.framing != http::Framing::None;
        state_ = State::Busy;
        exchange->problem(std::move(*refusal));
        return;
    }
    if (exchange->answered()) return;  // a preflight
    if (exchange->head.framing == http::Framing::None) return body_complete();
    const std::size_t limit =
        route_->body_bytes_max ? route_->body_bytes_max : parts_.limits.body_bytes_max;
    body_reader_.emplace(exchange->head.framing, exchange->head.content_length, limit);
    body_seen_ = 0;
    body_began_ = loop_->now().mono;
    deadline_ = body_began_ + parts_.limits.body_wait;
    state_ = State::Body;
    const bool declared_too_large =
        exchange->head.framing == http::Framing::Length && exchange->head.content_length > limit;
    if (exchange->head.expect_continue && in_.empty() && !declared_too_large)
        out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    take_body();
}

void Connection::take_body() {
    BytesView input = in_;
    const auto progress = body_reader_->read(input, exchange_->request.body);
    if (input.size() < in_.size()) {
        body_seen_ += in_.size() - input.size();
        deadline_ = loop_->now().mono + parts_.limits.body_wait;
    }
    in_.erase(0, in_.size() - input.size());
    if (progress == http::Progress::Refused)
        return refuse(body_reader_->refusal().status, body_reader_->refusal().why);
    if (progress == http::Progress::Done) body_complete();
}

void Connection::body_complete() {
    body_reader_.reset();
    state_ = State::Busy;
    deadline_ = Instant::max();
    const auto exchange = exchange_;
    Request& request = exchange->request;
    const auto encoding = request.header("content-encoding");
    if (!encoding || request.body.empty() || text::iequals(*encoding, "identity"))
        return dispatch(exchange);
    const auto coding = codec::coding_of_http(*encoding);
    if (!coding || *coding == codec::Coding::Brotli) {
        return exchange->problem(
            Problem::media_type("Content-Encoding must be gzip, deflate or zstd"));
    }
    const codec::InflateLimits limits{parts_.limits.inflated_bytes_max,
                                      static_cast<std::uint32_t>(parts_.limits.inflate_ratio_max),
                                      64U << 10};
    const bool queued =
        parts_.workers.run([exchange, coding = *coding, limits, weak = weak_from_this()]() mutable {
            Bytes plain;
            const std::array chain{coding};
            const auto done = codec::decode_frame(chain, exchange->request.body, plain, limits);
            if (!done) {
                return exchange->problem(done.error().code == Errc::TooLarge
                                             ? Problem::too_large(done.error().what)
                                             : Problem::bad_request(done.error().what));
            }
            exchange->request.body = std::move(plain);
            exchange->post([exchange, weak] {
                if (const auto connection = weak.lock()) connection->dispatch(exchange);
            });
        });
    if (!queued) exchange->problem(Problem::of(Error{Errc::Overloaded, "too much work queued"}));
}

void Connection::dispatch(std::shared_ptr<Exchange> exchange) {
    const Route& route = *route_;
    if (route.operation)
        if (auto problem = wrong_body(*route.operation, exchange->request))
            return exchange->problem(std::move(*problem));
    if (route.run_on == RunOn::Loop) return run_handler(exchange, route);
    const bool queued = parts_.workers.run([exchange, &route] { run_handler(exchange, route); });
    if (!queued) exchange->problem(Problem::of(Error{Errc::Overloaded, "too much work queued"}));
}

void Connection::run_handler(const std::shared_ptr<Exchange>& exchange, const Route& route) {
    // A library's exception must not end the node; our own code answers with a Problem.
    try {
        route.handler(exchange->request, Responder(exchange));
    } catch (const std::exception& error) {
        log::error(
            "http", "a handler failed",
            {{"route", route.pattern}, {"req", exchange->request.id}, {"err", error.what()}});
        exchange->problem(Problem::internal("see the log under this request's id"));
    }
}

void Connection::refuse(int status, std::string_view why) {
    if (!exchange_) {
        exchange_ = std::make_shared<Exchange>(loop_, weak_from_this());
        exchange_->began = loop_->now().mono;
        exchange_->request.id = "req-0";
        exchange_->head.keep_alive = false;
    }
    exchange_->body_unread = true;
    body_reader_.reset();
    state_ = State::Busy;
    Problem problem;
    problem.status = status;
    problem.code = code_of(status);
    problem.detail = status == 505 ? "this version of HTTP is not spoken here" : why;
    exchange_->problem(std::move(problem));
}

bool Connection::flush() {
    if (writable_ && !socket_.flush()) {
        if (errno != EAGAIN && errno != EWOULDBLOCK) return close(), false;
        writable_ = false;
    }
    while (out_sent_ < out_.size()) {
        if (!writable_) return true;
        const ssize_t sent = socket_.send(out_.data() + out_sent_, out_.size() - out_sent_);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) return close(), false;
            writable_ = false;
            return true;
        }
        out_sent_ += static_cast<std::size_t>(sent);
        if (state_ == State::Streaming || state_ == State::Ending || state_ == State::Idle)
            deadline_ =
                loop_->now().mono + (state_ == State::Idle ? parts_.limits.idle : kWriteWait);
    }
    out_sent_ = 0;
    if (out_.capacity() > 4096)
        Bytes().swap(out_);
    else
        out_.clear();
    if (streamed_) produce();
    if (state_ == State::Ending && !lingering_ && !socket_.pending()) end_after_flush();
    return socket_.open();
}

/// Closes our side and waits for the client to close its own: a close with input unread would be a
/// reset, which can destroy the answer on its way.
void Connection::end_after_flush() {
    lingering_ = true;
    if (peer_ended_) return close();
    socket_.shut();
    deadline_ = loop_->now().mono + kLinger;
}

void Connection::tick(Instant now) {
    if (!socket_.open()) return;
    if (state_ == State::Body) {
        const auto seconds = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::seconds>(now - body_began_).count());
        const bool crawls =
            now - body_began_ > parts_.limits.body_wait && body_seen_ < seconds * 1024;
        if (crawls || now >= deadline_) {
            refuse(408, "the body came too slowly");
            proceed();
        }
        return;
    }
    if (now < deadline_) return;
    if (state_ == State::Head) {
        refuse(408, "the request head did not end in time");
        proceed();
        return;
    }
    if (state_ == State::Idle || state_ == State::Ending || !out_.empty()) close();
}

void Connection::wind_down() {
    if (state_ == State::Idle && out_.empty())
        close();
    else
        close_after_ = true;
}

void Connection::close() {
    if (!socket_.open()) return;
    const auto self = shared_from_this();
    loop_->forget(socket_.fd());
    socket_.close();
    if (exchange_) exchange_->gone();
    streamed_.reset();
    table_.remove(*this);
    loop_->retire(self);
}

}  // namespace anode::api
