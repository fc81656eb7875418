#include "core/mesh/copies.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

constexpr std::size_t kWaitingMax = 100'000;

}  // namespace

void Copies::await(const AwaitCopies& wanted) {
    LogEntry* entry = shared_.logs.find(wanted.log);
    if (entry == nullptr || waiting_.size() >= kWaitingMax) {
        ++shared_.counters.refused;
        shared_.out->push(CopiesReached{wanted.id, 0, false});
        return;
    }
    const unsigned reached_now = reached(*entry, wanted.seq);
    if (reached_now >= wanted.copies) {
        shared_.out->push(CopiesReached{wanted.id, reached_now, true});
        return;
    }
    const Key key{wanted.log, wanted.seq, wanted.id};
    const Instant deadline = shared_.now.mono + wanted.timeout;
    waiting_[key] = {wanted.copies, deadline};
    deadlines_.emplace(deadline, key);
}

unsigned Copies::reached(LogEntry& entry, Seq seq) const {
    unsigned copies = entry.state.durable() >= seq ? 1 : 0;
    for (const auto& [id, link] : shared_.links.all()) {
        const Edge* edge = link->edge_if(entry.number);
        copies += link->live() && edge != nullptr && edge->acked_durable >= seq ? 1 : 0;
    }
    return copies;
}

void Copies::check(LogEntry& entry) {
    auto at = waiting_.lower_bound({entry.log(), 0, 0});
    while (at != waiting_.end() && at->first.log == entry.log()) {
        const unsigned copies = reached(entry, at->first.seq);
        if (copies == 0) return;  // nobody has what comes behind it either
        if (copies < at->second.copies) {
            ++at;
            continue;
        }
        shared_.out->push(CopiesReached{at->first.id, copies, true});
        deadlines_.erase({at->second.deadline, at->first});
        at = waiting_.erase(at);
    }
}

void Copies::on_ack(Link& link, const frames::Ack::Row& row, LogEntry& entry) {
    Edge& edge = link.edge(entry.number);
    const Seq head = entry.state.head();
    // Nobody can have more of our log than there is.
    edge.acked = std::max(edge.acked, std::min(row.memory, head));
    const Seq durable = std::min(row.durable, head);
    if (durable <= edge.acked_durable) return;
    edge.acked_durable = durable;
    if (entry.own()) check(entry);
}

void Copies::tick() {
    while (!deadlines_.empty() && deadlines_.begin()->first <= shared_.now.mono) {
        const Key key = deadlines_.begin()->second;
        deadlines_.erase(deadlines_.begin());
        waiting_.erase(key);
        LogEntry* entry = shared_.logs.find(key.log);
        const unsigned copies = entry != nullptr ? reached(*entry, key.seq) : 0;
        shared_.out->push(CopiesReached{key.id, copies, false});
    }
}

}  // namespace anode::mesh
