#include "core/mesh/pull_server.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

constexpr std::size_t kSessionsMax = 4;
constexpr std::size_t kBytesMax = 4u << 20, kLoadBytes = 512 * 1024;
constexpr Duration kStalled = 30s, kCallBackEvery = 5s;
constexpr std::uint32_t kRetryMs = 500, kRetryDrainingMs = 5000;
constexpr std::uint8_t kDone = 0, kBusy = 1, kLimit = 2;

/// How far it goes on like at `seq`, where nothing is had.
Seq end_of_lack(const LogState& state, Seq seq, Seq last) {
    const Holding holding = holding_of(state);
    for (const SeqRange& hole : holding.lacks.ranges())
        if (hole.first <= seq && seq <= hole.last) return std::min(hole.last, last);
    return seq > state.head() ? last : seq;
}

}  // namespace

void PullServer::on_pull(Link& link, const frames::Pull& frame) {
    if (link.purpose == Purpose::Main) return call_back(link);
    const auto busy = [&](std::uint32_t retry_ms) {
        shared_.send(link, frames::PullEnd{frame.request, kBusy, retry_ms});
    };
    if (shared_.draining) return busy(kRetryDrainingMs);
    const bool again = sessions_.contains(link.id);
    if (!again && sessions_.size() >= kSessionsMax) {
        ++shared_.counters.refused;
        // Spread, so that those who were sent away do not come back at one moment.
        return busy(kRetryMs + static_cast<std::uint32_t>(shared_.rng.below(kRetryMs)));
    }
    // A new request on the same link takes the place of one that its sender has given up.
    Session& session = sessions_[link.id] = Session{};
    session.request = frame.request;
    session.log = frame.log;
    session.ranges.assign(frame.ranges.begin(), frame.ranges.end());
    session.bytes_left = std::min<std::int64_t>(frame.bytes_max, kBytesMax);
    session.progress = shared_.now.mono;
    pump(link);
}

void PullServer::call_back(Link& link) {
    std::erase_if(called_back_,
                  [&](const auto& one) { return shared_.now.mono >= one.second + kCallBackEvery; });
    if (shared_.draining || called_back_.contains(link.peer) ||
        shared_.links.any_of(link.peer, Purpose::Bulk) != nullptr)
        return;
    called_back_[link.peer] = shared_.now.mono;
    (void)port_.dial(link.peer, Purpose::Bulk);
}

void PullServer::pump(Link& link) {
    pace();
    for (;;) {
        const auto at = sessions_.find(link.id);
        if (at == sessions_.end()) return;
        LogEntry* entry = shared_.logs.find(at->second.log);
        // A log we do not know has no name on the link to skip it by: silence says the same.
        if (entry == nullptr || at->second.ranges.empty()) return end(link, kDone);
        if (at->second.bytes_left <= 0) return end(link, kLimit);
        if (step(link, at->second, *entry) == Step::Wait) return;
    }
}

/// One move: a block, a skip, or a question to the store.
PullServer::Step PullServer::step(Link& link, Session& session, LogEntry& entry) {
    const SeqRange range = session.ranges.front();
    const LogState& state = entry.state;
    const Seq lowest = holding_of(state).lowest;
    if (range.first < lowest)
        return send_skip(link, session, entry, std::min(range.last, lowest - 1), Skip::Expired);
    if (!state.has(range.first) || range.first > state.head())
        return send_skip(link, session, entry, end_of_lack(state, range.first, range.last),
                         Skip::Missing);
    if (session.loading) return Step::Wait;
    while (!session.loaded.empty() && session.loaded.front().last() < range.first)
        session.loaded.pop_front();
    if (!session.loaded.empty() && session.loaded.front().first <= range.first)
        return send_block(link, session, session.loaded.front());
    if (const WireBlock* block = shared_.cache.find(entry.log(), range.first))
        return send_block(link, session, *block);
    session.loaded.clear();
    session.loading = true;
    session.load = shared_.load(entry.log(), range,
                                std::min(kLoadBytes, static_cast<std::size_t>(session.bytes_left)));
    return Step::Wait;
}

