#include "core/expr/builtins.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.hpp"

namespace anode::expr {

namespace {

constexpr std::uint16_t bits(std::initializer_list<json::Type> types) {
    std::uint16_t all = 0;
    for (const json::Type type : types)
        all = static_cast<std::uint16_t>(all | 1U << static_cast<unsigned>(type));
    return all;
}

using F = Function;
using T = json::Type;
constexpr std::uint16_t kEvery = 0x7f;

constexpr std::array kBuiltins = {
    Builtin{"not", 0, F::Not},
    Builtin{"length", 0, F::Length},
    Builtin{"utf8bytelength", 0, F::ByteLength},
    Builtin{"tonumber", 0, F::ToNumber},
    Builtin{"tostring", 0, F::ToString},
    Builtin{"tojson", 0, F::ToJson},
    Builtin{"type", 0, F::Type},
    Builtin{"ascii_downcase", 0, F::Downcase},
    Builtin{"ascii_upcase", 0, F::Upcase},
    Builtin{"keys", 0, F::Keys},
    Builtin{"keys_unsorted", 0, F::KeysUnsorted},
    Builtin{"floor", 0, F::Floor},
    Builtin{"ceil", 0, F::Ceil},
    Builtin{"round", 0, F::Round},
    Builtin{"sqrt", 0, F::Sqrt},
    Builtin{"fabs", 0, F::Abs},
    Builtin{"abs", 0, F::Abs},
    Builtin{"isnan", 0, F::IsNan},
    Builtin{"isinfinite", 0, F::IsInfinite},
    Builtin{"min", 0, F::Min},
    Builtin{"max", 0, F::Max},
    Builtin{"add", 0, F::Sum},
    Builtin{"first", 0, F::First},
    Builtin{"last", 0, F::Last},
    Builtin{"reverse", 0, F::Reverse},
    Builtin{"sort", 0, F::Sort},
    Builtin{"unique", 0, F::Unique},
    Builtin{"empty", 0, F::Empty},
    Builtin{"error", 0, F::Fail},
    Builtin{"error", 1, F::FailWith},
    Builtin{"select", 1, F::Select},
    Builtin{"has", 1, F::Has},
    Builtin{"in", 1, F::In},
    Builtin{"contains", 1, F::Contains},
    Builtin{"inside", 1, F::Inside},
    Builtin{"startswith", 1, F::StartsWith},
    Builtin{"endswith", 1, F::EndsWith},
    Builtin{"ltrimstr", 1, F::LtrimStr},
    Builtin{"rtrimstr", 1, F::RtrimStr},
    Builtin{"split", 1, F::Split},
    Builtin{"join", 1, F::Join},
    Builtin{"test", 1, F::Test},
    Builtin{"test", 2, F::Test},
    Builtin{"any", 0, F::Any},
    Builtin{"any", 1, F::Any},
    Builtin{"any", 2, F::Any, 0b01},
    Builtin{"all", 0, F::All},
    Builtin{"all", 1, F::All},
    Builtin{"all", 2, F::All, 0b01},
    Builtin{"map", 1, F::Map, 0b01},
    Builtin{"first", 1, F::FirstOf, 0b01},
    Builtin{"values", 0, F::OfKind, 0, kEvery & ~bits({T::Null})},
    Builtin{"nulls", 0, F::OfKind, 0, bits({T::Null})},
    Builtin{"booleans", 0, F::OfKind, 0, bits({T::False, T::True})},
    Builtin{"numbers", 0, F::OfKind, 0, bits({T::Number})},
    Builtin{"strings", 0, F::OfKind, 0, bits({T::String})},
    Builtin{"arrays", 0, F::OfKind, 0, bits({T::Array})},
    Builtin{"objects", 0, F::OfKind, 0, bits({T::Object})},
    Builtin{"iterables", 0, F::OfKind, 0, bits({T::Array, T::Object})},
    Builtin{"scalars", 0, F::OfKind, 0, kEvery & ~bits({T::Array, T::Object})},
};

constexpr std::array kJqOnly = std::to_array<std::string_view>({"IN",
                                                                "INDEX",
                                                                "as",
                                                                "ascii",
                                                                "break",
                                                                "bsearch",
                                                                "builtins",
                                                                "capture",
                                                                "catch",
                                                                "combinations",
                                                                "date",
                                                                "dateadd",
                                                                "datesub",
                                                                "debug",
                                                                "def",
                                                                "del",
                                                                "delpaths",
                                                                "env",
                                                                "exp",
                                                                "exp10",
                                                                "exp2",
                                                                "explode",
                                                                "finites",
                                                                "flatten",
                                                                "foreach",
                                                                "from_entries",
                                                                "fromdate",
                                                                "fromdateiso8601",
                                                                "fromjson",
                                                                "fromstream",
                                                                "gamma",
                                                                "get_search_list",
                                                                "getpath",
                                                                "gmtime",
                                                                "group_by",
                                                                "gsub",
                                                                "halt",
                                                                "halt_error",
                                                                "have_literal_numbers",
                                                                "implode",
                                                                "import",
                                                                "include",
                                                                "index",
                                                                "indices",
                                                                "infinite",
                                                                "input",
                                                                "input_filename",
                                                                "input_line_number",
                                                                "inputs",
                                                                "isnormal",
                                                                "isvalid",
                                                                "label",
                                                                "leaf_paths",
                                                                "lgamma",
                                                                "limit",
                                                                "localtime",
                                                                "log",
                                                                "log10",
                                                                "log2",
                                                                "logb",
                                                                "ltrim",
                                                                "map_values",
                                                                "match",
                                                                "max_by",
                                                                "min_by",
                                                                "mktime",
                                                                "module",
                                                                "modulemeta",
                                                                "nan",
                                                                "normals",
                                                                "now",
                                                                "nth",
                                                                "path",
                                                                "paths",
                                                                "pick",
                                                                "pow",
                                                                "range",
                                                                "recurse",
                                                                "recurse_down",
                                                                "reduce",
                                                                "repeat",
                                                                "rindex",
                                                                "rtrim",
                                                                "scan",
                                                                "setpath",
                                                                "significand",
                                                                "sort_by",
                                                                "splits",
                                                                "stderr",
                                                                "strflocaltime",
                                                                "strftime",
                                                                "strptime",
                                                                "sub",
                                                                "tgamma",
                                                                "to_entries",
                                                                "todate",
                                                                "todateiso8601",
                                                                "tostream",
                                                                "transpose",
                                                                "trim",
                                                                "trunc",
                                                                "truncate_stream",
                                                                "try",
                                                                "unique_by",
                                                                "until",
                                                                "walk",
                                                                "while",
                                                                "with_entries"});

}  // namespace

const Builtin* find_builtin(std::string_view name, std::size_t arguments) noexcept {
    const auto* const found =
        std::find_if(kBuiltins.begin(), kBuiltins.end(),
                     [&](const Builtin& b) { return b.name == name && b.arguments == arguments; });
    return found == kBuiltins.end() ? nullptr : found;
}

bool is_builtin(std::string_view name) noexcept {
    return std::any_of(kBuiltins.begin(), kBuiltins.end(),
                       [&](const Builtin& b) { return b.name == name; });
}

bool is_jq_only(std::string_view name) noexcept {
    return std::find(kJqOnly.begin(), kJqOnly.end(), name) != kJqOnly.end();
}

std::string_view nearest_builtin(std::string_view name) {
    std::vector<std::string_view> names;
    for (const Builtin& builtin : kBuiltins) names.push_back(builtin.name);
    return text::nearest(name, names);
}

}  // namespace anode::expr
