#pragma once

#include <deque>
#include <map>
#include <vector>

#include "base/rng.hpp"
#include "core/membership/types.hpp"
#include "sim/machine.hpp"

namespace anode::sim {

class World;

/// Somebody on the network who wishes the cluster ill, or is broken: a host of its own that sends noise, lies and echoes.
/// It holds no key; in a cluster without keys every lie is as good as the truth.
class Stranger {
public:
    struct Target {
        std::string name;
        Address address;
    };

    Stranger(World& world, std::uint64_t seed);

    /// Keeps a part of what passes, for echo() and for damaging it.
    void overhear(const Address& to, BytesView bytes);
    /// One datagram or stream of chance: damaged real ones, cut ones, bombs, counts that cannot be.
    void noise(const Address& to);
    /// One well-formed lie about `about`, told to `to`.
    void lie(const Address& to, const Target& about, const std::vector<Target>& members);
    /// Something that was sent before, once more, with its old source or ours.
    void echo(const Address& to);

private:
    class Process;
    struct Remembered {
        Address to;
        Bytes bytes;
    };

    void send(const Address& to, BytesView bytes);
    void stream(const Address& to, Bytes bytes);
    Bytes packet_of_noise();
    Bytes stream_of_noise();

    World& world_;
    Rng rng_;
    HostId host_;
    Process* process_;
    std::vector<Remembered> remembered_;
    std::uint64_t overheard_ = 0;
    unsigned ghosts_ = 0;
};

}  // namespace anode::sim
