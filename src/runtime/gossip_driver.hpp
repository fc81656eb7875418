#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "core/membership/membership.hpp"
#include "core/source/ip.hpp"

namespace anode {

class Loop;

/// What passes the filter of GossipOptions: one datagram, or one stream (then `bytes` is 0).
struct GossipPassage {
    enum class Way : std::uint8_t { DatagramIn, DatagramOut, Accept, Dial } way = Way::DatagramIn;
    membership::Address peer;
    std::size_t bytes = 0;
};

struct GossipOptions {
    /// `advertise` is filled in by open().
    membership::Config config;
    membership::KeyRing keys;
    /// A literal address and a port, the same for datagrams and streams: `0.0.0.0:7946`, `[::]:7946` (both families),
    /// `127.0.0.1:0` (the kernel's choice, see bound()).
    std::string listen = "0.0.0.0:7946";
    /// What others are told: `address:port`, or `address` with the bound port. Empty: the bound address, or if that is
    /// none, the first private IPv4 address of this machine, or else its first other one. IPv4 is always told in 4 bytes.
    std::string advertise;
    /// Contacts' names to addresses. Blocking; runs on a thread of its own. Empty: the system's name service. No egress
    /// policy applies: contacts are the operator's words.
    std::function<Result<std::vector<IpAddress>>(const std::string& host)> lookup;
    /// A hook for tests and simulated faults: false loses the datagram, closes the accepted stream, or refuses the dial.
    /// Loop thread. Empty in production.
    std::function<bool(const GossipPassage&)> filter;
};

/// What the transport itself counted, beside Membership::counters().
struct GossipTraffic {
    std::uint64_t datagrams_in = 0, datagrams_out = 0, datagram_bytes_in = 0,
                  datagram_bytes_out = 0;
    std::uint64_t datagrams_lost_in = 0;  ///< the kernel's receive buffer was full
    std::uint64_t datagrams_lost_out =
        0;  ///< the kernel took them not: its buffer was full, or no way there
    std::uint64_t receive_calls = 0, send_calls = 0;
    std::uint64_t accepts = 0, dials = 0;
    std::uint64_t streams_turned_away = 0;  ///< accepted while too many were open
    std::uint64_t accept_errors = 0;
};

/// Sockets and time of one Membership: a UDP and a TCP socket on one port, dialled streams, name lookups, one timer.
/// Thread:  the loop's own, except post(). open(), handle() and close() also before the loop starts and after it ended.
/// Order:   sockets are read before the machine is told the time, so that after a stall what was queued is seen first.
/// Errors:  open() tells Malformed (listen, advertise), Exists (the port is in use), Io. Later ones become inputs of the
///          machine: DatagramRefused, StreamClosed, Resolved with no address.
/// Limits:  256 open streams; 64 MiB of unsent bytes in one stream (more closes it).
/// Source:  memberlist protocol, section 1.
class GossipDriver {
public:
    /// Gets what is neither a datagram, a stream nor a lookup, in the machine's order; the outbox resolves slices. It may
    /// call handle(): that input is applied after the outputs at hand. It does not destroy the driver.
    using OnOutput =
        std::function<void(const membership::Output& output, const membership::Outbox& outbox)>;

    /// Binds both sockets; hears nothing before start(). The loop outlives the driver.
    static Result<std::unique_ptr<GossipDriver>> open(Loop& loop, GossipOptions options,
                                                      OnOutput on_output);
    ~GossipDriver();
    GossipDriver(const GossipDriver&) = delete;
    GossipDriver& operator=(const GossipDriver&) = delete;

    /// The machine enters its own table first, then the sockets are read.
    void start();
    /// Applies an input at the loop's present time and does what the machine asks.
    void handle(membership::Input input);
    /// handle() from any thread, soon. Dropped once the driver is closed or gone. The input holds no views.
    void post(membership::Input input);
    /// Closes all sockets, says nothing to anybody. The machine can still be looked at.
    void close();

    [[nodiscard]] const membership::Membership& machine() const noexcept;
    [[nodiscard]] const membership::Address& bound() const noexcept;
    [[nodiscard]] const membership::Address& advertised() const noexcept;
    [[nodiscard]] const GossipTraffic& traffic() const noexcept;

private:
    struct State;
    explicit GossipDriver(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace anode
