#pragma once

#include <cstdint>
#include <string_view>

#include "core/expr/node.hpp"

/// The functions of the compiled subset, and jq's others, which are refused by name.
namespace anode::expr {

struct Builtin {
    std::string_view name;
    std::uint8_t arguments;
    Function function;
    std::uint8_t generators = 0;  ///< a bit for each argument that may have several results
    std::uint16_t kinds = 0;      ///< of Function::OfKind
};

/// The function of this name and number of arguments, or null.
const Builtin* find_builtin(std::string_view name, std::size_t arguments) noexcept;
/// Whether the subset has a function of this name with any number of arguments.
bool is_builtin(std::string_view name) noexcept;
/// Whether jq has this word though the subset has not.
bool is_jq_only(std::string_view name) noexcept;
/// The name of the subset nearest to `name`, or empty.
std::string_view nearest_builtin(std::string_view name);

}  // namespace anode::expr
