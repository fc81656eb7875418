#include "core/source/items.hpp"
#include "core/source/stream_steps.hpp"

/// What became of the items of one connection.
namespace anode::source {

bool ItemBook::set(std::size_t item, ItemState state, std::string reason, WallTime now) {
    Entry& entry = states_[item];
    if (entry.state == state) return false;
    if (entry.state == ItemState::Pending) --pending_;
    if (entry.state == ItemState::Ok) --accepted_;
    if (state == ItemState::Pending) ++pending_;
    if (state == ItemState::Ok) ++accepted_;
    entry = {state, std::move(reason), now};
    return true;
}

std::vector<std::size_t> ItemBook::missing() const {
    std::vector<std::size_t> items;
    for (std::size_t i = 0; i < states_.size(); ++i) {
        if (states_[i].state == ItemState::Pending) items.push_back(i);
    }
    return items;
}

void ItemBook::note_number(std::uint64_t number, std::vector<std::size_t> asked) {
    asked_by_[std::to_string(number)] = std::move(asked);
}

std::vector<std::size_t> ItemBook::find(const ItemRef& ref, const json::Value& frame,
                                        std::span<const Item> items) const {
    std::vector<std::size_t> found = find_items(ref, frame, items);
    if (!found.empty() || asked_by_.empty()) return found;
    for (const expr::Selector& path : ref.paths) {
        const auto value = path.text_of(frame);
        if (!value) continue;
        if (const auto asked = asked_by_.find(*value); asked != asked_by_.end()) {
            return asked->second;
        }
    }
    return found;
}

}  // namespace anode::source
