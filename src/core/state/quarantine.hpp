#pragma once

#include <map>

#include "core/state/item.hpp"

namespace anode::state {

/// Values whose stamps lie too far ahead of our clock. They wait until it reaches them; all nodes apply them in the end.
/// Limit:   `kMax` values; past it the one furthest ahead is let go (the exchange with neighbours brings it again).
class Quarantine {
public:
    static constexpr std::size_t kMax = 1'000;

    /// What had to make room, if anything: possibly the item itself.
    std::optional<Item> put(Item item) {
        const Place place{item.stamp, Key{item.kind, item.key}};
        const auto [at, fresh] = waiting_.try_emplace(place, std::move(item));
        if (!fresh && !at->second.revoked) at->second.revoked = item.revoked;
        if (waiting_.size() <= kMax) return std::nullopt;
        auto last = waiting_.extract(std::prev(waiting_.end()));
        return std::move(last.mapped());
    }
    /// The first whose time has come.
    std::optional<Item> take(std::uint64_t millis_max) {
        if (waiting_.empty() || waiting_.begin()->first.first.hlc.millis() > millis_max)
            return std::nullopt;
        auto first = waiting_.extract(waiting_.begin());
        return std::move(first.mapped());
    }
    [[nodiscard]] std::optional<std::uint64_t> first_millis() const {
        if (waiting_.empty()) return std::nullopt;
        return waiting_.begin()->first.first.hlc.millis();
    }
    [[nodiscard]] bool has(const Stamp& stamp, KeyView key) const {
        return waiting_.contains({stamp, Key{std::string(key.first), std::string(key.second)}});
    }
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

private:
    using Place = std::pair<Stamp, Key>;
    std::map<Place, Item> waiting_;
};

}  // namespace anode::state
