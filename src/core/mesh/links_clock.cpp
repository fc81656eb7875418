#include <algorithm>

#include "core/mesh/links.hpp"

/// PING and PONG: round trip times, and how far our clock is from those of our neighbours.
namespace anode::mesh {

void Links::send_ping(Link& link) {
    link.pinged_at = shared_.now.mono;
    link.ping_wall = shared_.now.wall;
    link.ping_open = true;
    ++link.ping_nonce;
    shared_.send(link, frames::Ping{link.ping_nonce, shared_.now.wall, Hlc::at(shared_.now.wall),
                                    shared_.own_load, 0});
}

void Links::on_ping(Link& link, const frames::Ping& ping) {
    link.load = ping.load;
    frames::Pong pong;
    pong.nonce = ping.nonce;
    pong.wall = shared_.now.wall;
    pong.hlc = Hlc::at(shared_.now.wall);
    pong.load = shared_.own_load;
    shared_.send(link, pong);
}

void Links::on_pong(Link& link, const frames::Pong& pong) {
    link.load = pong.load;
    if (!link.ping_open || pong.nonce != link.ping_nonce) return;  // an old one measures nothing
    link.ping_open = false;
    const Duration rtt = shared_.now.mono - link.pinged_at;
    link.rtt = link.measured ? (7 * link.rtt + rtt) / 8 : rtt;
    link.measured = true;
    // A wild clock must not overflow ours.
    constexpr WallTime kWallMax = 4'000'000'000'000'000;
    const Duration theirs = std::chrono::microseconds(std::clamp<WallTime>(pong.wall, 0, kWallMax));
    link.offset = std::chrono::microseconds(link.ping_wall) + rtt / 2 - theirs;
    judge_clock(link);
    tell_clock(link);
}

/// Said once when two clocks part, and once when they agree again. Half a round trip is what a measure may be wrong by.
void Links::judge_clock(Link& link) {
    const Duration apart = std::chrono::abs(link.offset);
    const Duration warn = shared_.config.drift_warn + link.rtt / 2;
    if (link.clock_off ? apart > warn / 2 : apart <= warn) return;
    link.clock_off = !link.clock_off;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(apart).count();
    const std::string detail = std::string("ours is ") +
                               (link.offset.count() < 0 ? "behind" : "ahead") + " by " +
                               std::to_string(ms) + " ms";
    if (link.clock_off)
        shared_.notice(Notice::Level::Warn, "a neighbour's clock differs from ours", link.peer,
                       detail);
    else
        shared_.notice(Notice::Level::Info, "a neighbour's clock agrees with ours again", link.peer,
                       detail);
}

void Links::tell_clock(const Link& link) {
    std::vector<Duration> offsets;
    for (const auto& [id, other] : shared_.links.all())
        if (other->live() && other->measured) offsets.push_back(other->offset);
    if (offsets.empty()) return;
    const auto middle = offsets.begin() + static_cast<std::ptrdiff_t>(offsets.size() / 2);
    std::ranges::nth_element(offsets, middle);
    shared_.out->push(ClockOffset{link.peer, *middle, link.rtt, link.offset});
}

}  // namespace anode::mesh
