#include <array>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "autobahn/echo.hpp"
#include "base/text.hpp"
#include "core/codec/http.hpp"
#include "core/codec/websocket_handshake.hpp"

/// An echo client made of our codec, for the Autobahn test suite: `echo_client ws://127.0.0.1:PORT`. Asks how many cases
/// there are, echoes through each, and lets the report be written.
namespace {

using namespace anode;

constexpr const char* kAgent = "anode";

std::uint16_t port_of(std::string_view url) {
    const auto port = text::parse_u64(text::split(url.substr(url.rfind(':') + 1), '/').front());
    if (!port || *port > 0xffff) throw std::invalid_argument("the address must end in a port");
    return static_cast<std::uint16_t>(*port);
}

/// Opens `target` and gives each message to `on_message`, with the conversation to answer it in.
template <class OnMessage>
void talk(std::uint16_t port, const std::string& target, OnMessage on_message) {
    Rng rng{std::random_device()()};
    std::array<std::uint8_t, 16> nonce{};
    rng.fill(nonce);
    ws::ClientRequest request;
    request.host = "127.0.0.1:" + std::to_string(port);
    request.target = target;
    request.deflate = true;
    request.key = text::base64({reinterpret_cast<const char*>(nonce.data()), nonce.size()});
    std::string head;
    if (!ws::append_client_request(head, request)) throw std::invalid_argument("bad request");

    autobahn::Socket socket = autobahn::Socket::to(port);
    socket.send(head);
    http::ResponseReader reader;
    std::string_view rest;
    for (auto progress = http::Progress::More; progress == http::Progress::More;) {
        const auto received = socket.receive();
        if (received.empty()) throw std::runtime_error("closed inside the handshake");
        rest = {received.data(), received.size()};
        progress = reader.read(rest);
        if (progress == http::Progress::Refused)
            throw std::runtime_error(std::string(reader.refusal().why));
    }
    const auto answer = ws::check_answer(reader.head(), request);
    if (!answer) throw std::runtime_error(answer.error().what);
    autobahn::Conversation conversation(socket, ws::Role::Client, answer->deflate);
    conversation.run(std::string(rest),
                     [&](const ws::Event& message) { on_message(conversation, message); });
}

void run(std::uint16_t port) {
    std::uint64_t cases = 0;
    talk(port, "/getCaseCount", [&](auto&, const ws::Event& message) {
        cases = text::parse_u64(message.payload).value_or(0);
    });
    for (std::uint64_t number = 1; number <= cases; ++number)
        talk(port, "/runCase?case=" + std::to_string(number) + "&agent=" + kAgent,
             [](autobahn::Conversation& conversation, const ws::Event& message) {
                 conversation.echo(message);
             });
    talk(port, std::string("/updateReports?agent=") + kAgent, [](auto&, const ws::Event&) {});
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: echo_client ws://127.0.0.1:PORT\n", stderr);
        return 2;
    }
    try {
        run(port_of(argv[1]));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "echo_client: %s\n", error.what());
        return 1;
    }
}
