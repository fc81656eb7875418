#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

/// The layer of type 9, `{Algo: 0, Buf}`. Source: memberlist protocol, section 11.
namespace anode::membership::wire {

/// Appends `plain` as a whole compressed message if that is shorter than it; else appends nothing.
/// `scratch` is reused.
bool append_compressed(BytesView plain, Bytes& scratch, Bytes& out);

/// Appends what is inside. `body` follows the type byte; bytes after it are ignored.
/// Errors: as the codec's and lzw_decode's; Unsupported (another algorithm), Truncated (nothing inside).
Result<void> inflate(BytesView body, std::size_t bytes_max, Bytes& out);

}  // namespace anode::membership::wire
