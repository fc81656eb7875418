#include "core/expr/arithmetic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/expr/order.hpp"
#include "core/expr/output.hpp"

namespace anode::expr {

using json::Type;

namespace {

constexpr int kMergeDepthMax = 256;

Status refuse(Machine& machine, const Val& a, const Val& b, const char* what) {
    return machine.fail([&] { return shown(a) + " and " + shown(b) + " cannot be " + what; });
}

Status join_texts(Machine& machine, const Val& a, const Val& b, Val& out) {
    std::string_view left;
    std::string_view right;
    if (machine.text(a, left) != Status::Value || machine.text(b, right) != Status::Value)
        return Status::Error;
    std::string_view kept;
    const std::string joined = std::string(left).append(right);
    if (machine.keep(joined, kept) != Status::Value) return Status::Error;
    return out = kept, Status::Value;
}

Status join_lists(Machine& machine, const Val& a, const Val& b, Val& out) {
    List left;
    List right;
    if (machine.list(a, left) != Status::Value || machine.list(b, right) != Status::Value)
        return Status::Error;
    Val* const items = machine.values(left.size + right.size);
    if (items == nullptr || !machine.step_members(left.size + right.size)) return Status::Error;
    std::copy(right.begin(), right.end(), std::copy(left.begin(), left.end(), items));
    return out = List{items, left.size + right.size}, Status::Value;
}

/// The right side wins; with `deep`, objects on both sides are merged in turn.
Status merge(Machine& machine, const Val& a, const Val& b, bool deep, Val& out, int depth = 0) {
    if (depth > kMergeDepthMax)
        return machine.fail([] { return "objects nested too deeply to merge"; });
    Dict left;
    Dict right;
    if (machine.dict(a, left) != Status::Value || machine.dict(b, right) != Status::Value)
        return Status::Error;
    if (!machine.step_members(left.size + right.size)) return Status::Error;
    DictBuilder builder(machine, left.size + right.size);
    if (!builder.good()) return Status::Error;
    builder.start_with(left);
    for (const Member& member : right) {
        Val value = member.value;
        if (deep && value.kind() == Type::Object) {
            const Member* const there = builder.find(member.name);
            if (there != nullptr && there->value.kind() == Type::Object) {
                const Val below = there->value;
                if (!machine.step()) return Status::Error;
                if (merge(machine, below, member.value, true, value, depth + 1) != Status::Value)
                    return Status::Error;
            }
        }
        builder.set(member.name, value);
    }
    return out = builder.finish(), Status::Value;
}

Status add(Machine& machine, const Val& a, const Val& b, Val& out) {
    const Type kind = a.kind();
    if (kind == Type::Null) return out = b, Status::Value;
    if (b.kind() == Type::Null) return out = a, Status::Value;
    if (kind == b.kind()) {
        if (kind == Type::Number) return out = a.number() + b.number(), Status::Value;
        if (kind == Type::String) return join_texts(machine, a, b, out);
        if (kind == Type::Array) return join_lists(machine, a, b, out);
        if (kind == Type::Object) return merge(machine, a, b, false, out);
    }
    return refuse(machine, a, b, "added");
}

Status without(Machine& machine, const Val& a, const Val& b, Val& out) {
    List from;
    List away;
    if (machine.list(a, from) != Status::Value || machine.list(b, away) != Status::Value)
        return Status::Error;
    Val* const items = machine.values(from.size);
    if (items == nullptr) return Status::Error;
    std::size_t count = 0;
    for (const Val& item : from) {
        bool gone = false;
        for (std::size_t i = 0; i < away.size && !gone; ++i) {
            int order = 0;
            if (!machine.step() || compare(machine, item, away.items[i], order) != Status::Value)
                return Status::Error;
            gone = order == 0;
        }
        if (!gone) items[count++] = item;
    }
    return out = List{items, count}, Status::Value;
}

Status subtract(Machine& machine, const Val& a, const Val& b, Val& out) {
    const Type kind = a.kind();
    if (kind == Type::Number && b.kind() == kind)
        return out = a.number() - b.number(), Status::Value;
    if (kind == Type::Array && b.kind() == kind) return without(machine, a, b, out);
    return refuse(machine, a, b, "subtracted");
}

/// As many times as the number says, at least once; null if it is nought or less.
Status repeat(Machine& machine, const Val& string, double times, Val& out) {
    std::string_view text;
    if (machine.text(string, text) != Status::Value) return Status::Error;
    if (!(times > 0)) return out = Val(), Status::Value;
    const double whole = std::max(1.0, std::floor(times));
    const auto room = static_cast<double>(std::numeric_limits<std::int32_t>::max());
    if (whole * static_cast<double>(text.size()) > room)
        return machine.take(std::numeric_limits<std::size_t>::max()), Status::Error;
    if (text.empty()) return out = text, Status::Value;
    const std::size_t bytes = static_cast<std::size_t>(whole) * text.size();
    if (!machine.take(bytes) || !machine.step_bytes(bytes)) return Status::Error;
    std::string repeated;
    repeated.reserve(bytes);
    while (repeated.size() < bytes) repeated.append(text);
    std::string_view kept;
    if (machine.keep(repeated, kept) != Status::Value) return Status::Error;
    return out = kept, Status::Value;
}

Status multiply(Machine& machine, const Val& a, const Val& b, Val& out) {
    const Type left = a.kind();
    const Type right = b.kind();
    if (left == Type::Number && right == Type::Number)
        return out = a.number() * b.number(), Status::Value;
    if (left == Type::String && right == Type::Number) return repeat(machine, a, b.number(), out);
    if (left == Type::Number && right == Type::String) return repeat(machine, b, a.number(), out);
    if (left == Type::Object && right == Type::Object) return merge(machine, a, b, true, out);
    return refuse(machine, a, b, "multiplied");
}

Status divide(Machine& machine, const Val& a, const Val& b, Val& out) {
    const Type kind = a.kind();
    if (kind == Type::Number && b.kind() == kind) {
        if (b.number() == 0) return refuse(machine, a, b, "divided because the divisor is zero");
        return out = a.number() / b.number(), Status::Value;
    }
    if (kind == Type::String && b.kind() == kind) {
        std::string_view text;
        std::string_view separator;
        if (machine.text(a, text) != Status::Value || machine.text(b, separator) != Status::Value)
            return Status::Error;
        return split(machine, text, separator, out);
    }
    return refuse(machine, a, b, "divided");
}

/// Toward nought, and as near as 64 bits go.
std::int64_t whole(double number) noexcept {
    constexpr double kLimit = 9223372036854774784.0;  ///< the largest double below 2^63
    if (std::isnan(number)) return 0;
    return static_cast<std::int64_t>(std::clamp(number, -kLimit, kLimit));
}

Status modulo(Machine& machine, const Val& a, const Val& b, Val& out) {
    if (a.kind() != Type::Number || b.kind() != Type::Number)
        return refuse(machine, a, b, "divided");
    const std::int64_t divisor = whole(b.number());
    if (divisor == 0)
        return refuse(machine, a, b, "divided (remainder) because the divisor is zero");
    return out = static_cast<double>(whole(a.number()) % divisor), Status::Value;
}

}  // namespace

Status arithmetic(Machine& machine, Op op, const Val& a, const Val& b, Val& out) {
    switch (op) {
        case Op::Add:
            return add(machine, a, b, out);
        case Op::Subtract:
            return subtract(machine, a, b, out);
        case Op::Multiply:
            return multiply(machine, a, b, out);
        case Op::Divide:
            return divide(machine, a, b, out);
        default:
            return modulo(machine, a, b, out);
    }
}

/// An empty separator takes the characters apart.
Status split(Machine& machine, std::string_view text, std::string_view separator, Val& out) {
    std::size_t count = text.empty() ? 0 : 1;
    const auto piece_end = [&](std::string_view rest) {
        if (!separator.empty()) return std::min(rest.find(separator), rest.size());
        std::size_t end = 1;
        while (end < rest.size() && (static_cast<unsigned char>(rest[end]) & 0xc0) == 0x80) ++end;
        return end;
    };
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t end = piece_end(rest);
        if (end == rest.size()) break;
        ++count;
        rest.remove_prefix(end + separator.size());
    }
    if (!machine.step(count / 16)) return Status::Error;
    Val* const items = machine.values(count);
    if (items == nullptr) return Status::Error;
    std::string_view rest = text;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t end = rest.empty() ? 0 : piece_end(rest);
        items[i] = Val(rest.substr(0, end));
        rest.remove_prefix(std::min(end + separator.size(), rest.size()));
    }
    return out = List{items, count}, Status::Value;
}

}  // namespace anode::expr
