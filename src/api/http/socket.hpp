#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>

#include "base/bytes.hpp"

namespace anode {
class TlsChannel;
struct TlsPeer;
}  // namespace anode

namespace anode::api {

/// A connected, non-blocking descriptor, in clear or under TLS, with the calls that connections and listeners make: results
/// and errno as those of recv(2) and send(2).
/// Under TLS what send() took may still wait here, sealed, for the socket: at most one record. pending() tells, flush()
/// tries again. A recv() that gave less than was asked for has seen the socket's end of data, as without TLS.
/// Thread: its loop's.
class Socket {
public:
    Socket();
    Socket(int fd, std::unique_ptr<TlsChannel> tls);  ///< null: in clear
    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&& other) noexcept;
    ~Socket();

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] bool open() const noexcept { return fd_ >= 0; }

    ssize_t recv(char* to, std::size_t size);
    ssize_t send(const char* from, std::size_t size);
    ssize_t send(std::span<iovec> slices);
    /// False if the socket takes no more now, with errno as of send(2); true if nothing waits here.
    bool flush();
    [[nodiscard]] bool pending() const noexcept;
    /// Ends our side, after a goodbye under TLS. Call it when nothing is pending.
    void shut();
    void close();

    /// The other side has said goodbye within TLS: recv() gives 0 from now on, and no edge of the descriptor tells.
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    /// In clear, or the handshake is over.
    [[nodiscard]] bool established() const noexcept;
    [[nodiscard]] bool secure() const noexcept { return tls_ != nullptr; }
    /// The client spoke in clear to a port of TLS: from now on the socket is in clear, to tell it so.
    [[nodiscard]] bool misdirected() const noexcept { return misdirected_; }
    /// The client's verified certificate; null without one.
    [[nodiscard]] std::shared_ptr<const TlsPeer> peer() const;

private:
    ssize_t recv_sealed(char* to, std::size_t size);

    int fd_ = -1;
    std::unique_ptr<TlsChannel> tls_;
    bool spoke_ = false, ended_ = false, misdirected_ = false;
};

}  // namespace anode::api
