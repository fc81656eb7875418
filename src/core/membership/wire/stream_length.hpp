#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "core/membership/wire/msgpack.hpp"

namespace anode::membership::wire {

/// Finds where a clear stream's content ends, while it comes. What was looked at once is not looked at again, so a slow
/// sender costs no more than a fast one.
class StreamLength {
public:
    /// `content`: all that has come of it, type byte first. True: the whole message stands in it.
    /// Errors: Malformed, TooDeep, TooLarge (would pass `bytes_max`), Unsupported (no type of a stream).
    Result<bool> whole(BytesView content, std::uint64_t bytes_max);
    /// Where the message ends, once it is whole.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return at_ + tail_; }

private:
    Result<bool> begin(BytesView header);
    /// Goes on in the value at at_. True: it is whole.
    Result<bool> value(BytesView content, std::uint64_t bytes_max);

    msgpack::Walk walk_;
    std::uint64_t at_ = 1;    ///< of the value that is being walked
    std::uint64_t left_ = 1;  ///< values still to come; the first is the header
    std::uint64_t tail_ = 0;  ///< raw bytes after the last value
    std::uint8_t type_ = 0;
    bool begun_ = false;
};

}  // namespace anode::membership::wire
