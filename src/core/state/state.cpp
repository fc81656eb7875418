#include "core/state/state.hpp"

#include <algorithm>

#include "core/state/absence.hpp"
#include "core/state/exchange.hpp"
#include "core/state/writes.hpp"

namespace anode::state {

namespace {

constexpr Duration kLookAtClock =
    60s;  ///< what waits for wall time is looked at this often at least

template <class... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};

}  // namespace

struct State::Parts {
    Parts(NodeId self, Limits limits) : s(self, limits), writes(s), exchange(s) {}

    Shared s;
    Writes writes;
    Exchange exchange;
    Absence absence;

    void on(const Restore& from);
    void on(const Rejoin& how);
    void on(const Write& write);
};

void State::Parts::on(const Restore& from) {
    if (!absence.restore(s, from)) return;
    exchange.trust(false);
    s.out->push_back(Notice{"state: away for too long, the old map waits for a decision", s.self,
                            std::to_string(from.records.size()) + " records"});
}

void State::Parts::on(const Rejoin& how) {
    if (!absence.on()) return;
    exchange.trust(true);
    for (const Item& item : absence.end(s, how.keep_local, !exchange.met())) writes.again(item);
}

void State::Parts::on(const Write& write) {
    if (!absence.on()) return writes.handle(write);
    s.out->push_back(
        Written{write.id, fail(Errc::Conflict, "state: away for too long, rejoin first")});
}

State::State(NodeId self, Limits limits) : parts_(std::make_unique<Parts>(self, limits)) {}
State::~State() = default;

void State::handle(const Input& input, Now now, std::vector<Output>& out) {
    Parts& p = *parts_;
    p.s.now = now;
    p.s.out = &out;
    p.s.release();
    std::visit(Overloaded{
                   [&](const Tick&) {},
                   [&](const Arrived& in) { p.s.take_in(in.entry, NodeId{}); },
                   [&](const PeerUp& in) {
                       p.absence.meet(p.s);
                       p.exchange.peer_up(in.node);
                   },
                   [&](const PeerDown& in) { p.exchange.peer_down(in.node); },
                   [&](const FromPeer& in) { p.exchange.handle(in); },
                   [&](const auto& in) { p.on(in); },
               },
               input);
    p.s.registers.expire(now.wall, out);
    p.exchange.tick();
    p.s.out = nullptr;
}

Instant State::due() const noexcept {
    const Shared& s = parts_->s;
    Instant first = parts_->exchange.due();
    const auto at_wall = [&](std::uint64_t millis) {
        const Duration wait =
            std::chrono::milliseconds(static_cast<std::int64_t>(millis) - s.now.wall / 1000);
        first = std::min(first, s.now.mono + std::clamp<Duration>(wait, 1ms, kLookAtClock));
    };
    constexpr std::uint64_t kFar = 1ULL << 42;  // keeps the arithmetic of hostile stamps in range
    if (const auto end = s.registers.expires_at()) at_wall(std::min(*end, kFar));
    if (const auto start = s.quarantine.first_millis())
        at_wall(std::min(*start, kFar) -
                static_cast<std::uint64_t>(s.limits.drift_max / std::chrono::milliseconds(1)));
    return first;
}

const Item* State::find(std::string_view kind, std::string_view key) const {
    const Item* item = parts_->s.registers.find({kind, key});
    return item && item->value ? item : nullptr;
}
std::vector<const Item*> State::all(std::string_view kind) const {
    return parts_->s.registers.all(kind);
}
std::vector<Earlier> State::history(std::string_view kind, std::string_view key) const {
    return parts_->s.registers.history({kind, key});
}
std::uint64_t State::hash() const noexcept { return parts_->s.registers.hash(); }
std::size_t State::bytes() const noexcept { return parts_->s.registers.bytes(); }
std::size_t State::keys() const noexcept { return parts_->s.registers.keys(); }
std::size_t State::quarantined() const noexcept { return parts_->s.quarantine.size(); }
bool State::estranged() const noexcept { return parts_->absence.on(); }
const Counters& State::counters() const noexcept { return parts_->s.counters; }

}  // namespace anode::state
