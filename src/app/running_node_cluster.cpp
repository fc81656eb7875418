#include <algorithm>
#include <utility>

#include "app/cluster/key_file.hpp"
#include "app/running_node.hpp"
#include "runtime/limits.hpp"

/// How the parts that belong to the cluster hear of each other.
namespace anode::app {
namespace {

/// The linked nodes that have this log synced up to there.
std::vector<NodeId> having(const mesh::Mesh& mesh, const LogKey& log, Seq seq) {
    std::vector<NodeId> nodes;
    const std::vector<NodeId> lacking = mesh.lacking(log, seq);
    for (const mesh::LinkView& link : mesh.links())
        if (link.state == "up" && std::ranges::find(lacking, link.peer) == lacking.end())
            nodes.push_back(link.peer);
    return nodes;
}

bool has_all(const mesh::Mesh& mesh, const LogKey& log, Seq seq) {
    for (const mesh::LogView& view : mesh.logs())
        if (view.log == log) return std::min(view.watermark, view.durable) >= seq;
    return false;
}

}  // namespace

Result<void> RunningNode::start_mesh() {
    const auto ring = KeyFile::read(options_.config, secrets_);
    if (!ring) return std::unexpected(ring.error());
    auto opened = MeshNode::open(options_.config, identity_, facts_.name, ring->ring.keys(),
                                 {.engine_loop = *loop_,
                                  .own_thread = cpu_limit() > 2,
                                  .engine = *engine_,
                                  .store = *store_,
                                  .ledger = *ledger_,
                                  .metrics = metrics_});
    if (!opened) return std::unexpected(opened.error());
    mesh_ = std::move(*opened);
    mesh_face_ = std::make_unique<MeshFace>(*mesh_);
    forwarding_ = std::make_unique<Forwarding>(
        metrics_, [this](const NodeId& to, std::uint8_t type, Bytes body) {
            mesh_->send(to, type, std::move(body));
        });
    shared_ = std::make_unique<SharedState>(*loop_, *engine_, *store_, mesh_.get(), identity_.node);
    mesh_->set_hooks({.peer_up =
                          [this](const NodeId& node) {
                              forwarding_->peer_up(node);
                              loop_->post([this, node] {
                                  settling_->peer_up(node);
                                  shared_->peer_up(node);
                                  owners_->link_up(node);
                              });
                          },
                      .peer_down =
                          [this](const NodeId& node, mesh::LinkEnd end) {
                              forwarding_->peer_down(node);
                              // A link that ends without a word is what a dead process looks like.
                              if (end != mesh::LinkEnd::Untrusted) members_->link_lost(node);
                              loop_->post([this, node, end] {
                                  settling_->peer_down(node);
                                  shared_->peer_down(node);
                                  owners_->link_down(node, end);
                              });
                          },
                      .from_peer =
                          [this](const NodeId& from, std::uint8_t type, BytesView body) {
                              if (Forwarding::takes(type))
                                  return forwarding_->from_peer(from, type, Bytes(body));
                              const bool state = type >= SharedState::kFirstFrame &&
                                                 type <= SharedState::kLastFrame;
                              const bool owners =
                                  type >= Owners::kFirstFrame && type <= Owners::kLastFrame;
                              if (!state && !owners) return;
                              loop_->post([this, from, type, state, body = Bytes(body)] {
                                  if (state)
                                      shared_->from_peer(from, type, body);
                                  else
                                      owners_->from_peer(from, type, body);
                              });
                          }});
    engine_->set_outlet(mesh_.get());
    return {};
}

/// Who runs what, and the sources that follow it; both listen to the small state, which is restored later.
void RunningNode::start_owners() {
    Owners::World world{
        .loop = *loop_,
        .ledger = *ledger_,
        .metrics = metrics_,
        .self = identity_.node,
        .epoch = identity_.epoch,
        .name = facts_.name,
        .zone = facts_.zone,
        .propose = [this](const ownership::Claim& claim) { remember(claim); },
        .send = [this](const NodeId& to, std::uint8_t type,
                       Bytes body) { mesh_->send(to, type, std::move(body)); },
        // A newcomer counts as soon as it is seen, so that all nodes choose among the same ones: what belongs to it and is new
        // waits for it a moment instead of starting here and moving there. What runs stays until it asks by itself.
        .timing = {.warm_up = 0s}};
    owners_ = std::make_unique<Owners>(std::move(world));
    shared_->on_change("owner", [this](const state::Item& item, bool) {
        if (!item.value) return owners_->unclaimed(item.key);
        if (const auto claim = ownership::Claim::decode(item.key, *item.value))
            owners_->claimed(*claim);
    });
    shared_->on_in_sync([this] { owners_->in_sync(); });
    sources_ = std::make_unique<Sources>(SourceWorld{*loop_, *resolver_, *http_}, *engine_, *store_,
                                         *ledger_, metrics_, secrets_, egress_, *shared_, *owners_);
}

void RunningNode::remember(const ownership::Claim& claim) {
    // Nobody asks any more who runs what is gone; we may hear of that a moment after its record went.
    if (shared_->find("source", claim.source) == nullptr) return;
    shared_->write({.kind = "owner", .key = claim.source, .value = claim.encode()},
                   [](const Result<state::Item>&) {});
}

/// Waiting for all nodes, over what the mesh knows of acknowledgements.
void RunningNode::start_settling() {
    const LogKey own = engine_->system_log();
    settling_ = std::make_unique<Settling>(Settling::World{
        .loop = *loop_,
        .log = own,
        .alive = [this] { return owners_->others_alive(); },
        .having =
            [this, own](Seq seq, Settling::Reply<std::vector<NodeId>> reply) {
                mesh_->look([this, own, seq, reply = std::move(reply)](const mesh::Mesh& mesh,
                                                                       const MeshTraffic&) mutable {
                    loop_->post([nodes = having(mesh, own, seq),
                                 reply = std::move(reply)]() mutable { reply(std::move(nodes)); });
                });
            },
        .has =
            [this](const LogKey& log, Seq seq, Settling::Reply<bool> reply) {
                mesh_->look([this, log, seq, reply = std::move(reply)](const mesh::Mesh& mesh,
                                                                       const MeshTraffic&) mutable {
                    loop_->post([has = has_all(mesh, log, seq),
                                 reply = std::move(reply)]() mutable { reply(has); });
                });
            },
        .say = [this](const Bytes& entry) { engine_->state_message(entry, kSeenTopic); }});
    shared_->on_seen([this](const LogKey& log, const Entry& entry) {
        settling_->heard(log, entry.ts(), entry.payload);
    });
}

/// What this node's statistics tell of its place in the cluster.
Vitals::Cluster RunningNode::cluster_vitals() const {
    return {.health_score = members_ ? members_->health_score() : 0,
            .links = mesh_->peers_up(),
            .clock_offset = mesh_->clock_offset()};
}

/// A node without others keeps its sources: there is nobody to take them.
void RunningNode::drain_owners(bool on) {
    if (!on || !owners_->others_alive().empty()) owners_->drain(on);
}

Result<void> RunningNode::start_members(Loop& main_loop) {
    auto opened = Members::open(
        options_.config, identity_,
        {.facts = facts_,
         .ledger = *ledger_,
         .metrics = metrics_,
         .secrets = secrets_,
         .aside = [&main_loop](Loop::Task task) { main_loop.post(std::move(task)); },
         .changed =
             [this](const membership::MemberChanged& changed) {
                 mesh_->member(changed);
                 loop_->post([this, changed] { owners_->member(changed); });
             },
         .keys_changed = [this](std::vector<Bytes> keys) { mesh_->set_keys(std::move(keys)); },
         .minority = [this](bool on) { engine_->set_partitioned(on); },
         .data_port = mesh_->port()});
    if (!opened) return std::unexpected(opened.error());
    members_ = std::move(*opened);
    return {};
}

}  // namespace anode::app
