#pragma once

#include <cstdint>
#include <vector>

#include "store/rocksdb/index.hpp"

namespace anode::rocks {

/// The topics that match a set of patterns, kept up with topics that appear later.
/// Thread: one at a time.
class Selection {
public:
    explicit Selection(PatternSet patterns) : patterns_(std::move(patterns)) {}

    /// Looks at topics that are new since the last call; true if some match.
    bool refresh(const IndexState& state);
    [[nodiscard]] const std::vector<std::uint32_t>& topics() const noexcept { return topics_; }
    [[nodiscard]] bool holds(std::uint32_t topic) const noexcept {
        return topic < member_.size() && member_[topic];
    }
    /// What a block's topic may show and whether it matches.
    struct View {
        bool wanted = false;
        Horizon horizon;
    };
    void views(const IndexState& state, const Block& block, std::vector<View>& out) const;

private:
    PatternSet patterns_;
    std::vector<std::uint32_t> topics_;
    std::vector<bool> member_;  ///< by number, as far as looked at
};

}  // namespace anode::rocks
