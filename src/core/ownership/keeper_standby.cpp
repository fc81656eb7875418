#include <algorithm>
#include <utility>

#include "core/ownership/keeper.hpp"

namespace anode::ownership {

namespace {
constexpr Duration kClosing = 1s;  ///< of a connection that was only prepared
/// A claim of a run that membership does not know for so long is of a copy of the owner that has gone.
constexpr Duration kCopyPatience = 30s;
}  // namespace

/// The record is not ours and we do not run it.
void Keeper::stand_by(Entry& e) {
    e.paused = false;
    const bool self = e.claim && e.claim->owner == s_.self && !e.claim->released;
    const bool another_us = self && e.claim->epoch > s_.epoch;  // a copy of our identity keeps it
    if (another_us || s_.joining || s_.draining || (s_.isolated && e.facts.pause_when_isolated)) {
        e.asking.reset();
        return unprepare(e);
    }
    // What an earlier run of ours held is nobody else's before the others' patience ends: no warm-up.
    if (self && s_.nodes.in_zone(e.facts)) return propose(e, "take-over");
    const Lack what = lack(e);
    // Who runs it is taken as warm, or a node that has just come would be asked for what it has.
    const NodeId* owner = what == Lack::None ? &e.claim->owner : nullptr;
    const auto rank = s_.nodes.rank(e.facts, s_.now, owner);
    if (!rank) {
        e.asking.reset();
        return unprepare(e);
    }
    const auto behind = place_behind(e);
    if (what != Lack::None) return take_over(e, what, behind.value_or(*rank));
    e.orphan_since.reset();
    if (e.asking && e.asking->until <= s_.now) return on_ask_timeout(e);
    if (e.asking) return s_.table.wake_at(e, e.asking->until);
    const bool well =
        s_.nodes.find(*owner)->standing == Standing::Alive && !s_.nodes.in_doubt(*owner);
    if (behind == 0u)
        prepare(e);
    else if (*rank != 0 || !well)
        unprepare(e);
    if (*rank == 0 && well) ask(e);
}

/// Our place in the line behind the owner, where a standby is wanted: 0 is the one who keeps a connection open.
std::optional<unsigned> Keeper::place_behind(const Entry& e) const {
    if (!e.facts.standby || !e.claim || e.claim->owner == s_.self) return std::nullopt;
    const auto line = s_.nodes.behind(e.facts, s_.now, e.claim->owner);
    const auto at = std::ranges::find(line, s_.self);
    if (at == line.end()) return std::nullopt;
    return static_cast<unsigned>(at - line.begin());
}

/// What is missing of an owner.
Keeper::Lack Keeper::lack(const Entry& e) const {
    if (!e.claim || e.claim->released) return Lack::Owner;
    const NodeFacts* owner = s_.nodes.find(e.claim->owner);
    if (!owner) return Lack::Alive;  // perhaps we have not heard of it yet
    if (owner->standing == Standing::Left) return Lack::Owner;
    if (owner->standing == Standing::Dead) return Lack::Alive;
    if (owner->epoch > e.claim->epoch) return Lack::Run;
    if (owner->epoch < e.claim->epoch) return Lack::Copy;
    if (s_.nodes.in_doubt(owner->node) && s_.nodes.doubt_counts()) return Lack::Trust;
    return Lack::None;
}

Duration Keeper::delay(Lack what, unsigned rank) const noexcept {
    const Timing& t = s_.timing;
    switch (what) {
        case Lack::Owner:
            return rank == 0 ? Duration{} : t.failover_delay + rank * t.failover_rank;
        case Lack::Run:
            return t.failover_delay + (rank + 1) * t.failover_rank;  // it is first itself
        case Lack::Copy:  // perhaps membership only has not told of the owner's new run yet
            return kCopyPatience + rank * t.failover_rank;
        case Lack::Trust:
            return t.failover_delay / 2 + rank * t.failover_rank;
        case Lack::Alive:
        case Lack::None:
            break;
    }
    return t.failover_delay + rank * t.failover_rank;
}

/// An owner in doubt is replaced as well, without the verdict: reset link and failed probe are two witnesses, and if both erred,
/// the owner sees a higher term and stops, and what overlaps is removed by content id.
void Keeper::take_over(Entry& e, Lack what, unsigned rank) {
    if (!e.orphan_since) e.orphan_since = s_.now;
    if (e.asking && what == Lack::Owner && s_.now < e.asking->until && e.claim &&
        e.claim->owner == e.asking->owner)
        return s_.table.wake_at(e, e.asking->until);  // its Release brings the position
    e.asking.reset();
    if (e.handed) rank = std::max(rank, 1u);  // after the one we let go for
    // Who stands by with a connection has only waited for this.
    const bool at_once = rank == 0 && e.facts.standby && e.prepared;
    const Instant when = *e.orphan_since + (at_once ? Duration{} : delay(what, rank));
    if (s_.now >= when) return propose(e, what == Lack::Owner ? "claim" : "take-over");
    if (rank == 0) prepare(e);
    s_.table.wake_at(e, when);
}

void Keeper::prepare(Entry& e) {
    if (std::exchange(e.preparing, true)) return;
    s_.out->push_back(Prepare{e.facts.name});
}

void Keeper::unprepare(Entry& e) {
    if (!std::exchange(e.preparing, false)) return;
    e.prepared = false;
    e.runs = Entry::Runs::Stopping;
    e.cooling = true;
    e.cold_at = s_.now + kClosing;
    s_.table.wake_at(e, e.cold_at);
    s_.out->push_back(Stop{e.facts.name, StopWhy::NotOurs});
}

}  // namespace anode::ownership
