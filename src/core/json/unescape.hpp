#pragma once

#include <string>
#include <string_view>

namespace anode::json {

/// Appends the characters a string stands for. `inner` is a valid JSON string without its quotes. A surrogate escape
/// without its other half becomes U+FFFD: such text has no meaning in UTF-8 (RFC 8259, section 8.2).
void append_unescaped(std::string& out, std::string_view inner);

/// The double nearest to a number of the JSON grammar; beyond the range the largest finite one, as jq has it.
double nearest_double(std::string_view number) noexcept;

}  // namespace anode::json
