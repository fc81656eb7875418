#include "sim/world.hpp"

#include <array>
#include <cstring>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "sim/world_parts.hpp"

namespace anode::sim {
namespace {

/// Socket addresses as the kernel compares them.
std::string key_of(const Address& address) {
    const Address plain = address.canonical();
    std::string key(plain.ip_bytes());
    key.push_back(static_cast<char>(plain.port >> 8));
    key.push_back(static_cast<char>(plain.port & 0xff));
    return key;
}

}  // namespace

World::World(std::uint64_t seed, Weather weather)
    : seed_(seed), network_(seed, weather), trace_(hash64("anode world", seed)) {}
World::~World() = default;

Rng World::rng(std::uint64_t purpose) const noexcept {
    std::array<char, 8> bytes;
    std::memcpy(bytes.data(), &purpose, bytes.size());
    return Rng(hash64({bytes.data(), bytes.size()}, seed_));
}

HostId World::add_host(const Address& address) {
    const HostId host{static_cast<std::uint32_t>(hosts_.size())};
    hosts_.push_back(std::make_unique<Host>());
    hosts_.back()->address = address;
    network_.add_host();
    ANODE_ASSERT(by_address_.emplace(key_of(address), host).second);
    return host;
}

void World::add_address(HostId host, const Address& address) {
    ANODE_ASSERT(by_address_.emplace(key_of(address), host).second);
}

const Address& World::address(HostId host) const { return at(host).address; }
bool World::runs(HostId host) const { return at(host).machine != nullptr; }
bool World::paused(HostId host) const { return at(host).paused; }
Machine* World::machine(HostId host) { return at(host).machine.get(); }
Instant World::clock(HostId host) const { return now_ + at(host).clock_ahead; }

void World::add_name(std::string name, std::vector<Address> addresses) {
    names_[std::move(name)] = std::move(addresses);
}

std::optional<HostId> World::find(const Address& address) const {
    const auto found = by_address_.find(key_of(address));
    if (found == by_address_.end()) return std::nullopt;
    return found->second;
}

void World::note(Kind kind, HostId host, BytesView bytes) noexcept {
    std::array<std::uint64_t, 3> head{static_cast<std::uint64_t>(now_.time_since_epoch().count()),
                                      index_of(host), static_cast<std::uint64_t>(kind)};
    trace_ = hash64({reinterpret_cast<const char*>(head.data()), sizeof head}, trace_);
    if (!bytes.empty()) trace_ = hash64(bytes, trace_);
}

void World::boot(HostId host, std::unique_ptr<Machine> machine, Instant clock) {
    Host& own = at(host);
    ANODE_ASSERT(own.machine == nullptr);
    own.powered = true;
    own.paused = false;
    own.clock_ahead = clock - now_;
    own.machine = std::move(machine);
    ++own.process;
    own.armed.reset();
    own.accepted = 1;
    note(Kind::Start, host, {});
    run(host, Started{});
}

void World::end_process(HostId host, bool silent) {
    Host& own = at(host);
    if (!own.machine) return;
    note(Kind::End, host, {});
    for (const auto& [stream, number] : std::map(own.streams)) {
        if (silent) {
            Link& link = *links_[number];
            link.ends[link.ends[0].host == host && link.ends[0].stream == stream ? 0 : 1].open =
                false;
        } else {
            close(host, stream);
        }
    }
    own.streams.clear();
    own.held.clear();
    own.held_datagram_bytes = own.held_streams = 0;
    own.machine.reset();
    own.paused = false;
    own.armed.reset();
    ++own.process;
}

void World::kill(HostId host) { end_process(host, false); }

void World::power_off(HostId host) {
    end_process(host, true);
    at(host).powered = false;
}

void World::pause(HostId host) {
    if (at(host).machine) at(host).paused = true;
}

void World::resume(HostId host) {
    Host& own = at(host);
    if (!own.paused) return;
    own.paused = false;
    const std::uint64_t process = own.process;
    auto held = std::exchange(own.held, {});
    own.held_datagram_bytes = own.held_streams = 0;
    // Timers and sockets are ready at once; which comes first is the event loop's choice.
    if (network_.rng().chance(0.5)) run(host, Woken{});
    for (Held& each : held) {
        if (!own.machine || own.process != process) return;
        run(host, each.shown());
    }
    if (own.machine && own.process == process) arm(host);
}

void World::move(HostId host, const Address& address) {
    Host& own = at(host);
    ANODE_ASSERT(own.machine == nullptr);
    by_address_.erase(key_of(own.address));
    own.address = address;
    ANODE_ASSERT(by_address_.emplace(key_of(address), host).second);
}

void World::jump_clock(HostId host, Duration by) {
    Host& own = at(host);
    own.clock_ahead += by;
    if (own.machine) arm(host);
}

void World::with(HostId host, const std::function<void(Machine&, Instant, Kernel&)>& use) {
    Host& own = at(host);
    if (!own.machine || own.paused) return;
    Calls calls(*this, host);
    use(*own.machine, clock(host), calls);
    arm(host);
}

void World::schedule(Instant when, std::function<void()> what) {
    Event event{.kind = Kind::Script};
    event.script = std::move(what);
    queue_.push(std::max(when, now_), std::move(event));
}

void World::watch(std::function<void(HostId, const Address&, BytesView)> watcher) {
    watcher_ = std::move(watcher);
}

bool World::step() {
    if (queue_.empty()) return false;
    now_ = queue_.next_at();
    Event event = queue_.pop();
    perform(event);
    return true;
}

void World::run_until(Instant end) {
    while (!queue_.empty() && queue_.next_at() <= end) step();
    now_ = std::max(now_, end);
}

void World::perform(Event& event) {
    ++traffic_.events;
    switch (event.kind) {
        case Kind::Arrival:
            return arrive(event);
        case Kind::Refusal:
            note(event.kind, event.host, {});
            return deliver(event.host, {GotRefusal{event.to}, {}});
        case Kind::Wake:
            return wake(event.host, event.serial);
        case Kind::Knock:
            return knock(event);
        case Kind::Knocked:
            return answer_knock(event);
        case Kind::GiveUp:
            if (Link* link = find_link(event.link, event.serial); link && !link->established) {
                ++traffic_.dials_silent;
                lose(event.link, 0, false);
                drop_link(event.link);
            }
            return;
        case Kind::Piece:
            return stream_arrives(event);
        case Kind::Names:
        case Kind::Script:
            return event.script();
        case Kind::Start:
        case Kind::End:
            return;
    }
}

void World::deliver(HostId host, Held held) {
    Host& own = at(host);
    if (!own.machine) return;
    if (!own.paused) return run(host, held.shown());
    if (std::holds_alternative<GotDatagram>(held.happening)) {
        if (own.held_datagram_bytes + held.bytes.size() > kSocketBytesMax) {
            ++traffic_.overflowed;
            return;
        }
        own.held_datagram_bytes += held.bytes.size();
    }
    if (std::holds_alternative<GotStream>(held.happening)) ++own.held_streams;
    own.held.push_back(std::move(held));
}

void World::run(HostId host, const Happening& happening) {
    Host& own = at(host);
    Calls calls(*this, host);
    own.machine->handle(happening, clock(host), calls);
    arm(host);
}

void World::arm(HostId host) {
    Host& own = at(host);
    if (!own.machine || own.paused) return;
    const Instant due = own.machine->due();
    if (due == Instant::max()) return;
    const Instant when = std::max(due - own.clock_ahead, now_);
    if (own.armed && *own.armed <= when) return;
    own.armed = when;
    queue_.push(when, {.kind = Kind::Wake, .host = host, .serial = own.process});
}

void World::wake(HostId host, std::uint64_t generation) {
    Host& own = at(host);
    if (own.process != generation || own.armed != now_) return;
    own.armed.reset();
    if (own.paused) return;
    if (own.machine->due() > clock(host)) return arm(host);
    note(Kind::Wake, host, {});
    run(host, Woken{});
}

void World::transmit(HostId host, const Address& from, const Address& to, BytesView bytes) {
    ++traffic_.datagrams;
    traffic_.bytes += bytes.size();
    if (watcher_) watcher_(host, to, bytes);
    const auto target = find(to);
    const auto passage = target ? network_.pass(host, *target, bytes.size(), now_) : std::nullopt;
    if (!passage) {
        ++traffic_.lost;
        return;
    }
    const auto send = [&](Duration delay) {
        queue_.push(
            now_ + delay,
            {.kind = Kind::Arrival, .host = host, .from = from, .to = to, .bytes = Bytes(bytes)});
    };
    send(passage->delay);
    if (passage->twice) send(*passage->twice);
}

void World::inject(HostId from_host, const Address& from, const Address& to, BytesView bytes) {
    transmit(from_host, from, to, bytes);
}

void World::arrive(Event& event) {
    const auto target = find(event.to);
    if (!target || !at(*target).powered || !network_.open(event.host, *target)) {
        ++traffic_.lost;
        return;
    }
    if (at(*target).machine) {
        note(event.kind, *target, event.bytes);
        return deliver(*target, {GotDatagram{event.from, {}}, std::move(event.bytes)});
    }
    ++traffic_.refused;
    const double told = network_.weather().refusals;
    if (told <= 0 || !network_.rng().chance(told)) return;
    if (const auto back = network_.pass(*target, event.host, 56, now_))
        queue_.push(now_ + back->delay,
                    {.kind = Kind::Refusal, .host = event.host, .to = event.to});
}

}  // namespace anode::sim
