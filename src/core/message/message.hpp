#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"
#include "core/message/hlc.hpp"

namespace anode {

enum class Kind : std::uint8_t { Set, Delete, Retract, Snapshot };
std::string_view name(Kind kind) noexcept;
std::optional<Kind> parse_kind(std::string_view text) noexcept;

/// What a message is marked with (`flags` of the envelope).
namespace flag {
inline constexpr std::uint8_t kBackfill = 1, kLate = 2, kReplay = 4, kPartitioned = 8, kRepeat = 16;
/// The content id tells a state that may come back, not an event that happens once. Between nodes only, not named.
inline constexpr std::uint8_t kState = 32;
}  // namespace flag

inline constexpr std::size_t kPayloadBytesMax = 1 << 20;

/// A message before it has its place in a log. All views belong to the caller and end with the call they are given to.
struct Draft {
    std::string_view topic;
    std::string_view source = "api";
    BytesView payload;  ///< compact, valid JSON if `content_type` is empty, else any bytes
    std::string_view content_type;  ///< empty: JSON
    std::string_view key;           ///< empty: none
    Kind kind = Kind::Set;
    std::uint8_t flags = 0;
    std::optional<WallTime> source_time;  ///< `sts`
    std::optional<Hash128> cid;           ///< content id, where repeats are removed
    BytesView source_position;  ///< where the source stands after this message (resume), opaque
    std::string_view trace;     ///< W3C traceparent, if known
};

/// A message in its place. Views into the block it came from, valid as long as that block.
struct Entry {
    Seq seq = 0;
    Arrival arrival;
    Hlc hlc;
    std::string_view topic;
    std::string_view source;
    BytesView payload;
    std::string_view content_type;
    std::string_view key;
    Kind kind = Kind::Set;
    std::uint8_t flags = 0;
    std::optional<WallTime> source_time;
    std::optional<Hash128> cid;
    BytesView source_position;
    std::string_view trace;
    std::uint32_t topic_index = 0;  ///< into Block::topics()

    [[nodiscard]] WallTime ts() const noexcept { return hlc.micros(); }
    [[nodiscard]] MessageId id(const NodeId& node) const noexcept {
        return {hlc.value, static_cast<std::uint64_t>(node.number()) << 32 | (seq & 0xffffffff)};
    }
};

}  // namespace anode
