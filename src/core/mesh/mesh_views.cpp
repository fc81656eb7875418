#include "base/hash.hpp"
#include "core/mesh/parts.hpp"

/// What people and metrics see of a Mesh.
namespace anode::mesh {
namespace {

std::string_view state_of(const LogEntry& entry, bool over) {
    switch (entry.tree.state) {
        case Tree::State::Origin:
            return "origin";
        case Tree::State::Attached:
            return "attached";
        case Tree::State::Joining:
            return "joining";
        case Tree::State::Held:
            return "held";
        case Tree::State::Orphan:
            return over ? "closed" : "orphan";
    }
    return "";
}

}  // namespace

std::vector<LinkView> Mesh::links() const {
    std::vector<LinkView> views;
    for (const auto& [id, link] : parts_->shared.links.all()) {
        LinkView view;
        view.peer = link->peer;
        view.name = link->name;
        view.purpose = link->purpose;
        view.state = name_of(link->state);
        view.dialled = link->dialled;
        view.rtt = link->rtt;
        view.offset = link->offset;
        view.since = link->since;
        view.bytes_in = link->bytes_in;
        view.bytes_out = link->bytes_out;
        view.blocks_in = link->blocks_in;
        view.blocks_out = link->blocks_out;
        view.queued = link->unsent;
        view.parents = link->parents;
        view.children = link->children;
        views.push_back(std::move(view));
    }
    return views;
}

std::vector<NodeId> Mesh::lacking(const LogKey& log, Seq seq) const {
    std::vector<NodeId> peers;
    const LogEntry* entry = parts_->shared.logs.find(log);
    for (const auto& [id, link] : parts_->shared.links.all()) {
        if (!link->live()) continue;
        const Edge* edge = entry != nullptr ? link->edge_if(entry->number) : nullptr;
        if (edge == nullptr || edge->acked_durable < seq) peers.push_back(link->peer);
    }
    return peers;
}

std::vector<LogView> Mesh::logs() const {
    std::vector<LogView> views;
    Shared& shared = parts_->shared;
    for (const auto& [log, entry] : shared.logs.all()) {
        LogView view;
        view.log = log;
        view.watermark = entry->state.watermark();
        view.head = entry->state.head();
        view.lowest = entry->state.lowest();
        view.durable = entry->state.durable();
        view.missing = entry->state.missing();
        view.state = state_of(*entry, parts_->trees.over(*entry));
        if (const Link* parent = shared.links.find(entry->tree.parent)) view.parent = parent->peer;
        view.depth = entry->tree.depth;
        for (const auto& [id, link] : shared.links.all()) {
            const Edge* edge = link->edge_if(entry->number);
            view.children += edge != nullptr && edge->child && link->live() ? 1 : 0;
        }
        views.push_back(std::move(view));
    }
    return views;
}

const Counters& Mesh::counters() const noexcept {
    Shared& shared = parts_->shared;
    Counters& counters = shared.counters;
    counters.cache_bytes = shared.cache.bytes();
    counters.logs = shared.logs.size();
    counters.links = counters.queue_bytes = counters.missing = 0;
    for (const auto& [id, link] : shared.links.all()) {
        counters.links += link->live() ? 1 : 0;
        counters.queue_bytes += link->unsent;
    }
    for (const auto& [log, entry] : shared.logs.all())
        counters.missing += entry->state.missing_count();
    return counters;
}

std::vector<Offender> Mesh::offenders() const { return parts_->shared.faults.all(); }

bool Mesh::settled() const noexcept { return parts_->settled(); }

std::string Mesh::unrest() const { return parts_->unrest(); }

std::uint64_t Mesh::content_hash() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& [log, entry] : parts_->shared.logs.all())
        if (entry->state.head() != 0) sum += entry->state.hash();
    return sum;
}

}  // namespace anode::mesh
