#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

struct ssl_st;

namespace anode {

/// How two nodes trust each other.
struct MeshSecurity {
    enum class Mode : std::uint8_t { Plain, KeyRing, Certificates } mode = Mode::KeyRing;
    std::string cluster;      ///< goes into the derived key: two clusters with one ring stay apart
    std::vector<Bytes> keys;  ///< KeyRing: the gossip keys, primary first
    std::string ca, cert, key;  ///< Certificates: PEM text or paths
};

/// Makes the TLS ends of mesh connections: TLS 1.3 only, either with a pre-shared key that is derived from the gossip key ring
/// (HKDF-SHA256, with an ephemeral key exchange, so that a ring that leaks later opens no recording), or mutual with certificates.
/// Every key of the ring is accepted, the primary is offered: a rotation cuts nobody off.
/// Thread:  confined.
/// Source:  RFC 8446, sections 2.2 and 4.2.11; RFC 5869.
class MeshTls {
public:
    struct FreeSsl {
        void operator()(ssl_st* ssl) const noexcept;
    };
    using Ssl = std::unique_ptr<ssl_st, FreeSsl>;

    /// Errors: Malformed (no key; PEM that does not load, with the reason).
    static Result<std::unique_ptr<MeshTls>> make(const MeshSecurity& security);
    ~MeshTls();

    /// The ring changed: new handshakes use these keys.
    void set_keys(const std::vector<Bytes>& keys);
    /// One end of a connection; nothing in plain mode.
    [[nodiscard]] Ssl begin(bool accepting, int fd) const;
    [[nodiscard]] bool plain() const noexcept;
    /// After the handshake: the node id in the other end's certificate (URI `anode:n-…`, or else its common name); empty
    /// with a key ring.
    [[nodiscard]] static std::string identity_of(ssl_st* ssl);

    struct State;

private:
    explicit MeshTls(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace anode
