#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace anode::membership::wire {

/// CRC-32 of IEEE 802.3, as zlib and Ethernet compute it. Of "123456789" it is CBF43926.
[[nodiscard]] std::uint32_t crc32(BytesView bytes) noexcept;

}  // namespace anode::membership::wire
