#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "core/membership/types.hpp"

/// What lives in a simulated process, and what the two ask of each other.
namespace anode::sim {

using membership::Address;

/// A machine of this world: its kernel, its sockets, its clock. Numbers count from 0 in the order of add_host().
enum class HostId : std::uint32_t {};
[[nodiscard]] constexpr std::uint32_t index_of(HostId host) noexcept {
    return static_cast<std::uint32_t>(host);
}

/// Numbers of a process's streams: dialled ones are chosen by the machine (even), accepted ones by the world (odd).
using StreamNumber = std::uint64_t;

// What happens to a machine. Views are valid during handle() only.
struct Started {};
struct Woken {};  ///< due() has come, or is past
struct GotDatagram {
    Address from;
    BytesView bytes;
};
struct GotRefusal {  ///< nobody has the port a datagram was sent to
    Address to;
};
struct GotStream {
    StreamNumber stream;
    Address from;
    Address to;  ///< of ours, if it was accepted: a process may listen at several ports
};
struct GotBytes {
    StreamNumber stream;
    BytesView bytes;
};
struct LostStream {
    StreamNumber stream;
    bool refused = false;
};
struct GotAddresses {
    std::string contact;
    std::vector<Address> addresses;
};
using Happening = std::variant<Started, Woken, GotDatagram, GotRefusal, GotStream, GotBytes,
                               LostStream, GotAddresses>;

/// The system calls of a process; they may be used during handle() and World::with() only.
class Kernel {
public:
    virtual ~Kernel() = default;
    virtual void send(const Address& to, BytesView datagram) = 0;
    virtual void dial(StreamNumber stream, const Address& to, Duration timeout) = 0;
    virtual void write(StreamNumber stream, BytesView bytes) = 0;
    virtual void close(StreamNumber stream) = 0;
    virtual void resolve(const std::string& contact) = 0;
    /// The machine broke a rule of the door between it and its runtime: the run fails.
    virtual void misuse(std::string what) = 0;
};

/// A sans-IO machine and the thin runtime around it. Membership is one; the mesh will be another, or share the process.
/// Time: `now` is the process's own monotonic clock, which starts anywhere and only moves forward.
class Machine {
public:
    virtual ~Machine() = default;
    virtual void handle(const Happening& happening, Instant now, Kernel& kernel) = 0;
    /// When it wants to be woken, by its own clock. Instant::max(): never.
    [[nodiscard]] virtual Instant due() const noexcept = 0;
};

}  // namespace anode::sim
