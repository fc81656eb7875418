#include <unordered_map>

#include "core/json/json.hpp"

namespace anode::json {

namespace {

/// A member of the result: what the target has, what the patch says.
struct Slot {
    std::string_view raw_name;
    Value target;
    Value patch;
};

/// One object of the result while it is written. Names are compared as what they mean, the last of a kind wins.
struct Level {
    std::vector<Slot> slots;
    std::size_t at = 0;
    bool wrote = false;
};

Level merge_members(const Value& target, const Value& patch) {
    Level level;
    std::unordered_map<std::string, std::size_t> places;
    const auto slot = [&](const Value& member) -> Slot& {
        const auto [place, fresh] = places.try_emplace(member.name(), level.slots.size());
        if (fresh) level.slots.push_back({member.raw_name(), {}, {}});
        return level.slots[place->second];
    };
    if (target.is_object()) {
        for (Value v = target.first(); v; v = v.next_in(target)) slot(v).target = v;
    }
    for (Value v = patch.first(); v; v = v.next_in(patch)) slot(v).patch = v;
    return level;
}

}  // namespace

/// Depth is the patch's; a stack of our own, so that no document can exhaust the machine's.
Bytes merge_patch(const Value& target, const Value& patch) {
    Bytes out;
    if (!patch.is_object()) {
        patch.append_compact(out);
        return out;
    }
    std::vector<Level> levels;
    const auto enter = [&](const Value& into, const Value& change) {
        out.push_back('{');
        levels.push_back(merge_members(into, change));
    };
    enter(target, patch);
    while (!levels.empty()) {
        Level& level = levels.back();
        if (level.at == level.slots.size()) {
            out.push_back('}');
            levels.pop_back();
            continue;
        }
        const Slot slot = level.slots[level.at++];
        if (slot.patch.present() && slot.patch.is_null()) continue;
        if (level.wrote) out.push_back(',');
        level.wrote = true;
        out.append(slot.raw_name);
        out.push_back(':');
        if (slot.patch.is_object()) {
            enter(slot.target, slot.patch);
        } else {
            (slot.patch ? slot.patch : slot.target).append_compact(out);
        }
    }
    return out;
}

}  // namespace anode::json
