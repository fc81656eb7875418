#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "core/source/ip.hpp"
#include "runtime/net_error.hpp"
#include "runtime/tls.hpp"

struct ssl_st;

namespace anode {

/// A non-blocking TCP connection to one address, plain or TLS. It owns the descriptor and calls nobody: whoever
/// watches the descriptor asks again when it is ready.
/// Thread: confined.
class StreamSocket {
public:
    StreamSocket() = default;
    ~StreamSocket() { close(); }
    StreamSocket(const StreamSocket&) = delete;
    StreamSocket& operator=(const StreamSocket&) = delete;

    /// Begins to connect; done when the descriptor is writable and connected() says so.
    NetResult<void> connect(const IpAddress& ip, std::uint16_t port);
    [[nodiscard]] NetResult<void> connected() const;
    /// From now on bytes are TLS. `name` is checked against the certificate and sent as SNI unless it is an address.
    NetResult<void> start_tls(const TlsOptions& options, const std::string& name);

    /// What stands in the way. `bytes` may be more than zero with any of them.
    enum class Wait : std::uint8_t { Nothing, Readable, Writable, Eof };
    struct Step {
        std::size_t bytes = 0;
        Wait wait = Wait::Nothing;
    };
    /// Nothing: the handshake is done.
    NetResult<Step> handshake();
    /// Fills `into` as far as it goes; Nothing: it is full.
    NetResult<Step> read(std::span<char> into);
    /// Nothing: all is written.
    NetResult<Step> write(BytesView bytes);

    /// Tells the other side that nothing more comes.
    void finish() noexcept;
    void close() noexcept;
    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

private:
    NetResult<Step> tls_step(int result, std::size_t bytes, std::string_view doing);

    int fd_ = -1;
    struct FreeSsl {
        void operator()(ssl_st* ssl) const noexcept;
    };
    std::unique_ptr<ssl_st, FreeSsl> ssl_;
};

}  // namespace anode
