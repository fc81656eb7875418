/// The limit of fan-out on one thread: a ring of ready frames, a listener is a socket and an offset,
/// one send per listener and pass. No topics, filters, store, slow listeners or errors.
///   fanout_raw PORT
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/codec/websocket.hpp"
#include "core/codec/websocket_handshake.hpp"
#include "load/net.hpp"

namespace {

constexpr std::size_t kRing = 16 << 20;  ///< far more than the load leaves unsent

struct Peer {
    int fd = -1;
    std::uint64_t offset = 0;
    bool upgraded = false, publisher = false;
    std::string head;
    anode::ws::Decoder decoder{anode::ws::DecoderConfig{}};
};

class Server {
public:
    explicit Server(unsigned port) : listener_(bench::listen_on(port)), ring_(kRing * 2) {
        epoll_.add(listener_, 0);
    }
    [[noreturn]] void run() {
        for (;;) {
            epoll_.wait(1'000'000'000, [this](std::uint64_t at, std::uint32_t) {
                at == 0 ? accept_all() : read(*peers_[at - 1]);
            });
            if (head_ == flushed_) continue;
            flushed_ = head_;
            for (Peer* peer : streams_) send(*peer);
        }
    }

private:
    void accept_all() {
        int fd = -1;
        while ((fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            peers_.push_back(std::make_unique<Peer>());
            peers_.back()->fd = fd;
            epoll_.add(fd, peers_.size());
        }
    }

    void read(Peer& peer) {
        const ssize_t got = ::recv(peer.fd, buffer_, sizeof buffer_, 0);
        if (got < 0) return;
        if (got == 0 && !peer.upgraded) return void(::close(std::exchange(peer.fd, -1)));
        if (got == 0) std::exit(0);  // the run is over
        if (!peer.upgraded) return greet(peer, {buffer_, static_cast<std::size_t>(got)});
        std::span<char> input(buffer_, static_cast<std::size_t>(got));
        while (const auto event = peer.decoder.next(input)) append(event->payload);
    }
    void greet(Peer& peer, std::string_view bytes) {
        peer.head += bytes;
        if (!peer.head.ends_with("\r\n\r\n")) return;
        const auto at = peer.head.find("Sec-WebSocket-Key: ") + 19;
        const std::string key = peer.head.substr(at, peer.head.find("\r\n", at) - at);
        bench::send_all(peer.fd,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                            anode::ws::accept_key(key) + "\r\n\r\n");
        peer.upgraded = true;
        peer.offset = head_;
        if (!peer.head.starts_with("GET /v1/push")) streams_.push_back(&peer);
        peer.head = {};
    }

    /// Bytes lie twice, half a buffer apart, so that what is pending is always one piece.
    void append(std::string_view payload) {
        frame_.clear();
        anode::ws::append_frame(frame_, anode::ws::Opcode::Text, payload);
        for (std::string_view rest = frame_; !rest.empty();) {
            const std::size_t at = head_ % kRing, size = std::min(rest.size(), kRing - at);
            std::memcpy(ring_.data() + at, rest.data(), size);
            std::memcpy(ring_.data() + at + kRing, rest.data(), size);
            head_ += size;
            rest.remove_prefix(size);
        }
    }
    void send(Peer& peer) {
        if (peer.offset == head_) return;
        const ssize_t sent = ::send(peer.fd, ring_.data() + peer.offset % kRing,
                                    head_ - peer.offset, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) peer.offset += static_cast<std::uint64_t>(sent);
        if (peer.offset < head_) flushed_ = 0;  // the next pass tries again
    }

    int listener_;
    std::vector<char> ring_;
    std::uint64_t head_ = 0, flushed_ = 0;
    std::vector<std::unique_ptr<Peer>> peers_;
    std::vector<Peer*> streams_;
    std::string frame_;
    bench::Epoll epoll_;
    char buffer_[256 << 10];
};

}  // namespace

int main(int, char** argv) {
    const auto server =
        std::make_unique<Server>(static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)));
    server->run();
}
