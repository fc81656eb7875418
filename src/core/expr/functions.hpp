#pragma once

#include "core/expr/machine.hpp"
#include "core/expr/node.hpp"

/// Built-in functions of scalars, apart from those of containers and of control.
namespace anode::expr {

inline bool is_string(const Val& value) noexcept { return value.kind() == json::Type::String; }

Status to_number(Machine& machine, const Val& input, Val& out);
Status of_number(Machine& machine, Function function, const Val& input, Val& out);
Status change_case(Machine& machine, const Val& input, bool up, Val& out);
Status text_pair(Machine& machine, Function function, const Val& input, const Val& argument,
                 Val& out);
Status join(Machine& machine, const Val& input, const Val& separator, Val& out);
Status test(Machine& machine, const Node& node, const Val& input, Val& out);
Status length(Machine& machine, const Val& input, Val& out);
Status byte_length(Machine& machine, const Val& input, Val& out);
Status as_text(Machine& machine, const Val& input, bool json, Val& out);

}  // namespace anode::expr
