#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

/// Sockets of the load programs: loopback, blocking or not, and dying with a sentence on any error.
namespace bench {

[[noreturn]] inline void die(const char* what) {
    std::fprintf(stderr, "%s: %s\n", what, errno != 0 ? std::strerror(errno) : "unexpected");
    std::exit(1);
}

inline std::int64_t now_ns() {
    timespec at{};
    ::clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1'000'000'000 + at.tv_nsec;
}

/// A server may allow so many connections of one address; each of ours comes from a good one.
inline constexpr unsigned kConnectionsPerAddress = 150;

inline sockaddr_in loopback(unsigned port, unsigned address = 0) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + address);
    return at;
}

/// -1 if nobody listens. `number` is the connection's number, which chooses the address it comes from.
inline int try_connect(unsigned port, unsigned number = 0) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const sockaddr_in from = loopback(0, number / kConnectionsPerAddress);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) die("bind");
    const sockaddr_in to = loopback(port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
    ::close(fd);
    return -1;
}

inline int connect_to(unsigned port, unsigned number = 0) {
    const int fd = try_connect(port, number);
    if (fd < 0) die("connect");
    return fd;
}

inline int listen_on(unsigned port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in at = loopback(port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) die("bind");
    if (::listen(fd, 4096) != 0) die("listen");
    return fd;
}

/// All of it, on a blocking socket.
inline void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) die("send");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

class Epoll {
public:
    void add(int fd, std::uint64_t number, std::uint32_t events = EPOLLIN) const {
        epoll_event event{.events = events, .data = {.u64 = number}};
        if (::epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
    }
    /// Calls `ready(number, events)` for what is ready; waits for at most `wait_ns`.
    template <class Ready>
    void wait(std::int64_t wait_ns, Ready ready) {
        const timespec most{.tv_sec = wait_ns / 1'000'000'000, .tv_nsec = wait_ns % 1'000'000'000};
        const int count = ::epoll_pwait2(fd_, events_, kEvents, &most, nullptr);
        for (int i = 0; i < count; ++i) ready(events_[i].data.u64, events_[i].events);
    }

private:
    static constexpr int kEvents = 512;
    int fd_ = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event events_[kEvents];
};

}  // namespace bench
