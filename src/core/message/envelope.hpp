#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "core/message/block.hpp"
#include "core/message/cursor.hpp"

/// A message as listeners get it: one JSON object on one line. Source: interfaces, section 4.
namespace anode {

enum class Format : std::uint8_t { Envelope, Data, CloudEvents };

struct EnvelopeStyle {
    Format format = Format::Envelope;
    bool provenance = false;  ///< `fields=prov`
    friend bool operator==(const EnvelopeStyle&, const EnvelopeStyle&) = default;
};

/// The watermark of a message's cursor lies this far before its own time: long enough for what other nodes took in
/// earlier to arrive, short enough for a resume elsewhere to repeat only seconds.
inline constexpr WallTime kCursorSlack = 5'000'000;

/// Appends entry `index` of `block`; no line end. `store` tags the cursor. `extra_flags` are added to the message's own.
/// Format::Data appends the bare payload (binary payloads as they are).
/// `watermark_max` bounds the cursor's watermark: below it everything was delivered here. Give it while an origin is
/// out of reach for longer than kCursorSlack, and the same for every listener.
void append_message(Bytes& out, const Block& block, std::uint32_t index, std::uint32_t store,
                    const EnvelopeStyle& style, std::uint8_t extra_flags = 0,
                    WallTime watermark_max = std::numeric_limits<WallTime>::max());

}  // namespace anode
