#include "core/mesh/holders.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

constexpr Duration kRefusalLasts = 60s;
constexpr std::size_t kRefusedMax = 256;

}  // namespace

Holding holding_of(const LogState& state) {
    Holding holding;
    holding.lowest = std::max<Seq>(state.lowest(), 1);
    const std::vector<SeqRange> missing = state.missing();
    for (const SeqRange& hole : missing) holding.lacks.add(hole);
    // A hole that we still want filled says that the log does not begin behind it, whatever the store has first.
    if (!missing.empty() && missing.front().first < holding.lowest) {
        holding.lacks.add({missing.front().first, holding.lowest - 1});
        holding.lowest = missing.front().first;
    }
    for (const SeqRange& given_up : state.skipped().ranges()) holding.lacks.add(given_up);
    // What expired at the low end is not a hole that somebody might fill: the log begins behind it.
    std::vector<SeqRange> expired;
    for (const auto& [range, why] : state.reasons())
        if (why == Skip::Expired)
            for (const SeqRange& part : state.skipped().common(range)) expired.push_back(part);
    std::ranges::sort(expired, {}, &SeqRange::first);
    for (const SeqRange& range : expired)
        if (range.first <= holding.lowest)
            holding.lowest = std::max(holding.lowest, range.last + 1);
    holding.lacks.remove({0, holding.lowest - 1});
    return holding;
}

std::vector<SeqRange> lost_of(const LogState& state) {
    RangeSet lost;
    for (const auto& [range, why] : state.reasons())
        if (why == Skip::Lost)
            for (const SeqRange& part : state.skipped().common(range)) lost.add(part);
    lost.remove({0, std::max<Seq>(state.lowest(), 1) - 1});
    return lost.ranges();
}

void Holders::note(const Link& link, const LogEntry& entry, const frames::Vector::Row& row) {
    auto& claims = peers_[link.peer];
    const bool holes =
        entry.state.watermark() < entry.state.head() || !entry.state.skipped().empty();
    if (link.purpose == Purpose::Main && row.lowest <= 1 && row.gaps.empty() && !holes) {
        claims.erase(row.log);
        return;
    }
    Claim& claim = claims[row.log];
    claim.lowest = std::max<Seq>(row.lowest, 1);
    claim.head = row.head;
    claim.lacks.clear();
    for (const SeqRange& gap : row.gaps) claim.lacks.add(gap);
}

void Holders::note_equal(const Link& link, const LogEntry& entry) {
    const LogState& state = entry.state;
    if (state.watermark() == state.head() && state.skipped().empty() && state.lowest() <= 1) {
        const auto peer = peers_.find(link.peer);
        if (peer != peers_.end()) peer->second.erase(entry.log());
        return;
    }
    Holding ours = holding_of(state);
    Claim& claim = peers_[link.peer][entry.log()];
    claim.lowest = ours.lowest;
    claim.head = state.head();
    claim.lacks = std::move(ours.lacks);
}

void Holders::refuse(const NodeId& peer, const LogEntry& entry, SeqRange range, bool expired) {
    const Seq head = head_of(peer, entry);
    auto& claims = peers_[peer];
    const bool fresh = !claims.contains(entry.log());
    Claim& claim = claims[entry.log()];
    if (fresh) claim.head = head;
    if (expired && range.first <= claim.lowest) {
        claim.lowest = std::max(claim.lowest, range.last + 1);
        return;
    }
    if (claim.refused_until <= shared_.now.mono) claim.refused.clear();
    claim.refused_until = shared_.now.mono + kRefusalLasts;
    if (claim.refused.ranges().size() < kRefusedMax)
        claim.refused.add(range);
    else
        claim.refused.add({claim.refused.ranges().front().first, range.last});
}

void Holders::forget_retired() {
    for (auto& [peer, claims] : peers_)
        std::erase_if(claims,
                      [&](const auto& one) { return shared_.logs.find(one.first) == nullptr; });
}

const Holders::Claim* Holders::find(const NodeId& peer, const LogKey& log) const {
    const auto claims = peers_.find(peer);
    if (claims == peers_.end()) return nullptr;
    const auto claim = claims->second.find(log);
    return claim == claims->second.end() ? nullptr : &claim->second;
}

Seq Holders::head_of(const NodeId& peer, const LogEntry& entry) {
    Seq head = 0;
    if (const Claim* claim = find(peer, entry.log())) head = claim->head;
    if (const Link* main = shared_.links.main_of(peer))
        if (const Edge* edge = main->edge_if(entry.number)) head = std::max(head, edge->head);
    return head;
}

Seq Holders::lowest_of(const NodeId& peer, const LogKey& log) const {
    const Claim* claim = find(peer, log);
    return claim != nullptr ? claim->lowest : 1;
}

std::vector<SeqRange> Holders::parts_of(const NodeId& peer, const LogEntry& entry, SeqRange range,
                                        bool refused_too) {
    range.last = std::min(range.last, head_of(peer, entry));
    const Claim* claim = find(peer, entry.log());
    if (claim != nullptr) range.first = std::max(range.first, claim->lowest);
    if (range.first > range.last) return {};
    if (claim == nullptr) return {range};
    std::vector<SeqRange> parts = claim->lacks.missing_of(range);
    if (refused_too || claim->refused.empty() || claim->refused_until <= shared_.now.mono)
        return parts;
    std::vector<SeqRange> left;
    for (const SeqRange& part : parts)
        for (const SeqRange& open : claim->refused.missing_of(part)) left.push_back(open);
    return left;
}

}  // namespace anode::mesh
