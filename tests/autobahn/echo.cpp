#include "autobahn/echo.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <system_error>
#include <utility>

namespace autobahn {

using namespace anode;

namespace {

constexpr std::size_t kReadBytes = 64U << 10;
constexpr std::size_t kOutboxBytes = 256U << 10;

/// Case 9 sends messages of 16 MiB, in up to 65,537 fragments.
ws::DecoderConfig generous(ws::Role role, const std::optional<ws::DeflateAgreed>& deflate) {
    ws::DecoderConfig config;
    config.role = role;
    config.frame_bytes_max = 32U << 20;
    config.message_bytes_max = 32U << 20;
    config.fragments_max = 100'000;
    config.deflate = deflate.has_value();
    config.ratio_max = 1100;  // the messages of cases 12 and 13 may be anything
    if (deflate)
        config.peer_keeps_context = role == ws::Role::Server ? deflate->client_keeps_context
                                                             : deflate->server_keeps_context;
    return config;
}

}  // namespace

Socket::~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Socket::Socket(Socket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), buffer_(std::move(other.buffer_)) {}

Socket Socket::to(std::uint16_t port) {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.descriptor_, reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address)) != 0)
        throw std::system_error(errno, std::generic_category(), "connect");
    const int on = 1;
    ::setsockopt(socket.descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return socket;
}

bool Socket::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::span<char> Socket::receive() {
    buffer_.resize(kReadBytes);
    const ssize_t count = ::recv(descriptor_, buffer_.data(), buffer_.size(), 0);
    return std::span(buffer_).first(count > 0 ? static_cast<std::size_t>(count) : 0);
}

void Socket::finish() {
    ::shutdown(descriptor_, SHUT_WR);
    while (!receive().empty()) {
    }
}

Conversation::Conversation(Socket& socket, ws::Role role,
                           const std::optional<ws::DeflateAgreed>& deflate)
    : socket_(socket), role_(role), decoder_(generous(role, deflate)) {
    if (!deflate) return;
    const auto bits =
        role == ws::Role::Server ? deflate->server_window_bits : deflate->client_window_bits;
    if (bits >= 9) deflater_.emplace(bits);
}

std::optional<ws::MaskKey> Conversation::mask() {
    if (role_ == ws::Role::Server) return std::nullopt;
    ws::MaskKey key;
    for (char& byte : key) byte = static_cast<char>(rng_.next());
    return key;
}

void Conversation::echo(const ws::Event& message) {
    const auto opcode =
        message.kind == ws::Event::Kind::Text ? ws::Opcode::Text : ws::Opcode::Binary;
    if (!deflater_) {
        ws::append_frame(outbox_, opcode, message.payload, mask());
        return;
    }
    deflated_.clear();
    deflater_->deflate(message.payload, deflated_);
    ws::append_frame(outbox_, opcode, deflated_, mask(), true, true);
}

bool Conversation::flush() {
    const bool sent = socket_.send(outbox_);
    outbox_.clear();
    return sent;
}

/// False once the conversation is over.
bool Conversation::answer(const ws::Event& event,
                          const std::function<void(const ws::Event&)>& on_message) {
    using Kind = ws::Event::Kind;
    if (event.kind == Kind::Ping)
        ws::append_frame(outbox_, ws::Opcode::Pong, event.payload, mask());
    if (event.kind == Kind::Close || event.kind == Kind::Failed) {
        const bool theirs = event.kind == Kind::Close;
        ws::append_close(outbox_, event.code, theirs ? std::string_view() : event.payload, mask());
        flush();
        return false;
    }
    if (event.kind == Kind::Text || event.kind == Kind::Binary) on_message(event);
    return outbox_.size() < kOutboxBytes || flush();
}

void Conversation::run(std::string first, const std::function<void(const ws::Event&)>& on_message) {
    std::span<char> input(first);
    do {
        while (const auto event = decoder_.next(input))
            if (!answer(*event, on_message)) return socket_.finish();
        if (!flush()) return;
        input = socket_.receive();
    } while (!input.empty());
}

}  // namespace autobahn
