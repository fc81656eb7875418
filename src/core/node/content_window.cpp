#include "core/node/content_window.hpp"

#include <utility>

namespace anode {

bool ContentWindow::repeats(std::string_view source, const Hash128& cid) {
    // 64 bits of a good hash: among a million ids two meet by chance once in ten million windows.
    const std::uint64_t id = hash64(source, cid.high ^ (cid.low * 0x9e3779b97f4a7c15ull));
    if (young_.contains(id) || old_.contains(id)) return true;
    if (young_.size() >= entries_) old_ = std::exchange(young_, {});
    young_.insert(id);
    return false;
}

bool ContentWindow::repeats_state(std::string_view source, const Hash128& cid) {
    const std::uint64_t place = hash64(source, cid.high);
    auto known = young_states_.find(place);
    if (known == young_states_.end()) {
        const auto older = old_states_.find(place);
        const bool same = older != old_states_.end() && older->second == cid.low;
        if (young_states_.size() >= entries_) old_states_ = std::exchange(young_states_, {});
        young_states_.emplace(place, cid.low);
        return same;
    }
    return std::exchange(known->second, cid.low) == cid.low;
}

}  // namespace anode
