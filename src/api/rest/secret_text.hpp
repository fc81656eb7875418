#pragma once

#include <string>
#include <string_view>

/// Secrets that we hand out, and what is kept of them.
namespace anode::api::rest {

/// Random bytes as base64url without padding.
std::string random_text(std::size_t raw_bytes);
std::string sha256_hex(std::string_view bytes);
/// Equal, in a time that tells nothing of where they differ.
bool same_text(std::string_view a, std::string_view b);
/// Tells one version of a record from another.
std::string fingerprint_of(std::string_view record);

}  // namespace anode::api::rest
