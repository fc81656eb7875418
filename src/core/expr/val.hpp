#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <variant>

#include "core/json/json.hpp"

/// What an expression computes with. Values that were only selected stay slices of the payload.
namespace anode::expr {

struct Val;
struct Member;

struct List {
    const Val* items = nullptr;
    std::size_t size = 0;
    [[nodiscard]] const Val* begin() const noexcept { return items; }
    [[nodiscard]] const Val* end() const noexcept;
};

/// Members in the order they came; names are unique.
struct Dict {
    const Member* members = nullptr;
    std::size_t size = 0;
    [[nodiscard]] const Member* begin() const noexcept { return members; }
    [[nodiscard]] const Member* end() const noexcept;
};

/// The envelope of the scope, as one object. It is taken apart only if asked for as a whole.
struct Envelope {};

/// Ownership: points into the payload, the program or the Machine; trivial to copy.
struct Val {
    std::variant<std::monostate, bool, double, std::string_view, json::Value, List, Dict, Envelope>
        is;

    Val() = default;
    Val(bool flag) : is(flag) {}
    Val(double number) : is(number) {}
    Val(std::string_view text) : is(text) {}
    Val(const char*) = delete;
    Val(const json::Value& value) : is(value) {
        if (!value.present()) is = std::monostate();
    }
    Val(List list) : is(list) {}
    Val(Dict dict) : is(dict) {}
    Val(Envelope envelope) : is(envelope) {}

    /// The kind, in jq's order of kinds.
    [[nodiscard]] json::Type kind() const noexcept;
    [[nodiscard]] bool truthy() const noexcept {
        const json::Type k = kind();
        return k != json::Type::Null && k != json::Type::False;
    }
    /// A number's value; nought for other kinds.
    [[nodiscard]] double number() const noexcept;
};
static_assert(std::is_trivially_copyable_v<Val>);

struct Member {
    std::string_view name;
    Val value;
};

inline const Val* List::end() const noexcept { return items + size; }
inline const Member* Dict::end() const noexcept { return members + size; }

/// `null boolean number string array object`.
std::string_view kind_name(json::Type kind) noexcept;

/// Appends a computed number as jq prints it: shortest digits, `null` for NaN, the largest finite one for infinity.
void append_number(Bytes& out, double number);

}  // namespace anode::expr
