#include <algorithm>

#include "core/mesh/trees.hpp"
#include "core/message/block.hpp"

/// What flows down a tree: blocks, skips, races.
namespace anode::mesh {
namespace {

constexpr std::size_t kGapsHardFactor = 8;
constexpr std::uint8_t kDuplicate = 0, kSwitched = 1;

}  // namespace

void Trees::on_data(Link& link, LogEntry& entry, const frames::Data& data) {
    const auto head = peek_block(entry.log(), data.block);
    if (!head) return links_.accuse(link, head.error().code == Errc::Corrupt ? 5 : 1, head.error());
    ++link.blocks_in;
    ++shared_.counters.blocks_in;
    WireBlock block{head->first_seq, head->count, head->first_hlc, head->first_hlc, nullptr};
    const Seq ours = entry.state.head();
    if (far(link, ours, block.last())) return;
    if (invented(link, entry, block.last())) return;
    Edge& edge = link.edge(entry.number);
    if (!edge.asked) return unasked(link, entry);
    edge.known = true;
    edge.head = std::max(edge.head, block.last());
    Tree& tree = entry.tree;
    // Only a GRAFT makes an edge: who sends without one is told once. An orphan takes it as the edge it must have asked for.
    const bool asked = link.id == tree.parent || link.id == tree.joining;
    const bool orphaned = tree.state == Tree::State::Orphan && !tree.fresh && !edge.pruned;
    if (!asked && !orphaned && !edge.pruned) prune(entry, link.id, kDuplicate);
    if (entry.own()) return;
    block.wire = std::make_shared<const Bytes>(data.block);
    if (block.last() <= ours) {
        compare(link, entry, block);
        if (!delivery_.take(entry, std::move(block), link.peer, data.hops, true))
            ++shared_.counters.duplicates;
        return;
    }
    if (block.first > ours + 1) {
        if (entry.state.gaps() >= kGapsHardFactor * shared_.config.gaps_max)
            return leave(link, entry);
        delivery_.jump(entry, block.first - 1);
    }
    append(link, entry, std::move(block), data.hops, head->flags);
}

/// Only a GRAFT makes an edge. Who was never asked on this link does not send: what it sends may be anything.
void Trees::unasked(Link& link, LogEntry& entry) {
    constexpr std::string_view kWhat = "a peer sends blocks that nobody asked it for";
    ++shared_.counters.unasked;
    if (shared_.blame(link.peer, link.name, Fault::Unasked, kWhat))
        shared_.notice(Notice::Level::Warn, kWhat, link.peer, entry.log().node.text());
    if (!link.edge(entry.number).pruned) prune(entry, link.id, kDuplicate);
}

/// Blocks are passed on as they came, so two in one place are two tales. The first one stays.
void Trees::compare(Link& link, LogEntry& entry, const WireBlock& block) {
    const WireBlock* ours = shared_.cache.find(entry.log(), block.first);
    if (ours == nullptr || ours->first != block.first || ours->count != block.count ||
        *ours->wire == *block.wire)
        return;
    constexpr std::string_view kWhat = "a peer sends another block in the place of one we have";
    if (shared_.blame(link.peer, link.name, Fault::Forged, kWhat))
        shared_.notice(Notice::Level::Warn, kWhat, link.peer,
                       entry.log().node.text() + " " + std::to_string(block.first));
}

void Trees::append(Link& link, LogEntry& entry, WireBlock block, std::uint8_t hops,
                   std::uint8_t flags) {
    Tree& tree = entry.tree;
    if (tree.state == Tree::State::Orphan && !link.edge(entry.number).pruned)
        set_parent(entry, &link);
    if (link.id == tree.parent) {
        // What has come down from the origin shows the way; what a parent without one has in store does not.
        if (hops < kDepthMost) {
            tree.depth = static_cast<std::uint8_t>(hops + 1);
            tree.rooted = true;
        }
        tree.data_at = shared_.now.mono;
    }
    const WireBlock taken = block;
    (void)delivery_.take(entry, std::move(block), link.peer, hops, false);
    measure(entry, taken);
    begins(entry);
    digests_.mark(entry);
    const bool ack_asked = (flags & block_flag::kAckRequested) != 0;
    if (ack_asked) entry.ack_asked = taken.last();
    digests_.acknowledge(entry, ack_asked);
    streams_.grew(entry, link.id);
    if ((flags & block_flag::kRace) != 0) {
        race_over(link, entry, taken);
        send_races(link, entry, taken.last());
    }
}

/// How fast the log grows and how large its entries are, to judge how far behind is far.
void Trees::measure(LogEntry& entry, const WireBlock& block) {
    const double bytes = static_cast<double>(block.wire->size()) / static_cast<double>(block.count);
    entry.entry_bytes = entry.entry_bytes == 0 ? bytes : 0.9 * entry.entry_bytes + 0.1 * bytes;
    entry.head_at = shared_.now.mono;
    const Seq head = entry.state.head();
    if (entry.rate_head == 0) {
        entry.rate_head = head;
        entry.rate_at = shared_.now.mono;
    }
    const Duration passed = shared_.now.mono - entry.rate_at;
    if (passed < 1s) return;
    const double now =
        static_cast<double>(head - entry.rate_head) / std::chrono::duration<double>(passed).count();
    entry.rate = entry.rate == 0 ? now : (entry.rate + now) / 2;
    entry.rate_head = head;
    entry.rate_at = shared_.now.mono;
}

/// "[a,b] will not come here": what we miss of it is a hole for repair to fill. It never settles anything.
void Trees::on_skip(Link& link, LogEntry& entry, const frames::SkipFrame& skip) {
    const Tree& tree = entry.tree;
    if (entry.own() || (link.id != tree.parent && link.id != tree.joining)) return;
    const Seq head = entry.state.head();
    if (skip.range.last <= head) return;
    if (far(link, head, skip.range.last) || invented(link, entry, skip.range.last)) return;
    if (entry.state.gaps() >= kGapsHardFactor * shared_.config.gaps_max) return leave(link, entry);
    delivery_.jump(entry, skip.range.last);
    entry.tree.data_at = shared_.now.mono;
    digests_.mark(entry);
    streams_.grew(entry, link.id);
}

/// Nobody needs that many holes; somebody else may have what is between them.
void Trees::leave(Link& link, LogEntry& entry) {
    Tree& tree = entry.tree;
    distrust(link, entry, "a peer leaves out too much of a log", entry.log().node.text());
    prune(entry, link.id, kSwitched);
    if (tree.parent == link.id) set_parent(entry, nullptr);
    if (tree.joining == link.id) {
        tree.joining = kNoLink;
        tree.join_until = kNever;
    }
    if (tree.parent == kNoLink) orphan(entry);
}

void Trees::on_race(Link& link, LogEntry& entry, const frames::Race& race) {
    Tree& tree = entry.tree;
    if (far(link, entry.state.head(), race.seq) || invented(link, entry, race.seq)) return;
    Edge& edge = link.edge(entry.number);
    edge.known = true;
    edge.head = std::max(edge.head, race.seq);
    if (entry.own() || race.seq <= entry.state.head() || race.seq == tree.race_seq) return;
    tree.race_seq = race.seq;
    tree.race_link = link.id;
    tree.race_at = shared_.now.mono;
}

/// The block of a race is here. Who was clearly faster than our parent twice in a row becomes our parent (2.8).
void Trees::race_over(Link& link, LogEntry& entry, const WireBlock& block) {
    Tree& tree = entry.tree;
    Link* rival = shared_.links.find(tree.race_link);
    const bool ran = tree.race_seq == block.last() && rival != nullptr && rival != &link &&
                     counts(*rival, rival->edge(entry.number)) && link.id == tree.parent;
    const Duration age = std::chrono::microseconds(shared_.now.wall - block.first_hlc.micros());
    Duration margin = std::max<Duration>(200us, age / 10);
    if (ran && rival->zone != shared_.config.zone && link.zone == shared_.config.zone)
        margin = std::max<Duration>(margin, 10ms);
    const bool won = ran && shared_.now.mono - tree.race_at > margin;
    tree.race_link = kNoLink;
    if (!won) {
        tree.race_wins = 0;
        return;
    }
    tree.race_wins = tree.race_winner == rival->id ? tree.race_wins + 1 : 1;
    tree.race_winner = rival->id;
    if (tree.race_wins < 2 || tree.joining != kNoLink || rival->edge(entry.number).child) return;
    tree.race_wins = 0;
    ++shared_.counters.races;
    join(entry, *rival, frames::Why::Race);
}

void Trees::send_races(Link& link, LogEntry& entry, Seq seq) {
    for (const auto& [id, other] : shared_.links.all()) {
        if (other.get() == &link || !other->live() || id == entry.tree.parent ||
            other->edge(entry.number).child)
            continue;
        const auto lx = shared_.alias(*other, entry);
        shared_.send(*other, frames::Race{lx, seq});
    }
}

}  // namespace anode::mesh
