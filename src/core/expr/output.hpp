#pragma once

#include <string>

#include "core/expr/machine.hpp"

/// Values as text.
namespace anode::expr {

/// Appends compact JSON; what was only selected is copied as it stands.
Status append_json(Machine& machine, const Val& value, Bytes& out);
/// jq's `tostring`: a string as it is, anything else as JSON.
Status to_text(Machine& machine, const Val& value, std::string_view& out);
/// `string ("abc")`: a value as jq's errors show it, shortened.
std::string shown(const Val& value);

}  // namespace anode::expr
