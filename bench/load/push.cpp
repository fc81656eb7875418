/// Publishers that wait for the disk: some connections, each with so many messages not yet
/// acknowledged. Counts acknowledgements, which come one for each message.
///   push port=P server=PID connections=64 window=1000 seconds=5 [ack=disk]
#include <memory>
#include <vector>

#include "load/run.hpp"
#include "load/trades.hpp"
#include "load/ws.hpp"

namespace {

using bench::now_ns;

struct Publisher {
    explicit Publisher(unsigned number) : trades(number) {}
    int fd = -1;
    bench::Trades trades;
    bench::FrameWalk frames;
    std::string unsent, answer;
    std::uint64_t sent = 0, acknowledged = 0;
    std::vector<std::int64_t> when;  ///< each message of the window was sent
};

class Load {
public:
    explicit Load(const bench::Args& args)
        : window_(args.count("window", 1000)), server_(static_cast<int>(args.number("server", 0))) {
        const unsigned count = args.count("connections", 64);
        for (unsigned i = 0; i < count; ++i) {
            publishers_.push_back(std::make_unique<Publisher>(i));
            Publisher& one = *publishers_.back();
            one.when.resize(window_);
            one.fd = bench::connect_to(args.count("port", 0), i);
            if (!bench::upgrade(one.fd, "/v1/push?topic=bench.push." +
                                            std::string(one.trades.symbol()) +
                                            "&ack=" + args.text("ack", "disk")))
                bench::die("upgrade");
            epoll_.add(one.fd, i, EPOLLIN | EPOLLOUT | EPOLLET);
        }
    }

    void run(double seconds) {
        play(1);
        latencies_ = {};
        const std::uint64_t acknowledged = acknowledged_;
        const double cpu = bench::cpu_seconds(server_), own = bench::cpu_seconds(0);
        const std::int64_t began = now_ns();
        play(seconds);
        const double took = static_cast<double>(now_ns() - began) / 1e9;
        const auto counted = static_cast<double>(acknowledged_ - acknowledged);
        const double used = bench::cpu_seconds(server_) - cpu;
        const double own_cores = (bench::cpu_seconds(0) - own) / took;
        open_ = false;
        const std::int64_t deadline = now_ns() + 10'000'000'000;
        while (acknowledged_ < sent_ && now_ns() < deadline) turn();
        bench::Answer()
            .with("per_second", counted / took)
            .with("per_cpu_second", counted / used)
            .with("server_cores", used / took)
            .with("client_cores", own_cores)
            .with("p50_ms", latencies_.quantile_ms(0.5))
            .with("p99_ms", latencies_.quantile_ms(0.99))
            .count("acknowledged", acknowledged_)
            .count("refused", refused_)
            .count("lost", sent_ - acknowledged_)
            .print();
    }

private:
    void play(double seconds) {
        const std::int64_t until = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
        for (const auto& one : publishers_) write(*one);
        while (now_ns() < until) turn();
    }
    void turn() {
        epoll_.wait(10'000'000, [this](std::uint64_t number, std::uint32_t) {
            read(*publishers_[number]);
            write(*publishers_[number]);
        });
    }
    void write(Publisher& one) {
        while (open_ && one.sent - one.acknowledged < window_) {
            timespec at{};
            ::clock_gettime(CLOCK_REALTIME_COARSE, &at);
            const auto wall_ms =
                static_cast<std::uint64_t>(at.tv_sec * 1000 + at.tv_nsec / 1'000'000);
            bench::append_client_frame(one.unsent, one.trades.next(wall_ms));
            one.when[one.sent++ % window_] = now_ns();
            ++sent_;
        }
        if (one.unsent.empty()) return;
        const ssize_t sent =
            ::send(one.fd, one.unsent.data(), one.unsent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) bench::die("send");
        if (sent > 0) one.unsent.erase(0, static_cast<std::size_t>(sent));
    }
    void read(Publisher& one) {
        for (;;) {
            const ssize_t got = ::recv(one.fd, buffer_, sizeof buffer_, MSG_DONTWAIT);
            if (got < 0 && errno == EAGAIN) return;
            if (got <= 0) bench::die("the server closed a connection");
            const std::int64_t now = now_ns();
            one.frames.walk(
                {buffer_, static_cast<std::size_t>(got)}, [](std::uint64_t) {},
                [&](std::string_view piece, bool last) {
                    one.answer += piece;
                    if (!last) return;
                    if (one.answer.starts_with(R"({"op":"ok")"))
                        latencies_.add(now - one.when[one.acknowledged % window_]);
                    else
                        ++refused_;
                    ++one.acknowledged;
                    ++acknowledged_;
                    one.answer.clear();
                });
        }
    }

    std::size_t window_;
    int server_;
    std::vector<std::unique_ptr<Publisher>> publishers_;
    bench::Epoll epoll_;
    bench::Latencies latencies_;
    std::uint64_t sent_ = 0, acknowledged_ = 0, refused_ = 0;
    bool open_ = true;
    char buffer_[256 << 10];
};

}  // namespace

int main(int argc, char** argv) {
    const bench::Args args(argc, argv);
    const auto load = std::make_unique<Load>(args);
    load->run(args.number("seconds", 5));
}
