#pragma once

#include "core/expr/machine.hpp"
#include "core/expr/node.hpp"

namespace anode::expr {

/// `+ - * / %` of jq: numbers are doubles, `+` also joins strings, arrays and objects, `-` takes elements away, `*` repeats
/// strings and merges objects in depth, `/` splits strings.
Status arithmetic(Machine& machine, Op op, const Val& a, const Val& b, Val& out);
Status split(Machine& machine, std::string_view text, std::string_view separator, Val& out);

}  // namespace anode::expr
