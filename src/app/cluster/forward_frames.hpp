#pragma once

#include <cstdint>
#include <optional>

#include "api/forward_door.hpp"
#include "base/bytes.hpp"

/// The frames of forwarded requests, as they pass over the mesh. Whatever a peer sends is checked here.
/// Shape:  request  varint id, then the request
///         answer   varint id, one byte (1: the last piece), then a piece; joined, the pieces are the answer
///         cancel   varint id: the asker waits no longer
///         more     varint bytes: the asker has taken so much of answers
namespace anode::app::forward_frames {

inline constexpr std::uint8_t kRequest = 60, kAnswer = 61, kCancel = 62, kMore = 63;

Bytes encode_request(std::uint64_t id, const api::ForwardedRequest& request);
struct Asked {
    std::uint64_t id = 0;
    std::optional<api::ForwardedRequest>
        request;  ///< none: the id could be read, the rest could not
};
std::optional<Asked> decode_request(BytesView body);

Bytes encode_answer(const api::ForwardedAnswer& answer);
std::optional<api::ForwardedAnswer> decode_answer(BytesView joined);

Bytes encode_piece(std::uint64_t id, bool last, BytesView piece);
struct Piece {
    std::uint64_t id = 0;
    bool last = false;
    BytesView bytes;
};
std::optional<Piece> decode_piece(BytesView body);

/// Of `cancel` and `more`.
Bytes encode_number(std::uint64_t number);
std::optional<std::uint64_t> decode_number(BytesView body);

}  // namespace anode::app::forward_frames
