#include "core/expr/order.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace anode::expr {

using json::Type;

namespace {

constexpr int kDepthMax =
    256;  ///< payloads stay far below; what would pass it is refused, not followed

int sign(int value) noexcept { return (value > 0) - (value < 0); }

int compare_numbers(double a, double b) noexcept {
    if (std::isnan(a)) return -1;
    if (std::isnan(b)) return 1;
    return (a > b) - (a < b);
}

Status too_deep(Machine& machine) {
    return machine.fail([] { return "values nested too deeply to compare"; });
}

Status compare_at(Machine& machine, const Val& a, const Val& b, int& order, int depth);

Status compare_lists(Machine& machine, const List& a, const List& b, int& order, int depth) {
    const std::size_t common = std::min(a.size, b.size);
    for (std::size_t i = 0; i < common; ++i) {
        if (!machine.step()) return Status::Error;
        if (compare_at(machine, a.items[i], b.items[i], order, depth) != Status::Value)
            return Status::Error;
        if (order != 0) return Status::Value;
    }
    order = (a.size > b.size) - (a.size < b.size);
    return Status::Value;
}

/// Names first, as sorted lists; then the values in the order of the names.
Status compare_dicts(Machine& machine, const Dict& a, const Dict& b, int& order, int depth) {
    List names_a;
    List names_b;
    if (sorted_names(machine, a, names_a) != Status::Value) return Status::Error;
    if (sorted_names(machine, b, names_b) != Status::Value) return Status::Error;
    if (compare_lists(machine, names_a, names_b, order, depth) != Status::Value)
        return Status::Error;
    if (order != 0) return Status::Value;
    for (const Val& name : names_a) {
        const auto wanted = std::get<std::string_view>(name.is);
        Val value_a;
        Val value_b;
        if (machine.member(a, wanted, value_a) != Status::Value) return Status::Error;
        if (machine.member(b, wanted, value_b) != Status::Value) return Status::Error;
        if (!machine.step(1 + a.size / 16)) return Status::Error;
        if (compare_at(machine, value_a, value_b, order, depth) != Status::Value)
            return Status::Error;
        if (order != 0) return Status::Value;
    }
    return Status::Value;
}

Status compare_at(Machine& machine, const Val& a, const Val& b, int& order, int depth) {
    const Type kind = a.kind();
    const Type other = b.kind();
    order = sign(static_cast<int>(kind) - static_cast<int>(other));
    if (order != 0) return Status::Value;
    if (depth > kDepthMax) return too_deep(machine);
    switch (kind) {
        case Type::Null:
        case Type::False:
        case Type::True:
            return Status::Value;
        case Type::Number:
            order = compare_numbers(a.number(), b.number());
            return Status::Value;
        case Type::String: {
            std::string_view left;
            std::string_view right;
            if (machine.text(a, left) != Status::Value || machine.text(b, right) != Status::Value)
                return Status::Error;
            order = sign(left.compare(right));
            return Status::Value;
        }
        case Type::Array: {
            List left;
            List right;
            if (machine.list(a, left) != Status::Value || machine.list(b, right) != Status::Value)
                return Status::Error;
            return compare_lists(machine, left, right, order, depth + 1);
        }
        case Type::Object: {
            Dict left;
            Dict right;
            if (machine.dict(a, left) != Status::Value || machine.dict(b, right) != Status::Value)
                return Status::Error;
            return compare_dicts(machine, left, right, order, depth + 1);
        }
    }
    return Status::Value;
}

Status contains_at(Machine& machine, const Val& whole, const Val& part, bool& out, int depth);

Status any_contains(Machine& machine, const List& whole, const Val& part, bool& out, int depth) {
    out = false;
    for (const Val& item : whole) {
        if (!machine.step()) return Status::Error;
        if (item.kind() != part.kind()) continue;
        if (contains_at(machine, item, part, out, depth) != Status::Value) return Status::Error;
        if (out) return Status::Value;
    }
    return Status::Value;
}

Status list_contains(Machine& machine, const Val& whole, const Val& part, bool& out, int depth) {
    List all;
    List wanted;
    if (machine.list(whole, all) != Status::Value || machine.list(part, wanted) != Status::Value)
        return Status::Error;
    out = true;
    for (const Val& item : wanted) {
        if (any_contains(machine, all, item, out, depth) != Status::Value) return Status::Error;
        if (!out) return Status::Value;
    }
    return Status::Value;
}

Status dict_contains(Machine& machine, const Val& whole, const Val& part, bool& out, int depth) {
    Dict all;
    Dict wanted;
    if (machine.dict(whole, all) != Status::Value || machine.dict(part, wanted) != Status::Value)
        return Status::Error;
    out = true;
    for (const Member& member : wanted) {
        if (!machine.step(1 + all.size / 16)) return Status::Error;
        const auto* const found = std::find_if(
            all.begin(), all.end(), [&](const Member& m) { return m.name == member.name; });
        out = found != all.end() && found->value.kind() == member.value.kind();
        if (!out) return Status::Value;
        if (contains_at(machine, found->value, member.value, out, depth) != Status::Value)
            return Status::Error;
        if (!out) return Status::Value;
    }
    return Status::Value;
}

Status contains_at(Machine& machine, const Val& whole, const Val& part, bool& out, int depth) {
    if (depth > kDepthMax) return too_deep(machine);
    switch (whole.kind()) {
        case Type::Object:
            return dict_contains(machine, whole, part, out, depth + 1);
        case Type::Array:
            return list_contains(machine, whole, part, out, depth + 1);
        case Type::String: {
            std::string_view all;
            std::string_view wanted;
            if (machine.text(whole, all) != Status::Value ||
                machine.text(part, wanted) != Status::Value)
                return Status::Error;
            out = all.find(wanted) != std::string_view::npos;
            return Status::Value;
        }
        default: {
            int order = 0;
            if (compare_at(machine, whole, part, order, depth) != Status::Value)
                return Status::Error;
            out = order == 0;
            return Status::Value;
        }
    }
}

}  // namespace

