#include "core/mesh/audits.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

constexpr Duration kJitter = 10s, kVisitEvery = 2s, kWatch = 200ms;
constexpr Duration kCompareFirst = 6s, kCompareLongest = 30s;
constexpr Duration kQuiet = 1s, kVisitLongest = 5min, kSilentLongest = 20s;
constexpr unsigned kDrawsMax = 16;       ///< for a member that is no neighbour
constexpr std::size_t kSplitShare = 20;  ///< a twentieth of the logs

}  // namespace

Instant Audits::next_audit() {
    const Duration jitter = std::min<Duration>(kJitter, shared_.config.audit / 3);
    return shared_.now.mono + shared_.config.audit +
           Duration(shared_.rng.between(-jitter.count(), jitter.count()));
}

void Audits::tick() {
    const Instant now = shared_.now.mono;
    if (audit_at_ == Instant{}) audit_at_ = next_audit();
    if (now >= audit_at_) {
        audit_at_ = next_audit();
        if (!shared_.draining) audit();
    }
    if (now >= visit_at_ && !dialling_ && !shared_.draining) {
        visit_at_ = now + kVisitEvery;
        if (const auto node = give_up_.to_visit()) visit(*node);
    }
    if (now >= compare_at_) compare_again();
    if (now >= watch_at_) watch();
}

/// Nobody has what is missing, as far as neighbours told; but they fill holes of their own, so they are compared with again,
/// one after the other, and less often as time goes by.
void Audits::compare_again() {
    const auto stuck = give_up_.stuck_for();
    compare_at_ = shared_.now.mono + kCompareFirst;
    if (!stuck || *stuck < kCompareFirst) return;
    compare_at_ = shared_.now.mono + std::min<Duration>(*stuck, kCompareLongest);
    Link* next = nullptr;
    for (const auto& [id, link] : shared_.links.all()) {
        if (link->purpose != Purpose::Main || link->state != Link::State::Up) continue;
        if (next == nullptr || (next->id <= compared_ && id > compared_)) next = link.get();
    }
    if (next == nullptr) return;
    compared_ = next->id;
    vectors_.begin(*next, true);
}

Instant Audits::due() const noexcept {
    const bool holes = !client_.holed().empty();
    const Instant visit = holes && !dialling_ ? visit_at_ : kNever;
    const Instant compare = holes ? compare_at_ : kNever;
    return std::min({audit_at_, visit, compare, watch_at_});
}

void Audits::audit() {
    const Peer* stranger = nullptr;
    std::vector<LinkId> neighbours;
    for (unsigned draws = 0; draws < kDrawsMax && stranger == nullptr && !shared_.full_mesh;
         ++draws) {
        stranger = shared_.members.any(shared_.rng);
        if (stranger == nullptr) break;
        if (stranger->suspect || stranger->draining ||
            shared_.links.main_of(stranger->node) != nullptr)
            stranger = nullptr;
    }
    for (const auto& [id, link] : shared_.links.all())
        if (link->purpose == Purpose::Main && link->state == Link::State::Up)
            neighbours.push_back(id);
    if (stranger != nullptr) {
        ++shared_.counters.audits;
        visit(stranger->node);
    } else if (!neighbours.empty()) {
        ++shared_.counters.audits;
        Link* link = shared_.links.find(neighbours[shared_.rng.below(neighbours.size())]);
        vectors_.begin(*link, true);
    }
}

void Audits::visit(const NodeId& node) {
    if (dialling_ || shared_.links.any_of(node, Purpose::Audit) != nullptr) return;
    if (port_.dial(node, Purpose::Audit))
        dialling_ = node;
    else
        give_up_.unreachable(node);
}

void Audits::link_ready(Link& link) {
    if (link.dialled && dialling_ == link.peer) dialling_.reset();
    visits_[link.id] = {shared_.now.mono, shared_.now.mono, false};
    watch_at_ = shared_.now.mono + kWatch;
    vectors_.begin(link, false);
}

void Audits::link_lost(const Link& link) {
    if (link.dialled && dialling_ == link.peer) {
        dialling_.reset();
        give_up_.unreachable(link.peer);
        visit_at_ = shared_.now.mono + kVisitEvery;
    }
    visits_.erase(link.id);
}

void Audits::exchanged(Link& link, const Compared& compared) {
    const auto at = visits_.find(link.id);
    if (at == visits_.end()) return;
    at->second.exchanged = true;
    at->second.quiet_since = shared_.now.mono;
    give_up_.visited(link.peer);
    const std::size_t logs = std::max(shared_.logs.size(), compared.logs);
    if (compared.ahead * kSplitShare <= logs) return;
    shared_.notice(Notice::Level::Warn, "the overlay has come apart", link.peer,
                   std::to_string(compared.ahead) + " logs are ahead there");
    port_.recompute_overlay();
}

/// Ends visits that have nothing left to do. Who dialled hangs up.
void Audits::watch() {
    const Instant now = shared_.now.mono;
    std::vector<LinkId> over;
    for (auto& [id, visit] : visits_) {
        Link* link = shared_.links.find(id);
        if (link == nullptr) {
            over.push_back(id);
            continue;
        }
        const bool busy = !visit.exchanged || client_.uses(link->peer) || server_.serves(id) ||
                          client_.could_fill_from(link->peer);
        if (busy && visit.exchanged) visit.quiet_since = now;
        const bool silent = !visit.exchanged && now >= visit.began + kSilentLongest;
        const bool finished = visit.exchanged && now >= visit.quiet_since + kQuiet && link->dialled;
        if (silent || finished || now >= visit.began + kVisitLongest) over.push_back(id);
    }
    for (const LinkId id : over) {
        visits_.erase(id);
        if (Link* link = shared_.links.find(id)) port_.hang_up(*link);
    }
    watch_at_ = visits_.empty() ? kNever : now + kWatch;
}

}  // namespace anode::mesh
