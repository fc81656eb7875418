#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "core/codec/http.hpp"

/// What request and response heads have in common. A part of the HTTP parser.
namespace anode::http::rules {

/// A character of a token: method, header name (RFC 9110, section 5.6.2).
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// Collects the bytes of a head. `buffer` ends with the empty line when this is Done.
Progress collect(BytesView& input, Bytes& buffer, std::size_t& lines, const Limits& limits,
                 Refusal& refusal);

/// Takes the first line off `head`, which holds whole lines.
[[nodiscard]] BytesView take_line(BytesView& head) noexcept;

/// Reads the header lines of a complete head.
[[nodiscard]] std::expected<Headers, Refusal> read_headers(BytesView lines);

struct Body {
    Framing framing = Framing::None;
    std::uint64_t length = 0;
};
/// How the headers frame a body; None without a word about it.
[[nodiscard]] std::expected<Body, Refusal> read_framing(const Headers& headers, int minor_version);

}  // namespace anode::http::rules
