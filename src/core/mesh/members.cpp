#include "core/mesh/members.hpp"

#include <algorithm>

namespace anode::mesh {
namespace {

constexpr std::size_t kChangedMin = 64, kChangedShare = 8;
constexpr unsigned kDrawsMax = 32;

}  // namespace

Hash128 place_on(std::string_view cluster, const RingName& ring, const NodeId& node) {
    Bytes key(cluster);
    key.push_back('\0');
    key += ring.text;
    key.push_back('\0');
    key.append(reinterpret_cast<const char*>(node.bytes.data()), node.bytes.size());
    return hash128(key);
}

Directory::Directory(std::string cluster, std::vector<Peer> members)
    : cluster_(std::move(cluster)), members_(std::move(members)) {
    std::ranges::sort(members_, {}, &Peer::node);
}

std::optional<std::uint32_t> Directory::index_of(const NodeId& node) const noexcept {
    const auto at = std::ranges::lower_bound(members_, node, {}, &Peer::node);
    if (at == members_.end() || at->node != node) return std::nullopt;
    return static_cast<std::uint32_t>(at - members_.begin());
}

const std::vector<Directory::Place>& Directory::ring(const RingName& name,
                                                     std::string_view zone) const {
    const auto known = rings_.find(name.text);
    if (known != rings_.end()) return known->second;
    std::vector<Place> order;
    for (std::uint32_t index = 0; index < members_.size(); ++index)
        if (!name.zone || members_[index].zone == zone)
            order.push_back({place_on(cluster_, name, members_[index].node), index});
    std::ranges::sort(order);
    return rings_.emplace(name.text, std::move(order)).first->second;
}

Members::Members(const NodeId& self, std::string cluster, std::string zone)
    : self_(self),
      cluster_(std::move(cluster)),
      zone_(std::move(zone)),
      base_(std::make_shared<Directory>(cluster_, std::vector<Peer>())) {}

void Members::count(const Peer& peer, int by) noexcept {
    if (peer.draining)
        draining_ += static_cast<std::size_t>(by);
    else if (peer.zone != zone_)
        elsewhere_ += static_cast<std::size_t>(by);
}

void Members::adopt(std::shared_ptr<const Directory> all) {
    base_ = std::move(all);
    hidden_.assign(base_->size(), false);
    hidden_count_ = draining_ = elsewhere_ = 0;
    changed_.clear();
    for (std::size_t index = 0; index < base_->size(); ++index) count(base_->at(index), 1);
    if (const auto own = base_->index_of(self_)) hide(*own);
}

void Members::hide(std::size_t index) noexcept {
    hidden_[index] = true;
    ++hidden_count_;
    count(base_->at(index), -1);
}

void Members::put(const Peer& peer) {
    (void)erase(peer.node);
    changed_.emplace(peer.node, peer);
    count(peer, 1);
    if (changed_.size() > std::max(kChangedMin, base_->size() / kChangedShare)) sort_again();
}

bool Members::erase(const NodeId& node) {
    if (const auto at = changed_.find(node); at != changed_.end()) {
        count(at->second, -1);
        changed_.erase(at);
        return true;
    }
    const auto index = base_->index_of(node);
    if (!index || hidden_[*index]) return false;
    hide(*index);
    return true;
}

void Members::sort_again() {
    std::vector<Peer> all;
    all.reserve(size());
    each([&](const Peer& peer) { all.push_back(peer); });
    adopt(std::make_shared<Directory>(cluster_, std::move(all)));
}

const Peer* Members::find(const NodeId& node) const noexcept {
    if (const auto at = changed_.find(node); at != changed_.end()) return &at->second;
    const auto index = base_->index_of(node);
    return index && !hidden_[*index] ? &base_->at(*index) : nullptr;
}

const Peer* Members::any(Rng& rng) const {
    if (size() == 0) return nullptr;
    const std::size_t places = base_->size() + changed_.size();
    std::size_t at = rng.below(places);
    // Few are hidden as a rule; if nearly all are, the next one in order will do.
    for (unsigned draws = 0; at < base_->size() && hidden_[at]; ++draws)
        at = draws < kDrawsMax ? rng.below(places) : at + 1 == places ? 0 : at + 1;
    if (at < base_->size()) return &base_->at(at);
    return &std::next(changed_.begin(), static_cast<std::ptrdiff_t>(at - base_->size()))->second;
}

std::optional<NodeId> Members::next_on(const RingName& ring, const NodeId& node,
                                       bool forward) const {
    const Hash128 from = place_on(cluster_, ring, node);
    // How far a place lies ahead in our direction, around the ring; both halves wrap as one number.
    const auto ahead = [&](const Hash128& place) {
        const Hash128& a = forward ? place : from;
        const Hash128& b = forward ? from : place;
        return Hash128{a.high - b.high - (a.low < b.low ? 1 : 0), a.low - b.low};
    };
    std::optional<std::pair<Hash128, NodeId>> best;
    const auto offer = [&](const Hash128& place, const NodeId& who) {
        const std::pair candidate{ahead(place), who};
        if (!best || candidate < *best) best = candidate;
    };
    const auto& order = base_->ring(ring, zone_);
    const std::size_t size = order.size();
    const auto start = static_cast<std::size_t>(
        (forward ? std::ranges::upper_bound(order, from, {}, &Directory::Place::place)
                 : std::ranges::lower_bound(order, from, {}, &Directory::Place::place)) -
        order.begin());
    for (std::size_t step = 0; step < size; ++step) {
        const std::size_t at =
            forward ? (start + step) % size : (start + 2 * size - 1 - step) % size;
        const std::uint32_t index = order[at].index;
        const Peer& peer = base_->at(index);
        if (hidden_[index] || peer.draining || peer.node == node) continue;
        offer(order[at].place, peer.node);
        break;
    }
    for (const auto& [id, peer] : changed_)
        if (!peer.draining && id != node && (!ring.zone || peer.zone == zone_))
            offer(place_on(cluster_, ring, id), id);
    if (!best) return std::nullopt;
    return best->second;
}

}  // namespace anode::mesh
