#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/rng.hpp"
#include "sim/event_queue.hpp"
#include "sim/machine.hpp"
#include "sim/network.hpp"

namespace anode::sim {

/// What went through a world, as plain numbers.
struct Traffic {
    std::uint64_t events = 0;
    std::uint64_t datagrams = 0, bytes = 0, lost = 0, refused = 0, overflowed = 0;
    std::uint64_t dials = 0, dials_refused = 0, dials_silent = 0, resets = 0, stream_bytes = 0;
};

/// A network of hosts on virtual time: a second runtime for the machines of the core.
/// Thread:  one. Real time, real randomness and addresses of memory reach nothing: the same seed and calls give the same run,
///          and trace_hash() shows it.
/// Order:   one queue, by (time, insertion). Datagrams are lost, doubled and reordered as the network says; streams are FIFO,
///          and a cut makes them silent, then resets them.
/// Limits:  a paused process's sockets hold 2 MiB of datagrams and 128 streams nobody accepted yet, as a kernel does.
class World {
public:
    World(std::uint64_t seed, Weather weather);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    [[nodiscard]] Instant now() const noexcept { return now_; }
    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    [[nodiscard]] Network& network() noexcept { return network_; }
    [[nodiscard]] const Traffic& traffic() const noexcept { return traffic_; }
    [[nodiscard]] std::uint64_t trace_hash() const noexcept { return trace_; }
    /// The first rule a machine broke, if any.
    [[nodiscard]] const std::optional<std::string>& misused() const noexcept { return misused_; }
    /// A generator for one purpose; equal numbers give equal ones.
    [[nodiscard]] Rng rng(std::uint64_t purpose) const noexcept;

    HostId add_host(const Address& address);
    /// One more address (a port) at which this host is reached.
    void add_address(HostId host, const Address& address);
    [[nodiscard]] std::size_t hosts() const noexcept { return hosts_.size(); }
    [[nodiscard]] const Address& address(HostId host) const;
    /// A name that resolve() finds. Several addresses: all are given.
    void add_name(std::string name, std::vector<Address> addresses);
    void name_server(bool answers) { names_answer_ = answers; }

    /// A process begins. `clock` is what its monotonic clock shows now.
    void boot(HostId host, std::unique_ptr<Machine> machine, Instant clock);
    /// The process is gone at once; its kernel resets what it had open, and refuses what comes.
    void kill(HostId host);
    /// The host is gone: nothing answers any more, not even with a refusal. boot() brings it back.
    void power_off(HostId host);
    void pause(HostId host);
    void resume(HostId host);
    /// The next process of this host has this address. No process runs.
    void move(HostId host, const Address& address);
    /// Its monotonic clock goes on by so much at once, as after a suspended virtual machine.
    void jump_clock(HostId host, Duration by);
    /// Every stream of this host is reset, at both ends.
    void reset_streams(HostId host);

    [[nodiscard]] bool runs(HostId host) const;
    [[nodiscard]] bool paused(HostId host) const;
    [[nodiscard]] Machine* machine(HostId host);
    [[nodiscard]] Instant clock(HostId host) const;

    /// Uses a running process: `use` may call handle(). Nothing happens if it is paused or gone.
    void with(HostId host, const std::function<void(Machine&, Instant, Kernel&)>& use);
    /// A datagram that no process of this world sends, as from outside or with a forged source.
    void inject(HostId from_host, const Address& from, const Address& to, BytesView bytes);
    void schedule(Instant at, std::function<void()> what);
    /// Every datagram sent, before its fate is drawn. For traffic figures and for eavesdroppers.
    void watch(std::function<void(HostId from, const Address& to, BytesView bytes)> watcher);

    /// One event; false: there is none left.
    bool step();
    void run_until(Instant end);
    void run_for(Duration span) { run_until(now_ + span); }

private:
    struct Event;
    struct Held;
    struct Host;
    struct Link;
    class Calls;
    enum class Kind : std::uint8_t;

    Host& at(HostId host) { return *hosts_[index_of(host)]; }
    const Host& at(HostId host) const { return *hosts_[index_of(host)]; }
    [[nodiscard]] std::optional<HostId> find(const Address& address) const;
    void note(Kind kind, HostId host, BytesView bytes) noexcept;
    void perform(Event& event);
    void deliver(HostId host, Held held);
    void run(HostId host, const Happening& happening);
    void arm(HostId host);
    void wake(HostId host, std::uint64_t generation);
    void end_process(HostId host, bool silent);

    void transmit(HostId host, const Address& from, const Address& to, BytesView bytes);
    void arrive(Event& event);

    void dial(HostId host, StreamNumber stream, const Address& to, Duration timeout);
    void write(HostId host, StreamNumber stream, BytesView bytes);
    void close(HostId host, StreamNumber stream);
    void knock(Event& event);
    void answer_knock(Event& event);
    void carry(std::uint32_t link, unsigned to_end, Bytes bytes, bool end);
    void stream_arrives(Event& event);
    void lose(std::uint32_t link, unsigned end, bool refused);
    void drop_link(std::uint32_t link);
    Link* find_link(std::uint32_t link, std::uint64_t serial);

    std::uint64_t seed_;
    Instant now_{};
    Network network_;
    EventQueue<Event> queue_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::unordered_map<std::string, HostId> by_address_;  ///< looked up only, never walked
    std::map<std::string, std::vector<Address>, std::less<>> names_;
    bool names_answer_ = true;
    std::vector<std::unique_ptr<Link>> links_;
    std::vector<std::uint32_t> free_links_;
    std::uint64_t links_made_ = 0;
    std::function<void(HostId, const Address&, BytesView)> watcher_;
    std::optional<std::string> misused_;
    Traffic traffic_;
    std::uint64_t trace_;
};

}  // namespace anode::sim
