#include "core/mesh/repair.hpp"

#include <algorithm>

#include "core/mesh/audits.hpp"

namespace anode::mesh {
namespace {

constexpr Duration kBulkIdle = 60s, kForgetEvery = 60s;

}  // namespace

struct Repair::Parts {
    Parts(Shared& s, RepairPort& p)
        : shared(s),
          port(p),
          holders(s),
          vectors(s, p, holders,
                  [this](Link& link, const Compared& compared) { exchanged(link, compared); }),
          client(s, p, holders, vectors),
          server(s, p),
          give_up(s, p, holders, client),
          audits(s, p, vectors, client, server, give_up) {}

    void exchanged(Link& link, const Compared& compared);
    void find_holes();
    void hang_up_idle();
    void forget_retired();

    Shared& shared;
    RepairPort& port;
    Holders holders;
    Vectors vectors;
    PullClient client;
    PullServer server;
    GiveUp give_up;
    Audits audits;
    std::map<LinkId, Instant> idle_since;  ///< bulk links
    Instant forget_at{};
};

/// Both sides of a link know what the other has.
void Repair::Parts::exchanged(Link& link, const Compared& compared) {
    if (link.purpose == Purpose::Audit) {
        const Instant still = shared.now.mono - 5s;
        for (const auto& [log, entry] : shared.logs.all()) {
            // What flows comes by itself; a log that stands still here and is longer there does not.
            const bool flows = entry->rate_head != 0 && entry->head_at > still;
            if (!entry->own() && !flows && holders.head_of(link.peer, *entry) > entry->state.head())
                client.want_tail(link.peer, log);
        }
    }
    audits.exchanged(link, compared);
    client.wake();
}

void Repair::Parts::find_holes() {
    for (const auto& [log, entry] : shared.logs.all()) {
        if (entry->state.watermark() < entry->state.head()) client.add(log);
        if (!lost_of(entry->state).empty()) client.add_lost(log);
    }
}

void Repair::Parts::hang_up_idle() {
    std::vector<LinkId> idle;
    for (auto& [id, since] : idle_since) {
        const Link* link = shared.links.find(id);
        if (link != nullptr && (server.serves(id) || client.uses(link->peer)))
            since = shared.now.mono;
        if (shared.now.mono >= since + kBulkIdle) idle.push_back(id);
    }
    for (const LinkId id : idle) {
        idle_since.erase(id);
        Link* link = shared.links.find(id);
        if (link == nullptr) continue;
        client.link_lost(*link);
        port.hang_up(*link);
    }
}

void Repair::Parts::forget_retired() {
    if (shared.now.mono < forget_at) return;
    forget_at = shared.now.mono + kForgetEvery;
    holders.forget_retired();
}

Repair::Repair(Shared& shared, RepairPort& port) : parts_(std::make_unique<Parts>(shared, port)) {}
Repair::~Repair() = default;

void Repair::on_link_sync(Link& link) {
    parts_->find_holes();
    parts_->vectors.begin(link, false);
    parts_->client.wake();
}

void Repair::on_link_ready(Link& link) {
    if (link.purpose == Purpose::Audit) parts_->audits.link_ready(link);
    if (link.purpose == Purpose::Bulk) parts_->idle_since[link.id] = parts_->shared.now.mono;
    parts_->client.link_ready(link);
}

void Repair::on_link_lost(Link& link) {
    parts_->vectors.link_lost(link);
    parts_->server.link_lost(link);
    parts_->client.link_lost(link);
    parts_->idle_since.erase(link.id);
    if (link.purpose == Purpose::Audit) parts_->audits.link_lost(link);
    // What a peer holds is known as long as there is a connection over which it would tell of changes.
    if (link.purpose != Purpose::Bulk && parts_->shared.links.main_of(link.peer) == nullptr)
        parts_->holders.forget(link.peer);
}

void Repair::on_vector_root(Link& link, const frames::VectorRoot& frame) {
    parts_->vectors.on_root(link, frame);
}

void Repair::on_vector(Link& link, const frames::Vector& frame) {
    parts_->vectors.on_vector(link, frame);
    parts_->client.wake();
}

void Repair::on_pull(Link& link, const frames::Pull& frame) {
    if (link.purpose == Purpose::Bulk) parts_->idle_since[link.id] = parts_->shared.now.mono;
    parts_->server.on_pull(link, frame);
}

void Repair::on_chunk(Link& link, const frames::Chunk& frame) {
    parts_->client.on_chunk(link, frame);
}

void Repair::on_pull_end(Link& link, const frames::PullEnd& frame) {
    parts_->client.on_pull_end(link, frame);
}

void Repair::on_skip(Link& link, const LogKey& log, const frames::SkipFrame& frame) {
    parts_->client.on_skip(link, log, frame);
}

void Repair::on_room(Link& link) { parts_->server.on_room(link); }

void Repair::on_gap(LogEntry& entry, SeqRange) { parts_->client.add(entry.log()); }

void Repair::on_unreadable(LogEntry& entry, SeqRange range, const NodeId& from) {
    parts_->holders.refuse(from, entry, range, false);
    parts_->give_up.unreadable(entry.log(), range);
    parts_->client.wake();
}

bool Repair::on_loaded(const Loaded& loaded) { return parts_->server.on_loaded(loaded); }

void Repair::tick() {
    parts_->vectors.tick();
    parts_->give_up.tick();
    parts_->audits.tick();
    parts_->server.tick();
    parts_->client.tick();
    parts_->hang_up_idle();
    parts_->forget_retired();
}

Instant Repair::due() const noexcept {
    Instant next = std::min({parts_->vectors.due(), parts_->give_up.due(), parts_->audits.due(),
                             parts_->server.due(), parts_->client.due()});
    for (const auto& [id, since] : parts_->idle_since) next = std::min(next, since + kBulkIdle);
    return next;
}

std::string Repair::unrest() const {
    std::string text;
    for (const auto& [id, link] : parts_->shared.links.all())
        if (link->purpose == Purpose::Main && link->state == Link::State::Sync)
            text += " comparing with " + link->peer.text() + ",";
    return text + parts_->client.unrest();
}

bool Repair::settled() const noexcept {
    for (const auto& [id, link] : parts_->shared.links.all())
        if (link->purpose == Purpose::Main && link->state == Link::State::Sync) return false;
    return !parts_->client.could_fill();
}

}  // namespace anode::mesh
