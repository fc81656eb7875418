#include "core/node/content_window.hpp"

#include <utility>

namespace anode {
namespace {

constexpr std::size_t kSlotsMin = 1024;

std::uint64_t not_zero(std::uint64_t hash) noexcept { return hash == 0 ? 1 : hash; }

}  // namespace

/// Where it stands, or the free slot where it would.
std::size_t HashSet64::slot_of(std::uint64_t hash) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash & mask;
    while (slots_[slot] != 0 && slots_[slot] != hash) slot = (slot + 1) & mask;
    return slot;
}

bool HashSet64::contains(std::uint64_t hash) const noexcept {
    return size_ > 0 && slots_[slot_of(not_zero(hash))] != 0;
}

void HashSet64::insert(std::uint64_t hash) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    slots_[slot_of(not_zero(hash))] = not_zero(hash);
    ++size_;
}

void HashSet64::grow() {
    auto before = std::exchange(slots_, {});
    slots_.resize(before.empty() ? kSlotsMin : 2 * before.size());
    for (const std::uint64_t hash : before)
        if (hash != 0) slots_[slot_of(hash)] = hash;
}

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
