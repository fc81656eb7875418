#include "api/http/socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "runtime/tls_server.hpp"

namespace anode::api {

namespace {

constexpr char kHandshakeRecord = 0x16;

}  // namespace

Socket::Socket() = default;
Socket::Socket(int fd, std::unique_ptr<TlsChannel> tls) : fd_(fd), tls_(std::move(tls)) {}

Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      tls_(std::move(other.tls_)),
      spoke_(other.spoke_),
      ended_(other.ended_),
      misdirected_(other.misdirected_) {}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this == &other) return *this;
    close();
    fd_ = std::exchange(other.fd_, -1);
    tls_ = std::move(other.tls_);
    spoke_ = other.spoke_;
    ended_ = other.ended_;
    misdirected_ = other.misdirected_;
    return *this;
}

Socket::~Socket() { close(); }

void Socket::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool Socket::established() const noexcept { return !tls_ || tls_->established(); }

bool Socket::pending() const noexcept { return tls_ && !tls_->output().empty(); }

std::shared_ptr<const TlsPeer> Socket::peer() const { return tls_ ? tls_->peer() : nullptr; }

ssize_t Socket::recv(char* to, std::size_t size) {
    return tls_ ? recv_sealed(to, size) : ::recv(fd_, to, size, 0);
}

/// Reads on until `to` is full or the socket has no more, so that a short answer means what it means in clear.
ssize_t Socket::recv_sealed(char* to, std::size_t size) {
    thread_local std::array<char, 16 << 10> sealed;
    std::size_t total = 0;
    for (;;) {
        std::size_t got = 0;
        const TlsChannel::Read outcome = tls_->read(to + total, size - total, got);
        total += got;
        const bool broken = !flush() && errno != EAGAIN && errno != EWOULDBLOCK;
        if (outcome == TlsChannel::Read::Some && total < size) continue;
        if (outcome == TlsChannel::Read::Some) return static_cast<ssize_t>(total);
        if (outcome != TlsChannel::Read::More || broken) {
            ended_ = true;
            return static_cast<ssize_t>(total);
        }
        const ssize_t more = ::recv(fd_, sealed.data(), sealed.size(), 0);
        if (more < 0 && errno == EINTR) continue;
        if (more <= 0) {
            if (more == 0) ended_ = true;
            return total > 0 ? static_cast<ssize_t>(total) : more;
        }
        if (!std::exchange(spoke_, true) && sealed[0] != kHandshakeRecord) {
            misdirected_ = true;
            tls_.reset();
            const std::size_t plain = std::min(static_cast<std::size_t>(more), size);
            std::copy_n(sealed.data(), plain, to);
            return static_cast<ssize_t>(plain);
        }
        tls_->feed({sealed.data(), static_cast<std::size_t>(more)});
    }
}

bool Socket::flush() {
    if (!tls_) return true;
    Bytes& output = tls_->output();
    std::size_t sent = 0;
    while (sent < output.size()) {
        const ssize_t taken =
            ::send(fd_, output.data() + sent, output.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (taken < 0 && errno == EINTR) continue;
        if (taken < 0) {
            const int why = errno;
            output.erase(0, sent);
            errno = why;
            return false;
        }
        sent += static_cast<std::size_t>(taken);
    }
    if (output.capacity() > 4096)
        Bytes().swap(output);
    else
        output.clear();
    return true;
}

ssize_t Socket::send(const char* from, std::size_t size) {
    if (!tls_) return ::send(fd_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    std::size_t total = 0;
    while (total < size) {
        if (!flush()) return total > 0 ? static_cast<ssize_t>(total) : -1;
        const std::size_t taken = tls_->write(from + total, size - total);
        if (taken == 0) {
            errno = EPIPE;
            return total > 0 ? static_cast<ssize_t>(total) : -1;
        }
        total += taken;
    }
    (void)flush();  // what the socket does not take now is pending
    return static_cast<ssize_t>(total);
}

ssize_t Socket::send(std::span<iovec> slices) {
    if (!tls_) {
        msghdr message{};
        message.msg_iov = slices.data();
        message.msg_iovlen = slices.size();
        return ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    ssize_t total = 0;
    for (const iovec& slice : slices) {
        const ssize_t sent = send(static_cast<const char*>(slice.iov_base), slice.iov_len);
        if (sent < 0) return total > 0 ? total : sent;
        total += sent;
        if (static_cast<std::size_t>(sent) < slice.iov_len) break;
    }
    return total;
}

void Socket::shut() {
    if (tls_) {
        tls_->finish();
        (void)flush();
    }
    ::shutdown(fd_, SHUT_WR);
}

}  // namespace anode::api
