#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "core/expr/arithmetic.hpp"
#include "core/expr/functions.hpp"
#include "core/expr/output.hpp"

namespace anode::expr {

using json::Type;

// -- numbers -------------------------------------------------------------------------------------

namespace {

/// jq reads more than JSON's grammar: `01`, `1.`, `.5`, `+5`, white space around.
std::optional<double> read_number(std::string_view text) noexcept {
    text = text::trim(text);
    std::string_view digits = text;
    if (!digits.empty() && (digits.front() == '+' || digits.front() == '-'))
        digits.remove_prefix(1);
    if (digits.empty() || (digits.front() != '.' && (digits.front() < '0' || digits.front() > '9')))
        return std::nullopt;
    double value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (stop != digits.data() + digits.size()) return std::nullopt;
    if (error == std::errc::result_out_of_range) {
        const bool tiny = digits.find("e-") != digits.npos || digits.find("E-") != digits.npos ||
                          digits.front() == '0' || digits.front() == '.';
        value = tiny ? 0 : std::numeric_limits<double>::max();
    } else if (error != std::errc()) {
        return std::nullopt;
    }
    return text.front() == '-' ? -value : value;
}

}  // namespace

Status to_number(Machine& machine, const Val& input, Val& out) {
    if (input.kind() == Type::Number) return out = input, Status::Value;
    if (is_string(input)) {
        std::string_view text;
        if (machine.text(input, text) != Status::Value) return Status::Error;
        if (const auto number = read_number(text)) return out = *number, Status::Value;
    }
    return machine.fail([&] { return shown(input) + " cannot be parsed as a number"; });
}

Status of_number(Machine& machine, Function function, const Val& input, Val& out) {
    if (input.kind() != Type::Number)
        return machine.fail([&] { return shown(input) + " number required"; });
    const double number = input.number();
    switch (function) {
        case Function::Floor:
            out = std::floor(number);
            break;
        case Function::Ceil:
            out = std::ceil(number);
            break;
        case Function::Round:
            out = std::round(number);
            break;
        case Function::Sqrt:
            out = std::sqrt(number);
            break;
        case Function::IsNan:
            out = std::isnan(number);
            break;
        case Function::IsInfinite:
            out = std::isinf(number);
            break;
        default:
            out = std::fabs(number);
            break;
    }
    return Status::Value;
}

// -- text ----------------------------------------------------------------------------------------

Status change_case(Machine& machine, const Val& input, bool up, Val& out) {
    if (!is_string(input)) return machine.fail([] { return "explode input must be a string"; });
    std::string_view text;
    if (machine.text(input, text) != Status::Value) return Status::Error;
    std::string changed(text);
    for (char& c : changed) {
        const char first = up ? 'a' : 'A';
        if (c >= first && c < first + 26) c = static_cast<char>(c ^ 0x20);
    }
    std::string_view kept;
    if (machine.keep(changed, kept) != Status::Value) return Status::Error;
    return out = kept, Status::Value;
}

/// `startswith` and its kin: input and argument as text, if both are.
Status text_pair(Machine& machine, Function function, const Val& input, const Val& argument,
                 Val& out) {
    const bool trims = function == Function::LtrimStr || function == Function::RtrimStr;
    if (!is_string(input) || !is_string(argument)) {
        if (trims) return out = input, Status::Value;
        if (function == Function::Split)
            return machine.fail([] { return "split input and separator must be strings"; });
        const bool starts = function == Function::StartsWith;
        return machine.fail([&] {
            return std::string(starts ? "startswith" : "endswith") + "() requires string inputs";
        });
    }
    std::string_view text;
    std::string_view part;
    if (machine.text(input, text) != Status::Value || machine.text(argument, part) != Status::Value)
        return Status::Error;
    switch (function) {
        case Function::StartsWith:
            out = text.starts_with(part);
            return Status::Value;
        case Function::EndsWith:
            out = text.ends_with(part);
            return Status::Value;
        case Function::LtrimStr:
            out = text.starts_with(part) ? Val(text.substr(part.size())) : input;
            return Status::Value;
        case Function::RtrimStr:
            out = text.ends_with(part) ? Val(text.substr(0, text.size() - part.size())) : input;
            return Status::Value;
        default:
            return split(machine, text, part, out);
    }
}

namespace {

/// What `join` puts for one item: nothing for null, numbers and booleans as JSON, strings as they are.
Status join_part(Machine& machine, const Val& item, std::string_view sofar, std::string& out) {
    const Type kind = item.kind();
    if (kind == Type::Array || kind == Type::Object) {
        return machine.fail(
            [&] { return shown(Val(sofar)) + " and " + shown(item) + " cannot be added"; });
    }
    if (kind == Type::Null) return Status::Value;
    std::string_view text;
    if (to_text(machine, item, text) != Status::Value || !machine.take(text.size()))
        return Status::Error;
    out.append(text);
    return Status::Value;
}

}  // namespace

Status join(Machine& machine, const Val& input, const Val& separator, Val& out) {
    List list;
    if (machine.list(input, list) != Status::Value) return Status::Error;
    std::string joined;
    std::string_view between;
    if (list.size > 1) {
        if (!is_string(separator) && separator.kind() != Type::Null) {
            return machine.fail([&] {
                return shown(list.items[0]) + " and " + shown(separator) + " cannot be added";
            });
        }
        if (machine.text(separator, between) != Status::Value) return Status::Error;
    }
    for (std::size_t i = 0; i < list.size; ++i) {
        if (!machine.step() || !machine.take(between.size())) return Status::Error;
        if (i != 0) joined.append(between);
        if (join_part(machine, list.items[i], joined, joined) != Status::Value)
            return Status::Error;
    }
    std::string_view kept;
    if (machine.keep(joined, kept) != Status::Value) return Status::Error;
    return out = kept, Status::Value;
}

Status test(Machine& machine, const Node& node, const Val& input, Val& out) {
    if (!is_string(input))
        return machine.fail(
            [&] { return shown(input) + " cannot be matched, as it is not a string"; });
    std::string_view text;
    if (machine.text(input, text) != Status::Value || !machine.step(text.size() / 256))
        return Status::Error;
    return out = node.regex->matches(text), Status::Value;
}

Status length(Machine& machine, const Val& input, Val& out) {
    switch (input.kind()) {
        case Type::Null:
            out = 0.0;
            return Status::Value;
        case Type::Number:
            out = std::fabs(input.number());
            return Status::Value;
        case Type::String: {
            std::string_view text;
            if (machine.text(input, text) != Status::Value) return Status::Error;
            const auto starts = [](char c) {
                return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
            };
            return out = static_cast<double>(std::count_if(text.begin(), text.end(), starts)),
                   Status::Value;
        }
        case Type::Array:
        case Type::Object: {
            std::size_t size = 0;
            // Repeated names count once, so an object of the payload has to be looked at.
            if (machine.size(input, size) != Status::Value) return Status::Error;
            return out = static_cast<double>(size), Status::Value;
        }
        default:
            return machine.fail([&] { return shown(input) + " has no length"; });
    }
}

Status byte_length(Machine& machine, const Val& input, Val& out) {
    if (!is_string(input))
        return machine.fail([&] { return shown(input) + " only strings have UTF-8 byte length"; });
    std::string_view text;
    if (machine.text(input, text) != Status::Value) return Status::Error;
    return out = static_cast<double>(text.size()), Status::Value;
}

Status as_text(Machine& machine, const Val& input, bool json, Val& out) {
    std::string_view text;
    if (!json) {
        if (to_text(machine, input, text) != Status::Value) return Status::Error;
        return out = text, Status::Value;
    }
    Bytes written;
    if (append_json(machine, input, written) != Status::Value) return Status::Error;
    if (machine.keep(written, text) != Status::Value) return Status::Error;
    return out = text, Status::Value;
}

}  // namespace anode::expr
