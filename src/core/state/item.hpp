#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "core/state/state.hpp"

/// What registers are made of: their names, their order, their bytes.
namespace anode::state {

inline constexpr std::size_t kKindMax = 32, kKeyMax = 256;

/// The name of a register. Ordered by kind, then key.
struct Key {
    std::string kind, key;
    friend auto operator<=>(const Key&, const Key&) = default;
};
using KeyView = std::pair<std::string_view, std::string_view>;
inline KeyView view(const Key& key) noexcept { return {key.kind, key.key}; }
inline KeyView view(const Item& item) noexcept { return {item.kind, item.key}; }

/// Lets a map be searched without making a Key.
struct KeyLess {
    using is_transparent = void;
    bool operator()(const Key& a, const Key& b) const noexcept { return view(a) < view(b); }
    bool operator()(const Key& a, KeyView b) const noexcept { return view(a) < b; }
    bool operator()(KeyView a, const Key& b) const noexcept { return a < view(b); }
};

/// Which of two values of one register decides: time, node, hash of the value; what still ties is settled by content, so
/// that no two different values are ever equal. The revoked flag takes no part: it is merged by itself.
[[nodiscard]] std::strong_ordering order(const Item& a, const Item& b) noexcept;

/// One format for entries of the system lane, deltas and records: format u8, flags u8, kind, key, version, hlc, node, value.
[[nodiscard]] Bytes encode(const Item& item);
/// Errors:  Unsupported (a format we do not know), TooLarge, Malformed.
[[nodiscard]] Result<Item> decode(BytesView bytes, std::size_t value_max);

/// Of everything that nodes must agree on, the flag included.
[[nodiscard]] std::uint64_t fingerprint(const Item& item);
[[nodiscard]] std::uint8_t bucket_of(KeyView key) noexcept;
/// What an item counts against the limit of bytes.
[[nodiscard]] std::size_t weight(const Item& item) noexcept;
/// Where a record of this item is kept: each value of a register has a place of its own, the current one and the earlier.
[[nodiscard]] std::string record_key(const Item& item);

}  // namespace anode::state
