#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

/// Conversions between values and their text. All pure; none throws on bad input.
namespace anode::text {

// -- base64, hex, percent ------------------------------------------------------------------------

std::string base64(BytesView bytes);     ///< RFC 4648 §4, padded
std::string base64url(BytesView bytes);  ///< RFC 4648 §5, without padding
void append_base64(std::string& out, BytesView bytes);
void append_base64url(std::string& out, BytesView bytes);
std::optional<Bytes> from_base64(std::string_view text);  ///< strict: alphabet, padding, zero bits
std::optional<Bytes> from_base64url(std::string_view text);  ///< strict, without padding
std::string hex(BytesView bytes);                            ///< lower case
std::optional<Bytes> from_hex(std::string_view text);

/// `%XX` for everything but RFC 3986 unreserved characters.
std::string percent_encode(std::string_view text);
/// The same for the value of a query parameter: `/ : @ ,` stay as they are, as RFC 3986 §3.4 allows and feeds write them.
std::string percent_encode_query(std::string_view text);
/// Empty if a `%` is not followed by two hex digits. `plus_is_space` for form queries.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// -- time ----------------------------------------------------------------------------------------

/// `2026-11-24T16:20:06.123456Z`; always six digits and Z.
std::string rfc3339(WallTime micros);
/// RFC 3339 with any offset and 0–9 fraction digits, as microseconds.
std::optional<WallTime> parse_rfc3339(std::string_view text);
/// `Tue, 24 Nov 2026 16:20:06 GMT` (RFC 9110 IMF-fixdate), also the two obsolete forms, as microseconds.
std::optional<WallTime> parse_http_date(std::string_view text);
std::string http_date(WallTime micros);

/// `250ms 5s 2h 30d`, also `us ns m`; a number without unit is refused (but `0`). No sign.
std::optional<Duration> parse_duration(std::string_view text);
/// The shortest exact form: `250ms`, `5s`, `2h`, `30d`.
std::string duration(Duration value);

// -- sizes, numbers ------------------------------------------------------------------------------

/// `64KiB 1GiB 500B 10MB`, a bare number is bytes.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size(std::uint64_t bytes);  ///< the shortest exact form in binary units

std::optional<std::uint64_t> parse_u64(std::string_view text);  ///< digits only, whole text
std::optional<std::int64_t> parse_i64(std::string_view text);
std::optional<double> parse_double(std::string_view text);
void append_u64(std::string& out, std::uint64_t value);
void append_i64(std::string& out, std::int64_t value);

// -- JSON text -----------------------------------------------------------------------------------

/// Appends `text` as a JSON string with quotes; invalid UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

/// Control and bidirectional characters made visible (`\x1b`, `\u202e`), for logs and terminals.
std::string printable(std::string_view text);

// -- words ---------------------------------------------------------------------------------------

std::string_view trim(std::string_view text);  ///< ASCII white space at both ends
std::vector<std::string_view> split(std::string_view text, char separator);
std::string lower(std::string_view text);              ///< ASCII
bool iequals(std::string_view a, std::string_view b);  ///< ASCII, case aside
bool is_utf8(std::string_view text);  ///< RFC 3629: no overlong forms, no surrogates

/// The candidate nearest to `word` (Damerau-Levenshtein ≤ 1 + length / 3), or empty.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// `128 bits as 26 characters of Crockford base32`, high word first.
void append_crockford128(std::string& out, std::uint64_t high, std::uint64_t low);
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_crockford128(std::string_view text);

}  // namespace anode::text
