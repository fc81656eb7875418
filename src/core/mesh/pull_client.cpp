#include "core/mesh/pull_client.hpp"

#include <algorithm>

/// Units in flight: asking, taking what comes, and what becomes of peers that do not give.
namespace anode::mesh {
namespace {

constexpr std::size_t kUnitsMax = 4;
constexpr Duration kUnitTimeout = 10s, kUnitLongest = 120s;
constexpr Duration kBackoffFirst = 1s, kBackoffLongest = 30s;
constexpr Duration kBusyShortest = 50ms;
constexpr std::uint8_t kBusy = 1;

bool overlaps(const std::vector<SeqRange>& ranges, SeqRange range) {
    return std::ranges::any_of(ranges, [&](const SeqRange& one) {
        return one.first <= range.last && range.first <= one.last;
    });
}

}  // namespace

void PullClient::add(const LogKey& log) {
    if (holed_.insert(log).second) order_until_ = Instant{};
    vectors_.touched(log);
    wake();
}

void PullClient::want_tail(const NodeId& peer, const LogKey& log) {
    tails_[peer].insert(log);
    wake();
}

/// A connection for units with this peer: a bulk one or that of an audit, dialled if there is none.
std::optional<LinkId> PullClient::connection(const NodeId& peer) {
    std::optional<LinkId> coming;
    for (const auto& [id, link] : shared_.links.all()) {
        if (link->peer != peer || link->purpose == Purpose::Main ||
            link->state == Link::State::Closing)
            continue;
        if (link->ready()) return id;
        if (link->dialled) coming = id;
    }
    return coming ? coming : port_.dial(peer, Purpose::Bulk);
}

bool PullClient::start(Choice choice) {
    const auto link_id = connection(choice.peer);
    if (!link_id) {
        fail(choice.peer);
        return false;
    }
    Unit& unit = units_[choice.peer];
    unit = Unit{};
    unit.request = ++last_request_;
    unit.link = *link_id;
    unit.log = choice.log;
    unit.ranges = std::move(choice.ranges);
    unit.began = unit.progress = shared_.now.mono;
    Link* link = shared_.links.find(*link_id);
    if (link != nullptr && link->ready()) send_pull(*link, unit);
    return true;
}

void PullClient::send_pull(Link& link, Unit& unit) {
    unit.sent = true;
    used_[link.id] = shared_.now.mono;
    frames::Pull pull;
    pull.request = unit.request;
    pull.log = unit.log;
    pull.ranges = unit.ranges;
    pull.bytes_max = static_cast<std::uint32_t>(shared_.config.unit_bytes);
    shared_.send(link, pull);
}

void PullClient::link_ready(Link& link) {
    used_[link.id] = shared_.now.mono;
    const auto at = units_.find(link.peer);
    if (at != units_.end() && !at->second.sent) {
        at->second.link = link.id;
        send_pull(link, at->second);
    }
    wake();
}

void PullClient::link_lost(const Link& link) {
    withheld_.erase(link.id);
    used_.erase(link.id);
    if (link.purpose == Purpose::Audit) tails_.erase(link.peer);
    const auto at = units_.find(link.peer);
    if (at != units_.end() && at->second.link == link.id) {
        const Unit unit = std::move(at->second);
        units_.erase(at);
        fail(link.peer);
        if (!unit.sent && link.dialled) ask_to_dial(link.peer, unit);
    }
    wake();
}

/// We cannot reach it, but it may reach us: a PULL on the main link asks for a connection from there.
void PullClient::ask_to_dial(const NodeId& peer, const Unit& unit) {
    Link* main = shared_.links.main_of(peer);
    if (main == nullptr) return;
    shared_.send(*main, frames::Pull{unit.request, unit.log, {unit.ranges.back()}, 1});
}

void PullClient::fail(const NodeId& peer) {
    Standing& standing = standings_[peer];
    const Duration pause =
        std::min<Duration>(kBackoffFirst * (1 << std::min(standing.failures, 5u)), kBackoffLongest);
    ++standing.failures;
    standing.not_before = shared_.now.mono + pause;
    wake();
}

void PullClient::on_chunk(Link& link, const frames::Chunk& frame) {
    if (link.purpose == Purpose::Main)
        return port_.accuse(link, 1, {Errc::Malformed, "chunk: on a main link"});
    auto head = frames::peek_block(frame.log, frame.block);
    if (!head) return port_.accuse(link, head.error().code == Errc::Corrupt ? 5 : 1, head.error());
    ++link.blocks_in;
    ++shared_.counters.blocks_in;
    used_[link.id] = shared_.now.mono;
    withheld_[link.id] += frame.block.size();
    give_credit();
    const auto at = units_.find(link.peer);
    // Of a unit that we have given up: what comes late is passed over, another peer was asked.
    if (at == units_.end() || at->second.link != link.id || at->second.request != frame.request)
        return;
    Unit& unit = at->second;
    WireBlock block = std::move(*head);
    const SeqRange range{block.first, block.last()};
    if (frame.log != unit.log || !overlaps(unit.ranges, range))
        return port_.accuse(link, 1, {Errc::Malformed, "chunk: nobody asked for it"});
    LogEntry* entry = shared_.logs.find(frame.log);
    if (entry == nullptr) return;
    if (entry->entry_bytes == 0)
        entry->entry_bytes = static_cast<double>(frame.block.size()) / block.count;
    block.wire = std::make_shared<const Bytes>(frame.block);
    if (unit.answered.add(range) > 0) unit.progress = shared_.now.mono;
    const WireBlock taken = block;
    if (port_.fill(*entry, std::move(block), link.peer)) {
        unit.served = true;
        vectors_.touched(frame.log);
        before_join(*entry, taken);
    }
}

void PullClient::on_skip(Link& link, const LogKey& log, const frames::SkipFrame& frame) {
    const auto at = units_.find(link.peer);
    LogEntry* entry = shared_.logs.find(log);
    if (entry == nullptr || at == units_.end() || at->second.link != link.id ||
        at->second.log != log)
        return;
    used_[link.id] = shared_.now.mono;
    // Only what was asked for: it says that this peer has it not, and no more.
    for (const SeqRange& asked : at->second.ranges) {
        const SeqRange part{std::max(asked.first, frame.range.first),
                            std::min(asked.last, frame.range.last)};
        if (part.first > part.last) continue;
        if (at->second.answered.add(part) > 0) at->second.progress = shared_.now.mono;
        holders_.refuse(link.peer, *entry, part, frame.why == Skip::Expired);
    }
}

void PullClient::on_pull_end(Link& link, const frames::PullEnd& frame) {
    const auto at = units_.find(link.peer);
    if (at == units_.end() || at->second.link != link.id || at->second.request != frame.request)
        return;
    used_[link.id] = shared_.now.mono;
    Unit unit = std::move(at->second);
    units_.erase(at);
    wake();
    if (frame.why == kBusy) {
        const Duration retry = std::chrono::milliseconds(frame.retry_ms);
        standings_[link.peer].not_before =
            shared_.now.mono + std::clamp<Duration>(retry, kBusyShortest, kBackoffLongest);
        return;
    }
    settle_unit(link.peer, std::move(unit), frame.why == 0);
}

/// `all_told`: what was neither sent nor skipped is not to be had there either, whatever the peer claims.
void PullClient::settle_unit(const NodeId& peer, Unit unit, bool all_told) {
    LogEntry* entry = shared_.logs.find(unit.log);
    if (all_told && entry != nullptr)
        for (const SeqRange& range : unit.ranges)
            for (const SeqRange& silent : unit.answered.missing_of(range))
                holders_.refuse(peer, *entry, silent, false);
    if (unit.served)
        standings_[peer].failures = 0;
    else
        fail(peer);
}

void PullClient::give_credit() {
    if (shared_.pressed) return;
    for (auto& [id, bytes] : withheld_) {
        Link* link = shared_.links.find(id);
        if (link == nullptr || bytes == 0) continue;
        link->bulk_owed += bytes;
        bytes = 0;
        shared_.give_credit(*link, false);
    }
    std::erase_if(withheld_, [](const auto& one) { return one.second == 0; });
}

Instant PullClient::used_at(LinkId link) const {
    const auto at = used_.find(link);
    return at == used_.end() ? Instant{} : at->second;
}

void PullClient::tick() {
    const Instant now = shared_.now.mono;
    give_credit();
    std::vector<NodeId> late;
    for (auto& [peer, unit] : units_) {
        // Nobody is blamed for what we do not let it send.
        if (shared_.pressed) unit.progress = now;
        if (now >= unit.progress + kUnitTimeout || now >= unit.began + kUnitLongest)
            late.push_back(peer);
    }
    for (const NodeId& peer : late) {
        units_.erase(peer);
        fail(peer);
    }
    if (now < start_at_ || shared_.pressed || shared_.draining) return;
    start_at_ = kNever;
    while (units_.size() < kUnitsMax) {
        auto choice = choose();
        if (!choice) break;
        (void)start(std::move(*choice));
    }
    // Peers that wait for their time to come again.
    if (units_.size() == kUnitsMax || (holed_.empty() && lost_.empty() && tails_.empty())) return;
    for (const auto& [peer, standing] : standings_)
        if (standing.not_before > now) start_at_ = std::min(start_at_, standing.not_before);
}

Instant PullClient::due() const noexcept {
    const bool waits = shared_.pressed || shared_.draining;
    Instant next = waits ? kNever : start_at_;
    if (!shared_.pressed && !withheld_.empty()) next = shared_.now.mono;
    for (const auto& [peer, unit] : units_)
        next = std::min({next, unit.progress + kUnitTimeout, unit.began + kUnitLongest});
    return next;
}

}  // namespace anode::mesh
