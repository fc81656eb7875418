#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/tls_identity.hpp"

namespace anode::support {

/// The server's side of one connection, blocking, with a patience of 5 s.
class Peer {
public:
    /// Open descriptors of one server, so that it can end scripts that still read.
    struct Registry {
        std::mutex lock;
        std::set<int> open;
    };
    Peer(int fd, SSL_CTX* context, Registry& registry) : fd_(fd), registry_(registry) {
        if (context == nullptr) return;
        ssl_.reset(SSL_new(context), &SSL_free);
        SSL_set_fd(ssl_.get(), fd);
        if (SSL_accept(ssl_.get()) != 1) broken_ = true;
    }
    ~Peer() { close(); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    /// Some bytes, or none at the end of the connection.
    std::string some() {
        std::string out(64 << 10, '\0');
        if (broken_) return {};
        const long got = ssl_ ? SSL_read(ssl_.get(), out.data(), static_cast<int>(out.size()))
                              : ::recv(fd_, out.data(), out.size(), 0);
        out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return out;
    }
    /// Everything up to and with `end`; what follows stays for the next call. Empty at the end of the connection.
    std::string until(std::string_view end) {
        std::size_t at;
        while ((at = rest_.find(end)) == std::string::npos) {
            const std::string more = some();
            if (more.empty()) return {};
            rest_ += more;
        }
        return take(at + end.size());
    }
    std::string exactly(std::size_t count) {
        while (rest_.size() < count) {
            const std::string more = some();
            if (more.empty()) return {};
            rest_ += more;
        }
        return take(count);
    }
    bool write(std::string_view bytes) {
        while (!bytes.empty() && !broken_) {
            const long put =
                ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                     : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (put <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(put));
        }
        return !broken_;
    }
    void wait_for_end() {
        while (!some().empty()) {
        }
    }
    /// Ends the connection with a reset.
    void reset() {
        const linger hard{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close();
    }
    void close() {
        const std::lock_guard guard(registry_.lock);
        if (fd_ < 0) return;
        registry_.open.erase(fd_);
        ::close(std::exchange(fd_, -1));
    }
    [[nodiscard]] bool broken() const { return broken_; }

private:
    std::string take(std::size_t count) {
        std::string out = rest_.substr(0, count);
        rest_.erase(0, count);
        return out;
    }

    int fd_;
    Registry& registry_;
    std::shared_ptr<SSL> ssl_;
    std::string rest_;
    bool broken_ = false;
};

/// A server on a loopback port of its own. Each connection runs `script` on a thread of its own, or, for thousands of
/// connections one after the other, on the acceptor's.
class LoopbackServer {
public:
    using Script = std::function<void(Peer&)>;
    explicit LoopbackServer(Script script, const TlsIdentity* identity = nullptr,
                            bool one_by_one = false)
        : script_(std::move(script)), one_by_one_(one_by_one) {
        std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
        if (identity != nullptr) context_ = identity->server_context();
        fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        ::listen(fd_, 128);
        socklen_t size = sizeof address;
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    ~LoopbackServer() {
        ::shutdown(fd_, SHUT_RDWR);
        if (one_by_one_) end_scripts();
        acceptor_.join();
        ::close(fd_);
        end_scripts();
        for (std::thread& thread : threads_) thread.join();
    }
    LoopbackServer(const LoopbackServer&) = delete;
    LoopbackServer& operator=(const LoopbackServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url(const std::string& scheme, const std::string& target = "/",
                                  const std::string& host = "127.0.0.1") const {
        return scheme + "://" + host + ':' + std::to_string(port_) + target;
    }
    [[nodiscard]] int accepted() const { return accepted_; }

private:
    void accept_all() {
        for (;;) {
            const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            ++accepted_;
            const timeval patience{5, 0};
            ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            {
                const std::lock_guard guard(registry_.lock);
                registry_.open.insert(fd);
            }
            const auto run = [this, fd] {
                Peer peer(fd, context_.get(), registry_);
                script_(peer);
            };
            if (one_by_one_)
                run();
            else
                threads_.emplace_back(run);
        }
    }
    void end_scripts() {
        const std::lock_guard guard(registry_.lock);
        for (const int fd : registry_.open) ::shutdown(fd, SHUT_RDWR);
    }

    Script script_;
    bool one_by_one_;
    Peer::Registry registry_;
    std::shared_ptr<SSL_CTX> context_;
    int fd_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> accepted_{0};
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace anode::support
