#pragma once

#include <memory>

#include "runtime/gossip_streams.hpp"

namespace anode::gossip {

/// One connection of a Streams. It lives as long as its owner lists it, and through the call that ends it.
class Streams::Stream final : public Loop::Watcher, public std::enable_shared_from_this<Stream> {
public:
    Stream(Streams& owner, membership::StreamId id, membership::Address peer, Descriptor socket)
        : owner_(owner), id_(id), peer_(peer), socket_(std::move(socket)) {}
    ~Stream() override;

    /// False: the loop does not take the descriptor.
    bool accepted();
    /// False: it failed at once. `refused` tells whether nobody listens there.
    bool connect(Duration timeout, bool& refused);
    void send(BytesView bytes);
    void finish();
    void on_ready(std::uint32_t events) override;
    /// Hands over what has come in so far.
    void read();
    [[nodiscard]] bool readable() const noexcept { return phase_ == Phase::Open; }

private:
    enum class Phase : std::uint8_t {
        Connecting,
        Open,
        Finishing,  ///< the machine is through with it, bytes still wait
        Lingering,  ///< all is sent; what still comes is thrown away
        Ended,
    };

    bool connecting();
    void connect_overdue();
    /// False: the stream broke.
    bool write();
    void discard();
    void linger();
    void watch(std::uint32_t events);
    void arm(Duration delay, void (Stream::*action)());
    void end();
    void fail(bool refused);

    Streams& owner_;
    membership::StreamId id_;
    membership::Address peer_;
    Descriptor socket_;
    Phase phase_ = Phase::Connecting;
    Bytes unsent_;
    std::size_t sent_ = 0;  ///< of unsent_
    std::uint32_t watched_ = 0;
    TimerId timer_{};
};

}  // namespace anode::gossip
