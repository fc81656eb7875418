#pragma once

#include <optional>
#include <string_view>

#include "base/time.hpp"
#include "core/source/definition_shape.hpp"

namespace anode::source {

/// The source's own time, from any text that feeds use: whole or fractional numbers, hexadecimal, RFC 3339 and its
/// forms without seconds or zone (then UTC). `Auto` tells numbers by their size: seconds up to the year 5138.
std::optional<WallTime> parse_source_time(std::string_view text, TimeUnit unit);

}  // namespace anode::source
