#include "core/state/shared.hpp"

#include <algorithm>

namespace anode::state {

namespace {
constexpr std::size_t kToldMax = 1'024;
}

bool Shared::fits(const Item& item) const {
    const Item* held = registers.find(view(item));
    if (!held && registers.keys() >= limits.keys_max + limits.keys_max / 4) return false;
    const std::size_t before = held ? weight(*held) : 0, after = weight(item);
    return after <= before ||
           registers.bytes() - before + after <= limits.bytes_max + limits.bytes_max / 4;
}

bool Shared::apply(Item item) {
    last = std::max(last, item.stamp.hlc);
    const KeyView key = view(item);
    const Key name{std::string(key.first), std::string(key.second)};
    const std::string record = record_key(item);
    const auto merged = registers.merge(std::move(item), *out);
    if (merged == Registers::Merged::Ignored) out->push_back(Persist{record, std::nullopt});
    if (merged != Registers::Merged::Changed) return false;
    out->push_back(Changed{*registers.find(view(name)), false});
    return true;
}

bool Shared::take_in(Item item) {
    if (!registers.find(view(item)) && registers.expired(item, now.wall)) {
        ++counters.out_of_time;
        return false;
    }
    // A clock that was set back does not put aside what lies below stamps we have given or applied.
    if (item.stamp.hlc <= last || item.stamp.hlc.millis() <= millis_max())
        return apply(std::move(item));
    out->push_back(Persist{record_key(item), encode(item)});
    if (const auto dropped = quarantine.put(std::move(item))) {
        ++counters.quarantine_full;
        out->push_back(Persist{record_key(*dropped), std::nullopt});
    }
    return false;
}

bool Shared::take_in(BytesView entry, const NodeId& from) {
    auto item = decode(entry, limits.value_max);
    if (!item) {
        malformed(from, item.error().what);
        return false;
    }
    if (!fits(*item)) {
        if (counters.over_limit++ == 0)
            out->push_back(Notice{"state limit passed: values of others are refused", from,
                                  item->kind + "/" + item->key});
        return false;
    }
    return take_in(std::move(*item));
}

bool Shared::release() {
    bool changed = false;
    while (auto item = quarantine.take(millis_max())) changed = apply(std::move(*item)) || changed;
    return changed;
}

void Shared::malformed(const NodeId& from, std::string detail) {
    ++counters.malformed;
    if (told.size() >= kToldMax || !told.insert(from).second) return;
    out->push_back(Notice{"malformed state from a peer", from, std::move(detail)});
}

}  // namespace anode::state