Status compare(Machine& machine, const Val& a, const Val& b, int& order) {
    return compare_at(machine, a, b, order, 0);
}

Status contains(Machine& machine, const Val& whole, const Val& part, bool& out) {
    return contains_at(machine, whole, part, out, 0);
}

/// A merge sort of our own: a comparison may fail half way, which the library's sorts do not forgive.
Status sorted(Machine& machine, const List& from, List& out) {
    Val* front = machine.values(from.size);
    Val* back = machine.values(from.size);
    if (from.size != 0 && (front == nullptr || back == nullptr)) return Status::Error;
    std::copy(from.begin(), from.end(), front);
    for (std::size_t width = 1; width < from.size; width *= 2) {
        for (std::size_t start = 0; start < from.size; start += 2 * width) {
            std::size_t left = start;
            const std::size_t middle = std::min(start + width, from.size);
            std::size_t right = middle;
            const std::size_t end = std::min(start + 2 * width, from.size);
            for (std::size_t at = start; at < end; ++at) {
                int order = 0;
                if (left < middle && right < end) {
                    if (compare(machine, front[left], front[right], order) != Status::Value)
                        return Status::Error;
                }
                const bool take_left = left < middle && (right == end || order <= 0);
                back[at] = front[take_left ? left++ : right++];
            }
        }
        if (!machine.step(1 + from.size / 4)) return Status::Error;
        std::swap(front, back);
    }
    out = {front, from.size};
    return Status::Value;
}

Status sorted_names(Machine& machine, const Dict& from, List& out) {
    Val* const names = machine.values(from.size);
    if (from.size != 0 && names == nullptr) return Status::Error;
    for (std::size_t i = 0; i < from.size; ++i) names[i] = Val(from.members[i].name);
    std::sort(names, names + from.size, [](const Val& a, const Val& b) {
        return std::get<std::string_view>(a.is) < std::get<std::string_view>(b.is);
    });
    out = {names, from.size};
    return machine.step(1 + from.size / 16) ? Status::Value : Status::Error;
}

}  // namespace anode::expr
