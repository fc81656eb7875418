#pragma once

#include <deque>
#include <map>

#include "sim/world.hpp"

/// What World is made of; for its own sources only.
namespace anode::sim {

inline constexpr std::size_t kSocketBytesMax = 2u << 20;
inline constexpr std::size_t kBacklogMax = 128;

enum class World::Kind : std::uint8_t {
    Arrival,  ///< a datagram reaches a host
    Refusal,  ///< the kernel of a sender learnt that nobody has the port
    Wake,     ///< a process's timer
    Knock,    ///< a dial reaches the other kernel, or is tried again
    Knocked,  ///< its answer is back
    GiveUp,   ///< a dial has waited long enough
    Piece,    ///< the next piece of a stream reaches its end
    Names,    ///< a name server's answer
    Script,   ///< a scheduled call
    Start,    ///< what follows is noted in the trace only
    End,
};

struct World::Event {
    Kind kind{};
    HostId host{};
    std::uint32_t link = 0;
    std::uint32_t end = 0;     ///< Piece: of the link; Knocked: 1 is a refusal
    std::uint32_t tries = 0;   ///< of a knock or a piece, while its path is cut
    std::uint64_t serial = 0;  ///< of the process or of the link; a stale one matches nothing
    Address from, to;
    Bytes bytes;
    std::function<void()> script;
};

/// A happening that owns what it shows, for a process that is paused.
struct World::Held {
    Happening happening;
    Bytes bytes;
    /// The same happening with its view on our own bytes.
    Happening shown() {
        if (auto* datagram = std::get_if<GotDatagram>(&happening)) datagram->bytes = bytes;
        if (auto* piece = std::get_if<GotBytes>(&happening)) piece->bytes = bytes;
        return happening;
    }
};

struct World::Host {
    Address address;
    bool powered = true;
    bool paused = false;
    Duration clock_ahead{};
    std::unique_ptr<Machine> machine;
    std::uint64_t process = 0;
    std::optional<Instant> armed;  ///< by the world's clock
    std::map<StreamNumber, std::uint32_t> streams;
    StreamNumber accepted = 1;
    std::uint16_t ephemeral = 40'000;
    std::deque<Held> held;
    std::size_t held_datagram_bytes = 0, held_streams = 0;
};

/// One connection: end 0 dialled, end 1 accepted.
struct World::Link {
    struct End {
        HostId host{};
        std::uint64_t process = 0;
        StreamNumber stream = 0;
        bool open = false;
        std::deque<std::optional<Bytes>> coming;  ///< nothing: the other end has closed
        Instant last{};                           ///< when the newest of them is to come
    };
    std::uint64_t serial = 0;  ///< 0: the room is free
    Address to;
    Address from;
    bool established = false;
    End ends[2];
};

class World::Calls final : public Kernel {
public:
    Calls(World& world, HostId host) : world_(world), host_(host) {}
    void send(const Address& to, BytesView datagram) override {
        world_.transmit(host_, world_.at(host_).address, to, datagram);
    }
    void dial(StreamNumber stream, const Address& to, Duration timeout) override {
        world_.dial(host_, stream, to, timeout);
    }
    void write(StreamNumber stream, BytesView bytes) override {
        world_.write(host_, stream, bytes);
    }
    void close(StreamNumber stream) override { world_.close(host_, stream); }
    void resolve(const std::string& contact) override;
    void misuse(std::string what) override {
        if (!world_.misused_)
            world_.misused_ = "host " + std::to_string(index_of(host_)) + ": " + std::move(what);
    }

private:
    World& world_;
    HostId host_;
};

}  // namespace anode::sim
