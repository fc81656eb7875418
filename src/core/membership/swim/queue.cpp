#include "core/membership/swim/queue.hpp"

#include <iterator>

namespace anode::membership {

std::size_t GossipQueue::add(NamePool::Id about, BytesView message, bool urgent, bool farewell) {
    remove(about);
    return insert(about, message, urgent, farewell);
}

std::size_t GossipQueue::insert(NamePool::Id about, BytesView message, bool urgent, bool farewell) {
    std::size_t dropped = 0;
    while (!items_.empty() &&
           (items_.size() >= items_max_ || bytes_ + message.size() > bytes_max_)) {
        erase(std::prev(items_.end()));
        ++dropped;
    }
    Item item{.rank = urgent ? 0u : 1u,
              .size = static_cast<std::uint32_t>(message.size()),
              .serial = serial_++,
              .about = about,
              .farewell = farewell,
              .message = Bytes(message)};
    bytes_ += message.size();
    const auto place = items_.insert(std::move(item)).first;
    if (about != NamePool::kNone) about_[about] = place;
    return dropped;
}

void GossipQueue::remove(NamePool::Id about) {
    if (const auto found = about_.find(about); found != about_.end()) erase(found->second);
}

void GossipQueue::erase(Items::iterator item) {
    if (item->farewell) farewell_gone_ = true;
    if (item->about != NamePool::kNone) about_.erase(item->about);
    bytes_ -= item->message.size();
    items_.erase(item);
}

void GossipQueue::fetch(wire::PacketWriter& packet, std::size_t reserve, std::uint32_t limit) {
    auto item = items_.begin();
    while (item != items_.end()) {
        const std::size_t room = packet.room();
        if (room <= reserve) break;
        // The first of its tier that fits; else the first of the next tier.
        const First::Key key{
            item->sent, item->rank,
            static_cast<std::uint32_t>(std::min<std::size_t>(room - reserve, ~0u))};
        if (item->size > key.size) {
            item = items_.lower_bound(key);
            continue;
        }
        if (!packet.add(item->message)) break;
        const auto next = std::next(item);
        if (item->sent + 1 >= limit) {
            erase(item);
        } else {
            auto node = items_.extract(item);
            ++node.value().sent;
            taken_.push_back(std::move(node));
        }
        item = next;
    }
    // Back only now, so that none goes into one packet twice.
    for (auto& node : taken_) {
        const auto put = items_.insert(std::move(node));
        if (put.position->about != NamePool::kNone) about_[put.position->about] = put.position;
    }
    taken_.clear();
}

}  // namespace anode::membership
