#include "core/mesh/streams.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

constexpr std::int64_t kQuantum = 64 * 1024;
constexpr std::size_t kLoadBytes = 512 * 1024;
constexpr std::size_t kLoadsMax = 16;  ///< asked of the store for one link, or here and not sent

/// The next sequence from `seq` on that is not given up and not missing; head + 1 if there is none.
Seq next_had(const LogState& state, Seq seq) {
    for (bool moved = true; moved && seq <= state.head();) {
        moved = false;
        for (const auto& holes : {state.missing(), state.skipped().ranges()})
            for (const SeqRange& hole : holes)
                if (hole.first <= seq && seq <= hole.last) {
                    seq = hole.last + 1;
                    moved = true;
                }
    }
    return std::min(seq, state.head() + 1);
}

}  // namespace

void Streams::start(Link& link, LogEntry& entry, Seq from) {
    Edge& edge = link.edge(entry.number);
    if (!edge.child) ++link.children;
    edge.child = true;
    edge.loading = false;
    edge.cursor = from;
    link.loaded.erase(entry.number);
    if (from <= entry.state.head()) enqueue(link, entry, edge);
    pump(link);
}

void Streams::stop(Link& link, LogEntry& entry) {
    Edge& edge = link.edge(entry.number);
    if (!edge.child) return;
    --link.children;
    edge.child = edge.queued = edge.loading = false;
    edge.behind_since = kNever;
    link.loaded.erase(entry.number);
    std::erase(link.system_streams, &entry);
    std::erase(link.data_streams, &entry);
}

void Streams::grew(LogEntry& entry, LinkId except) {
    for (const auto& [id, link] : shared_.links.all()) {
        if (!link->live() || entry.number >= link->edges.size()) continue;
        Edge& edge = link->edges[entry.number];
        if (!edge.child || id == except || edge.queued || edge.loading) continue;
        if (edge.cursor > entry.state.head()) continue;
        enqueue(*link, entry, edge);
        pump(*link);
    }
}

void Streams::enqueue(Link& link, LogEntry& entry, Edge& edge) {
    if (edge.queued || edge.loading) return;
    edge.queued = true;
    if (edge.behind_since == kNever) edge.behind_since = shared_.now.mono;
    auto& streams = entry.log().lane == kSystemLane ? link.system_streams : link.data_streams;
    streams.push_back(&entry);
}

void Streams::pump(Link& link) {
    if (!link.live()) return;
    // How many in a row could not move because the store is asked for enough already.
    std::size_t system_stuck = 0, data_stuck = 0;
    while (link.unsent < shared_.config.unsent_max && link.credit > 0) {
        const bool system = system_stuck < link.system_streams.size();
        auto& streams = system ? link.system_streams : link.data_streams;
        std::size_t& stuck = system ? system_stuck : data_stuck;
        if (stuck >= streams.size()) return;
        if (step(link, *streams.front())) {
            system_stuck = data_stuck = 0;
        } else {
            ++stuck;
            std::rotate(streams.begin(), streams.begin() + 1, streams.end());
        }
    }
}

/// One move of the stream in front: a block, a skip, or a request to the store. False: it has to wait for other requests.
bool Streams::step(Link& link, LogEntry& entry) {
    Edge& edge = link.edge(entry.number);
    const LogState& state = entry.state;
    if (edge.cursor > state.head()) {
        after_block(link, entry, 0);
    } else if (edge.cursor < state.lowest()) {
        send_skip(link, entry, std::min(state.lowest() - 1, state.head()), Skip::Evicted);
    } else if (const WireBlock* block = find(link, entry, edge.cursor)) {
        send_block(link, entry, *block);
    } else if (!state.has(edge.cursor)) {
        send_skip(link, entry, next_had(state, edge.cursor) - 1, Skip::Missing);
    } else if (link.loaded.erase(entry.number); link.loads + link.loaded.size() >= kLoadsMax) {
        return false;
    } else {
        edge.loading = true;
        ++link.loads;
        const LoadId id = shared_.load(entry.log(), {edge.cursor, state.head()}, kLoadBytes);
        loads_[id] = {link.id, entry.log(), edge.cursor};
        after_block(link, entry, 0);
    }
    return true;
}

const WireBlock* Streams::find(Link& link, LogEntry& entry, Seq seq) {
    const auto at = link.loaded.find(entry.number);
    if (at != link.loaded.end()) {
        auto& blocks = at->second;
        while (!blocks.empty() && blocks.front().last() < seq) blocks.pop_front();
        if (!blocks.empty() && blocks.front().first <= seq) return &blocks.front();
        if (blocks.empty()) link.loaded.erase(at);
    }
    return shared_.cache.find(entry.log(), seq);
}

