#include "base/text.hpp"
#include "runtime/random.hpp"
#include "runtime/ws_client_state.hpp"

namespace anode {
namespace {

using source::ErrorClass;

constexpr Duration kAttemptPatience = 3s;  // for one of several addresses
constexpr std::size_t kProxyHeadMax = 16 << 10;
constexpr std::size_t kHeadersMax = 200;
constexpr std::uint32_t kFragmentsMax = 4096;
constexpr std::uint16_t kInflateRatioMax =
    1000;  // the absolute limit does the work; JSON of zeros is no attack

Headers plain(const http::Headers& headers) {
    Headers out;
    for (const http::Header& header : headers.all()) out.emplace_back(header.name, header.value);
    return out;
}

std::string proxy_greeting(const Url& target) {
    const std::string host = target.ip && target.ip->v6 ? '[' + target.host + ']' : target.host;
    const std::string where = host + ':' + std::to_string(target.port);
    return "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n\r\n";
}

ws::ClientRequest greeting(const WsRequest& request) {
    std::uint8_t key[16];
    os_random(key);
    ws::ClientRequest hello;
    hello.host = request.url.authority();
    hello.target = request.url.target;
    for (const std::uint8_t byte : key) hello.key += static_cast<char>(byte);
    hello.key = text::base64(hello.key);
    hello.headers = request.headers;
    bool named = false;
    for (const auto& [name, value] : request.headers)
        named = named || text::iequals(name, "user-agent");
    if (!named && !request.user_agent.empty())
        hello.headers.emplace_back("User-Agent", request.user_agent);
    hello.subprotocols = request.subprotocols;
    hello.origin = request.origin;
    hello.deflate = request.deflate;
    return hello;
}

}  // namespace

void WsClient::State::connect(WsRequest wanted) {
    request = std::move(wanted);
    phase = Phase::Resolving;
    deadline = loop.after(request.handshake_timeout, [self = weak_from_this()] {
        if (const auto state = self.lock(); state && !state->over()) state->too_late();
    });
    resolve();
}

void WsClient::State::resolve() {
    if (const Result<void> allowed = resolver.egress()->check(request.url); !allowed)
        return finish_later(net_error(ErrorClass::Blocked, allowed.error().what));
    if (!request.proxy.empty()) {
        auto parsed = Url::parse(request.proxy);
        if (!parsed || parsed->scheme != Url::Scheme::Http)
            return finish_later(
                net_error(ErrorClass::Definition, "http.proxy is not http://host:port"));
        proxy = std::move(*parsed);
    }
    const Url& first = proxy ? *proxy : request.url;
    resolver.resolve(first.host, first.port,
                     [self = weak_from_this()](NetResult<std::vector<IpAddress>> result) {
                         const auto state = self.lock();
                         if (!state || state->over()) return;
                         if (!result) return state->finish(result.error());
                         state->addresses = std::move(*result);
                         state->next_address();
                     });
}

/// Tries the addresses in order; the last error speaks for all.
void WsClient::State::next_address() {
    const std::uint16_t port = proxy ? proxy->port : request.url.port;
    while (next < addresses.size()) {
        const IpAddress ip = addresses[next++];
        loop.cancel(std::exchange(attempt, TimerId{}));
        if (std::exchange(watched, false)) loop.unwatch(socket.fd(), *this);
        const auto begun = socket.connect(ip, port);
        if (!begun) {
            last_error = begun.error();
            continue;
        }
        peer = (ip.v6 ? '[' + ip.text() + ']' : ip.text()) + ':' + std::to_string(port);
        phase = Phase::Connecting;
        set_interest(Loop::Writable);
        if (next < addresses.size()) {
            attempt = loop.after(kAttemptPatience, [self = weak_from_this()] {
                const auto state = self.lock();
                if (state && state->phase == Phase::Connecting) state->next_address();
            });
        }
        return;
    }
    finish(last_error);
}

void WsClient::State::connect_ready() {
    const auto done = socket.connected();
    if (!done) {
        last_error = done.error();
        return next_address();
    }
    loop.cancel(std::exchange(attempt, TimerId{}));
    if (!proxy) return tcp_done();
    phase = Phase::Proxy;
    out += proxy_greeting(request.url);
    flush();
}

void WsClient::State::tcp_done() {
    if (!request.url.secure()) return begin_upgrade();
    const std::string& name =
        request.tls.server_name.empty() ? request.url.host : request.tls.server_name;
    const auto begun = socket.start_tls(request.tls, name);
    if (!begun) return finish(begun.error());
    phase = Phase::Tls;
    tls_step();
}

/// Reads byte by byte what the proxy says, since what follows its head belongs to the server.
void WsClient::State::proxy_read() {
    char byte = 0;
    for (;;) {
        const auto step = socket.read({&byte, 1});
        if (!step) return finish(step.error());
        if (step->bytes == 0) {
            if (step->wait == StreamSocket::Wait::Eof)
                return finish(net_error(ErrorClass::Closed, "the proxy closed the connection"));
            return;
        }
        proxy_answer += byte;
        if (proxy_answer.size() > kProxyHeadMax)
            return finish(net_error(ErrorClass::TooLarge, "the proxy's answer has no end"));
        if (proxy_answer.ends_with("\r\n\r\n")) break;
    }
    const bool http = proxy_answer.starts_with("HTTP/1.") && proxy_answer.size() > 12;
    if (!http || proxy_answer[9] != '2') {
        const std::string line = proxy_answer.substr(0, proxy_answer.find('\r'));
        return finish(net_error(ErrorClass::Http, "the proxy answered " + text::printable(line)));
    }
    tcp_done();
}

void WsClient::State::tls_step() {
    const auto step = socket.handshake();
    if (!step) return finish(step.error());
    switch (step->wait) {
        case StreamSocket::Wait::Nothing:
            return begin_upgrade();
        case StreamSocket::Wait::Readable:
            return set_interest(Loop::Readable);
        case StreamSocket::Wait::Writable:
            return set_interest(Loop::Writable);
        case StreamSocket::Wait::Eof:
            return finish(
                net_error(ErrorClass::Closed, "the server closed during the TLS handshake"));
    }
}

void WsClient::State::begin_upgrade() {
    phase = Phase::Upgrade;
    hello = greeting(request);
    if (const Result<void> written = ws::append_client_request(out, hello); !written)
        return finish(net_error(ErrorClass::Definition, written.error().what));
    answer.emplace(http::Limits{request.head_bytes_max, kHeadersMax}, request.refusal_bytes_max);
    flush();
}

void WsClient::State::upgrade_read() {
    for (;;) {
        const auto step = socket.read(ws_scratch().room());
        if (!step) return finish(step.error());
        bytes_in += step->bytes;
        if (step->bytes > 0) upgrade_take(ws_scratch().room().first(step->bytes));
        if (over()) return;
        if (step->wait == StreamSocket::Wait::Eof) {
            if (phase == Phase::Upgrade && answer->closed() == http::Progress::Done)
                return refused();
            const bool begun = phase != Phase::Upgrade || answer->head().status != 0;
            return finish(net_error(begun ? ErrorClass::Reset : ErrorClass::Closed,
                                    "the server closed during the handshake"));
        }
        if (phase != Phase::Upgrade) return update_interest();
        if (step->wait != StreamSocket::Wait::Nothing) return update_interest();
    }
}

void WsClient::State::upgrade_take(std::span<char> bytes) {
    BytesView rest(bytes.data(), bytes.size());
    switch (answer->read(rest)) {
        case http::Progress::Refused:
            return finish(net_error(
                answer->refusal().status == 431 ? ErrorClass::TooLarge : ErrorClass::Protocol,
                "the server's answer: " + std::string(answer->refusal().why)));
        case http::Progress::More:
            if (answer->body().size() >= request.refusal_bytes_max) refused();
            return;
        case http::Progress::Done:
            break;
    }
    if (answer->head().status != 101) return refused();
    upgrade_done(bytes.last(rest.size()));
}

void WsClient::State::upgrade_done(std::span<char> rest) {
    const auto agreed = ws::check_answer(answer->head(), hello);
    if (!agreed) return finish(net_error(ErrorClass::Protocol, agreed.error().what));
    const auto bytes_max =
        static_cast<std::uint32_t>(std::min<std::size_t>(request.message_bytes_max, UINT32_MAX));
    decoder.emplace(ws::DecoderConfig{
        .role = ws::Role::Client,
        .frame_bytes_max = bytes_max,
        .message_bytes_max = bytes_max,
        .fragments_max = kFragmentsMax,
        .deflate = agreed->deflate.has_value(),
        .peer_keeps_context = agreed->deflate && agreed->deflate->server_keeps_context,
        .ratio_max = kInflateRatioMax});
    loop.cancel(std::exchange(deadline, TimerId{}));
    phase = Phase::Open;
    closed.opened = true;
    const WsOpened opened{agreed->subprotocol, plain(answer->head().headers), peer};
    answer.reset();
    hello = {};
    request.headers.clear();
    handler->on_open(opened);
    if (over()) return;
    if (!rest.empty()) take(rest);
    if (over()) return;
    handler->on_read_end();
    if (!over()) flush();
}

void WsClient::State::refused() {
    const int status = answer->head().status;
    const HttpRefusal refusal{status, plain(answer->head().headers), Bytes(answer->body())};
    handler->on_refused(refusal);
    if (!over())
        finish(net_error(ErrorClass::Http, "the server answered " + std::to_string(status)));
}

/// The handshake's time is over. An answer whose body has no end is told as far as it came.
void WsClient::State::too_late() {
    deadline = {};
    const bool answered = phase == Phase::Upgrade && answer && answer->head().status != 0;
    if (answered && answer->head().status != 101) return refused();
    const char* const doing = phase == Phase::Resolving    ? "the name has no answer in time"
                              : phase == Phase::Connecting ? "no connection in time"
                              : phase == Phase::Proxy      ? "the proxy has no answer in time"
                              : phase == Phase::Tls        ? "no end of the TLS handshake in time"
                                                           : "no answer to the upgrade in time";
    finish(net_error(ErrorClass::Timeout, doing));
}

}  // namespace anode
