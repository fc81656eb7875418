#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// Passwords of people, as they are kept: Argon2id, 46 MiB, one pass. At most two are computed at once, so that signing in
/// cannot use up a node's memory. A computation takes tens of milliseconds: for workers only.
/// Thread: any. Source: RFC 9106; OWASP password storage.
namespace anode::api::rest::password {

inline constexpr std::size_t kBytesMin = 10, kBytesMax = 1024;

/// What is kept of a password. Errors: Overloaded (two are computed already).
Result<std::string> digest(std::string_view password);
/// Whether a digest is of this password. Errors: Overloaded.
Result<bool> matches(const std::string& digest, std::string_view password);
/// A digest no password has: compared where there is nobody of a name, so that this takes as long.
const std::string& of_nobody();

}  // namespace anode::api::rest::password
