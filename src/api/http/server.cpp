#include "api/http/server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <thread>
#include <utility>

#include "api/http/admission.hpp"
#include "api/http/connection.hpp"
#include "api/http/listen.hpp"
#include "base/log.hpp"
#include "runtime/tls_server.hpp"

namespace anode::api {

namespace {

/// Four fifths of what the process may open; the rest is for files, sources and peers.
std::size_t connections_max() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 1U << 20;
    return static_cast<std::size_t>(limit.rlim_cur) * 4 / 5;
}

std::string canned(std::string_view status, const Problem& problem) {
    const Bytes body = problem.json("req-0");
    return "HTTP/1.1 " + std::string(status) +
           "\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\nConnection: "
           "close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// The connections of one loop and the sockets it accepts from.
class Acceptor final : public ConnectionTable {
public:
    Acceptor(std::shared_ptr<Loop> loop, ServerParts& parts, Admission& admission)
        : loop_(std::move(loop)), parts_(parts), admission_(admission) {}

    void begin(const std::vector<Listening>& listening) {
        for (const Listening& one : listening) {
            auto door = std::make_unique<Door>(*this, one);
            loop_->watch(one.fd, *door, EPOLLIN | EPOLLEXCLUSIVE);
            doors_.push_back(std::move(door));
        }
        tick();
    }
    void stop_accepting() {
        for (const auto& door : doors_) loop_->forget(door->listening.fd);
        for (auto it = connections_.begin(); it != connections_.end();) {
            const auto connection = (it++)->second;
            connection->wind_down();
        }
    }
    void close_all() {
        while (!connections_.empty()) {
            const auto connection = connections_.begin()->second;
            connection->close();
        }
    }
    void remove(Connection& connection) override {
        admission_.leave(counted_as(connection.peer()));
        connections_.erase(&connection);
    }

private:
    struct Door final : Watcher {
        Door(Acceptor& owner, Listening what) : acceptor(owner), listening(std::move(what)) {}
        void ready(std::uint32_t) override { acceptor.accept_from(listening); }
        Acceptor& acceptor;
        Listening listening;
    };

    void accept_from(const Listening& listening) {
        for (int i = 0; i < 64; ++i) {
            const int fd = ::accept4(listening.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) {
                if (errno == EMFILE || errno == ENFILE) parts_.metrics.refused("descriptors");
                return;
            }
            take(fd, listening.unix_socket);
        }
    }

    /// A proxy brings many clients: its connections count in all, but not against its own address.
    [[nodiscard]] std::string counted_as(const std::string& peer) const {
        return parts_.proxies.trusts(peer) ? "unix" : peer;
    }

    void take(int fd, bool unix_socket) {
        const std::string peer = unix_socket ? "unix" : peer_address(fd);
        switch (admission_.enter(counted_as(peer))) {
            case Admission::Answer::Welcome:
                break;
            case Admission::Answer::TooManyHere:
                return turn_away(fd, "429 Too Many Requests", 429, "address");
            case Admission::Answer::TooManyInAll:
                return turn_away(fd, "503 Service Unavailable", 503, "node");
        }
        if (!unix_socket) {
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
        const auto tls = unix_socket ? nullptr : parts_.tls.get();
        Socket socket(fd, tls ? tls->begin() : nullptr);
        const auto connection = std::make_shared<Connection>(
            std::move(socket), unix_socket ? unix_peer(fd) : peer,
            unix_socket ? "" : local_address(fd), loop_, parts_, *this);
        connections_.emplace(connection.get(), connection);
        connection->begin();
    }

    void turn_away(int fd, std::string_view status, int number, std::string_view reason) {
        parts_.metrics.refused(reason);
        if (parts_.tls.get()) {  // words in clear would mean nothing to this client
            ::close(fd);
            return;
        }
        Problem problem{number, "too-many-connections", "the limit of connections is reached",
                        {},     std::nullopt,           {}};
        problem.retry_ms = 1000;
        const std::string answer = canned(status, problem);
        ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
        ::shutdown(fd, SHUT_WR);
        ::close(fd);
    }

    void tick() {
        const Instant now = loop_->now().mono;
        for (auto it = connections_.begin(); it != connections_.end();) {
            const auto connection = (it++)->second;
            connection->tick(now);
        }
        loop_->after(500ms, [this] { tick(); });
    }

    std::shared_ptr<Loop> loop_;
    ServerParts& parts_;
    Admission& admission_;
    std::vector<std::unique_ptr<Door>> doors_;
    std::map<Connection*, std::shared_ptr<Connection>> connections_;
};

class ServerImpl final : public Server {
public:
    ServerImpl(ServerOptions options, Router router, Authenticator& auth,
               metrics::Registry& metrics, std::vector<Listening> listening,
               std::vector<std::string> names)
        : router_(std::move(router)),
          origins_(std::move(names), options.public_url, std::move(options.allowed_origins)),
          workers_(options.workers),
          request_metrics_(metrics),
          parts_{options.limits, router_,  origins_,
                 auth,           workers_, request_metrics_,
                 options.rates,  {},       ProxyRules(options.trusted_proxies)},
          admission_(connections_max(),
                     std::max<std::size_t>(1024, options.limits.listeners_per_address_max + 256)),
          listening_(std::move(listening)) {
        parts_.tls.set(std::move(options.tls));
        for (unsigned i = 0; i < std::max(1U, options.threads); ++i) {
            loops_.push_back(std::make_shared<Loop>(i));
            acceptors_.push_back(std::make_unique<Acceptor>(loops_.back(), parts_, admission_));
        }
    }
    ~ServerImpl() override { stop(); }

    void begin() override {
        for (std::size_t i = 0; i < loops_.size(); ++i) {
            acceptors_[i]->begin(listening_);
            threads_.emplace_back([loop = loops_[i], name = "edge" + std::to_string(i)] {
                pthread_setname_np(pthread_self(), name.c_str());
                loop->run();
            });
        }
    }
    void set_origins(std::vector<std::string> allowed) override {
        origins_.set_allowed(std::move(allowed));
    }
    void set_tls(std::shared_ptr<const TlsServer> tls) override { parts_.tls.set(std::move(tls)); }
    void stop_accepting() override {
        if (!accepting_.exchange(false)) return;
        for (std::size_t i = 0; i < loops_.size(); ++i)
            loops_[i]->post([acceptor = acceptors_[i].get()] { acceptor->stop_accepting(); });
    }
    void stop() override {
        if (stopped_.exchange(true)) return;
        stop_accepting();
        workers_.stop();
        for (std::size_t i = 0; i < loops_.size(); ++i) {
            loops_[i]->post([acceptor = acceptors_[i].get()] { acceptor->close_all(); });
            loops_[i]->post([loop = loops_[i].get()] { loop->stop(); });
        }
        for (std::thread& thread : threads_) thread.join();
        if (threads_.empty()) acceptors_.clear();
        for (const Listening& one : listening_) {
            ::close(one.fd);
            if (one.unix_socket) ::unlink(one.address.c_str());
        }
    }
    std::vector<std::string> addresses() const override {
        std::vector<std::string> all;
        for (const Listening& one : listening_) all.push_back(one.address);
        return all;
    }
    std::shared_ptr<Loop> loop(unsigned index) override { return loops_[index]; }
    unsigned loops() const noexcept override { return static_cast<unsigned>(loops_.size()); }
    bool work(std::move_only_function<void()> job) override { return workers_.run(std::move(job)); }
    const Router& router() const noexcept override { return router_; }
    RequestMetrics& request_metrics() override { return request_metrics_; }

private:
    Router router_;
    OriginRules origins_;
    Workers workers_;
    RequestMetrics request_metrics_;
    ServerParts parts_;
    Admission admission_;
    std::vector<Listening> listening_;
    std::vector<std::shared_ptr<Loop>> loops_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    std::vector<std::thread> threads_;
    std::atomic<bool> accepting_{true};
    std::atomic<bool> stopped_{false};
};

}  // namespace

Result<std::unique_ptr<Server>> Server::bind(ServerOptions options, Router router,
                                             Authenticator& auth, metrics::Registry& metrics) {
    std::vector<Listening> listening;
    std::vector<std::string> names;
    std::optional<Error> failed;
    const auto keep = [&](Result<Listening> one) {
        if (one)
            listening.push_back(std::move(*one));
        else if (!failed)
            failed = one.error();
    };
    for (const std::string& address : options.listen) {
        keep(listen_tcp(address));
        if (const auto host = host_of(address)) names.push_back(*host);
    }
    if (!options.socket.empty()) keep(listen_unix(options.socket));
    if (failed) {
        for (const Listening& one : listening) ::close(one.fd);
        return std::unexpected(*failed);
    }
    char host_name[256] = {};
    if (::gethostname(host_name, sizeof host_name - 1) == 0) names.emplace_back(host_name);
    return std::make_unique<ServerImpl>(std::move(options), std::move(router), auth, metrics,
                                        std::move(listening), std::move(names));
}

}  // namespace anode::api
