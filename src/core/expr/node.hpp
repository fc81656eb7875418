#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/expr/regex.hpp"
#include "core/expr/val.hpp"

/// The tree an expression is compiled to. Built once by the parser, never changed after.
namespace anode::expr {

enum class Op : std::uint8_t {
    Identity,
    Literal,      ///< `literal`
    Path,         ///< [base] then `steps`
    Index,        ///< base, index
    Slice,        ///< base, [from], [to]: `steps.size()` tells which are there
    Each,         ///< [base]: more than one result
    Try,          ///< `(kid)?`
    Pipe,         ///< kids in order
    Alternative,  ///< kids in order: `//`
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Negate,
    If,      ///< condition, result, condition, result, …, otherwise
    Array,   ///< elements
    Object,  ///< name, value, name, value, …
    Join,    ///< parts of a string with `\(…)`
    Call,    ///< `function` with kids as arguments
};

enum class Function : std::uint8_t {
    Not,
    Length,
    ByteLength,
    ToNumber,
    ToString,
    ToJson,
    Type,
    Downcase,
    Upcase,
    Keys,
    KeysUnsorted,
    Floor,
    Ceil,
    Round,
    Sqrt,
    Abs,
    IsNan,
    IsInfinite,
    Min,
    Max,
    Sum,
    First,
    Last,
    Reverse,
    Sort,
    Unique,
    Empty,
    Fail,
    FailWith,
    OfKind,
    Select,
    Has,
    In,
    Contains,
    Inside,
    StartsWith,
    EndsWith,
    LtrimStr,
    RtrimStr,
    Split,
    Join,
    Test,
    Any,
    All,
    Map,
    FirstOf,
};

/// A step of a path known when it was compiled: a member, or an element (from the end if negative).
struct Step {
    std::string name;
    std::int64_t index = 0;
    bool is_index = false;
    bool optional = false;  ///< `?` stands behind it: an error of this step alone is no result
};

struct Node {
    Op op = Op::Identity;
    Function function = Function::Not;
    std::uint16_t kinds = 0;  ///< OfKind: a bit for each json::Type it lets through
    bool several = false;     ///< may have more than one result
    bool optional = false;    ///< Index, Slice, Each with `?` behind: as of a step
    std::uint16_t depth = 1;  ///< levels of this tree: what evaluating it costs in stack
    std::uint32_t offset = 0;
    std::string text;  ///< what `literal` points into
    Val literal;
    std::vector<Step> steps;
    std::shared_ptr<const Regex> regex;
    std::vector<std::unique_ptr<Node>> kids;
};
using NodePtr = std::unique_ptr<Node>;

}  // namespace anode::expr
