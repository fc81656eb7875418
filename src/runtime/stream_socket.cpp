#include "runtime/stream_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/tls_context.hpp"

namespace anode {
namespace {

socklen_t fill(sockaddr_storage& storage, const IpAddress& ip, std::uint16_t port) {
    if (!ip.v6) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        std::memcpy(&address.sin_addr, ip.bytes.data(), 4);
        std::memcpy(&storage, &address, sizeof address);
        return sizeof address;
    }
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    std::memcpy(&address.sin6_addr, ip.bytes.data(), 16);
    std::memcpy(&storage, &address, sizeof address);
    return sizeof address;
}

/// OpenSSL takes lengths as int.
int bounded(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, 1 << 30)); }

}  // namespace

void StreamSocket::FreeSsl::operator()(ssl_st* ssl) const noexcept { SSL_free(ssl); }

NetResult<void> StreamSocket::connect(const IpAddress& ip, std::uint16_t port) {
    close();
    fd_ = ::socket(ip.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return std::unexpected(socket_error(errno, "socket"));
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    sockaddr_storage address{};
    const socklen_t size = fill(address, ip, port);
    const auto* const pointer = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    if (::connect(fd_, pointer, size) == 0 || errno == EINPROGRESS) return {};
    const NetError error = socket_error(errno, "connect");
    close();
    return std::unexpected(error);
}

NetResult<void> StreamSocket::connected() const {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return std::unexpected(socket_error(error, "connect"));
    return {};
}

NetResult<void> StreamSocket::start_tls(const TlsOptions& options, const std::string& name) {
    auto context = tls_client_context(options);
    if (!context) return std::unexpected(context.error());
    ssl_.reset(SSL_new(context->get()));
    if (!ssl_ || SSL_set_fd(ssl_.get(), fd_) != 1)
        return std::unexpected(net_error(source::ErrorClass::Internal, tls_words()));
    const bool address = IpAddress::parse(name).has_value();
    if (!address) SSL_set_tlsext_host_name(ssl_.get(), name.c_str());
    if (!options.insecure) {
        X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl_.get());
        X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str())
                                : X509_VERIFY_PARAM_set1_host(rules, name.c_str(), name.size());
        if (set != 1)
            return std::unexpected(
                net_error(source::ErrorClass::Tls, "the server name cannot be checked"));
    }
    SSL_set_connect_state(ssl_.get());
    return {};
}

NetResult<StreamSocket::Step> StreamSocket::tls_step(int result, std::size_t bytes,
                                                     std::string_view doing) {
    const int system_error = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_NONE:
            return Step{bytes, Wait::Nothing};
        case SSL_ERROR_WANT_READ:
            return Step{bytes, Wait::Readable};
        case SSL_ERROR_WANT_WRITE:
            return Step{bytes, Wait::Writable};
        case SSL_ERROR_ZERO_RETURN:
            return Step{bytes, Wait::Eof};
        case SSL_ERROR_SYSCALL:
            ERR_clear_error();
            return std::unexpected(
                system_error == 0 ? net_error(source::ErrorClass::Reset, "the connection broke")
                                  : socket_error(system_error, doing));
        default:
            break;
    }
    const long verdict = SSL_get_verify_result(ssl_.get());
    std::string words = tls_words();
    if (verdict != X509_V_OK) words = X509_verify_cert_error_string(verdict);
    return std::unexpected(net_error(source::ErrorClass::Tls, "TLS: " + words));
}

NetResult<StreamSocket::Step> StreamSocket::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    return tls_step(result, 0, "TLS handshake");
}

NetResult<StreamSocket::Step> StreamSocket::read(std::span<char> into) {
    std::size_t bytes = 0;
    while (bytes < into.size()) {
        if (ssl_) {
            ERR_clear_error();
            const int got = SSL_read(ssl_.get(), into.data() + bytes, bounded(into.size() - bytes));
            if (got <= 0) {
                auto step = tls_step(got, bytes, "read");
                if (!step && bytes > 0)
                    return Step{bytes, Wait::Nothing};  // first what came; the error comes again
                return step;
            }
            bytes += static_cast<std::size_t>(got);
            continue;
        }
        const std::size_t room = into.size() - bytes;
        const ssize_t got = ::recv(fd_, into.data() + bytes, room, 0);
        if (got == 0) return Step{bytes, Wait::Eof};
        if (got < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return Step{bytes, Wait::Readable};
            if (bytes > 0) return Step{bytes, Wait::Nothing};
            return std::unexpected(socket_error(errno, "read"));
        }
        bytes += static_cast<std::size_t>(got);
        // A short read emptied the kernel's buffer: asking again would cost a call to hear so.
        if (static_cast<std::size_t>(got) < room) return Step{bytes, Wait::Readable};
    }
    return Step{bytes, Wait::Nothing};
}

NetResult<StreamSocket::Step> StreamSocket::write(BytesView bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        if (ssl_) {
            ERR_clear_error();
            const int put =
                SSL_write(ssl_.get(), bytes.data() + done, bounded(bytes.size() - done));
            if (put <= 0) return tls_step(put, done, "write");
            done += static_cast<std::size_t>(put);
            continue;
        }
        const ssize_t put = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (put < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return Step{done, Wait::Writable};
            return std::unexpected(socket_error(errno, "write"));
        }
        done += static_cast<std::size_t>(put);
    }
    return Step{done, Wait::Nothing};
}

void StreamSocket::finish() noexcept {
    if (fd_ < 0) return;
    if (ssl_ && SSL_is_init_finished(ssl_.get())) {
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }
    ::shutdown(fd_, SHUT_WR);
}

void StreamSocket::close() noexcept {
    ssl_.reset();
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

}  // namespace anode
