#include "app/demo/wire.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/codec/websocket_handshake.hpp"

namespace anode::app::demo {
namespace {

constexpr std::size_t kUnreadMax = 4 << 20;

std::string hex(std::size_t number) {
    char digits[20];
    const int length = std::snprintf(digits, sizeof digits, "%zx", number);
    return {digits, static_cast<std::size_t>(length)};
}

}  // namespace

Wire::Wire(Loop& loop, WireOwner& owner, int fd) : loop_(loop), owner_(owner), fd_(fd) {}

Wire::~Wire() {
    if (fd_ < 0) return;
    loop_.unwatch(fd_, *this);
    ::close(fd_);
}

Result<void> Wire::start() { return loop_.watch(fd_, Loop::Readable, *this); }

void Wire::on_ready(std::uint32_t events) {
    const auto self = shared_from_this();
    if ((events & Loop::Writable) != 0) flush();
    if (fd_ >= 0 && (events & (Loop::Readable | Loop::Broken)) != 0) read();
}

void Wire::read() {
    std::array<char, 32 << 10> buffer;
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got > 0) return take({buffer.data(), static_cast<std::size_t>(got)});
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    drop();
}

void Wire::take(std::span<char> bytes) {
    BytesView rest(bytes.data(), bytes.size());
    while (!frames_ && !rest.empty() && fd_ >= 0 && !ending_) take_request(rest);
    if (frames_ && fd_ >= 0) take_frames(bytes.last(rest.size()));
}

void Wire::take_request(BytesView& bytes) {
    if (streaming_) {  // a client that talks into a stream is not listened to
        bytes = {};
        return;
    }
    const http::Progress progress = reader_.read(bytes);
    if (progress == http::Progress::More) return;
    if (progress == http::Progress::Refused || reader_.head().framing != http::Framing::None) {
        ending_ = true;
        answer(400, {{"Connection", "close"}}, "");
        return;
    }
    head_ = std::move(reader_.head());
    reader_ = http::RequestReader();
    owner_.asked(*this, *head_);
}

void Wire::take_frames(std::span<char> bytes) {
    while (const auto event = frames_->next(bytes)) {
        using Kind = ws::Event::Kind;
        if (event->kind == Kind::Text)
            owner_.said(*this, event->payload);
        else if (event->kind == Kind::Ping)
            ws::append_frame(out_, ws::Opcode::Pong, event->payload);
        else if (event->kind == Kind::Close || event->kind == Kind::Failed)
            return end();
        if (fd_ < 0) return;
    }
    touch();
}

void Wire::answer(int status, const HeaderList& headers, BytesView body) {
    out_.append("HTTP/1.1 ")
        .append(std::to_string(status))
        .append(" ")
        .append(http::reason_phrase(status))
        .append("\r\n");
    for (const auto& [name, value] : headers)
        out_.append(name).append(": ").append(value).append("\r\n");
    if (status != 304)
        out_.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    out_.append("\r\n").append(body);
    touch();
}

void Wire::stream(std::string_view content_type) {
    streaming_ = true;
    out_.append("HTTP/1.1 200 OK\r\nContent-Type: ").append(content_type);
    out_.append("\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n");
    touch();
}

void Wire::write(BytesView bytes) {
    if (!streaming_ || ending_ || fd_ < 0 || bytes.empty()) return;
    out_.append(hex(bytes.size())).append("\r\n").append(bytes).append("\r\n");
    touch();
}

void Wire::upgrade() {
    const auto upgrade = ws::check_upgrade(*head_);
    if (!upgrade) return answer(upgrade.error().status, {}, upgrade.error().why);
    ws::append_upgrade_answer(out_, *upgrade, {}, std::nullopt);
    frames_.emplace(ws::DecoderConfig{});
    touch();
}

void Wire::text(BytesView payload) {
    if (!frames_ || ending_ || fd_ < 0) return;
    ws::append_frame(out_, ws::Opcode::Text, payload);
    touch();
}

void Wire::binary(BytesView payload) {
    if (!frames_ || ending_ || fd_ < 0) return;
    ws::append_frame(out_, ws::Opcode::Binary, payload);
    touch();
}

void Wire::end(std::uint16_t code, std::string_view reason) {
    if (ending_) return;
    if (frames_)
        ws::append_close(out_, code, reason);
    else if (streaming_)
        out_ += "0\r\n\r\n";
    ending_ = true;
    touch();
}

/// What one round of the loop says to a client leaves in one write.
void Wire::touch() {
    if (std::exchange(touched_, true)) return;
    loop_.defer([weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
            self->touched_ = false;
            self->flush();
        }
    });
}

void Wire::flush() {
    if (fd_ < 0) return;
    while (!out_.empty()) {
        const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) return drop();
        if (sent < 0) break;
        out_.erase(0, static_cast<std::size_t>(sent));
    }
    if (out_.size() > kUnreadMax || (out_.empty() && ending_)) return drop();
    if (const bool wait = !out_.empty(); wait != waits_) {
        waits_ = wait;
        (void)loop_.rewatch(fd_, Loop::Readable | (wait ? Loop::Writable : 0U), *this);
    }
}

void Wire::drop() {
    if (fd_ < 0) return;
    loop_.unwatch(fd_, *this);
    ::close(std::exchange(fd_, -1));
    loop_.defer([self = shared_from_this()] { self->owner_.gone(*self); });
}

// -- listening ------------------------------------------------------------------------------------------

Result<std::unique_ptr<Listener>> Listener::start(Loop& loop, WireOwner& owner) {
    std::unique_ptr<Listener> listener(new Listener(loop, owner));
    listener->fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (listener->fd_ < 0 || ::bind(listener->fd_, generic, size) != 0 ||
        ::listen(listener->fd_, 512) != 0 || ::getsockname(listener->fd_, generic, &size) != 0)
        return fail(Errc::Io, "the simulator cannot listen on loopback");
    listener->port_ = ntohs(address.sin_port);
    if (const auto watched = loop.watch(listener->fd_, Loop::Readable, *listener); !watched)
        return std::unexpected(watched.error());
    return listener;
}

Listener::~Listener() {
    if (fd_ < 0) return;
    loop_.unwatch(fd_, *this);
    ::close(fd_);
}

void Listener::on_ready(std::uint32_t) {
    sweep();
    for (;;) {
        const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (wires_.size() >= kWiresMax) {
            ::close(fd);
            continue;
        }
        const int on = 1;
        (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto wire = std::make_shared<Wire>(loop_, owner_, fd);
        if (wire->start()) wires_.push_back(std::move(wire));
    }
}

void Listener::sweep() {
    std::erase_if(wires_, [](const std::shared_ptr<Wire>& wire) {
        return !wire->open() && wire.use_count() == 1;
    });
}

}  // namespace anode::app::demo
