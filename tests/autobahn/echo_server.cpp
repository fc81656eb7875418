#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "autobahn/echo.hpp"
#include "core/codec/http.hpp"
#include "core/codec/websocket_handshake.hpp"

/// An echo server made of our codec, for the Autobahn test suite: `echo_server [PORT]`. Port 0 takes a free one; the first
/// line it prints is the port.
namespace {

using namespace anode;

void refuse(autobahn::Socket& socket, const http::Refusal& refusal) {
    socket.send("HTTP/1.1 " + std::to_string(refusal.status) + " " +
                std::string(http::reason_phrase(refusal.status)) +
                "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    socket.finish();
}

void serve(autobahn::Socket socket) {
    http::RequestReader reader;
    std::string_view rest;
    for (;;) {
        const auto received = socket.receive();
        if (received.empty()) return;
        rest = {received.data(), received.size()};
        const auto progress = reader.read(rest);
        if (progress == http::Progress::Refused) return refuse(socket, reader.refusal());
        if (progress == http::Progress::Done) break;
    }
    const auto upgrade = ws::check_upgrade(reader.head());
    if (!upgrade) return refuse(socket, upgrade.error());
    constexpr std::uint8_t kAnyWindow = 9;
    const auto deflate = ws::accept_deflate(upgrade->extensions, kAnyWindow);
    std::string answer;
    ws::append_upgrade_answer(answer, *upgrade, {}, deflate);
    std::string first(rest);
    if (!socket.send(answer)) return;
    autobahn::Conversation conversation(socket, ws::Role::Server, deflate);
    conversation.run(std::move(first),
                     [&](const ws::Event& message) { conversation.echo(message); });
}

int listen_on(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(descriptor, generic, size) != 0 || ::listen(descriptor, SOMAXCONN) != 0) return -1;
    ::getsockname(descriptor, generic, &size);
    std::printf("%u\n", static_cast<unsigned>(ntohs(address.sin_port)));
    std::fflush(stdout);
    return descriptor;
}

}  // namespace

int main(int argc, char** argv) {
    const int listener = listen_on(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0));
    if (listener < 0) {
        std::perror("listen");
        return 1;
    }
    for (;;) {
        const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor < 0) continue;
        std::thread(serve, autobahn::Socket(descriptor)).detach();
    }
}
