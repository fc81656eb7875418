#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "base/rng.hpp"
#include "core/mesh/types.hpp"

namespace anode::mesh {

/// A ring that members sit on, each at a place that its id decides. Equal names give equal rings on all nodes.
struct RingName {
    std::string text;
    bool zone = false;  ///< only members of our own zone sit on it
};

/// Members by id, and their order on rings, which is worked out when it is first asked for. Its members never change.
/// Thread:    one; nodes of one thread may share it, as those of a simulation do.
/// Ownership: shared by whoever starts from it; ten thousand nodes need not keep ten thousand lists of each other.
class Directory {
public:
    Directory(std::string cluster, std::vector<Peer> members);

    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
    [[nodiscard]] const Peer& at(std::size_t index) const noexcept { return members_[index]; }
    [[nodiscard]] std::optional<std::uint32_t> index_of(const NodeId& node) const noexcept;

    struct Place {
        Hash128 place;
        std::uint32_t index = 0;
        friend auto operator<=>(const Place&, const Place&) = default;
    };
    /// Rising places. `zone`: of whom, if the ring is a zone's.
    [[nodiscard]] const std::vector<Place>& ring(const RingName& name, std::string_view zone) const;

private:
    std::string cluster_;
    std::vector<Peer> members_;  ///< sorted by node
    mutable std::map<std::string, std::vector<Place>, std::less<>> rings_;
};

/// Where a node sits on a ring.
[[nodiscard]] Hash128 place_on(std::string_view cluster, const RingName& ring, const NodeId& node);

/// Who can take part, as membership says; not ourselves. A list that changed little since it was sorted, and what changed:
/// a member that comes or goes costs a look at each ring, not a new order of all.
class Members {
public:
    Members(const NodeId& self, std::string cluster, std::string zone);

    /// Everybody in the list, at once, in place of whom we knew. Ourselves in it are passed over.
    void adopt(std::shared_ptr<const Directory> all);
    void put(const Peer& peer);
    bool erase(const NodeId& node);

    [[nodiscard]] const Peer* find(const NodeId& node) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept {
        return base_->size() - hidden_count_ + changed_.size();
    }
    [[nodiscard]] const Peer* any(Rng& rng) const;
    template <class F>
    void each(F&& use) const {
        for (std::size_t index = 0; index < base_->size(); ++index)
            if (!hidden_[index]) use(base_->at(index));
        for (const auto& [node, peer] : changed_) use(peer);
    }

    /// Those that may be neighbours: they do not drain.
    [[nodiscard]] std::size_t present() const noexcept { return size() - draining_; }
    /// Some of them are of another zone than ours.
    [[nodiscard]] bool zones() const noexcept { return elsewhere_ > 0; }
    [[nodiscard]] const NodeId& self() const noexcept { return self_; }
    [[nodiscard]] const std::string& zone() const noexcept { return zone_; }
    /// The next present member behind (or before) `node` on the ring, other than `node` and ourselves.
    [[nodiscard]] std::optional<NodeId> next_on(const RingName& ring, const NodeId& node,
                                                bool forward) const;

private:
    void count(const Peer& peer, int by) noexcept;
    void hide(std::size_t index) noexcept;
    void sort_again();

    NodeId self_;
    std::string cluster_, zone_;
    std::shared_ptr<const Directory> base_;
    std::vector<bool> hidden_;  ///< of base_: gone, or changed since
    std::size_t hidden_count_ = 0, draining_ = 0, elsewhere_ = 0;
    std::map<NodeId, Peer> changed_;
};

}  // namespace anode::mesh
