#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/expr/expr.hpp"
#include "core/json/json.hpp"
#include "core/source/definition_shape.hpp"

/// Finding rows in frames, and building those that do not stand there as they are. Only for this folder.
namespace anode::source {

struct Collected {
    std::size_t cut = 0;   ///< rows beyond the limit
    bool reached = false;  ///< something stands at the end of the path, be it an empty list or null
    bool odd = false;      ///< a text, number or truth value stands where rows were expected
};
enum class Ends : std::uint8_t {
    Rows,        ///< objects and elements of arrays
    Positional,  ///< the same, but an array of single values is itself a row
    Values,      ///< single values too
};
/// Appends what `path` finds, exploding arrays on the way and at its end: `data.trades` over a list of data yields all
/// trades of all. An object where an array was expected is one row; null is none. Stops at `max`.
Collected collect(const expr::Path& path, Ends ends, const json::Value& from,
                  std::vector<json::Value>& out, std::size_t max = SIZE_MAX);

/// Appends the object that `columns` make of a positional row. False if the row is no array.
bool append_columns(std::string& out, const std::vector<std::string>& names,
                    const json::Value& row);

/// Appends one array of objects made of parallel arrays: members that are no arrays are left out, a shorter array ends
/// in nulls. False if `table` holds no array.
bool append_parallel(std::string& out, const json::Value& table, std::size_t rows_max,
                     std::size_t& rows_cut);

}  // namespace anode::source
