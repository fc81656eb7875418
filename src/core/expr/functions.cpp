#include <algorithm>

#include "core/expr/arithmetic.hpp"
#include "core/expr/eval.hpp"
#include "core/expr/functions.hpp"
#include "core/expr/order.hpp"
#include "core/expr/output.hpp"

namespace anode::expr {

using json::Type;

namespace {

// -- containers ----------------------------------------------------------------------------------

Status keys(Machine& machine, const Val& input, bool in_order, Val& out) {
    const Type kind = input.kind();
    if (kind == Type::Array) {
        std::size_t size = 0;
        if (machine.size(input, size) != Status::Value) return Status::Error;
        Val* const items = machine.values(size);
        if (items == nullptr || !machine.step_members(size)) return Status::Error;
        for (std::size_t i = 0; i < size; ++i) items[i] = static_cast<double>(i);
        return out = List{items, size}, Status::Value;
    }
    if (kind != Type::Object) return machine.fail([&] { return shown(input) + " has no keys"; });
    Dict dict;
    List names;
    if (machine.dict(input, dict) != Status::Value) return Status::Error;
    if (in_order) {
        if (sorted_names(machine, dict, names) != Status::Value) return Status::Error;
        return out = names, Status::Value;
    }
    Val* const items = machine.values(dict.size);
    if (items == nullptr) return Status::Error;
    for (std::size_t i = 0; i < dict.size; ++i) items[i] = Val(dict.members[i].name);
    return out = List{items, dict.size}, Status::Value;
}

Status has(Machine& machine, const Val& container, const Val& key, Val& out) {
    const Type kind = container.kind();
    if (kind == Type::Object && is_string(key)) {
        std::string_view name;
        Dict dict;
        if (machine.text(key, name) != Status::Value) return Status::Error;
        if (const auto* value = std::get_if<json::Value>(&container.is)) {
            if (!machine.step_members(value->size())) return Status::Error;
            return out = value->find(name).present(), Status::Value;
        }
        if (machine.dict(container, dict) != Status::Value || !machine.step_members(dict.size))
            return Status::Error;
        out =
            std::any_of(dict.begin(), dict.end(), [&](const Member& m) { return m.name == name; });
        return Status::Value;
    }
    if (kind == Type::Null) return out = false, Status::Value;
    if (kind == Type::Array && key.kind() == Type::Number) {
        std::size_t size = 0;
        if (machine.size(container, size) != Status::Value) return Status::Error;
        const double index = key.number();
        return out = index >= 0 && index < static_cast<double>(size), Status::Value;
    }
    return machine.fail([&] {
        return "Cannot check whether " + std::string(kind_name(kind)) + " has a " +
               std::string(kind_name(key.kind())) + " key";
    });
}

Status check_contains(Machine& machine, const Val& whole, const Val& part, Val& out) {
    if (whole.kind() != part.kind()) {
        return machine.fail([&] {
            return shown(whole) + " and " + shown(part) + " cannot have their containment checked";
        });
    }
    bool inside = false;
    if (contains(machine, whole, part, inside) != Status::Value) return Status::Error;
    return out = inside, Status::Value;
}

/// `min max add first last reverse sort unique` read an array as a whole.
Status array_of(Machine& machine, const Val& input, const char* words, List& out) {
    if (input.kind() == Type::Array) return machine.list(input, out);
    return machine.fail([&] { return shown(input) + words; });
}

Status extreme(Machine& machine, const Val& input, bool largest, Val& out) {
    List list;
    if (array_of(machine, input, " cannot be iterated over", list) != Status::Value)
        return Status::Error;
    Val best;
    for (std::size_t i = 0; i < list.size; ++i) {
        int order = 1;
        if (!machine.step()) return Status::Error;
        if (i != 0 && compare(machine, list.items[i], best, order) != Status::Value)
            return Status::Error;
        if (i == 0 || (largest ? order >= 0 : order < 0)) best = list.items[i];
    }
    return out = best, Status::Value;
}

Status sum(Machine& machine, const Val& input, Val& out) {
    List list;
    if (machine.list(input, list) != Status::Value) return Status::Error;
    Val total;
    for (const Val& item : list) {
        const Val sofar = total;
        if (!machine.step() || arithmetic(machine, Op::Add, sofar, item, total) != Status::Value)
            return Status::Error;
    }
    return out = total, Status::Value;
}

Status reverse(Machine& machine, const Val& input, Val& out) {
    List list;
    if (input.kind() == Type::Null) return out = List(), Status::Value;
    if (array_of(machine, input, " cannot be reversed, as it is not an array", list) !=
        Status::Value)
        return Status::Error;
    Val* const items = machine.values(list.size);
    if (items == nullptr) return Status::Error;
    std::reverse_copy(list.begin(), list.end(), items);
    return out = List{items, list.size}, Status::Value;
}

Status sort(Machine& machine, const Val& input, bool unique, Val& out) {
    List list;
    List ordered;
    if (array_of(machine, input, " cannot be sorted, as it is not an array", list) != Status::Value)
        return Status::Error;
    if (sorted(machine, list, ordered) != Status::Value) return Status::Error;
    if (!unique) return out = ordered, Status::Value;
    Val* const items = machine.values(ordered.size);
    if (items == nullptr) return Status::Error;
    std::size_t count = 0;
    for (const Val& item : ordered) {
        int order = 1;
        if (count != 0 && compare(machine, items[count - 1], item, order) != Status::Value)
            return Status::Error;
        if (order != 0) items[count++] = item;
    }
    return out = List{items, count}, Status::Value;
}

// -- several results -----------------------------------------------------------------------------

/// `any` and `all`: [generator,] condition; without a generator the input's own elements, without a condition themselves.
Status quantify(Machine& machine, const Node& node, const Val& input, Val& out) {
    const bool decides = node.function == Function::Any;
    const Node* const condition = node.kids.empty() ? nullptr : node.kids.back().get();
    bool decided = false;
    auto judge = [&](const Val& item) {
        Val verdict = item;
        if (!machine.step()) return Flow::Error;
        if (condition != nullptr) {
            const Status status = eval(machine, *condition, item, verdict);
            if (status != Status::Value) return status == Status::Empty ? Flow::Go : Flow::Error;
        }
        decided = verdict.truthy() == decides;
        return decided ? Flow::Stop : Flow::Go;
    };
    static const Node kElements = [] {
        Node elements;
        elements.op = Op::Each;
        elements.several = true;
        return elements;
    }();
    const Node& generator = node.kids.size() == 2 ? *node.kids[0] : kElements;
    if (each(machine, generator, input, Sink(judge)) == Flow::Error) return Status::Error;
    return out = decided == decides, Status::Value;
}

Status map(Machine& machine, const Node& node, const Val& input, Val& out) {
    List list;
    if (machine.list(input, list) != Status::Value) return Status::Error;
    std::pmr::vector<Val> items(machine.memory());
    auto add = [&](const Val& value) {
        if (!machine.take(2 * sizeof(Val))) return Flow::Error;
        items.push_back(value);
        return Flow::Go;
    };
    for (const Val& item : list) {
        if (!machine.step() || each(machine, *node.kids[0], item, Sink(add)) == Flow::Error)
            return Status::Error;
    }
    Val* const kept = machine.values(items.size());
    if (kept == nullptr) return Status::Error;
    std::copy(items.begin(), items.end(), kept);
    return out = List{kept, items.size()}, Status::Value;
}

Status first_of(Machine& machine, const Node& node, const Val& input, Val& out) {
    bool found = false;
    auto take = [&](const Val& value) {
        out = value;
        found = true;
        return Flow::Stop;
    };
    if (each(machine, *node.kids[0], input, Sink(take)) == Flow::Error) return Status::Error;
    return found ? Status::Value : Status::Empty;
}

// -- calls ---------------------------------------------------------------------------------------

/// An error that is null ends the evaluation without words and without a result, as jq 1.6 has it.
Status raise(Machine& machine, const Val& value) {
    if (value.kind() == Type::Null) return Status::Empty;
    std::string_view text;
    if (is_string(value) && machine.text(value, text) != Status::Value) return Status::Error;
    return machine.fail(
        [&] { return is_string(value) ? std::string(text) : shown(value) + " (not a string)"; });
}

Status call_plain(Machine& machine, const Node& node, const Val& input, Val& out) {
    switch (node.function) {
        case Function::Not:
            out = !input.truthy();
            return Status::Value;
        case Function::Length:
            return length(machine, input, out);
        case Function::ByteLength:
            return byte_length(machine, input, out);
        case Function::ToNumber:
            return to_number(machine, input, out);
        case Function::ToString:
            return as_text(machine, input, false, out);
        case Function::ToJson:
            return as_text(machine, input, true, out);
        case Function::Type:
            out = kind_name(input.kind());
            return Status::Value;
        case Function::Downcase:
            return change_case(machine, input, false, out);
        case Function::Upcase:
            return change_case(machine, input, true, out);
        case Function::Keys:
            return keys(machine, input, true, out);
        case Function::KeysUnsorted:
            return keys(machine, input, false, out);
        case Function::Min:
            return extreme(machine, input, false, out);
        case Function::Max:
            return extreme(machine, input, true, out);
        case Function::Sum:
            return sum(machine, input, out);
        case Function::First:
            return machine.element(input, 0, out);
        case Function::Last:
            return machine.element(input, -1, out);
        case Function::Reverse:
            return reverse(machine, input, out);
        case Function::Sort:
            return sort(machine, input, false, out);
        case Function::Unique:
            return sort(machine, input, true, out);
        case Function::Empty:
            return Status::Empty;
        case Function::Fail:
            return raise(machine, input);
        case Function::OfKind:
            out = input;
            return (node.kinds >> static_cast<unsigned>(input.kind()) & 1U) != 0 ? Status::Value
                                                                                 : Status::Empty;
        default:
            return of_number(machine, node.function, input, out);
    }
}

Status call_with(Machine& machine, const Node& node, const Val& input, const Val& argument,
                 Val& out) {
    switch (node.function) {
        case Function::FailWith:
            return raise(machine, argument);
        case Function::Select:
            out = input;
            return argument.truthy() ? Status::Value : Status::Empty;
        case Function::Has:
            return has(machine, input, argument, out);
        case Function::In:
            return has(machine, argument, input, out);
        case Function::Contains:
            return check_contains(machine, input, argument, out);
        case Function::Inside:
            return check_contains(machine, argument, input, out);
        case Function::Join:
            return join(machine, input, argument, out);
        default:
            return text_pair(machine, node.function, input, argument, out);
    }
}

}  // namespace

Status call(Machine& machine, const Node& node, const Val& input, Val& out) {
    switch (node.function) {
        case Function::Any:
        case Function::All:
            return quantify(machine, node, input, out);
        case Function::Map:
            return map(machine, node, input, out);
        case Function::FirstOf:
            return first_of(machine, node, input, out);
        case Function::Test:
            return test(machine, node, input, out);
        default:
            break;
    }
    if (node.kids.empty()) return call_plain(machine, node, input, out);
    Val argument;
    if (const Status status = eval(machine, *node.kids[0], input, argument);
        status != Status::Value)
        return status;
    return call_with(machine, node, input, argument, out);
}

}  // namespace anode::expr
