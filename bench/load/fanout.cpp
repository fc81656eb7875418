/// One publisher and many listeners on one server or several, all in this process and by one clock:
/// every message is counted at every listener, and its number is looked at.
///   fanout peer=anode|nats|raw port=P server=PID listeners=1000 seconds=5
///     port=P,Q,R       several servers, which the listeners are dealt to in turn
///     publish=P        the server that is published to; without it the first
///     window=256       closed loop: so many messages between the publisher and the slowest listener
///     rate=1000        open loop instead: messages a second, latency from the scheduled time
///     batch=20ms       asked of anode by each listener
///     hold             only connects, says so on standard output, and waits for the end of its input
#include <algorithm>
#include <deque>
#include <vector>

#include "load/run.hpp"
#include "load/ws.hpp"

namespace {

using bench::now_ns;

constexpr std::size_t kPayload = 200;
constexpr std::size_t kRemembered = 1 << 17;  ///< messages whose scheduled time is kept
constexpr std::size_t kDigits = 10;
constexpr std::string_view kNatsHead = "MSG bench.f 1 200\r\n";
constexpr std::size_t kNatsMessage = kNatsHead.size() + kPayload + 2;

struct Listener {
    int fd = -1;
    std::uint64_t received = 0;
    bench::FrameWalk frames;
    std::uint64_t frame_messages = 0;
    std::uint16_t at = 0;  ///< in the NATS message or control line
    bool control = false;
};

class Load {
public:
    explicit Load(const bench::Args& args)
        : nats_(args.text("peer") == "nats"),
          ports_(ports_of(args.text("port"))),
          publish_port_(args.count("publish", ports_.front())),
          server_(static_cast<int>(args.number("server", 0))),
          window_(args.count("window", 256)),
          rate_(args.number("rate", 0)),
          listeners_(args.count("listeners", 1000)),
          standing_(window_ + kRemembered),
          scheduled_(kRemembered) {
        target_ = nats_ ? "/" : "/v1/stream?topics=bench.f&format=data";
        if (!nats_ && !args.text("batch").empty()) target_ += "&batch=" + args.text("batch");
        payload_ = "{\"n\":\"0000000000\",\"pad\":\"";
        payload_.resize(kPayload - 2, 'x');
        payload_ += "\"}";
    }

    void connect() {
        for (unsigned i = 0; i < listeners_.size(); ++i) {
            listeners_[i].fd = open(ports_[i % ports_.size()], target_, i);
            if (nats_) bench::send_all(listeners_[i].fd, frame("SUB bench.f 1\r\nPING\r\n"));
            epoll_.add(listeners_[i].fd, i);
        }
        standing_[0] = listeners_.size();
    }
    void connect_publisher() {
        publisher_ = open(publish_port_, nats_ ? "/" : "/v1/push?topic=bench.f",
                          static_cast<unsigned>(listeners_.size()) + bench::kConnectionsPerAddress);
        epoll_.add(publisher_, listeners_.size());
    }

    /// Reads what comes for so long: greetings, first pings.
    void settle(double seconds) {
        const std::int64_t until = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
        while (now_ns() < until) turn(10'000'000);
    }

