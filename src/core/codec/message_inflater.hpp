#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace anode::ws {

/// Inflates the messages of one connection, piece by piece. A part of Decoder.
/// Memory: about 7 KiB, and a window of up to 32 KiB once data refers far back.
class MessageInflater {
public:
    MessageInflater();
    ~MessageInflater();
    MessageInflater(const MessageInflater&) = delete;
    MessageInflater& operator=(const MessageInflater&) = delete;

    struct Limits {
        std::uint64_t bytes_max;
        std::uint32_t ratio_max;
    };
    /// Appends what `piece` yields. Errors: TooLarge, Malformed.
    [[nodiscard]] Result<void> feed(BytesView piece, const Limits& limits, Bytes& out);
    /// The message is complete. The next one may refer back to it if `keep_context`.
    [[nodiscard]] Result<void> end_message(bool keep_context, const Limits& limits, Bytes& out);

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
    std::uint64_t in_ = 0;  ///< of this message
    bool at_end_ = false;   ///< the last block said that it is the last; another one may follow
};

}  // namespace anode::ws
