#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/rest/answer.hpp"

/// From the body of a publish to the messages in it. Source: interfaces, section 8.
namespace anode::api::rest {

/// At most so many messages in one request, so that a body of tiny lines cannot take all memory.
inline constexpr std::size_t kBatchMax = 131'072;
inline constexpr std::size_t kKeyBytesMax = 1024;

/// A line (or element) of a batch that was not taken. Lines count from 1.
struct Rejected {
    std::uint64_t line = 0;
    std::string code;
    std::string detail;
};

/// What a body held.
struct Batch {
    std::vector<PublishItem> items;
    std::vector<Rejected> rejected;
    bool single = true;  ///< one payload, whose refusal refuses the request
};

/// Reads the body by its media type. The error is that of a request refused as a whole.
/// Thread: any; works in memory it keeps from call to call.
Read<Batch> read_batch(Request& request, std::string_view topic);

/// Whether this caller may publish there: 400 `bad-topic`, 403 `forbidden`.
std::optional<Problem> refuse_topic(const Caller& caller, std::string_view topic);

/// Compact JSON out of `text`, at most a payload's size. The error is bad-json, too-deep or too-large.
Read<Bytes> read_payload(std::string_view text);

}  // namespace anode::api::rest
