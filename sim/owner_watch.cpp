#include "sim/owner_watch.hpp"

#include <algorithm>
#include <utility>

namespace anode::sim {
namespace {

using membership::Change;
using membership::MemberState;
using membership::NodeMeta;
using ownership::Standing;

constexpr Duration kWarmMax = 30s;

Standing standing_of(Change change, MemberState state) {
    if (change == Change::Forgotten) return Standing::Left;
    switch (state) {
        case MemberState::Alive:
            return Standing::Alive;
        case MemberState::Suspect:
            return Standing::Suspect;
        case MemberState::Dead:
            return Standing::Dead;
        case MemberState::Left:
            return Standing::Left;
    }
    return Standing::Left;
}

}  // namespace

void OwnerWatch::member(const NodeMeta& meta, std::string name, Change change, MemberState state,
                        Inputs& out) {
    if ((meta.capabilities & NodeMeta::kData) == 0 || meta.node == self_) return;
    Known& known = nodes_[meta.node];
    known.name = std::move(name);
    known.facts.node = meta.node;
    known.facts.epoch = meta.epoch;
    known.facts.zone = meta.zone;
    known.facts.weight = meta.weight;
    known.facts.draining = (meta.flags & NodeMeta::kDraining) != 0;
    known.facts.standing = standing_of(change, state);
    out.emplace_back(ownership::NodeSeen{known.facts});
    judge(known, out);
    look_around(out);
    if (change == Change::Forgotten) nodes_.erase(meta.node);
}

void OwnerWatch::link_up(const NodeId& node, Inputs& out) {
    Known& known = nodes_[node];
    known.facts.node = node;
    known.linked = true;
    known.lost = false;
    judge(known, out);
    look_around(out);
}

void OwnerWatch::link_down(const NodeId& node, mesh::LinkEnd end, Inputs& out) {
    Known& known = nodes_[node];
    known.facts.node = node;
    known.linked = false;
    known.lost = end == mesh::LinkEnd::Closed || end == mesh::LinkEnd::Reset ||
                 end == mesh::LinkEnd::Refused;
    judge(known, out);
    look_around(out);
}

/// Two witnesses make a doubt: its link ended as a dead process's does, and membership could not reach it.
void OwnerWatch::judge(const Known& known, Inputs& out) const {
    if (known.lost && known.facts.standing == Standing::Suspect)
        out.emplace_back(ownership::InDoubt{known.facts.node});
    else
        out.emplace_back(ownership::DoubtOver{known.facts.node});
}

void OwnerWatch::look_around(Inputs& out) {
    bool others = false, linked = false;
    for (const auto& [id, known] : nodes_) {
        others |= lives(known.facts.standing) && known.facts.epoch != Epoch{};
        linked |= known.linked;
    }
    const bool isolated = others && !linked;
    if (std::exchange(isolated_, isolated) != isolated)
        out.emplace_back(ownership::Isolated{isolated});
}

OwnerWatch::Warmth OwnerWatch::warmth(Duration since_start) const {
    if (since_start >= kWarmMax) return Warmth::Waited;
    const bool linked = std::ranges::any_of(nodes_, [](const auto& n) { return n.second.linked; });
    return in_sync_ && linked ? Warmth::Agrees : Warmth::Cold;
}

void tell_own_apart(const NodeId& self, std::vector<ownership::Output>& outputs) {
    for (std::size_t i = 0; i + 1 < outputs.size(); ++i) {
        auto* run = std::get_if<ownership::Run>(&outputs[i]);
        const auto* move = std::get_if<ownership::Moved>(&outputs[i + 1]);
        if (run != nullptr && move != nullptr && move->source == run->source)
            run->takeover &= move->from != self;
    }
}

mesh::Input mesh_input(const NodeMeta& meta, std::string name,
                       const membership::MemberChanged& changed) {
    if (changed.change == Change::Died || changed.change == Change::Left ||
        changed.change == Change::Forgotten)
        return mesh::PeerGone{meta.node, changed.member.state == MemberState::Left};
    mesh::Peer peer;
    peer.node = meta.node;
    peer.epoch = meta.epoch;
    peer.name = std::move(name);
    peer.zone = meta.zone;
    membership::Address address = changed.member.address.canonical();
    address.port = meta.data_port;
    peer.address = address.text();
    peer.weight = meta.weight;
    peer.draining = (meta.flags & NodeMeta::kDraining) != 0;
    peer.suspect = changed.member.state == MemberState::Suspect;
    return mesh::PeerSeen{std::move(peer)};
}

}  // namespace anode::sim
