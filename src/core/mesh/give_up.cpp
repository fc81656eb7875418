#include "core/mesh/give_up.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

constexpr Duration kLookEvery = 1s, kStands = 5s, kAbsent = 10min, kUnreachable = 30s;
constexpr std::size_t kLooksMax = 1000;
constexpr std::size_t kAskAllUpTo = 64, kAskAtLeast = 16;

}  // namespace

void GiveUp::visited(const NodeId& node) {
    for (auto& [log, stuck] : stuck_) stuck.asked.insert(node);
}

Instant GiveUp::due() const noexcept { return client_.holed().empty() ? kNever : look_at_; }

void GiveUp::tick() {
    if (shared_.now.mono < look_at_) return;
    look_at_ = shared_.now.mono + kLookEvery;
    std::erase_if(absent_since_, [&](const auto& one) { return shared_.is_member(one.first); });
    // In portions: after a join every log may have holes.
    std::vector<LogKey> logs;
    auto from = client_.holed().lower_bound(next_);
    for (; from != client_.holed().end() && logs.size() < kLooksMax; ++from) logs.push_back(*from);
    next_ = from != client_.holed().end() ? *from : LogKey{};
    for (const LogKey& log : logs) {
        LogEntry* entry = shared_.logs.find(log);
        if (entry == nullptr || entry->state.watermark() == entry->state.head()) {
            client_.holed().erase(log);
            stuck_.erase(log);
            unreadable_.erase(log);
            continue;
        }
        look(*entry);
    }
    // Refusals are forgotten in time, and peers fill holes of their own: another look at whom to ask.
    if (!client_.holed().empty()) client_.wake();
}

bool GiveUp::closed(const LogKey& log) {
    if (log.node == shared_.config.node) return log.epoch < shared_.config.epoch;
    if (const Peer* member = shared_.members.find(log.node)) return member->epoch > log.epoch;
    const auto [since, fresh] = absent_since_.emplace(log.node, shared_.now.mono);
    return shared_.now.mono >= since->second + kAbsent;
}

void GiveUp::give_up(LogEntry& entry, SeqRange range, Skip why) {
    if (why == Skip::Lost) client_.add_lost(entry.log());
    port_.give_up(entry, range, why);
}

void GiveUp::look(LogEntry& entry) {
    const auto age = age_of(entry);
    if (age && *age > shared_.config.history / 1us)
        for (const SeqRange& hole : entry.state.missing()) give_up(entry, hole, Skip::BeforeJoin);
    retention_passed(entry);
    if (links_settling()) return;
    RangeSet ranges = nowhere(entry);
    judge_unreadable(entry, ranges);
    if (ranges.empty()) {
        stuck_.erase(entry.log());
        return;
    }
    const auto [at, fresh] = stuck_.try_emplace(entry.log());
    Stuck& stuck = at->second;
    const bool grew = !std::ranges::all_of(
        ranges.ranges(), [&](const SeqRange& range) { return stuck.ranges.covers(range); });
    if (fresh || grew) {
        stuck.since = shared_.now.mono;
        stuck.asked.clear();
    }
    stuck.ranges = std::move(ranges);
    judge(entry, stuck);
}

/// Everyone who claimed to have it gave bytes that nobody can decode, or has it not: its origin made it so, and it stays a hole.
void GiveUp::judge_unreadable(LogEntry& entry, RangeSet& nowhere) {
    const auto bad = unreadable_.find(entry.log());
    if (bad == unreadable_.end()) return;
    const std::vector<SeqRange> ranges = nowhere.ranges();
    for (const SeqRange& range : ranges)
        for (const SeqRange& part : bad->second.common(range)) {
            give_up(entry, part, Skip::Unreadable);
            nowhere.remove(part);
            bad->second.remove(part);
        }
}

/// What was had and is gone shows that retention has come so far: holes below it would be gone at once if they were filled.
/// The first sequence that can be read says nothing by itself: in front of it may lie what was never had.
void GiveUp::retention_passed(LogEntry& entry) {
    const LogState& state = entry.state;
    const Seq lowest = state.lowest();
    Seq gone = 0;
    RangeSet never;
    for (const SeqRange& hole : state.missing()) never.add(hole);
    for (const SeqRange& given_up : state.skipped().ranges()) never.add(given_up);
    if (lowest > 1)
        for (const SeqRange& had : never.missing_of({1, lowest - 1})) gone = had.last;
    for (const SeqRange& hole : state.missing())
        if (hole.last < gone) give_up(entry, hole, Skip::Expired);
}

