#include "store/rocksdb/selection.hpp"

namespace anode::rocks {

bool Selection::refresh(const IndexState& state) {
    const std::size_t before = topics_.size();
    const auto& patterns = patterns_.patterns();
    // One literal topic is found by name; anything else is matched against the new ones.
    if (patterns.size() == 1 && patterns.front().literal()) {
        if (!topics_.empty()) return false;
        const auto number = state.topics.find(patterns.front().text());
        if (!number) return false;
        topics_.push_back(*number);
        member_.resize(*number + 1);
        member_[*number] = true;
        return true;
    }
    for (auto i = static_cast<std::uint32_t>(member_.size()); i < state.topics.size(); ++i) {
        const bool wanted = patterns_.matches(state.topics.at(i).name);
        member_.push_back(wanted);
        if (wanted) topics_.push_back(i);
    }
    return topics_.size() > before;
}

void Selection::views(const IndexState& state, const Block& block, std::vector<View>& out) const {
    out.clear();
    for (const auto topic : block.topics()) {
        const auto number = state.topics.find(topic);
        if (!number) {
            out.push_back({patterns_.matches(topic), {}});
        } else {
            out.push_back({holds(*number), state.horizon(state.topics.at(*number))});
        }
    }
}

}  // namespace anode::rocks
