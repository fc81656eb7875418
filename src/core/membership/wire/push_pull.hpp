#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "core/membership/wire/msgpack.hpp"

/// What stands before the variable parts of a stream message. Source: memberlist protocol, sections 2.5 and 3.4.
namespace anode::membership::wire {

inline constexpr std::uint64_t kNodesMax = 1'048'576;
inline constexpr std::uint64_t kUserBytesMax = 20U << 20;  ///< user state and user message

struct PushPullHeader {
    bool join = false;
    std::uint64_t nodes = 0;
    std::uint64_t user_bytes = 0;
};
/// Errors: as the codec's; TooLarge (more than the limits above), Malformed (negative).
Result<PushPullHeader> read_push_pull_header(msgpack::Reader& in);
/// How many bytes of a user message follow. Errors: the same.
Result<std::uint64_t> read_stream_user_header(msgpack::Reader& in);

}  // namespace anode::membership::wire
