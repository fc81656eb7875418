#include "core/ownership/keeper.hpp"

#include <algorithm>
#include <utility>

#include "core/ownership/frames.hpp"

namespace anode::ownership {

namespace {
constexpr Duration kEcho = 1s;  ///< so long a claim of ours may take to show in the record
constexpr Duration kInsistEvery = 500ms;
constexpr Duration kAfterIsolation = 2s;  ///< claims of the others arrive first
}  // namespace

void Keeper::look(Entry& e) {
    s_.table.asleep(e);
    if (!e.listed || !e.facts.enabled) {
        let_go(e, StopWhy::Disabled);
    } else if (e.stopping(s_.now)) {
        if (e.cooling) s_.table.wake_at(e, e.cold_at);  // otherwise Stopped comes
    } else if (e.runs == Entry::Runs::Claiming && s_.now < e.proposed_at + kEcho) {
        s_.table.wake_at(e, e.proposed_at + kEcho);
    } else if (s_.ours(e)) {
        keep(e);
    } else if (e.runs == Entry::Runs::Yes) {
        insist(e);
    } else {
        e.runs = Entry::Runs::No;
        e.cooling = false;
        stand_by(e);
    }
    settle(e);
}

void Keeper::settle(Entry& e) { s_.table.hold(e, e.runs != Entry::Runs::No || s_.ours(e)); }

/// Disabled, gone, or not for us.
void Keeper::let_go(Entry& e, StopWhy why) {
    e.asking.reset();
    e.giving.reset();
    e.orphan_since.reset();
    e.paused = false;
    if (e.runs == Entry::Runs::Yes) return stop(e, why);
    if (e.stopping(s_.now)) {
        if (e.cooling) s_.table.wake_at(e, e.cold_at);
        return;
    }
    e.runs = Entry::Runs::No;
    e.cooling = false;
    unprepare(e);
    if (s_.ours(e)) release(e);
}

/// The record is ours: so we run it, unless there is a reason not to.
void Keeper::keep(Entry& e) {
    e.orphan_since.reset();
    e.asking.reset();
    if (e.giving && e.giving->until <= s_.now) e.giving.reset();
    if (e.giving) s_.table.wake_at(e, e.giving->until);
    if (s_.draining) return keep_draining(e);
    if (!s_.nodes.in_zone(e.facts) && s_.nodes.ranked(e.facts, s_.now).empty())
        return let_go(e, StopWhy::NotOurs);
    if (s_.isolated && e.facts.pause_when_isolated) {
        if (e.runs == Entry::Runs::Yes) stop(e, StopWhy::Isolated);
        e.paused = true;
        e.resume_at = Instant::max();
        return;
    }
    if (e.runs == Entry::Runs::Yes) return;
    if (e.paused) {
        if (e.resume_at == Instant::max()) e.resume_at = s_.now + kAfterIsolation;
        if (s_.now < e.resume_at) return s_.table.wake_at(e, e.resume_at);
        e.paused = false;
    }
    e.term = e.claim->term;
    start(e);
}

/// Others ask for what we run as soon as they see that we drain. What nobody asks for in time is let go without them.
void Keeper::keep_draining(Entry& e) {
    if (e.runs != Entry::Runs::Yes) return let_go(e, StopWhy::Draining);
    if (e.giving) return;
    const Instant patience = s_.drain_since + s_.timing.handover_timeout / 2;
    if (s_.now < patience && !s_.nodes.ranked(e.facts, s_.now).empty())
        return s_.table.wake_at(e, patience);
    stop(e, StopWhy::Draining);
}

/// We run it, the record says something lower: it is written again.
void Keeper::insist(Entry& e) {
    const Instant earliest = e.proposed_at + kInsistEvery;
    if (s_.now < earliest) return s_.table.wake_at(e, earliest);
    e.proposed_at = s_.now;
    s_.out->push_back(Propose{{e.facts.name, s_.self, s_.epoch, e.term, false}});
    s_.table.wake_at(e, s_.now + kEcho);
}

void Keeper::propose(Entry& e, std::string_view why, std::optional<Bytes> position) {
    e.runs = Entry::Runs::Claiming;
    e.term = std::max(e.term_seen, e.term) + 1;
    e.why = why;
    e.from = e.claim ? e.claim->owner : NodeId{};
    e.position = std::move(position);
    e.proposed_at = s_.now;
    e.asking.reset();
    s_.out->push_back(Propose{{e.facts.name, s_.self, s_.epoch, e.term, false}});
    s_.table.wake_at(e, s_.now + kEcho);
}

void Keeper::start(Entry& e) {
    e.runs = Entry::Runs::Yes;
    e.preparing = e.prepared = e.cooling = false;
    e.failures = 0;
    e.orphan_since.reset();
    s_.out->push_back(
        Run{e.facts.name, e.term, std::exchange(e.position, std::nullopt), e.why == "take-over"});
    if (!e.why.empty())
        s_.out->push_back(Moved{e.facts.name, e.from, s_.self, std::exchange(e.why, {}), e.term});
}

void Keeper::stop(Entry& e, StopWhy why) {
    e.runs = Entry::Runs::Stopping;
    e.cooling = false;
    s_.out->push_back(Stop{e.facts.name, why});
}

void Keeper::release(Entry& e) {
    Claim claim = *e.claim;
    claim.released = true;
    s_.table.set_claim(e, claim);
    s_.out->push_back(Propose{std::move(claim)});
}

void Keeper::on_stopped(Entry& e, const Bytes& position) {
    if (e.runs != Entry::Runs::Stopping) return;
    e.runs = Entry::Runs::No;
    e.cooling = false;
    const auto giving = std::exchange(e.giving, std::nullopt);
    if (s_.ours(e) && !e.paused) {
        release(e);
        e.handed = giving.has_value();
        if (giving) send(giving->to, frames::kRelease, e.facts.name, e.claim->term, true, position);
    }
    s_.table.urgent(e);
    settle(e);
}

void Keeper::on_prepared(Entry& e) {
    if (!e.preparing) return;
    e.prepared = true;
    if (e.asking) send(e.asking->owner, frames::kReady, e.facts.name, e.asking->term);
}

void Keeper::on_claim(Entry& e, const Claim& claim) {
    const bool same = e.claim && e.claim->owner == claim.owner && e.claim->epoch == claim.epoch &&
                      e.claim->term == claim.term && e.claim->released == claim.released;
    s_.table.set_claim(e, claim);
    s_.table.urgent(e);
    if (!same) {
        e.orphan_since.reset();
        e.failures = 0;
        e.handed = e.handed && claim.owner == s_.self && claim.released;
        const bool told_by_owner = e.asking && claim.owner == e.asking->owner && claim.released;
        if (told_by_owner)  // its Release is on the way, with the position
            e.asking->until = std::min(e.asking->until, s_.now + kEcho);
        else
            e.asking.reset();
    }
    const Claim mine{e.facts.name, s_.self, s_.epoch, e.term, false};
    const bool beaten = claim.released ? claim.term > e.term : outranks(claim, mine);
    if (s_.ours(e)) {
        if (e.runs == Entry::Runs::Claiming && claim.term >= e.term && e.listed &&
            e.facts.enabled) {
            e.term = claim.term;
            start(e);
        }
    } else if (e.runs == Entry::Runs::Claiming && beaten) {
        e.runs = Entry::Runs::No;
    } else if (e.runs == Entry::Runs::Yes && beaten) {
        e.giving.reset();
        stop(e, StopWhy::Superseded);
        s_.out->push_back(Moved{e.facts.name, s_.self, claim.owner, "superseded", claim.term});
    }
    settle(e);
}

/// Who made the record go knows that the source is gone. If we run it all the same, it is listed still, and the record is
/// written again.
void Keeper::on_unclaimed(Entry& e) {
    s_.table.drop_claim(e);
    s_.table.urgent(e);
    settle(e);
}

}  // namespace anode::ownership
