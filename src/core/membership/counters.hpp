#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace anode::membership {

/// Why input was thrown away. Each is counted; the first of each source address also makes a Notice.
enum class Drop : std::uint8_t {
    Empty,
    Label,
    Clear,
    Sealed,
    Key,
    Crc,
    Compression,
    Compound,
    Depth,
    Type,
    Truncated,
    Malformed,
    TooLarge,
    Name,
    Address,
    Meta,
    Versions,
    Incarnation,
    Target,
    Filter,
    Full,
    Rate,
    Stale,
    Unknown,
};
inline constexpr std::size_t kDrops = 24;
[[nodiscard]] std::string_view name_of(Drop reason) noexcept;

/// What a node did, as plain numbers that only rise (except the last three).
struct Counters {
    std::uint64_t packets_in = 0, packets_out = 0, bytes_in = 0, bytes_out = 0;
    std::uint64_t streams_in = 0, streams_out = 0, stream_bytes_in = 0, stream_bytes_out = 0;
    std::uint64_t probes = 0, probe_failures = 0, indirect_probes = 0, stream_probes = 0;
    std::uint64_t suspicions = 0, refutations = 0, deaths = 0, conflicts = 0;
    std::uint64_t push_pulls = 0, push_pull_failures = 0, joins = 0;
    std::uint64_t decrypt_errors = 0;
    std::uint64_t stalls =
        0;  ///< pauses of our own that were noticed and not taken for silence of others
    std::array<std::uint64_t, kDrops> dropped{};
    std::uint32_t health_score = 0;  ///< awareness: 0 is well
    std::uint32_t queue = 0;         ///< messages waiting to be gossiped
    std::uint32_t streams_open = 0;
};

}  // namespace anode::membership
