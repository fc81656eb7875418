#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/bytes.hpp"

/// Writers for hot paths: they fill room the caller has measured and return one past their last
/// byte. Nothing is checked, nothing allocated.
namespace anode::text {

inline char* put(char* at, std::string_view text) noexcept {
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

char* put_u64(char* at, std::uint64_t value) noexcept;                ///< at most 20 bytes
char* put_i64(char* at, std::int64_t value) noexcept;                 ///< at most 20 bytes
char* put_hex(char* at, BytesView bytes) noexcept;                    ///< 2 a byte
char* put_base64(char* at, BytesView bytes) noexcept;                 ///< (n + 2) / 3 * 4
char* put_base64url(char* at, BytesView bytes) noexcept;              ///< at most as many
char* put_percent_encoded(char* at, std::string_view text) noexcept;  ///< at most 3 a byte
char* put_crockford128(char* at, std::uint64_t high, std::uint64_t low) noexcept;  ///< 26
char* put_rfc3339(char* at, std::int64_t micros) noexcept;                         ///< 27
/// With quotes; at most 6 a byte and 2.
char* put_json_string(char* at, std::string_view text) noexcept;

}  // namespace anode::text
