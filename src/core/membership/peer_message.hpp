#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "core/membership/input.hpp"

/// What nodes of ours tell each other in user messages by stream, beside what memberlist itself knows.
/// Shape:   magic `A0 6E 4B 52`, version 1, kind u8 (1 key request, 2 key answer, 3 forget), then integers big-endian and
///          text with a length byte. Bytes after it belong to later versions and are ignored.
/// Every payload with another beginning belongs to the application.
namespace anode::membership {

struct PeerKeyRequest {
    std::uint64_t id = 0;
    std::string reply_to;  ///< the asking node's name
    KeyOp op = KeyOp::List;
    Bytes key;                ///< Install
    std::string fingerprint;  ///< Use, Remove
};
struct PeerKeyAnswer {
    std::uint64_t id = 0;
    std::string from;
    std::string error;                      ///< empty: done
    std::vector<std::string> fingerprints;  ///< as they are afterwards, primary first
};
struct PeerForget {
    std::string name;
};
using PeerMessage = std::variant<PeerKeyRequest, PeerKeyAnswer, PeerForget>;

[[nodiscard]] Bytes encode(const PeerMessage& message);
/// Whether decode_peer_message() is the one to read this.
[[nodiscard]] bool is_peer_message(BytesView payload) noexcept;
/// Errors: Malformed, Unsupported (version, kind).
Result<PeerMessage> decode_peer_message(BytesView payload);

}  // namespace anode::membership
