#include "core/state/registers.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace anode::state {

namespace {

void keep(const Item& item, std::vector<Output>& out) {
    out.push_back(Persist{record_key(item), encode(item)});
}
void forget(const Item& item, std::vector<Output>& out) {
    out.push_back(Persist{record_key(item), std::nullopt});
}

}  // namespace

std::uint64_t Registers::end_of(const Item& item) const noexcept {
    return item.stamp.hlc.millis() +
           static_cast<std::uint64_t>(limits_.tombstone / std::chrono::milliseconds(1));
}

bool Registers::expired(const Item& item, WallTime wall) const noexcept {
    // What was revoked is remembered for good: no late write may bring it back.
    return !item.value && !item.revoked && end_of(item) <= static_cast<std::uint64_t>(wall) / 1000;
}

void Registers::enter(Register& reg) {
    reg.print = fingerprint(reg.item);
    hashes_[bucket_of(view(reg.item))] += reg.print;
    bytes_ += weight(reg.item);
    if (!reg.item.value && !reg.item.revoked)
        tombstones_.emplace(end_of(reg.item), Key{reg.item.kind, reg.item.key});
}

void Registers::leave(Register& reg) {
    hashes_[bucket_of(view(reg.item))] -= reg.print;
    bytes_ -= weight(reg.item);
    if (!reg.item.value && !reg.item.revoked)
        tombstones_.erase({end_of(reg.item), Key{reg.item.kind, reg.item.key}});
}

Registers::Merged Registers::merge(Item item, std::vector<Output>& out) {
    const auto at = map_.find(view(item));
    if (at == map_.end()) {
        Key key{item.kind, item.key};
        names_[bucket_of(view(key))].insert(key);
        Register& reg = map_[std::move(key)];
        reg.item = std::move(item);
        enter(reg);
        keep(reg.item, out);
        return Merged::Changed;
    }
    Register& reg = at->second;
    const auto against = order(item, reg.item);
    const bool revokes = item.revoked && !reg.item.revoked;
    if (against > 0) {
        leave(reg);
        item.revoked = item.revoked || reg.item.revoked;
        remember(reg, std::exchange(reg.item, std::move(item)), nullptr);
        enter(reg);
        keep(reg.item, out);
        trim(reg, out);
        return Merged::Changed;
    }
    const bool noted = against < 0 && remember(reg, std::move(item), &out);
    if (revokes) revoke(reg, out);
    trim(reg, out);
    if (revokes) return Merged::Changed;
    if (against == 0) return Merged::Known;
    return noted ? Merged::Noted : Merged::Ignored;
}

void Registers::revoke(Register& reg, std::vector<Output>& out) {
    leave(reg);
    reg.item.revoked = true;
    enter(reg);
    keep(reg.item, out);
}

/// False if it stands there already or is older than what is kept.
bool Registers::remember(Register& reg, Item item, std::vector<Output>* persist) {
    const auto at = std::ranges::find_if(
        reg.earlier, [&](const Item& other) { return order(other, item) <= 0; });
    if (at != reg.earlier.end() && order(*at, item) == 0) return false;
    if (at == reg.earlier.end() && reg.earlier.size() >= kHistory) return false;
    const std::size_t more = weight(item);
    reg.earlier_bytes += more;
    history_bytes_ += more;
    if (persist) keep(item, *persist);
    reg.earlier.insert(at, std::move(item));
    return true;
}

void Registers::trim(Register& reg, std::vector<Output>& out) {
    const auto over = [&] {
        return reg.earlier.size() > kHistory || reg.earlier_bytes > kHistoryBytes ||
               history_bytes_ > limits_.bytes_max;
    };
    while (!reg.earlier.empty() && over()) {
        const Item& oldest = reg.earlier.back();
        reg.earlier_bytes -= weight(oldest);
        history_bytes_ -= weight(oldest);
        forget(oldest, out);
        reg.earlier.pop_back();
    }
}

void Registers::expire(WallTime wall, std::vector<Output>& out) {
    while (!tombstones_.empty() &&
           tombstones_.begin()->first <= static_cast<std::uint64_t>(wall) / 1000) {
        const auto at = map_.find(view(tombstones_.begin()->second));
        Register& reg = at->second;
        for (const Item& item : reg.earlier) forget(item, out);
        forget(reg.item, out);
        history_bytes_ -= reg.earlier_bytes;
        names_[bucket_of(view(reg.item))].erase(at->first);
        leave(reg);
        map_.erase(at);
    }
}

std::optional<std::uint64_t> Registers::expires_at() const {
    if (tombstones_.empty()) return std::nullopt;
    return tombstones_.begin()->first;
}

const Item* Registers::find(KeyView key) const {
    const auto at = map_.find(key);
    return at == map_.end() ? nullptr : &at->second.item;
}

std::uint64_t Registers::print(KeyView key) const {
    const auto at = map_.find(key);
    return at == map_.end() ? 0 : at->second.print;
}

std::vector<const Item*> Registers::all(std::string_view kind) const {
    std::vector<const Item*> items;
    for (auto at = map_.lower_bound(KeyView{kind, {}}); at != map_.end() && at->first.kind == kind;
         ++at)
        if (at->second.item.value) items.push_back(&at->second.item);
    return items;
}

std::vector<Earlier> Registers::history(KeyView key) const {
    std::vector<Earlier> all;
    const auto at = map_.find(key);
    if (at == map_.end()) return all;
    // A value was lost if one that decided over it had not seen it: its version is no higher.
    std::uint64_t lowest = at->second.item.version;
    for (const Item& item : at->second.earlier) {
        all.push_back({item, lowest <= item.version});
        lowest = std::min(lowest, item.version);
    }
    return all;
}

std::uint64_t Registers::hash() const noexcept {
    return hash64({reinterpret_cast<const char*>(hashes_.data()), sizeof hashes_}, 4);
}

}  // namespace anode::state
