#include <algorithm>

#include "core/ownership/frames.hpp"
#include "core/ownership/keeper.hpp"

namespace anode::ownership {

namespace {
constexpr Duration kAfterFailure = 1s, kAfterRefusal = 20s;
}

bool MoveBudget::take(Shared& s) {
    if (s.now >= renewed(s)) {
        start_ = s.now;
        taken_ = 0;
    }
    const auto share =
        static_cast<std::size_t>(s.timing.moves_share * static_cast<double>(s.enabled));
    if (taken_ >= std::max<std::size_t>(1, share)) return false;
    ++taken_;
    return true;
}

void Keeper::send(const NodeId& to, std::uint8_t type, std::string_view source, std::uint64_t term,
                  bool granted, std::string_view position) {
    s_.out->push_back(SendPeer{to, type, frames::encode({source, term, granted, position})});
}

/// We are the better place for it: ask its owner.
void Keeper::ask(Entry& e) {
    if (s_.now < e.ask_again) return s_.table.wake_at(e, e.ask_again);
    const NodeFacts* owner = s_.nodes.find(e.claim->owner);
    const bool wished = e.facts.pinned == s_.self || owner->draining;
    if (!wished && e.failures == 0 && !budget_.take(s_))
        return s_.table.wake_at(e, budget_.renewed(s_));
    e.asking = {e.claim->owner, e.claim->term, s_.now + s_.timing.handover_timeout};
    s_.table.wake_at(e, e.asking->until);
    send(e.claim->owner, frames::kRequest, e.facts.name, e.claim->term);
    if (e.prepared) return send(e.claim->owner, frames::kReady, e.facts.name, e.claim->term);
    prepare(e);
}

void Keeper::on_ask_timeout(Entry& e) {
    e.asking.reset();
    if (++e.failures >= s_.timing.handover_failures) {
        ++s_.counters.forced;
        return propose(e, "claim");
    }
    e.ask_again = s_.now + kAfterFailure + Duration(s_.rng.between(0, Duration(1s).count()));
    s_.table.wake_at(e, e.ask_again);
}

void Keeper::on_frame(const NodeId& node, std::uint8_t type, BytesView body) {
    const auto frame = frames::decode(body);
    if (!frame) {
        ++s_.counters.malformed;
        return;
    }
    Entry* e = s_.table.find(frame->source);
    if (type == frames::kRequest) return on_request(node, frame->term, e, frame->source);
    if (type == frames::kReady) return on_ready(node, frame->term, e);
    if (type == frames::kRelease)
        return on_release(node, frame->term, frame->granted, frame->position, e);
    ++s_.counters.malformed;
}

void Keeper::on_request(const NodeId& node, std::uint64_t term, Entry* e, std::string_view source) {
    const bool running = e && s_.ours(*e) && e->runs == Entry::Runs::Yes && e->claim->term == term;
    const bool free = running && (!e->giving || e->giving->to == node);
    if (free) {
        const auto ranked = s_.nodes.ranked(e->facts, s_.now, &node);
        if (!ranked.empty() && ranked.front() == node) {
            e->giving = {node, s_.now + s_.timing.handover_timeout};
            return s_.table.wake_at(*e, e->giving->until);
        }
    }
    ++(running ? s_.counters.refused : s_.counters.stale);
    send(node, frames::kRelease, source, term, false);
}

void Keeper::on_ready(const NodeId& node, std::uint64_t term, Entry* e) {
    const bool awaited = e && e->giving && e->giving->to == node && s_.ours(*e) &&
                         e->claim->term == term && e->runs == Entry::Runs::Yes;
    if (!awaited) {
        ++s_.counters.stale;
        return;
    }
    stop(*e, s_.draining ? StopWhy::Draining : StopWhy::HandedOver);
}

void Keeper::on_release(const NodeId& node, std::uint64_t term, bool granted, BytesView position,
                        Entry* e) {
    const bool awaited = e && e->asking && e->asking->owner == node && e->asking->term == term;
    if (!awaited || !e->listed || !e->facts.enabled || s_.draining) {
        ++s_.counters.stale;
        return;
    }
    if (granted) {
        propose(*e, "hand-over", Bytes(position));
        return settle(*e);
    }
    e->asking.reset();
    e->ask_again =
        s_.now + kAfterRefusal + Duration(s_.rng.between(0, Duration(kAfterRefusal).count()));
    if (!e->facts.standby) unprepare(*e);
    s_.table.urgent(*e);
}

}  // namespace anode::ownership
