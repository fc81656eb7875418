#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/membership/outbox.hpp"
#include "runtime/gossip_driver.hpp"
#include "runtime/gossip_sockets.hpp"
#include "runtime/loop.hpp"

namespace anode::gossip {

/// The stream side of one port: accepts, dials, moves bytes both ways, closes when what was sent has gone out.
/// Thread: the loop's. Limits: see GossipDriver.
class Streams final : public Loop::Watcher {
public:
    static constexpr std::size_t kStreamsMax = 256;
    static constexpr std::size_t kUnsentMax = 64u << 20;
    static constexpr Duration kBackOffMin = 5ms, kBackOffMax = 1s;
    /// How long a finished stream is read on, so that a reset does not overtake our last bytes.
    static constexpr Duration kLinger = 2s;

    class Sink {
    public:
        virtual ~Sink() = default;
        /// StreamOpened, StreamBytes and StreamClosed. Views are there during the call only. May close any stream.
        virtual void stream_input(const membership::Input& input) = 0;
        /// Whether a stream to or from this peer may be (see GossipOptions::filter).
        virtual bool stream_passes(GossipPassage::Way way, const membership::Address& peer) = 0;
        /// Around everything that may give inputs.
        virtual void round_begins() = 0;
        virtual void round_ends() = 0;
    };

    Streams(Loop& loop, Descriptor listener, Sink& sink, GossipTraffic& traffic,
            Duration stream_timeout);
    ~Streams() override;

    /// Makes the listening socket known to the loop. Errors: Io.
    Result<void> watch();
    /// Begins to accept; after watch().
    void start();
    void close();

    void dial(const membership::Dial& dial);
    void send(membership::StreamId id, BytesView bytes);
    /// After what was sent has gone out.
    void finish(membership::StreamId id);
    /// Reads what open streams have now, without waiting for the loop's word.
    void read_all();

    void on_ready(std::uint32_t events) override;
    [[nodiscard]] std::size_t size() const noexcept { return streams_.size(); }

private:
    class Stream;
    friend class Stream;

    bool accept_one();
    void accept_later();
    std::shared_ptr<Stream> find(membership::StreamId id) const;
    void forget(membership::StreamId id);

    Loop& loop_;
    Descriptor listener_;
    Sink& sink_;
    GossipTraffic& traffic_;
    Duration stream_timeout_;
    std::map<membership::StreamId, std::shared_ptr<Stream>> streams_;
    std::unique_ptr<char[]> read_buffer_;  ///< one for all
    std::uint64_t next_accepted_ = 1;
    bool started_ = false;
    bool watching_ = false;
    Duration back_off_ = kBackOffMin;
    TimerId accept_timer_{};
};

}  // namespace anode::gossip
