#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

/// GIF-style LZW, least significant bit first, 8-bit literals, codes of 9 to 12 bits, end code required.
/// Source: memberlist protocol, section 11; Welch, "A Technique for High-Performance Data Compression", 1984.
namespace anode::membership::wire {

/// Appends; gives up early (false, nothing appended) once the result would reach `bytes_max`.
bool lzw_encode(BytesView plain, Bytes& out, std::size_t bytes_max = SIZE_MAX);
/// Appends. Errors: Truncated (no end code), Malformed (code that cannot be), TooLarge (more than `bytes_max`).
Result<void> lzw_decode(BytesView coded, std::size_t bytes_max, Bytes& out);

}  // namespace anode::membership::wire
