#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace anode {

/// What a public port shows, and whom it believes.
struct TlsServerOptions {
    std::string cert;       ///< PEM text or the path of a PEM file: the leaf first, then its chain
    std::string key;        ///< PEM text or the path of a PEM file
    std::string client_ca;  ///< the same; empty: clients are not asked for certificates
};

/// What a verified client certificate says of its holder.
struct TlsPeer {
    std::string subject;             ///< common name, may be empty
    std::vector<std::string> names;  ///< common name, DNS and URI names, in this order
};

/// The server's end of one TLS connection as a transformer of bytes: knows no socket.
/// Thread: confined to one at a time.
class TlsChannel {
public:
    /// What a read came to.
    enum class Read : std::uint8_t {
        Some,    ///< bytes were written
        More,    ///< nothing before more ciphertext is fed
        Ended,   ///< the peer said goodbye
        Failed,  ///< not TLS, or a broken promise; output() may hold an alert
    };

    explicit TlsChannel(ssl_ctx_st* context);
    TlsChannel(const TlsChannel&) = delete;
    TlsChannel& operator=(const TlsChannel&) = delete;
    ~TlsChannel();

    /// What the network brought. The handshake goes on in read().
    void feed(BytesView ciphertext);
    Read read(char* to, std::size_t size, std::size_t& got);
    /// Seals at most one record's worth; how much was taken. 0 before the handshake is over, or after an end.
    std::size_t write(const char* from, std::size_t size);
    /// Says goodbye.
    void finish();
    /// What must go to the network; the caller takes out what it has sent.
    [[nodiscard]] Bytes& output() noexcept { return output_; }
    [[nodiscard]] bool established() const noexcept { return established_; }
    /// The client's certificate; null without one.
    [[nodiscard]] const std::shared_ptr<const TlsPeer>& peer() const noexcept { return peer_; }

    /// What BIO methods reach; used by the implementation only.
    struct Ends {
        Bytes* output;
        Bytes input;
        std::size_t input_read = 0;
    };

private:
    void note_peer();

    Bytes output_;
    Ends ends_;
    ssl_st* ssl_ = nullptr;
    bool established_ = false, failed_ = false;
    std::shared_ptr<const TlsPeer> peer_;
};

/// A certificate with its key, ready to greet clients: TLS 1.2 with forward secrecy and authenticated ciphers, or 1.3.
/// Thread:  immutable; share it. A new one takes the place of an old one while connections of the old one go on.
/// Source:  RFC 8446; RFC 9325 (recommendations for TLS).
class TlsServer {
public:
    /// Errors: Malformed, with the name of what does not load and OpenSSL's reason; a key that does not belong to the
    /// certificate; a certificate whose time is over.
    static Result<std::shared_ptr<const TlsServer>> make(const TlsServerOptions& options,
                                                         WallTime now);

    [[nodiscard]] std::unique_ptr<TlsChannel> begin() const;
    /// When the first certificate of the chain ends.
    [[nodiscard]] WallTime expires() const noexcept { return expires_; }
    [[nodiscard]] bool asks_clients() const noexcept { return asks_clients_; }

private:
    TlsServer() = default;
    std::shared_ptr<ssl_ctx_st> context_;
    WallTime expires_ = 0;
    bool asks_clients_ = false;
};

}  // namespace anode