std::optional<std::int64_t> GiveUp::age_of(const LogEntry& entry) const {
    const Hlc last = entry.state.last_hlc();
    if (last.value == 0) return std::nullopt;
    return shared_.now.wall - last.micros();
}

std::optional<Duration> GiveUp::stuck_for() const {
    std::optional<Duration> least;
    for (const auto& [log, stuck] : stuck_)
        least = std::min(least.value_or(Duration::max()), shared_.now.mono - stuck.since);
    return least;
}

/// A neighbour whose vectors are still to come may have everything; and without neighbours nothing is known.
bool GiveUp::links_settling() const {
    bool any = false;
    for (const auto& [id, link] : shared_.links.all()) {
        if (link->purpose != Purpose::Main || link->state == Link::State::Closing) continue;
        if (link->state != Link::State::Up && (link->dialled || link->ready())) return true;
        any |= link->state == Link::State::Up;
    }
    return !any;
}

RangeSet GiveUp::nowhere(LogEntry& entry) {
    RangeSet somewhere;
    const auto holes = entry.state.missing();
    for (const auto& [id, link] : shared_.links.all()) {
        const bool asked = link->live() || (link->purpose == Purpose::Audit && link->ready());
        if (!asked) continue;
        for (const SeqRange& hole : holes)
            for (const SeqRange& part : holders_.parts_of(link->peer, entry, hole))
                somewhere.add(part);
    }
    RangeSet stuck;
    for (const SeqRange& hole : holes)
        for (const SeqRange& part : somewhere.missing_of(hole)) stuck.add(part);
    return stuck;
}

Seq GiveUp::expired_below(const LogEntry& entry) const {
    Seq lowest = 1;
    for (const auto& [id, link] : shared_.links.all())
        if (link->live()) lowest = std::max(lowest, holders_.lowest_of(link->peer, entry.log()));
    return lowest;
}

void GiveUp::judge(LogEntry& entry, Stuck& stuck) {
    const Duration stood = shared_.now.mono - stuck.since;
    if (stood < kStands) return;
    const Duration kept = shared_.config.horizon + 2 * shared_.config.drift_max;
    const auto age = age_of(entry);
    const bool old = age && *age > kept / 1us;
    const Seq lowest = old ? ~Seq{0} : expired_below(entry);
    const bool lost =
        stood >= shared_.config.lost_after && closed(entry.log()) && everyone_asked(stuck);
    const std::vector<SeqRange> ranges = stuck.ranges.ranges();
    for (const SeqRange& range : ranges) {
        if (range.first < lowest)
            give_up(entry, {range.first, std::min(range.last, lowest - 1)}, Skip::Expired);
        if (lost && range.last >= lowest)
            give_up(entry, {std::max(range.first, lowest), range.last}, Skip::Lost);
    }
}

bool GiveUp::everyone_asked(const Stuck& stuck) {
    std::size_t asked = 0;
    shared_.members.each([&](const Peer& peer) {
        asked += stuck.asked.contains(peer.node) || shared_.links.main_of(peer.node) != nullptr;
    });
    const std::size_t members = shared_.members.size();
    return asked >= (members <= kAskAllUpTo ? members : kAskAtLeast);
}

std::optional<NodeId> GiveUp::to_visit() {
    std::erase_if(unreachable_,
                  [&](const auto& one) { return shared_.now.mono >= one.second + kUnreachable; });
    for (const auto& [log, stuck] : stuck_) {
        if (shared_.now.mono < stuck.since + kStands) continue;
        std::vector<NodeId> open;
        const auto fits = [&](const NodeId& node) {
            return !stuck.asked.contains(node) && !unreachable_.contains(node) &&
                   shared_.links.main_of(node) == nullptr;
        };
        // The origin first.
        if (shared_.members.find(log.node) != nullptr && fits(log.node)) return log.node;
        shared_.members.each([&](const Peer& peer) {
            if (fits(peer.node)) open.push_back(peer.node);
        });
        if (!open.empty()) return open[shared_.rng.below(open.size())];
    }
    return std::nullopt;
}

}  // namespace anode::mesh
