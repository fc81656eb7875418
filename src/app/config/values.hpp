#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/config/keys.hpp"
#include "app/config/toml.hpp"

namespace anode::app {

/// Why a value does not fit its key, and which part of it is meant (an element of a list).
struct ValueFault {
    std::string detail;
    Spot spot;
};

/// Checks a value against its key's row.
std::optional<ValueFault> check_value(const KeyRow& row, const TomlNode& value);
/// Reads a value as the environment and `--set` write it: lists with commas or as JSON, strings without quotes.
/// Nothing if it cannot be that kind at all.
std::optional<TomlNode> value_from_text(const KeyRow& row, std::string_view text);

/// `2.5.4` as [min, max, current]: numbers up to 255, the last one between the others.
std::optional<std::array<std::uint8_t, 3>> parse_versions(std::string_view text);

}  // namespace anode::app