void Streams::send_block(Link& link, LogEntry& entry, const WireBlock& block) {
    const WirePtr wire = block.wire;
    Edge& edge = link.edge(entry.number);
    edge.cursor = block.last() + 1;
    ++link.blocks_out;
    ++shared_.counters.blocks_out;
    shared_.counters.messages_out += block.count;
    const auto lx = shared_.alias(link, entry);
    const std::uint8_t hops = entry.tree.rooted ? entry.tree.depth : kDepthUnknown;
    shared_.send(link, frames::Data{lx, hops, *wire}, wire);
    if (link.live_outstanding == 0) link.credit_at = shared_.now.mono;
    link.live_outstanding += wire->size();
    link.credit -= static_cast<std::int64_t>(wire->size());
    after_block(link, entry, wire->size());
}

void Streams::send_skip(Link& link, LogEntry& entry, Seq upto, Skip why) {
    Edge& edge = link.edge(entry.number);
    const auto lx = shared_.alias(link, entry);
    shared_.send(link, frames::SkipFrame{lx, {edge.cursor, upto}, why});
    edge.cursor = upto + 1;
    after_block(link, entry, 0);
}

/// Takes the stream out of the list if it is dry or waits for the store, and lets the next one have its turn.
void Streams::after_block(Link& link, LogEntry& entry, std::size_t bytes) {
    Edge& edge = link.edge(entry.number);
    const bool system = entry.log().lane == kSystemLane;
    auto& streams = system ? link.system_streams : link.data_streams;
    const bool dry = edge.cursor > entry.state.head();
    if (dry || edge.loading) {
        edge.queued = false;
        if (dry) {
            edge.behind_since = kNever;
            link.loaded.erase(entry.number);
        }
        streams.pop_front();
        if (!system) link.deficit = kQuantum;
        return;
    }
    if (!system) {
        link.deficit -= static_cast<std::int64_t>(bytes);
        if (link.deficit > 0) return;
        link.deficit = kQuantum;
    }
    std::rotate(streams.begin(), streams.begin() + 1, streams.end());
}

bool Streams::on_loaded(const Loaded& loaded) {
    const auto at = loads_.find(loaded.id);
    if (at == loads_.end()) return false;
    const Load load = at->second;
    loads_.erase(at);
    Link* link = shared_.links.find(load.link);
    LogEntry* entry = shared_.logs.find(load.log);
    if (link == nullptr || !link->live()) return true;
    --link->loads;
    // Others may have waited for this answer, whatever becomes of it.
    const bool wanted = entry != nullptr && link->edge(entry->number).child &&
                        link->edge(entry->number).loading &&
                        link->edge(entry->number).cursor == load.from;
    if (!wanted) {
        pump(*link);
        return true;
    }
    Edge& edge = link->edge(entry->number);
    edge.loading = false;
    enqueue(*link, *entry, edge);
    const bool answers = !loaded.blocks.empty() && loaded.blocks.front().last() >= load.from;
    if (answers) link->loaded[entry->number] = {loaded.blocks.begin(), loaded.blocks.end()};
    if (find(*link, *entry, load.from) == nullptr) {
        // The store has it no more either. What it or the cache has next is where the stream goes on.
        Seq next = entry->state.head() + 1;
        if (answers)
            next = loaded.blocks.front().first;
        else if (const auto cached = shared_.cache.contiguous_from(load.log))
            if (*cached > load.from) next = *cached;
        const auto lx = shared_.alias(*link, *entry);
        shared_.send(*link, frames::SkipFrame{lx, {load.from, next - 1}, Skip::Evicted});
        shared_.counters.evicted += next - load.from;
        edge.cursor = next;
    }
    pump(*link);
    return true;
}

void Streams::link_down(Link& link) {
    link.system_streams.clear();
    link.data_streams.clear();
    link.loaded.clear();
    std::erase_if(loads_, [&](const auto& load) { return load.second.link == link.id; });
}

Duration Streams::worst_wait() const {
    Duration worst{};
    for (const auto& [id, link] : shared_.links.all())
        for (const auto* streams : {&link->system_streams, &link->data_streams})
            for (const LogEntry* entry : *streams)
                worst = std::max<Duration>(
                    worst, shared_.now.mono - link->edges[entry->number].behind_since);
    return worst;
}

}  // namespace anode::mesh