    void run(double seconds) {
        start_ = now_ns();
        play(start_ + 1'000'000'000);
        latencies_ = last_ = {};
        const std::uint64_t deliveries = deliveries_, published = published_;
        const double cpu = bench::cpu_seconds(server_), own = bench::cpu_seconds(0);
        const std::int64_t began = now_ns();
        play(began + static_cast<std::int64_t>(seconds * 1e9));
        const double took = static_cast<double>(now_ns() - began) / 1e9;
        const double server_cpu = bench::cpu_seconds(server_) - cpu;
        const double own_cpu = bench::cpu_seconds(0) - own;
        const auto counted = static_cast<double>(deliveries_ - deliveries);
        const auto sent = static_cast<double>(published_ - published);
        const std::uint64_t behind = published_ - oldest_;
        const auto latencies = latencies_, last = last_;
        const std::int64_t deadline = now_ns() + 10'000'000'000;
        while (oldest_ < published_ && now_ns() < deadline) turn(10'000'000);
        bench::Answer()
            .with("per_cpu_second", counted / server_cpu)
            .with("per_second", counted / took)
            .with("cpu_per_million", server_cpu / counted * 1e6)
            .with("server_cores", server_cpu / took)
            .with("client_cores", own_cpu / took)
            .with("published_per_second", sent / took)
            .with("p50_ms", latencies.quantile_ms(0.5))
            .with("p99_ms", latencies.quantile_ms(0.99))
            .with("p999_ms", latencies.quantile_ms(0.999))
            .with("last_p50_ms", last.quantile_ms(0.5))
            .with("last_p99_ms", last.quantile_ms(0.99))
            .count("behind", behind)
            .count("lost", published_ * listeners_.size() - deliveries_)
            .count("wrong", wrong_)
            .count("deliveries", deliveries_)
            .print();
    }

private:
    static std::vector<unsigned> ports_of(const std::string& text) {
        std::vector<unsigned> ports;
        for (const char* at = text.c_str(); *at != '\0'; at += *at == ',') {
            char* end = nullptr;
            ports.push_back(static_cast<unsigned>(std::strtoul(at, &end, 10)));
            if (end == at) bench::die("port");
            at = end;
        }
        if (ports.empty()) bench::die("port");
        return ports;
    }
    int open(unsigned port, const std::string& target, unsigned number) const {
        const int fd = bench::connect_to(port, number);
        if (!bench::upgrade(fd, target)) bench::die("upgrade");
        if (nats_) bench::send_all(fd, frame("CONNECT {\"verbose\":false}\r\n"));
        return fd;
    }
    static std::string frame(std::string_view text) {
        std::string out;
        bench::append_client_frame(out, text, anode::ws::Opcode::Binary);
        return out;
    }

    void play(std::int64_t until) {
        for (std::int64_t now = now_ns(); now < until; now = now_ns()) {
            std::int64_t wait = 10'000'000;
            if (rate_ > 0) {
                while (due(published_) <= now) append(due(published_));
                wait = std::max<std::int64_t>(0, due(published_) - now);
            } else {
                while (published_ - oldest_ < window_) append(now);
            }
            send_published();
            turn(std::min(wait, until - now));
        }
    }
    std::int64_t due(std::uint64_t number) const {
        return start_ + static_cast<std::int64_t>(static_cast<double>(number) * 1e9 / rate_);
    }

    void number_into(char* at, std::uint64_t number) const {
        for (std::size_t i = kDigits; i-- > 0; number /= 10)
            at[i] = static_cast<char>('0' + number % 10);
    }
    bool is_number(const char* at, std::uint64_t number) const {
        char wanted[kDigits];
        number_into(wanted, number);
        return std::memcmp(at, wanted, kDigits) == 0;
    }

    void append(std::int64_t scheduled) {
        number_into(payload_.data() + 6, published_);
        scheduled_[published_ % kRemembered] = scheduled;
        ++published_;
        if (nats_) {
            line_ = "PUB bench.f 200\r\n";
            line_.append(payload_).append("\r\n");
            bench::append_client_frame(outgoing_, line_, anode::ws::Opcode::Binary);
        } else {
            bench::append_client_frame(outgoing_, payload_);
        }
    }
    /// What the socket does not take waits here: a server that pushes back must still be read.
    void send_published() {
        if (outgoing_.empty()) return;
        const ssize_t sent =
            ::send(publisher_, outgoing_.data(), outgoing_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) bench::die("publisher");
        if (sent > 0) outgoing_.erase(0, static_cast<std::size_t>(sent));
    }

    void turn(std::int64_t wait_ns) {
        epoll_.wait(wait_ns, [this](std::uint64_t number, std::uint32_t) {
            const bool publisher = number == listeners_.size();
            const int fd = publisher ? publisher_ : listeners_[number].fd;
            const ssize_t got = ::recv(fd, buffer_, sizeof buffer_, MSG_DONTWAIT);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
            if (got <= 0) bench::die("the server closed a connection");
            const std::string_view bytes(buffer_, static_cast<std::size_t>(got));
            if (!publisher)
                take(listeners_[number], bytes);
            else if (nats_ && bytes.find("PING") != std::string_view::npos)
                outgoing_ += frame("PONG\r\n");
        });
    }

    void take(Listener& listener, std::string_view bytes) {
        const std::uint64_t before = listener.received;
        listener.frames.walk(
            bytes,
            [&](std::uint64_t length) {
                listener.frame_messages = (length + 1) / (kPayload + 1);
                wrong_ += !nats_ && (length + 1) % (kPayload + 1) != 0;
            },
            [&](std::string_view piece, bool last) {
                if (nats_) return take_nats(listener, piece);
                if (piece.starts_with('{') && piece.size() >= kPayload)
                    wrong_ += !is_number(piece.data() + 6, listener.received);
                if (last) listener.received += listener.frame_messages;
            });
        const std::uint64_t more = listener.received - before;
        if (more == 0) return;
        deliveries_ += more;
        const std::int64_t now = now_ns();
        for (std::uint64_t i = before; i < listener.received; ++i)
            latencies_.add(now - scheduled_[i % kRemembered]);
        --standing_[before % standing_.size()];
        ++standing_[listener.received % standing_.size()];
        while (oldest_ < published_ && standing_[oldest_ % standing_.size()] == 0)
            last_.add(now - scheduled_[oldest_++ % kRemembered]);
    }

    void take_nats(Listener& listener, std::string_view piece) {
        while (!piece.empty()) {
            if (listener.at == 0) listener.control = piece.front() != 'M';
            if (listener.control) {
                const auto end = piece.find('\n');
                if (listener.at == 0 && piece.starts_with("PING"))
                    bench::send_all(listener.fd, frame("PONG\r\n"));
                listener.at = end == std::string_view::npos;
                piece.remove_prefix(end == std::string_view::npos ? piece.size() : end + 1);
                continue;
            }
            if (listener.at == 0 && piece.size() >= kNatsMessage)
                wrong_ += !is_number(piece.data() + kNatsHead.size() + 6, listener.received);
            const std::size_t used = std::min(piece.size(), kNatsMessage - listener.at);
            listener.at = static_cast<std::uint16_t>(listener.at + used);
            piece.remove_prefix(used);
            if (listener.at < kNatsMessage) continue;
            listener.at = 0;
            ++listener.received;
        }
    }

    bool nats_;
    std::vector<unsigned> ports_;
    unsigned publish_port_;
    int server_;
    std::uint64_t window_;
    double rate_;
    std::vector<Listener> listeners_;
    std::vector<std::uint64_t>
        standing_;  ///< listeners that have received so many, modulo its size
    std::vector<std::int64_t> scheduled_;
    std::string target_, payload_, line_, outgoing_;
    bench::Epoll epoll_;
    bench::Latencies latencies_, last_;  ///< of each delivery; of the last one of each message
    int publisher_ = -1;
    std::int64_t start_ = 0;
    std::uint64_t published_ = 0, oldest_ = 0, deliveries_ = 0, wrong_ = 0;
    char buffer_[256 << 10];
};

}  // namespace

int main(int argc, char** argv) {
    const bench::Args args(argc, argv);
    const auto load = std::make_unique<Load>(args);
    load->connect();
    if (!args.text("hold").empty()) {
        load->settle(args.text("peer") == "nats" ? 4 : 1);
        std::puts("{\"connected\":1}");
        std::fflush(stdout);
        while (std::getchar() != EOF) {
        }
        return 0;
    }
    load->connect_publisher();
    load->settle(args.text("peer") == "nats" ? 3 : 0.3);
    load->run(args.number("seconds", 5));
}
