/// Plays an exchange: waits for its WebSocket clients and sends each its trades, in segments of some
/// messages. Tells the server's processor time and what was sent between the marks.
///   exchange port=P clients=1000 segment=10 seconds=10 warm=2 server=PID
///     rate=10000       messages a second in all; without it as many as the clients take
///     repeat=0.02      share of segments that are sent twice, so that repeats must be found
#include <poll.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "core/codec/websocket_handshake.hpp"
#include "load/run.hpp"
#include "load/trades.hpp"
#include "load/ws.hpp"

namespace {

using bench::now_ns;

struct Client {
    int fd = -1;
    bool upgraded = false, writable = true;
    std::string head, unsent;
    std::unique_ptr<bench::Trades> trades;
    std::uint64_t segments = 0;
};

class Exchange {
public:
    explicit Exchange(const bench::Args& args)
        : listener_(bench::listen_on(args.count("port", 0))),
          server_(static_cast<int>(args.number("server", 0))),
          wanted_(args.count("clients", 1000)),
          segment_(args.count("segment", 10)),
          rate_(args.number("rate", 0)),
          repeat_every_(args.number("repeat", 0) > 0
                            ? static_cast<std::uint64_t>(1 / args.number("repeat", 0))
                            : 0) {
        epoll_.add(listener_, 0);
    }

    bool gather() {
        const std::int64_t deadline = now_ns() + 60'000'000'000;
        while (ready_ < wanted_ && now_ns() < deadline) turn(100'000'000);
        return ready_ == wanted_;
    }

    void run(double warm, double seconds) {
        play(now_ns() + static_cast<std::int64_t>(warm * 1e9));
        std::puts("{\"mark\":1}");
        std::fflush(stdout);
        const double cpu = bench::cpu_seconds(server_), own = bench::cpu_seconds(0);
        const std::uint64_t sent = sent_, repeats = repeats_;
        const std::int64_t began = now_ns();
        play(began + static_cast<std::int64_t>(seconds * 1e9));
        const double took = static_cast<double>(now_ns() - began) / 1e9;
        const double used = bench::cpu_seconds(server_) - cpu;
        bench::Answer()
            .with("seconds", took)
            .with("server_cpu", used)
            .with("server_cores", used / took)
            .with("client_cores", (bench::cpu_seconds(0) - own) / took)
            .count("sent", sent_ - sent)
            .count("repeats", repeats_ - repeats)
            .count("sent_in_all", sent_)
            .count("repeats_in_all", repeats_)
            .print();
        finish();
        bench::Answer().count("sent_in_all", sent_).count("repeats_in_all", repeats_).print();
        // The connections stay, or the server would begin to connect again.
        pollfd input{.fd = 0, .events = POLLIN, .revents = 0};
        while (::poll(&input, 1, 0) == 0) turn(50'000'000);
    }

private:
    void turn(std::int64_t wait_ns) {
        epoll_.wait(wait_ns, [this](std::uint64_t at, std::uint32_t events) {
            if (at == 0) return accept_all();
            Client& client = *clients_[at - 1];
            if ((events & EPOLLOUT) != 0) client.writable = true;
            if ((events & EPOLLIN) != 0) read(client);
        });
    }
    void accept_all() {
        int fd = -1;
        while ((fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
            const int on = 1, room = 64 << 10;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
            clients_.push_back(std::make_unique<Client>());
            clients_.back()->fd = fd;
            epoll_.add(fd, clients_.size(), EPOLLIN | EPOLLOUT | EPOLLET);
        }
    }
    void read(Client& client) {
        for (;;) {
            char buffer[4096];
            const ssize_t got = ::recv(client.fd, buffer, sizeof buffer, 0);
            if (got < 0 && errno == EAGAIN) return;
            if (got <= 0) bench::die("a client left");
            if (client.upgraded) continue;  // pings may go unanswered for the time of a run
            client.head.append(buffer, static_cast<std::size_t>(got));
            if (client.head.ends_with("\r\n\r\n")) greet(client);
        }
    }
    void greet(Client& client) {
        const std::string_view name = "Sec-WebSocket-Key: ";
        const auto at = client.head.find(name) + name.size();
        const std::string key = client.head.substr(at, client.head.find("\r\n", at) - at);
        bench::send_all(client.fd,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                            anode::ws::accept_key(key) + "\r\n\r\n");
        const auto slash = client.head.find('/') + 1;
        client.trades = std::make_unique<bench::Trades>(
            static_cast<unsigned>(std::strtoul(client.head.c_str() + slash, nullptr, 10)));
        client.upgraded = true;
        client.head = {};
        ++ready_;
    }

    void play(std::int64_t until) {
        if (start_ == 0) start_ = now_ns();
        for (std::int64_t now = now_ns(); now < until; now = now_ns()) {
            bool any = false;
            if (rate_ == 0) {
                for (const auto& client : clients_) any |= send(*client);
            } else {
                while (static_cast<double>(sent_) * 1e9 / rate_ <=
                       static_cast<double>(now - start_))
                    (void)send(*clients_[turn_++ % clients_.size()]), any = true;
            }
            turn(any ? 0 : 200'000);
        }
    }
    /// Whatever was begun, so that the server has as many whole frames as were counted.
    void finish() {
        for (const auto& client : clients_)
            while (!client->unsent.empty()) {
                flush(*client);
                turn(1'000'000);
            }
    }

    bool send(Client& client) {
        if (!client.upgraded) return false;
        if (!client.unsent.empty() && !flush(client)) return false;
        if (!client.writable && rate_ == 0) return false;
        timespec at{};
        ::clock_gettime(CLOCK_REALTIME_COARSE, &at);
        const auto wall_ms = static_cast<std::uint64_t>(at.tv_sec * 1000 + at.tv_nsec / 1'000'000);
        client.unsent.clear();
        for (unsigned i = 0; i < segment_; ++i)
            anode::ws::append_frame(client.unsent, anode::ws::Opcode::Text,
                                    client.trades->next(wall_ms));
        sent_ += segment_;
        if (repeat_every_ != 0 && ++client.segments % repeat_every_ == 0) {
            client.unsent += std::string(client.unsent);
            sent_ += segment_;
            repeats_ += segment_;
        }
        (void)flush(client);
        return true;
    }
    bool flush(Client& client) {
        const ssize_t sent = ::send(client.fd, client.unsent.data(), client.unsent.size(),
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) return client.writable = false;
        if (sent < 0) bench::die("send");
        client.unsent.erase(0, static_cast<std::size_t>(sent));
        return client.unsent.empty();
    }

    int listener_, server_;
    std::size_t wanted_, ready_ = 0, turn_ = 0;
    unsigned segment_;
    double rate_;
    std::uint64_t repeat_every_, sent_ = 0, repeats_ = 0;
    std::int64_t start_ = 0;
    std::vector<std::unique_ptr<Client>> clients_;
    bench::Epoll epoll_;
};

}  // namespace

int main(int argc, char** argv) {
    const bench::Args args(argc, argv);
    const auto exchange = std::make_unique<Exchange>(args);
    if (!exchange->gather()) bench::die("not all clients came");
    exchange->run(args.number("warm", 2), args.number("seconds", 10));
}
