#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.hpp"

namespace anode::codec {

/// Cuts NDJSON into lines, over whatever chunks it arrives in. Lines end with LF; one CR before it
/// is not part of them; empty lines (heartbeats) are passed over. Views live until the next call,
/// and while the input lives. Thread: one owner. Limit: `line_bytes_max`; a longer line fails the
/// whole stream, since its end is unknown.
class LineSplitter {
public:
    explicit LineSplitter(std::size_t line_bytes_max = 16U << 20)
        : line_bytes_max_(line_bytes_max) {}

    /// The next line in `input`, which shrinks by what was used; nothing, once it is used up or
    /// failed().
    [[nodiscard]] std::optional<BytesView> next(BytesView& input);
    /// The stream ended: its last line, if that had no LF.
    [[nodiscard]] std::optional<BytesView> finish();
    /// A line passed the limit; nothing more comes.
    [[nodiscard]] bool failed() const noexcept { return failed_; }

private:
    std::optional<BytesView> shown(BytesView line) noexcept;

    std::size_t line_bytes_max_;
    Bytes partial_;
    bool taken_ = false;  ///< partial_ was handed out and goes at the next call
    bool failed_ = false;
};

}  // namespace anode::codec
