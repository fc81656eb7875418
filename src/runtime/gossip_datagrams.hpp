#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.hpp"
#include "runtime/gossip_driver.hpp"
#include "runtime/gossip_sockets.hpp"

namespace anode::gossip {

/// The datagram socket, in batches: several packets a system call, no allocation a packet.
/// Thread: confined. Errors: none; what the kernel refuses is told to the sink or counted.
class Datagrams {
public:
    class Sink {
    public:
        virtual ~Sink() = default;
        /// `bytes` are there during the call only.
        virtual void received(const membership::Address& from, BytesView bytes) = 0;
        /// Nobody listens there, or no way leads there.
        virtual void refused(const membership::Address& to) = 0;
    };

    Datagrams(Descriptor socket, int family, Sink& sink, GossipTraffic& traffic);
    ~Datagrams();

    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    void close() noexcept { socket_.close(); }

    /// Hands over what waits, `datagrams_max` at most (rounded up to a batch).
    void receive(std::size_t datagrams_max);
    /// Puts one into the batch. The bytes stay where they are until flush().
    void queue(const membership::Address& to, BytesView bytes);
    [[nodiscard]] bool full() const noexcept;
    /// Sends the batch. Tells refusals.
    void flush();

private:
    struct Incoming;
    struct Outgoing;
    bool receive_batch(std::size_t& received);
    bool take_errors();
    std::size_t send_from(std::size_t first, bool& retried);

    Descriptor socket_;
    int family_;
    Sink& sink_;
    GossipTraffic& traffic_;
    std::unique_ptr<Incoming> in_;
    std::unique_ptr<Outgoing> out_;
    std::uint32_t lost_in_ = 0;
};

}  // namespace anode::gossip
