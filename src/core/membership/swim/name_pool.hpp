#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/membership/swim/descriptor.hpp"

namespace anode::membership {

/// Names to small dense numbers, counted by reference, so that a table is a vector and an entry holds no string. What a
/// member announced last is kept with its name, so that views which believe the same share one description.
/// Thread:  whoever runs the nodes that share it.
/// Limits:  as many names as are held; a number is given again once nobody holds it.
class NamePool {
public:
    using Id = std::uint32_t;
    static constexpr Id kNone = ~Id{0};

    /// The number of this name, one reference more.
    Id hold(std::string_view name);
    void release(Id id) noexcept;
    /// kNone: nobody holds it.
    [[nodiscard]] Id find(std::string_view name) const noexcept;
    [[nodiscard]] std::string_view name(Id id) const noexcept { return names_[id].text; }
    /// A description of this name, the one that others hold already where it is equal.
    DescriptorRef describe(Id id, const Address& address, BytesView meta, const Versions& versions);
    [[nodiscard]] std::size_t ids_max() const noexcept { return names_.size(); }

private:
    struct Entry {
        std::string text;
        std::uint32_t references = 0;
        DescriptorRef latest;
    };
    std::deque<Entry> names_;
    std::vector<Id> free_;
    std::unordered_map<std::string_view, Id> ids_;  ///< looked up only, never walked
};

}  // namespace anode::membership