PullServer::Step PullServer::send_block(Link& link, Session& session, const WireBlock& block) {
    if (!rate_.may_send() || link.bulk_credit <= 0 || link.unsent >= shared_.config.unsent_max)
        return Step::Wait;
    const WirePtr wire = block.wire;
    const Seq last = block.last();
    ++link.blocks_out;
    ++shared_.counters.blocks_out;
    shared_.counters.messages_out += block.count;
    shared_.send(link, frames::Chunk{session.request, session.log, *wire}, wire);
    link.bulk_credit -= static_cast<std::int64_t>(wire->size());
    session.bytes_left -= static_cast<std::int64_t>(wire->size());
    rate_.spend(wire->size());
    advance(session, last);
    return Step::On;
}

PullServer::Step PullServer::send_skip(Link& link, Session& session, LogEntry& entry, Seq upto,
                                       Skip why) {
    const auto lx = shared_.alias(link, entry);
    shared_.send(link, frames::SkipFrame{lx, {session.ranges.front().first, upto}, why});
    advance(session, upto);
    return Step::On;
}

void PullServer::advance(Session& session, Seq upto) {
    session.progress = shared_.now.mono;
    while (!session.ranges.empty() && session.ranges.front().last <= upto)
        session.ranges.pop_front();
    if (!session.ranges.empty() && session.ranges.front().first <= upto)
        session.ranges.front().first = upto + 1;
}

bool PullServer::on_loaded(const Loaded& loaded) {
    const auto at = std::ranges::find_if(sessions_, [&](const auto& one) {
        return one.second.loading && one.second.load == loaded.id;
    });
    if (at == sessions_.end()) return false;
    Session& session = at->second;
    session.loading = false;
    session.loaded.assign(loaded.blocks.begin(), loaded.blocks.end());
    Link* link = shared_.links.find(at->first);
    LogEntry* entry = shared_.logs.find(session.log);
    if (link == nullptr || entry == nullptr || session.ranges.empty()) return true;
    const SeqRange range = session.ranges.front();
    while (!session.loaded.empty() && session.loaded.front().last() < range.first)
        session.loaded.pop_front();
    // The store has none of what comes first: it is passed over, so that the same question is not asked again.
    const bool none = session.loaded.empty();
    if (none || session.loaded.front().first > range.first) {
        const Seq upto = none ? range.last : std::min(range.last, session.loaded.front().first - 1);
        (void)send_skip(*link, session, *entry, upto, Skip::Evicted);
    }
    pump(*link);
    return true;
}

void PullServer::end(Link& link, std::uint8_t why) {
    const auto at = sessions_.find(link.id);
    const std::uint32_t request = at->second.request;
    sessions_.erase(at);
    shared_.send(link, frames::PullEnd{request, why, 0});
}

void PullServer::on_room(Link& link) {
    if (sessions_.contains(link.id)) pump(link);
}

void PullServer::link_lost(const Link& link) { sessions_.erase(link.id); }

void PullServer::pace() {
    std::uint64_t live = 0;
    for (const auto& [id, link] : shared_.links.all())
        if (link->live()) live += link->blocks_out;
    rate_.advance(shared_.now.mono, port_.live_lags(), shared_.counters.bytes_out, live);
}

void PullServer::tick() {
    pace();
    std::vector<LinkId> ids, stalled;
    for (const auto& [id, session] : sessions_)
        (shared_.now.mono >= session.progress + kStalled ? stalled : ids).push_back(id);
    for (const LinkId id : stalled)
        if (Link* link = shared_.links.find(id)) end(*link, kLimit);
    // In turns: who begins moves on, or the first would take all tokens.
    const auto next = std::ranges::upper_bound(ids, turn_);
    std::rotate(ids.begin(), next, ids.end());
    if (!ids.empty()) turn_ = ids.front();
    for (const LinkId id : ids)
        if (Link* link = shared_.links.find(id)) pump(*link);
}

Instant PullServer::due() const noexcept {
    Instant next = kNever;
    for (const auto& [id, session] : sessions_) {
        next = std::min(next, session.progress + kStalled);
        const Link* link = shared_.links.find(id);
        const bool gated = session.loading || link == nullptr || link->bulk_credit <= 0 ||
                           link->unsent >= shared_.config.unsent_max;
        if (!gated) next = std::min(next, rate_.next());
    }
    return next;
}

}  // namespace anode::mesh
