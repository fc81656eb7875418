#include "core/state/absence.hpp"

#include <algorithm>

#include "base/varint.hpp"

namespace anode::state {

namespace {

constexpr char kMetFormat = '\x7f';  ///< no format of an item
constexpr std::string_view kMetKey = "$met";
constexpr Duration kMargin = 24h;

std::optional<WallTime> met_in(BytesView record) {
    ByteReader reader(record);
    const auto format = reader.le<std::uint8_t>();
    const auto at = reader.le<std::uint64_t>();
    if (!at || *format != static_cast<std::uint8_t>(kMetFormat) || !reader.at_end())
        return std::nullopt;
    return static_cast<WallTime>(*at);
}

}  // namespace

bool Absence::restore(Shared& s, const Restore& from) {
    std::vector<Item> items;
    for (const Bytes& record : from.records) {
        if (const auto met = met_in(record)) {
            met_at_ = met;
            continue;
        }
        auto item = decode(record, std::max(s.limits.value_max, record.size()));
        if (item)
            items.push_back(std::move(*item));
        else
            s.malformed(s.self, item.error().what);
    }
    in_sync_at_ = std::max(from.in_sync_at, met_at_.value_or(0));
    const Duration away = std::chrono::microseconds(s.now.wall - in_sync_at_);
    on_ = met_at_ && !items.empty() && away > s.limits.tombstone - kMargin;
    for (const Item& item : items)
        if (item.stamp.node == s.self) s.last = std::max(s.last, item.stamp.hlc);
    for (Item& item : items) {
        if (on_)
            held_.push_back(std::move(item));
        else
            s.take_in(std::move(item));
    }
    return on_;
}

void Absence::meet(Shared& s) {
    if (met_at_) return;
    met_at_ = s.now.wall;
    Bytes record(1, kMetFormat);
    put_le(record, static_cast<std::uint64_t>(s.now.wall));
    s.out->push_back(Persist{std::string(kMetKey), std::move(record)});
}

std::vector<Item> Absence::end(Shared& s, bool keep_local, bool alone) {
    on_ = false;
    std::vector<Item> again;
    std::vector<Item> held = std::move(held_);
    held_.clear();
    if (keep_local && alone) {
        for (Item& item : held) s.take_in(std::move(item));
        return again;
    }
    std::ranges::sort(held, [](const Item& a, const Item& b) {
        return view(a) != view(b) ? view(a) < view(b) : order(a, b) > 0;
    });
    for (std::size_t i = 0; i < held.size(); ++i) {
        Item& item = held[i];
        const bool current = i == 0 || view(held[i - 1]) != view(item);
        const bool ours = item.stamp.node == s.self && item.stamp.hlc >= Hlc::at(in_sync_at_);
        const Item* now = s.registers.find(view(item));
        if (!now || order(*now, item) != 0)
            s.out->push_back(Persist{record_key(item), std::nullopt});
        if (keep_local && current && ours) again.push_back(item);
    }
    return again;
}

}  // namespace anode::state
