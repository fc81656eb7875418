#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "core/membership/swim/name_pool.hpp"
#include "core/membership/wire/packet.hpp"

namespace anode::membership {

/// Messages that wait to be gossiped, each until it went out `limit` times: the least sent first, then urgent ones, then the
/// longest, then the newest. A newer message about a name displaces the older one.
/// Limits:  items and bytes as constructed; when full, what was sent most (then the shortest, the oldest) goes.
/// Source:  memberlist protocol, section 7.
class GossipQueue {
public:
    GossipQueue(std::size_t items_max, std::size_t bytes_max)
        : items_max_(items_max), bytes_max_(bytes_max) {}

    /// A message about a member. `farewell`: farewell_gone() tells when it was sent its number of times, or displaced.
    /// The answer is how many other messages were dropped to make room.
    std::size_t add(NamePool::Id about, BytesView message, bool urgent, bool farewell = false);
    /// An application's message: displaces nothing.
    std::size_t add(BytesView message) { return insert(NamePool::kNone, message, false, false); }
    void remove(NamePool::Id about);

    /// Fills the packet up to `reserve` bytes before its end; each message that went in counts as sent once.
    void fetch(wire::PacketWriter& packet, std::size_t reserve, std::uint32_t limit);

    [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// How often the least sent message went out; ~0 when there is none.
    [[nodiscard]] std::uint32_t least_sent() const noexcept {
        return items_.empty() ? ~0u : items_.begin()->sent;
    }
    [[nodiscard]] bool farewell_gone() const noexcept { return farewell_gone_; }

private:
    struct Item {
        std::uint32_t sent = 0;
        std::uint32_t rank = 1;  ///< 0: urgent
        std::uint32_t size = 0;
        std::uint64_t serial = 0;
        NamePool::Id about = NamePool::kNone;
        bool farewell = false;
        Bytes message;
    };
    struct First {
        using is_transparent = void;
        struct Key {
            std::uint32_t sent, rank, size;
        };
        bool operator()(const Item& a, const Item& b) const noexcept {
            if (a.sent != b.sent) return a.sent < b.sent;
            if (a.rank != b.rank) return a.rank < b.rank;
            if (a.size != b.size) return a.size > b.size;
            return a.serial > b.serial;
        }
        bool operator()(const Item& a, const Key& b) const noexcept {
            if (a.sent != b.sent) return a.sent < b.sent;
            if (a.rank != b.rank) return a.rank < b.rank;
            return a.size > b.size;
        }
        bool operator()(const Key& a, const Item& b) const noexcept {
            if (a.sent != b.sent) return a.sent < b.sent;
            if (a.rank != b.rank) return a.rank < b.rank;
            return a.size > b.size;
        }
    };
    using Items = std::set<Item, First>;

    std::size_t insert(NamePool::Id about, BytesView message, bool urgent, bool farewell);
    void erase(Items::iterator item);

    std::size_t items_max_, bytes_max_, bytes_ = 0;
    std::uint64_t serial_ = 0;
    bool farewell_gone_ = false;
    Items items_;
    std::unordered_map<NamePool::Id, Items::iterator> about_;  ///< looked up only, never walked
    std::vector<Items::node_type> taken_;                      ///< reused between fetches
};

}  // namespace anode::membership
