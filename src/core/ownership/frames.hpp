#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.hpp"

/// Bodies of the frames 50, 51 and 52 of a hand-over (dissemination, section 7.4). They begin with a format byte.
namespace anode::ownership::frames {

inline constexpr std::uint8_t kRequest = 50, kReady = 51, kRelease = 52;
inline constexpr std::size_t kSourceMax = 256, kPositionMax = 64u << 10;

struct HandOver {
    std::string_view source;
    std::uint64_t term = 0;     ///< of the owner that is to hand over
    bool granted = true;        ///< Release: false if the owner keeps the source
    std::string_view position;  ///< Release: where the stream ended
};
[[nodiscard]] Bytes encode(const HandOver& frame);
[[nodiscard]] std::optional<HandOver> decode(BytesView body);

}  // namespace anode::ownership::frames
