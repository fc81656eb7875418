#pragma once

#include <array>
#include <optional>
#include <span>

#include "core/state/item.hpp"
#include "core/state/registers.hpp"

/// Bodies of the frames 40, 41 and 42 that neighbours compare and complete their maps with. Each begins with a format byte.
/// Errors:  nothing is decoded in part; a count is checked against the bytes that are there before anything is allocated.
namespace anode::state::frames {

inline constexpr std::uint8_t kRoot = 40, kBucket = 41, kDelta = 42;
inline constexpr std::size_t kPartBytes = 128u << 10;  ///< a frame is cut once it is longer

/// The hashes of all buckets.
struct Root {
    bool ask = false;  ///< the other side is to answer with its own
    Registers::Buckets hashes{};
};
/// What one side has of a register.
struct Have {
    std::string_view kind, key;
    Stamp stamp;
    std::uint64_t print = 0;
    bool revoked = false;
};
/// All that one side has of a bucket between two names, in their order; or, as `want`, the names of what it asks for.
struct Bucket {
    bool want = false;
    std::uint8_t bucket = 0;
    std::optional<KeyView> after, up_to;  ///< none: from the first, to the last
    std::vector<Have> have;
};

[[nodiscard]] Bytes encode(const Root& root);
[[nodiscard]] Bytes encode(const Bucket& bucket);
[[nodiscard]] Bytes encode_delta(std::span<const Item* const> items);

[[nodiscard]] std::optional<Root> decode_root(BytesView body);
/// Views into `body`.
[[nodiscard]] std::optional<Bucket> decode_bucket(BytesView body);
/// The entries in it, still encoded.
[[nodiscard]] std::optional<std::vector<BytesView>> decode_delta(BytesView body);

}  // namespace anode::state::frames
