#include "runtime/ws_client.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/random.hpp"
#include "runtime/ws_client_state.hpp"

namespace anode {
namespace {

using source::ErrorClass;

constexpr int kReadsPerRound = 4;  // so that one firehose does not keep the others waiting

WsMessage::Kind kind_of(ws::Event::Kind kind) {
    switch (kind) {
        case ws::Event::Kind::Text:
            return WsMessage::Kind::Text;
        case ws::Event::Kind::Ping:
            return WsMessage::Kind::Ping;
        case ws::Event::Kind::Pong:
            return WsMessage::Kind::Pong;
        default:
            return WsMessage::Kind::Binary;
    }
}

}  // namespace

WsScratch& ws_scratch() {
    thread_local WsScratch scratch;
    return scratch;
}

ws::MaskKey fresh_mask() {
    thread_local std::array<std::uint8_t, 4096> pool;
    thread_local std::size_t used = pool.size();
    if (used == pool.size()) {
        os_random(pool);
        used = 0;
    }
    ws::MaskKey key;
    for (char& byte : key) byte = static_cast<char>(pool[used++]);
    return key;
}

void WsClient::State::on_ready(std::uint32_t events) {
    const auto self = shared_from_this();  // a callback may let go of the client
    switch (phase) {
        case Phase::Connecting:
            return connect_ready();
        case Phase::Tls:
            return tls_step();
        case Phase::Proxy:
        case Phase::Upgrade:
            if (events & Loop::Writable) flush();
            if (over() || !(events & (Loop::Readable | Loop::Broken))) return;
            return phase == Phase::Proxy ? proxy_read() : upgrade_read();
        case Phase::Open:
        case Phase::Closing:
            break;
        default:
            return;
    }
    if (paused && (events & Loop::Broken)) {
        // The news must wait until reading goes on, and epoll would repeat them all the time.
        if (std::exchange(watched, false)) loop.unwatch(socket.fd(), *this);
        return;
    }
    if (events & Loop::Writable) flush();
    if (!over() && !paused) read_ready();
}

void WsClient::State::read_ready() {
    bool more = false;
    for (int turn = 0; turn < kReadsPerRound && !over() && !paused; ++turn) {
        const auto step = socket.read(ws_scratch().room());
        if (!step) return finish(step.error());
        bytes_in += step->bytes;
        if (step->bytes > 0) take(ws_scratch().room().first(step->bytes));
        if (over()) return;
        more = step->wait == StreamSocket::Wait::Nothing;
        tls_wants_write = step->wait == StreamSocket::Wait::Writable;
        if (step->wait == StreamSocket::Wait::Eof) {
            handler->on_read_end();
            if (over()) return;
            return finish(
                net_error(phase == Phase::Closing ? ErrorClass::Closed : ErrorClass::Reset,
                          "the server ended the connection without a close frame"));
        }
        if (!more) break;
    }
    handler->on_read_end();
    if (over()) return;
    flush();
    if (over() || !more || paused) return;
    // TLS may hold decrypted bytes that the kernel does not know of.
    loop.defer([self = weak_from_this()] {
        if (const auto state = self.lock(); state && !state->over())
            state->on_ready(Loop::Readable);
    });
}

/// Cuts `bytes` into messages and tells them, all together where their bytes stay in place.
void WsClient::State::take(std::span<char> bytes) {
    ws_scratch().batch.clear();
    std::span<char> rest = bytes;
    while (const auto event = decoder->next(rest))
        if (!take_event(*event, bytes)) return;
    tell();
}

/// False if nothing more may be taken.
bool WsClient::State::take_event(const ws::Event& event, std::span<char> bytes) {
    if (event.kind == ws::Event::Kind::Close || event.kind == ws::Event::Kind::Failed) {
        tell();
        if (!over()) close_frame(event);
        return false;
    }
    if (phase == Phase::Closing)
        return true;  // we have said good-bye: only the answer to that counts
    if (event.kind == ws::Event::Kind::Ping && unsent() < request.send_queue_bytes_max)
        ws::append_frame(out, ws::Opcode::Pong, event.payload, fresh_mask());
    ws_scratch().batch.push_back({kind_of(event.kind), event.payload});
    const bool stays =
        event.payload.empty() || (event.payload.data() >= bytes.data() &&
                                  event.payload.data() < bytes.data() + bytes.size());
    if (!stays) tell();  // the decoder's own buffer ends with its next call
    return !over();
}

void WsClient::State::tell() {
    auto& batch = ws_scratch().batch;
    if (batch.empty() || over()) return;
    handler->on_messages(batch);
    batch.clear();
}

void WsClient::State::close_frame(const ws::Event& event) {
    if (event.kind == ws::Event::Kind::Failed) {
        ws::append_close(out, event.code, event.payload, fresh_mask());
        flush();
        if (over()) return;
        return finish(
            net_error(event.code == ws::kTooBig ? ErrorClass::TooLarge : ErrorClass::Protocol,
                      "WebSocket: " + std::string(event.payload)));
    }
    closed.code = event.code == ws::kNoStatus ? 0 : event.code;
    closed.reason = event.payload;
    if (phase == Phase::Open) {
        ws::append_close(out, event.code, {}, fresh_mask());
        flush();
    }
    if (!over()) finish(net_error(ErrorClass::Closed, "the server closed the connection"), true);
}

Result<void> WsClient::State::queue(ws::Opcode opcode, BytesView payload) {
    if (phase != Phase::Open) return fail(Errc::Closed, "the connection is not open");
    if (unsent() + payload.size() > request.send_queue_bytes_max) {
        tell_writable = true;
        return fail(Errc::Overloaded, "the send queue is full");
    }
    ws::append_frame(out, opcode, payload, fresh_mask());
    flush_soon();
    return {};
}

/// All frames queued in one round go out with one write.
void WsClient::State::flush_soon() {
    if (std::exchange(flush_waits, true)) return;
    loop.defer([self = weak_from_this()] {
        const auto state = self.lock();
        if (!state) return;
        state->flush_waits = false;
        if (!state->over()) state->flush();
    });
}

void WsClient::State::flush() {
    if (unsent() > 0) {
        const auto step = socket.write(BytesView(out).substr(out_sent));
        if (!step) return finish(step.error());
        out_sent += step->bytes;
        if (unsent() == 0) {
            out.clear();
            out_sent = 0;
            if (out.capacity() > 64 << 10) out.shrink_to_fit();
        }
    }
    update_interest();
    if (unsent() == 0 && phase == Phase::Open && std::exchange(tell_writable, false))
        handler->on_writable();
}

void WsClient::State::update_interest() {
    const bool reading = !paused || phase != Phase::Open;
    set_interest((reading ? std::uint32_t{Loop::Readable} : 0u) |
                 (unsent() > 0 || tls_wants_write ? std::uint32_t{Loop::Writable} : 0u));
}

void WsClient::State::set_interest(std::uint32_t events) {
    if (watched && events == interest) return;
    const Result<void> set =
        watched ? loop.rewatch(socket.fd(), events, *this) : loop.watch(socket.fd(), events, *this);
    watched = true;
    interest = events;
    if (!set) finish_later(net_error(ErrorClass::Internal, set.error().what));
}

void WsClient::State::close(std::uint16_t code, BytesView reason, Duration patience) {
    if (over() || phase == Phase::Closing) return;
    if (phase != Phase::Open) return finish_later(net_error(ErrorClass::Closed, "closed by us"));
    ws::append_close(out, code, reason, fresh_mask());
    phase = Phase::Closing;
    paused = false;
    flush_soon();
    deadline = loop.after(patience, [self = weak_from_this()] {
        const auto state = self.lock();
        if (state && !state->over())
            state->finish(
                net_error(ErrorClass::Closed, "the server does not answer our close frame"));
    });
}

void WsClient::State::finish_later(NetError error) {
    loop.defer([self = weak_from_this(), error = std::move(error)] {
        if (const auto state = self.lock(); state && !state->over()) state->finish(error);
    });
}

void WsClient::State::finish(NetError error, bool clean) {
    if (over()) return;
    const auto self = shared_from_this();
    socket.finish();
    drop();
    closed.error = std::move(error);
    closed.clean = clean;
    std::exchange(handler, nullptr)->on_closed(closed);
}

void WsClient::State::drop() noexcept {
    phase = Phase::Closed;
    if (std::exchange(watched, false)) loop.unwatch(socket.fd(), *this);
    loop.cancel(std::exchange(deadline, TimerId{}));
    loop.cancel(std::exchange(attempt, TimerId{}));
    socket.close();
    out = {};
    out_sent = 0;
}

WsClient::WsClient(Loop& loop, Resolver& resolver, WsClientHandler& handler)
    : state_(std::make_shared<State>(loop, resolver, handler)) {}

WsClient::~WsClient() {
    state_->handler = nullptr;
    state_->drop();
}

void WsClient::connect(WsRequest request) { state_->connect(std::move(request)); }
Result<void> WsClient::send_text(BytesView text) { return state_->queue(ws::Opcode::Text, text); }
Result<void> WsClient::send_binary(BytesView bytes) {
    return state_->queue(ws::Opcode::Binary, bytes);
}
Result<void> WsClient::ping(BytesView payload) { return state_->queue(ws::Opcode::Ping, payload); }

void WsClient::pause() {
    if (state_->over() || std::exchange(state_->paused, true) ||
        state_->phase != State::Phase::Open)
        return;
    state_->update_interest();
}

void WsClient::resume() {
    if (state_->over() || !std::exchange(state_->paused, false) ||
        state_->phase != State::Phase::Open)
        return;
    state_->update_interest();
    // TLS may hold bytes that came before the pause.
    state_->loop.defer([self = state_->weak_from_this()] {
        if (const auto state = self.lock(); state && !state->over())
            state->on_ready(Loop::Readable);
    });
}

void WsClient::close(std::uint16_t code, BytesView reason, Duration patience) {
    state_->close(code, reason, patience);
}

bool WsClient::open() const noexcept { return state_->phase == State::Phase::Open; }
std::size_t WsClient::send_queue_bytes() const noexcept { return state_->unsent(); }
std::uint64_t WsClient::bytes_in() const noexcept { return state_->bytes_in; }

}  // namespace anode
