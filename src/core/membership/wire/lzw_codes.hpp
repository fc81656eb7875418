#pragma once

#include <cstdint>

/// The numbers both directions of LZW share. Source: memberlist protocol, section 11.
namespace anode::membership::wire::lzw {

inline constexpr std::uint32_t kClear = 256;
inline constexpr std::uint32_t kEnd = 257;
inline constexpr unsigned kWidthMin = 9;
inline constexpr unsigned kWidthMax = 12;
inline constexpr std::uint32_t kLimitMin = 1U
                                           << kWidthMin;  ///< here the next code is one bit wider
inline constexpr std::uint32_t kTableMax = 1U << kWidthMax;

}  // namespace anode::membership::wire::lzw
