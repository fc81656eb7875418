#include "core/mesh/links.hpp"

namespace anode::mesh {
namespace {

constexpr std::size_t kHelloBytesMax = 4096;
constexpr std::size_t kStrangersMax = 64;  ///< accepted connections that have not said HELLO
constexpr std::size_t kBesideMax = 2;      ///< bulk or audit links of one peer
constexpr std::size_t kVisitorsMax = 32;   ///< bulk and audit links of peers without a main one
constexpr Duration kLongPause = 60s;
constexpr Duration kUnneededLasts = 30s;
constexpr Duration kDrainLasts = 2s;

}  // namespace

std::optional<LinkId> Links::dial(const NodeId& peer, Purpose purpose) {
    const Peer* member = shared_.members.find(peer);
    if (member == nullptr || neighbours_.bans().banned(peer, shared_.now.mono)) return std::nullopt;
    const std::size_t frame_max =
        purpose == Purpose::Main ? shared_.config.frame_max : shared_.config.bulk_frame_max;
    Link& link = shared_.links.add(shared_.links.next_dialled(), purpose, frame_max);
    link.dialled = true;
    link.peer = peer;
    link.name = member->name;
    link.zone = member->zone;
    link.opened = shared_.now.mono;
    link.wanted = purpose == Purpose::Main && neighbours_.wants(peer);
    // The runtime ends a dial by itself; should it forget, we do.
    shared_.set_state(link, Link::State::Dialling, shared_.config.dial_timeout + 1s);
    ++shared_.counters.dials;
    shared_.out->push(Dial{link.id, peer, member->address, shared_.config.dial_timeout});
    return link.id;
}

void Links::opened(LinkId id, std::string_view identity) {
    Link* link = shared_.links.find(id);
    if (link == nullptr) {
        std::size_t strangers = 0;
        for (const auto& [other, one] : shared_.links.all())
            strangers += !one->dialled && one->state == Link::State::Hello ? 1 : 0;
        if (strangers >= kStrangersMax || shared_.draining) {
            ++shared_.counters.refused;
            ++shared_.counters.links_refused;
            shared_.out->push(Close{id});
            return;
        }
        link = &shared_.links.add(id, Purpose::Main, kHelloBytesMax);
        link->identity = identity;
        link->opened = link->heard_at = shared_.now.mono;
        shared_.set_state(*link, Link::State::Hello, shared_.config.hello_timeout);
        return;
    }
    if (link->state != Link::State::Dialling) return;
    link->identity = identity;
    link->opened = link->heard_at = shared_.now.mono;
    shared_.set_state(*link, Link::State::Hello, shared_.config.hello_timeout);
    say_hello(*link);
}

void Links::closed(const LinkClosed& closed) {
    Link* link = shared_.links.find(closed.id);
    if (link == nullptr || link->state == Link::State::Closing) return;
    if (closed.end == LinkEnd::Untrusted)
        shared_.notice(Notice::Level::Warn, "a connection between nodes is not trusted", link->peer,
                       closed.text);
    drop(*link, closed.end, false);
}

void Links::say_hello(Link& link) {
    const Config& config = shared_.config;
    frames::Hello hello;
    hello.cluster = config.cluster;
    hello.node = config.node;
    hello.epoch = config.epoch;
    hello.name = config.name;
    hello.zone = config.zone;
    hello.wall = shared_.now.wall;
    hello.hlc = Hlc::at(shared_.now.wall);
    hello.horizon_s = static_cast<std::uint32_t>(config.horizon / 1s);
    hello.message_max = static_cast<std::uint32_t>(config.frame_max);
    hello.live_window = static_cast<std::uint32_t>(config.live_window);
    hello.bulk_window = static_cast<std::uint32_t>(config.bulk_window);
    hello.purpose = link.purpose;
    shared_.send(link, hello);
}

void Links::on_hello(Link& link, const frames::Hello& hello) {
    if (link.state != Link::State::Hello)
        return accuse(link, 1, {Errc::Malformed, "a second HELLO"});
    neighbours_.refresh();
    if (!admit(link, hello)) return;
    if (!link.dialled) {
        link.purpose = hello.purpose;
        link.peer = hello.node;
        link.wanted = link.purpose == Purpose::Main && neighbours_.wants(link.peer);
        link.reader =
            frames::FrameReader(link.purpose == Purpose::Main ? shared_.config.frame_max
                                                              : shared_.config.bulk_frame_max);
    }
    link.epoch = hello.epoch;
    link.name = hello.name;
    link.zone = hello.zone;
    link.credit = hello.live_window;
    link.bulk_credit = hello.bulk_window;
    link.credit_at = link.unneeded_since = shared_.now.mono;
    link.asks = Budget(static_cast<double>(shared_.config.asks_burst),
                       static_cast<double>(shared_.config.asks_per_second));
    if (link.purpose == Purpose::Main && !settle_twins(link)) return;
    if (!link.dialled) say_hello(link);
    if (link.purpose == Purpose::Main) {
        shared_.set_state(link, Link::State::Sync, shared_.config.sync_timeout);
        shared_.links.set_main(link);
    } else {
        shared_.set_state(link, Link::State::Up);
    }
    send_ping(link);
    events_.link_sync(link);
}

/// The checks of HELLO: same cluster, a version in common, the node we meant, not banned, and room for it.
bool Links::admit(Link& link, const frames::Hello& hello) {
    const auto no = [&](std::uint16_t code, std::string_view text) {
        refuse(link, link.dialled ? link.peer : hello.node, code, text);
        return false;
    };
    if (hello.cluster != shared_.config.cluster) return no(2, "another cluster");
    if (hello.protocol < frames::kProtocolMin || hello.protocol_min > frames::kProtocol)
        return no(3, "no protocol version in common");
    if (hello.node == shared_.config.node) return no(7, "our own identity");
    if (!link.identity.empty() && link.identity != hello.node.text())
        return no(7, "its certificate is for another node");
    if (link.dialled && hello.node != link.peer) return no(7, "another node than the one dialled");
    if (link.dialled && hello.purpose != link.purpose) return no(1, "another purpose");
    if (neighbours_.bans().banned(hello.node, shared_.now.mono)) return no(6, "banned");
    if (link.dialled) return true;
    if (link.reader.held() != 0) return no(1, "frames before our HELLO");
    if (has_room(link, hello)) return true;
    ++shared_.counters.refused;
    ++shared_.counters.links_refused;
    shared_.blame(hello.node, hello.name, Fault::Refused, "too many links");
    hang_up(link, 0, "too many links");
    return false;
}

/// For one more accepted link. Neighbours that the overlay wants always have room, and so has their repair; strangers share a
/// few places, so that no crowd of them takes those of others.
bool Links::has_room(const Link& link, const frames::Hello& hello) {
    std::size_t same = 0, unwanted = 0, visitors = 0;
    const auto visits = [&](const NodeId& peer) {
        return shared_.links.main_of(peer) == nullptr && !neighbours_.wants(peer);
    };
    for (const auto& [id, other] : shared_.links.all()) {
        if (other.get() == &link || !other->ready()) continue;
        const bool beside = other->purpose != Purpose::Main;
        same += other->peer == hello.node && other->purpose == hello.purpose ? 1 : 0;
        unwanted += !beside && !other->wanted ? 1 : 0;
        visitors += beside && !other->dialled && visits(other->peer) ? 1 : 0;
    }
    if (hello.purpose == Purpose::Main)
        return neighbours_.wants(hello.node) || unwanted < 2 * neighbours_.degree() + 8;
    return same < kBesideMax && (!visits(hello.node) || visitors < kVisitorsMax);
}

/// Two main links with one peer: of simultaneous ones stays the one that the lower NodeId dialled, else the newest.
/// False: it is not this one.
bool Links::settle_twins(Link& link) {
    for (const auto& [id, other] : shared_.links.all()) {
        if (other.get() == &link || other->peer != link.peer || other->purpose != Purpose::Main ||
            other->state == Link::State::Closing)
            continue;
        // A twin that is still being set up decides when its own HELLO comes.
        if (!other->ready()) continue;
        const bool simultaneous =
            other->dialled != link.dialled && other->epoch == link.epoch &&
            shared_.now.mono - other->opened < shared_.config.dial_timeout * 2;
        const bool we_are_lower = shared_.config.node < link.peer;
        if (simultaneous && other->dialled == we_are_lower) {
            hang_up(link, 2, "another link stays");
            return false;
        }
        hang_up(*other, 2, "replaced");
    }
    return true;
}

void Links::refuse(Link& link, const NodeId& who, std::uint16_t code, std::string_view text) {
    ++shared_.counters.refused;
    ++shared_.counters.links_refused;
    shared_.blame(who, link.name, Fault::Refused, text);
    shared_.notice(Notice::Level::Warn, "a connection between nodes was refused", who,
                   std::string(text));
    shared_.send(link, frames::ErrorFrame{code, std::string(text)});
    const NodeId peer = link.peer;
    const bool dialled = link.dialled;
    drop(link, LinkEnd::Closed, true);
    if (dialled) neighbours_.failed(peer, kLongPause);
}

void Links::accuse(Link& link, std::uint16_t code, const Error& error) {
    if (link.state == Link::State::Closing) return;
    ++shared_.counters.protocol_errors;
    shared_.send(link, frames::ErrorFrame{code, error.what.substr(0, 200)});
    const Fault fault = fault_of(code);
    shared_.blame(link.peer, link.name, fault, error.what);
    std::string detail = std::string(name_of(fault)) + ": " + error.what.substr(0, 200);
    // Before HELLO nobody is known who could be banned.
    if (link.ready() || link.dialled) {
        ++shared_.counters.bans;
        const Duration lasts = neighbours_.bans().ban(link.peer, shared_.now.mono);
        shared_.faults.banned(link.peer, shared_.now.mono + lasts);
        detail += "; left alone for " + std::to_string(lasts / 1s) + " s";
    }
    shared_.notice(Notice::Level::Warn, "a peer broke the protocol", link.peer, std::move(detail));
    drop(link, LinkEnd::Closed, true);
}

void Links::hang_up(Link& link, std::uint8_t reason, std::string_view text) {
    if (link.state == Link::State::Closing) return;
    shared_.send(link, frames::Bye{reason, std::string(text)});
    drop(link, LinkEnd::Closed, true);
}

void Links::on_bye(Link& link, const frames::Bye& bye) {
    const NodeId peer = link.peer;
    const bool main = link.purpose == Purpose::Main;
    const bool hello = link.state == Link::State::Hello;
    drop(link, LinkEnd::Closed, true);
    if (!main) return;
    const Duration pause = bye.reason == 0 ? 30s : bye.reason == 1 ? 5s : 0s;
    if (!hello || bye.reason == 2) neighbours_.lost(peer, pause);
}

void Links::on_error(Link& link, const frames::ErrorFrame& error) {
    shared_.notice(Notice::Level::Warn, "a peer closed with an error", link.peer, error.text);
    const NodeId peer = link.peer;
    const bool main = link.purpose == Purpose::Main;
    drop(link, LinkEnd::Closed, true);
    if (main) neighbours_.lost(peer, kLongPause);
}

void Links::go_up(Link& link) {
    if (link.state != Link::State::Sync) return;
    shared_.set_state(link, Link::State::Up);
    neighbours_.connected(link.peer);
    link.told_up = true;
    shared_.out->push(PeerUp{link.peer});
    events_.link_up(link);
}

void Links::drop(Link& link, LinkEnd end, bool close) {
    const bool was_ready = link.ready();
    const bool unborn = link.dialled && !was_ready;
    if (close) shared_.out->push(Close{link.id});
    shared_.set_state(link, Link::State::Closing);
    if (was_ready) events_.link_down(link);
    if (link.purpose == Purpose::Main) {
        const bool other = shared_.links.any_of(link.peer, Purpose::Main) != nullptr;
        if (link.told_up) {
            ++shared_.counters.links_lost;
            shared_.out->push(PeerDown{link.peer, end});
        } else if (unborn && end == LinkEnd::Refused && !other) {
            shared_.out->push(PeerDown{link.peer, end});
        }
        if (was_ready)
            neighbours_.lost(link.peer, Duration{});
        else if (unborn && !other)
            neighbours_.failed(link.peer);
    }
    if (!was_ready && link.dialled && link.purpose != Purpose::Main) events_.link_down(link);
}

void Links::drain(bool on) {
    shared_.draining = on;
    leave_at_ = on ? shared_.now.mono + kDrainLasts : kNever;
}

void Links::tick() {
    neighbours_.refresh();
    for (const auto& [id, link] : shared_.links.all()) check(*link);
    if (shared_.now.mono >= leave_at_) {
        leave_at_ = kNever;
        for (const auto& [id, link] : shared_.links.all()) hang_up(*link, 1, "shutting down");
    }
    while (const auto peer = neighbours_.take_due())
        if (!dial(*peer, Purpose::Main)) break;
}

void Links::check(Link& link) {
    const Instant now = shared_.now.mono;
    if (link.state == Link::State::Closing) return;
    if (now >= link.state_until) {
        if (link.state == Link::State::Sync)
            go_up(link);  // a peer whose vectors do not come is still good for live data
        else
            return drop(link, LinkEnd::TimedOut, true);
    }
    if (!link.ready()) return;
    if (now >= dead_at(link)) return drop(link, LinkEnd::TimedOut, true);
    if (link.live_outstanding > 0 && now >= link.credit_at + 5s) {
        shared_.blame(link.peer, link.name, Fault::Unread, "no credit came back for 5 s");
        shared_.notice(Notice::Level::Warn, "a link carries small frames only", link.peer);
        return drop(link, LinkEnd::TimedOut, true);
    }
    const Duration quiet = shared_.config.ping_idle;
    if ((now >= link.heard_at + quiet && now >= link.pinged_at + quiet) ||
        now >= link.pinged_at + 10 * quiet)
        send_ping(link);
    if (link.wanted || link.parents + link.children > 0 || link.purpose != Purpose::Main)
        link.unneeded_since = now;
    else if (now >= link.unneeded_since + kUnneededLasts)
        hang_up(link, 0, "not a neighbour");
}

void Links::sweep() {
    if (swept_ == shared_.links.changes()) return;
    std::vector<LinkId> over;
    for (const auto& [id, link] : shared_.links.all()) {
        if (link->choked && link->state != Link::State::Closing) {
            shared_.blame(link->peer, link->name, Fault::Unread, "it does not read");
            shared_.notice(Notice::Level::Warn, "a peer does not read", link->peer);
            drop(*link, LinkEnd::TimedOut, true);
        }
        if (link->state == Link::State::Closing) over.push_back(id);
    }
    for (const LinkId id : over) shared_.links.remove(id);
    swept_ = shared_.links.changes();
}

Instant Links::dead_at(const Link& link) const {
    return link.heard_at + std::max(shared_.config.dead_min, 6 * link.rtt);
}

Instant Links::due_of(const Link& link) const {
    Instant next = link.state_until;
    if (!link.ready()) return next;
    const Duration quiet = shared_.config.ping_idle;
    next = std::min({next, dead_at(link), link.pinged_at + 10 * quiet,
                     std::max(link.heard_at, link.pinged_at) + quiet});
    if (link.live_outstanding > 0) next = std::min(next, link.credit_at + 5s);
    if (!link.wanted && link.purpose == Purpose::Main && link.parents + link.children == 0)
        next = std::min(next, link.unneeded_since + kUnneededLasts);
    return next;
}

Instant Links::due() const {
    Instant next = std::min(neighbours_.due(), leave_at_);
    for (const auto& [id, link] : shared_.links.all()) next = std::min(next, due_of(*link));
    return next;
}

}  // namespace anode::mesh
