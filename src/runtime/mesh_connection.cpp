#include "runtime/mesh_connection.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/tls_context.hpp"

namespace anode {
namespace {

constexpr std::size_t kPiecesAtOnce = 64;
constexpr std::size_t kSmall = 4'096;  // pieces up to this grow together: one iovec for many frames
constexpr std::size_t kStaged = 64 << 10;

}  // namespace

MeshConnection::MeshConnection(gossip::Descriptor socket, MeshTls::Ssl ssl, bool connecting)
    : socket_(std::move(socket)),
      ssl_(std::move(ssl)),
      connecting_(connecting),
      shaking_(ssl_ != nullptr) {}

MeshConnection::Wait MeshConnection::tls_wait(int result) {
    const int system_error = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_NONE:
            return Wait::Nothing;
        case SSL_ERROR_WANT_READ:
            return Wait::Readable;
        case SSL_ERROR_WANT_WRITE:
            return Wait::Writable;
        case SSL_ERROR_ZERO_RETURN:
            return Wait::Ended;
        case SSL_ERROR_SYSCALL:
            ERR_clear_error();
            error_ = system_error;
            return system_error == 0 ? Wait::Ended : Wait::Failed;
        default:
            break;
    }
    const long verdict = SSL_get_verify_result(ssl_.get());
    words_ = tls_words();
    if (verdict != X509_V_OK) words_ = X509_verify_cert_error_string(verdict);
    untrusted_ = true;
    return Wait::Failed;
}

MeshConnection::Wait MeshConnection::advance() {
    if (connecting_) {
        socklen_t size = sizeof error_;
        if (::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error_, &size) != 0) error_ = errno;
        if (error_ != 0) return Wait::Failed;
        sockaddr_storage peer{};
        size = sizeof peer;
        // Woken too early: no error, and nobody there yet.
        if (::getpeername(fd(), static_cast<sockaddr*>(static_cast<void*>(&peer)), &size) != 0)
            return Wait::Writable;
        connecting_ = false;
    }
    if (shaking_) {
        ERR_clear_error();
        if (const Wait wait = tls_wait(SSL_do_handshake(ssl_.get())); wait != Wait::Nothing)
            return wait;
        shaking_ = false;
    }
    return Wait::Nothing;
}

void MeshConnection::queue(BytesView bytes, mesh::WirePtr tail) {
    unsent_ += bytes.size() + (tail ? tail->size() : 0);
    if (!bytes.empty()) {
        if (!pieces_.empty() && !pieces_.back().shared &&
            pieces_.back().own.size() + bytes.size() <= kSmall)
            pieces_.back().own += bytes;
        else
            pieces_.push_back({Bytes(bytes), nullptr, 0});
    }
    if (tail && !tail->empty()) pieces_.push_back({{}, std::move(tail), 0});
}

void MeshConnection::sent(std::size_t bytes) {
    unsent_ -= bytes;
    while (bytes > 0) {
        Piece& piece = pieces_.front();
        const std::size_t part = std::min(bytes, piece.rest().size());
        piece.done += part;
        bytes -= part;
        if (piece.rest().empty()) pieces_.pop_front();
    }
}

MeshConnection::Wait MeshConnection::flush() {
    if (!up()) return Wait::Writable;
    return ssl_ ? flush_tls() : flush_plain();
}

MeshConnection::Wait MeshConnection::flush_plain() {
    while (!pieces_.empty()) {
        std::array<iovec, kPiecesAtOnce> parts{};
        std::size_t count = 0;
        for (const Piece& piece : pieces_) {
            if (count == parts.size()) break;
            const BytesView rest = piece.rest();
            parts[count++] = {const_cast<char*>(rest.data()), rest.size()};
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        const ssize_t put = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
        if (put < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return Wait::Writable;
            error_ = errno;
            return Wait::Failed;
        }
        sent(static_cast<std::size_t>(put));
    }
    return Wait::Nothing;
}

MeshConnection::Wait MeshConnection::flush_tls() {
    while (!pieces_.empty()) {
        if (staged_.empty())
            for (const Piece& piece : pieces_) {
                staged_ += piece.rest().substr(0, kStaged - staged_.size());
                if (staged_.size() == kStaged) break;
            }
        ERR_clear_error();
        const int put = SSL_write(ssl_.get(), staged_.data(), static_cast<int>(staged_.size()));
        if (put <= 0) return tls_wait(put);
        sent(static_cast<std::size_t>(put));
        staged_.erase(0, static_cast<std::size_t>(put));
    }
    return Wait::Nothing;
}

MeshConnection::Wait MeshConnection::read(std::span<char> into, std::size_t& bytes) {
    bytes = 0;
    while (bytes < into.size()) {
        const std::size_t room = into.size() - bytes;
        if (ssl_) {
            ERR_clear_error();
            const int got = SSL_read(ssl_.get(), into.data() + bytes, static_cast<int>(room));
            if (got <= 0) return tls_wait(got);
            bytes += static_cast<std::size_t>(got);
            continue;
        }
        const ssize_t got = ::recv(fd(), into.data() + bytes, room, 0);
        if (got == 0) return Wait::Ended;
        if (got < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return Wait::Readable;
            error_ = errno;
            return Wait::Failed;
        }
        bytes += static_cast<std::size_t>(got);
        if (static_cast<std::size_t>(got) < room) return Wait::Readable;
    }
    return Wait::Nothing;
}

void MeshConnection::finish() noexcept {
    if (ssl_ && up()) {
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }
    if (socket_.is_open()) ::shutdown(fd(), SHUT_WR);
}

}  // namespace anode
