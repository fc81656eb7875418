#include "core/mesh/digests.hpp"

#include <algorithm>
#include <utility>

namespace anode::mesh {
namespace {

constexpr std::size_t kBudgetBytes = 64 * 1024;  ///< a second, or a twentieth of the payload
constexpr double kTrickle = 2;                   ///< messages a second
constexpr int kTrickleBeats = 5;                 ///< of a log that brings less

}  // namespace

/// Not later than this log wants it. A quarter of jitter either way, so that neighbours do not speak at one moment.
void Digests::beat_for(const LogEntry& entry) {
    const bool trickles = entry.rate > 0 && entry.rate < kTrickle;
    const auto period = period_.count() * (trickles ? kTrickleBeats : 1);
    if (beat_at_ <= shared_.now.mono + Duration(period * 3 / 4)) return;
    beat_at_ = std::min(
        beat_at_, shared_.now.mono + Duration(shared_.rng.between(period * 3 / 4, period * 5 / 4)));
}

void Digests::mark(LogEntry& entry) {
    bool marked = false;
    for (const auto& [id, link] : shared_.links.all()) {
        if (!link->live() || id == entry.tree.parent) continue;
        Edge& edge = link->edge(entry.number);
        if (edge.child || edge.dirty) continue;
        edge.dirty = marked = true;
        link->dirty.push_back(&entry);
    }
    if (marked) beat_for(entry);
}

void Digests::acknowledge(LogEntry& entry, bool at_once) {
    Link* link = shared_.links.main_of(entry.log().node);
    if (link == nullptr) return;
    Edge& edge = link->edge(entry.number);
    if (!edge.ack_due) {
        edge.ack_due = true;
        link->acks.push_back(&entry);
    }
    if (!at_once) return beat_for(entry);
    link->ack_now = ack_now_ = true;
}

void Digests::tick() {
    keep_budget();
    const bool beat = beat_at_ <= shared_.now.mono;
    if (beat) beat_at_ = kNever;
    for (const auto& [id, link] : shared_.links.all()) {
        if (!link->ready()) continue;
        if (beat) {
            send_digest(*link);
            send_acks(*link);
        }
        if (link->owed_at <= shared_.now.mono) shared_.give_credit(*link, true);
    }
}

void Digests::flush() {
    if (!std::exchange(ack_now_, false)) return;
    for (const auto& [id, link] : shared_.links.all())
        if (link->ack_now) send_acks(*link);
}

void Digests::send_digest(Link& link) {
    frames::Digest digest;
    std::ranges::sort(link.dirty, {}, &LogEntry::number);
    for (LogEntry* entry : link.dirty) {
        Edge& edge = link.edge(entry->number);
        edge.dirty = false;
        const Seq head = entry->state.head();
        if (edge.child || link.id == entry->tree.parent || head <= edge.digest_out) continue;
        // Who has told that it has as much needs no word; of two neighbours the slower one to speak stays silent.
        if (edge.head >= head) continue;
        digest.heads.push_back({shared_.alias(link, *entry), head - edge.digest_out});
        edge.digest_out = head;
    }
    link.dirty.clear();
    if (digest.heads.empty()) return;
    control_bytes_ += 12 + 3 * digest.heads.size();
    shared_.send(link, digest);
    shared_.give_credit(link, true);
}

void Digests::send_acks(Link& link) {
    link.ack_now = false;
    frames::Ack ack;
    for (LogEntry* entry : link.acks) {
        link.edge(entry->number).ack_due = false;
        // What lies behind a hole is on our disk, but a publisher asks for everything up to its message.
        const Seq durable = std::min(entry->state.durable(), entry->state.watermark());
        ack.rows.push_back({shared_.alias(link, *entry), entry->state.head(), durable});
    }
    link.acks.clear();
    if (ack.rows.empty()) return;
    shared_.send(link, ack);
    shared_.give_credit(link, true);
}

/// Digests over budget come more rarely, up to once a second.
void Digests::keep_budget() {
    if (shared_.now.mono < budget_from_ + 1s) return;
    const std::uint64_t payload = shared_.counters.payload_in + shared_.counters.payload_out;
    const std::uint64_t budget =
        std::max<std::uint64_t>(kBudgetBytes, (payload - payload_seen_) / 20);
    if (control_bytes_ > budget)
        period_ = std::min(period_ * 2, shared_.config.digest_max);
    else if (control_bytes_ < budget / 2)
        period_ = std::max(period_ / 2, shared_.config.digest);
    payload_seen_ = payload;
    control_bytes_ = 0;
    budget_from_ = shared_.now.mono;
}

Instant Digests::due() const {
    Instant next = beat_at_;
    for (const auto& [id, link] : shared_.links.all())
        if (link->ready()) next = std::min(next, link->owed_at);
    return next;
}

}  // namespace anode::mesh
