#pragma once

#include <cstdint>
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

/// Appends entry `index` of `block`; no line end. `store` tags the cursor. `extra_flags` are added to the message's own.
/// Format::Data appends the bare payload (binary payloads as they are).
void append_message(Bytes& out, const Block& block, std::uint32_t index, std::uint32_t store,
                    const EnvelopeStyle& style, std::uint8_t extra_flags = 0);

}  // namespace anode
