#include "core/mesh/trees.hpp"

#include <algorithm>

#include "base/hash.hpp"

/// Hearing of logs, and asking for them.
namespace anode::mesh {
namespace {

constexpr Duration kOriginLinked = 5ms, kOriginComing = 50ms, kOtherZone = 50ms, kVectors = 20ms;
constexpr double kEntryBytesGuess = 256;
constexpr double kContiguousBytes = 8.0 * 1024 * 1024, kContiguousSeconds = 5;
constexpr double kRateGuess = 1000;
constexpr Duration kAskedTwice = 2s;  ///< the next pause is longer then

}  // namespace

void Trees::know(const KnownLog& known) {
    LogEntry& entry = shared_.logs.add(known.log);
    entry.head_at = shared_.now.mono;
    for (const SeqRange& range : known.have)
        (void)entry.state.have(range, known.first_hlc, known.last_hlc);
    if (!known.have.empty()) {
        entry.state.set_durable(known.have.front().last);
        entry.state.set_lowest(known.have.front().first);
    }
    if (auto good = entry.state.recall(known.remembered); !good)
        shared_.notice(Notice::Level::Warn, "what was remembered of a log cannot be read",
                       known.log.node, good.error().what);
    entry.remembered = !known.remembered.empty();
    // Nothing remembered means that there were no holes: what lies in front was had, and retention took it.
    if (!entry.remembered && !known.have.empty() && known.have.front().first > 1)
        (void)entry.state.skip({1, known.have.front().first - 1}, Skip::Expired);
}

LogEntry& Trees::open_own(const LogKey& log) {
    LogEntry& entry = shared_.logs.add(log);
    if (entry.own()) return entry;
    entry.tree.state = Tree::State::Origin;
    entry.tree.depth = 0;
    entry.tree.fresh = false;
    entry.opened = shared_.now.wall;
    return entry;
}

void Trees::on_sealed(const Sealed& sealed) {
    LogEntry& entry = open_own(sealed.log);
    const bool first = entry.state.head() == 0;
    (void)entry.state.have({sealed.block.first, sealed.block.last()}, sealed.block.first_hlc,
                           sealed.block.last_hlc);
    shared_.cache.add(sealed.log, sealed.block);
    measure(entry, sealed.block);
    // Nobody hears of a log that has carried nothing: with its first block it is announced, and the tree grows as the word goes
    // round, so that the block is one round trip behind it.
    if (first) announce(entry, kNoLink);
    digests_.mark(entry);
    streams_.grew(entry, kNoLink);
}

LogEntry* Trees::meet(Link& link, const LogKey& log, const Heard& what) {
    const bool ours = log.node == shared_.config.node && log.epoch == shared_.config.epoch;
    if (ours || log.lane > 15 || shared_.logs.refused(log, shared_.now.mono)) return nullptr;
    if (!shared_.room_for(log)) {
        ++shared_.counters.refused;
        shared_.notice(Notice::Level::Warn, "more logs than a node may know", link.peer);
        return nullptr;
    }
    LogEntry& entry = shared_.logs.add(log);
    entry.opened = what.opened;
    entry.head_at = shared_.now.mono;
    entry.tree.met = true;
    return &entry;
}

void Trees::heard(Link& link, const LogKey& log, const Heard& what) {
    if (!link.live()) return;
    LogEntry* entry = shared_.logs.find(log);
    if (far(link, entry != nullptr ? entry->state.head() : 0, what.head)) return;
    // Only an announcement speaks of a log that has nothing yet, since its first block follows.
    if (entry == nullptr && what.head == 0 && !what.announced) return;
    if (entry == nullptr) entry = meet(link, log, what);
    if (entry == nullptr || invented(link, *entry, what.head)) return;
    Edge& edge = link.edge(entry->number);
    edge.known = true;
    edge.head = std::max(edge.head, what.head);
    if (what.depth != kDepthUnknown) {
        edge.depth = what.depth;
        edge.attached = what.attached;
    }
    Tree& tree = entry->tree;
    if (entry->own()) return;
    // It is not asked just now, and will not say it again.
    if (!counts(link, edge)) return begins(*entry);
    const Seq head = entry->state.head();
    switch (tree.state) {
        case Tree::State::Held:
            // The origin itself, or in our zone the first who has it, ends the wait.
            if (link.peer == log.node ||
                (what.announced && link.zone == shared_.config.zone && !shared_.full_mesh))
                tree.hold_until = shared_.now.mono;
            break;
        case Tree::State::Orphan:
            if (tree.fresh) {
                if (what.head >= head) open(link, *entry, what);
            } else if (what.head > head) {
                join(*entry, link, frames::Why::LinkDown);
            }
            break;
        case Tree::State::Joining:
        case Tree::State::Attached:
            if (what.head > head && tree.lag_until == kNever && link.id != tree.parent)
                arm_lag(*entry, what.head);
            break;
        case Tree::State::Origin:
            break;
    }
    shared_.logs.arm(*entry);
}

/// First word of a log: grafts to who told it, unless somebody better is likely to speak up at once (2.7).
void Trees::open(Link& link, LogEntry& entry, const Heard& what) {
    Tree& tree = entry.tree;
    const NodeId& origin = entry.log().node;
    Duration hold{};
    if (link.peer != origin) {
        if (shared_.full_mesh) {
            if (shared_.links.main_of(origin) != nullptr)
                hold = kOriginLinked;
            else if (shared_.is_member(origin))
                hold = kOriginComing;
        } else if (link.zone != shared_.config.zone) {
            hold = Duration(shared_.rng.between(0, kOtherZone / 1ns));
        } else if (!what.announced) {
            hold = kVectors;
        }
    }
    tree.fresh = false;
    if (hold != Duration{}) {
        tree.state = Tree::State::Held;
        tree.hold_until = shared_.now.mono + hold;
        return;
    }
    join(entry, link, frames::Why::Open);
    announce(entry, link.id);
}

void Trees::announce(LogEntry& entry, LinkId except) {
    if (!entry.own() && !entry.tree.met) return;
    entry.tree.met = false;
    for (const auto& [id, link] : shared_.links.all()) {
        if (id == except || !link->live()) continue;
        frames::Announce frame;
        frame.lx = shared_.alias(*link, entry);
        frame.head = entry.state.head();
        frame.depth = entry.tree.depth;
        frame.opened = entry.opened;
        shared_.send(*link, frame);
    }
}

void Trees::join(LogEntry& entry, Link& link, frames::Why why) {
    Tree& tree = entry.tree;
    Edge& edge = link.edge(entry.number);
    tree.fresh = false;
    tree.hold_until = tree.choose_at = kNever;
    tree.joining = link.id;
    tree.joining_why = why;
    tree.join_until =
        shared_.now.mono + std::max<Duration>(shared_.config.join_timeout_min, 4 * link.rtt);
    if (tree.parent == kNoLink) {
        tree.state = Tree::State::Joining;
        if (tree.depth == kDepthUnknown && edge.depth < kDepthUnknown - 1)
            tree.depth = static_cast<std::uint8_t>(edge.depth + 1);
    }
    tree.graft_from = graft_from(entry, link);
    tree.graft_depth = tree.depth;
    edge.pruned = false;
    edge.asked = true;
    ++shared_.counters.grafts;
    const auto lx = shared_.alias(link, entry);
    shared_.send(link, frames::Graft{lx, tree.graft_from, tree.depth, why});
    shared_.logs.arm(entry);
}

/// Where to go on: right behind our head, or, far behind, one second before the neighbour's head, with a hole for repair (3.4).
Seq Trees::graft_from(LogEntry& entry, Link& link) {
    const Seq head = entry.state.head();
    const Seq best = link.edge(entry.number).head;
    if (best <= head + 1 || invented(link, entry, best)) return head + 1;
    entry.tree.catch_up_to = std::max(entry.tree.catch_up_to, best);
    const auto behind = static_cast<double>(best - head);
    const double bytes = behind * (entry.entry_bytes > 0 ? entry.entry_bytes : kEntryBytesGuess);
    if (bytes <= kContiguousBytes || behind <= kContiguousSeconds * entry.rate ||
        entry.state.gaps() >= shared_.config.gaps_max)
        return head + 1;
    const double second = std::clamp(entry.rate > 0 ? entry.rate : kRateGuess, 1.0, behind - 1);
    const Seq from = best - static_cast<Seq>(second) + 1;
    delivery_.jump(entry, from - 1);
    return from;
}

bool Trees::counts(const Link& link, const Edge& edge) const {
    return link.live() && edge.known && shared_.now.mono >= edge.ignored_until;
}

Link* Trees::candidate(LogEntry& entry, bool level, LinkId except) {
    const Tree& tree = entry.tree;
    const Seq head = entry.state.head();
    const auto fits = [&](const Link& link) {
        const Edge* edge = link.edge_if(entry.number);
        if (edge == nullptr || !counts(link, *edge) || link.id == tree.parent || link.id == except)
            return false;
        if (edge->head > head) return true;
        if (!level || edge->head != head) return false;
        if (head == 0) return true;
        // Whoever has no parent itself would be asked and left at once, again and again.
        if (tree.depth == kDepthUnknown) return edge->attached;
        // Once it has asked twice, those below it know that it leads nowhere, and say so.
        return edge->attached && (edge->depth <= tree.depth || tree.query_delay > kAskedTwice);
    };
    Seq best = 0;
    bool same_zone = false;
    for (const auto& [id, link] : shared_.links.all()) {
        if (!fits(*link)) continue;
        if (shared_.full_mesh && link->peer == entry.log().node) return link.get();
        best = std::max(best, link->edge(entry.number).head);
        same_zone |= link->zone == shared_.config.zone;
    }
    // Whoever is less than a tenth of a second behind the best is as good; among these the log's own dice decide, so that
    // the logs of a lost parent spread over all neighbours.
    const Seq slack = std::min(best, static_cast<Seq>(entry.rate / 10));
    Link* chosen = nullptr;
    double chosen_score = -1;
    for (const auto& [id, link] : shared_.links.all()) {
        if (!fits(*link) || link->edge(entry.number).head + slack < best) continue;
        if (same_zone && link->zone != shared_.config.zone) continue;
        Bytes key;
        entry.log().append_to(key);
        key.append(reinterpret_cast<const char*>(link->peer.bytes.data()), link->peer.bytes.size());
        const double dice = static_cast<double>(hash64(key) >> 11) * 0x1p-53;
        const double score = dice * (1.0 - link->load / 256.0);
        if (score > chosen_score) {
            chosen = link.get();
            chosen_score = score;
        }
    }
    return chosen;
}

void Trees::on_digest(Link& link, const frames::Digest& digest) {
    for (const auto& row : digest.heads) {
        const auto at = link.aliases.find(row.lx);
        if (at == link.aliases.end())
            return links_.accuse(link, frames::error_code::kUnknownLog,
                                 {Errc::Malformed, "digest: unknown log"});
        LogEntry* entry = shared_.logs.find(at->second.log);
        if (entry == nullptr) entry = meet(link, at->second.log, {});
        if (entry == nullptr) continue;
        Edge& edge = link.edge(entry->number);
        edge.digest_in += row.delta;
        Heard what;
        what.head = edge.digest_in;
        heard(link, at->second.log, what);
        if (link.state == Link::State::Closing) return;
    }
}

bool Trees::over(const LogEntry& entry) const {
    const LogKey& log = entry.log();
    if (log.node == shared_.config.node) return log.epoch != shared_.config.epoch;
    const Link* link = shared_.links.main_of(log.node);
    if (link != nullptr && link->epoch == log.epoch) return false;
    const Peer* member = shared_.members.find(log.node);
    return member == nullptr || member->epoch > log.epoch;
}

std::string_view Trees::unrest(const LogEntry& entry) const {
    const Tree& tree = entry.tree;
    if (entry.own()) return {};
    for (const auto& [id, link] : shared_.links.all()) {
        const Edge* edge = link->edge_if(entry.number);
        if (edge != nullptr && counts(*link, *edge) && edge->head > entry.state.head())
            return "a neighbour is ahead";
    }
    switch (tree.state) {
        case Tree::State::Attached:
            return tree.rooted || over(entry) ? "" : "its parent leads nowhere";
        case Tree::State::Orphan:
            // One that was announced and never carried anything is as good as not there.
            return entry.state.head() == 0 || over(entry) ? "" : "an orphan";
        default:
            return "on its way to a parent";
    }
}

}  // namespace anode::mesh
