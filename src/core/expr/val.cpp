#include "core/expr/val.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.hpp"

namespace anode::expr {

using json::Type;

namespace {

struct KindOf {
    Type operator()(std::monostate) const noexcept { return Type::Null; }
    Type operator()(bool flag) const noexcept { return flag ? Type::True : Type::False; }
    Type operator()(double) const noexcept { return Type::Number; }
    Type operator()(std::string_view) const noexcept { return Type::String; }
    Type operator()(const json::Value& value) const noexcept { return value.type(); }
    Type operator()(const List&) const noexcept { return Type::Array; }
    Type operator()(const Dict&) const noexcept { return Type::Object; }
    Type operator()(Envelope) const noexcept { return Type::Object; }
};

}  // namespace

Type Val::kind() const noexcept { return std::visit(KindOf(), is); }

double Val::number() const noexcept {
    if (const auto* own = std::get_if<double>(&is)) return *own;
    if (const auto* value = std::get_if<json::Value>(&is)) return value->number().value_or(0);
    return 0;
}

std::string_view kind_name(Type kind) noexcept {
    switch (kind) {
        case Type::Null:
            return "null";
        case Type::False:
        case Type::True:
            return "boolean";
        case Type::Number:
            return "number";
        case Type::String:
            return "string";
        case Type::Array:
            return "array";
        case Type::Object:
            return "object";
    }
    return "null";
}

/// Shortest digits; an exponent where plain writing would need more than 15 noughts, or starts below 1e-4.
void append_number(Bytes& out, double number) {
    if (std::isnan(number)) return void(out.append("null"));
    constexpr double kMax = std::numeric_limits<double>::max();
    number = std::clamp(number, -kMax, kMax);
    if (std::abs(number) < 1e15 && number == std::trunc(number) &&
        (number != 0 || !std::signbit(number))) {
        return text::append_i64(out, static_cast<std::int64_t>(number));
    }
    std::array<char, 32> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                   std::chars_format::scientific)
                         .ptr;
    const std::string_view written(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    const std::size_t e = written.find('e');
    std::string digits;
    for (const char c : written.substr(0, e)) {
        if (c >= '0' && c <= '9') digits.push_back(c);
    }
    int exponent = 0;
    const std::size_t sign = written[e + 1] == '+' ? 2 : 1;
    std::from_chars(written.data() + e + sign, end, exponent);
    const int point = exponent + 1;  // digits before the decimal point
    const int count = static_cast<int>(digits.size());
    if (point <= -4 || point > count + 15) return void(out.append(written));
    if (written.front() == '-') out.push_back('-');
    if (point <= 0) {
        out.append("0.").append(static_cast<std::size_t>(-point), '0').append(digits);
    } else if (point >= count) {
        out.append(digits).append(static_cast<std::size_t>(point - count), '0');
    } else {
        out.append(digits, 0, static_cast<std::size_t>(point))
            .append(".")
            .append(digits, static_cast<std::size_t>(point));
    }
}

}  // namespace anode::expr
