#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>

#include "core/mesh/types.hpp"
#include "runtime/gossip_sockets.hpp"
#include "runtime/mesh_tls.hpp"

namespace anode {

/// One connection of the mesh: a descriptor, perhaps TLS, and what waits to be sent. It calls nobody.
/// Thread: confined.
class MeshConnection {
public:
    MeshConnection(gossip::Descriptor socket, MeshTls::Ssl ssl, bool connecting);

    enum class Wait : std::uint8_t { Nothing, Readable, Writable, Ended, Failed };
    /// Connects and shakes hands. Nothing: done.
    Wait advance();
    [[nodiscard]] bool up() const noexcept { return !connecting_ && !shaking_; }

    /// Takes bytes to send, and a block behind them that is shared and not copied (unless TLS has to).
    void queue(BytesView bytes, mesh::WirePtr tail);
    /// Sends what the kernel takes. Nothing: all is sent.
    Wait flush();
    [[nodiscard]] std::size_t unsent() const noexcept { return unsent_; }

    /// Fills `into` as far as it goes. Readable: no more for now. `bytes` tells how much came.
    Wait read(std::span<char> into, std::size_t& bytes);

    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    [[nodiscard]] std::string identity() const { return MeshTls::identity_of(ssl_.get()); }
    /// Why it failed: a system error number, or words of TLS.
    [[nodiscard]] int error() const noexcept { return error_; }
    [[nodiscard]] const std::string& words() const noexcept { return words_; }
    [[nodiscard]] bool untrusted() const noexcept { return untrusted_; }
    void finish() noexcept;

private:
    struct Piece {
        Bytes own;
        mesh::WirePtr shared;
        std::size_t done = 0;
        [[nodiscard]] BytesView rest() const noexcept {
            return BytesView(shared ? *shared : own).substr(done);
        }
    };
    Wait flush_plain();
    Wait flush_tls();
    void sent(std::size_t bytes);
    Wait tls_wait(int result);

    gossip::Descriptor socket_;
    MeshTls::Ssl ssl_;
    bool connecting_, shaking_;
    std::deque<Piece> pieces_;
    std::size_t unsent_ = 0;
    Bytes staged_;  ///< what SSL_write was given last, if it could not take it
    int error_ = 0;
    bool untrusted_ = false;
    std::string words_;
};

}  // namespace anode
