#include "core/expr/eval.hpp"

#include <cmath>

#include "base/assert.hpp"
#include "core/expr/arithmetic.hpp"
#include "core/expr/order.hpp"
#include "core/expr/output.hpp"

namespace anode::expr {

using json::Type;

namespace {

/// An error that a `?` forgives is no result.
Status forgiven(Machine& machine) {
    if (machine.exhausted()) return Status::Error;
    machine.forget_error();
    return Status::Empty;
}

Status walk(Machine& machine, const std::vector<Step>& steps, const Val& from, Val& out) {
    out = from;
    for (const Step& step : steps) {
        const Val at = out;
        const Status status = step.is_index ? machine.element(at, step.index, out)
                                            : machine.member(at, step.name, out);
        if (status == Status::Error && step.optional) return forgiven(machine);
        if (status != Status::Value) return status;
    }
    return Status::Value;
}

Status eval_path(Machine& machine, const Node& node, const Val& input, Val& out) {
    if (node.kids.empty()) return walk(machine, node.steps, input, out);
    Val base;
    if (const Status status = eval(machine, *node.kids[0], input, base); status != Status::Value)
        return status;
    return walk(machine, node.steps, base, out);
}

Status index_with(Machine& machine, const Val& base, const Val& index, Val& out) {
    if (index.kind() == Type::String) {
        std::string_view name;
        if (machine.text(index, name) != Status::Value) return Status::Error;
        return machine.member(base, name, out);
    }
    if (index.kind() == Type::Number) {
        const double number = index.number();
        const bool is_place = number == std::floor(number) && std::abs(number) < 1e9;
        if (!is_place && base.kind() == Type::Array) return out = Val(), Status::Value;
        return machine.element(base, is_place ? static_cast<std::int64_t>(number) : 0, out);
    }
    if (base.kind() == Type::Null && index.kind() == Type::Null) return out = Val(), Status::Value;
    return machine.fail([&] {
        return "Cannot index " + std::string(kind_name(base.kind())) + " with " +
               std::string(kind_name(index.kind()));
    });
}

// -- slices --------------------------------------------------------------------------------------

/// Where a bound of a slice falls: from the end if negative, inside whatever is given.
std::size_t bound(double number, std::size_t size, bool up) noexcept {
    if (std::isnan(number)) number = 0;
    if (number < 0) number += static_cast<double>(size);
    number = up ? std::ceil(number) : std::floor(number);
    if (number <= 0) return 0;
    return number >= static_cast<double>(size) ? size : static_cast<std::size_t>(number);
}

std::size_t characters(std::string_view text) noexcept {
    std::size_t count = 0;
    for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    return count;
}

/// The byte at which character `index` starts.
std::size_t byte_of(std::string_view text, std::size_t index) noexcept {
    std::size_t at = 0;
    while (at < text.size()) {
        if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && index-- == 0) return at;
        ++at;
    }
    return at;
}

Status slice(Machine& machine, const Val& base, const Val& from, const Val& to, Val& out) {
    const Type kind = base.kind();
    if (kind == Type::Null) return out = Val(), Status::Value;
    if (kind != Type::Array && kind != Type::String) {
        return machine.fail(
            [&] { return "Cannot index " + std::string(kind_name(kind)) + " with object"; });
    }
    const auto is_bound = [](const Val& v) {
        return v.kind() == Type::Null || v.kind() == Type::Number;
    };
    if (!is_bound(from) || !is_bound(to)) {
        return machine.fail(
            [] { return "Start and end indices of an array slice must be numbers"; });
    }
    std::string_view text;
    List list;
    const Status status =
        kind == Type::String ? machine.text(base, text) : machine.list(base, list);
    if (status != Status::Value) return status;
    const std::size_t size = kind == Type::String ? characters(text) : list.size;
    const std::size_t begin = bound(from.number(), size, false);
    const std::size_t stop = to.kind() == Type::Null ? size : bound(to.number(), size, true);
    const std::size_t end = std::max(begin, stop);
    if (kind == Type::Array) return out = List{list.items + begin, end - begin}, Status::Value;
    const std::size_t first = byte_of(text, begin);
    out = text.substr(first, byte_of(text, end) - first);
    return Status::Value;
}

/// Evaluates what stands in the brackets: the index, or the bounds that are there.
Status bracket(Machine& machine, const Node& node, const Val& base, const Val& input, Val& out) {
    Val first;
    Val second;
    std::size_t kid = 1;
    if (node.op == Op::Index || node.steps[0].is_index) {
        if (const Status status = eval(machine, *node.kids[kid++], input, first);
            status != Status::Value)
            return status;
    }
    Status status = Status::Value;
    if (node.op == Op::Index) {
        status = index_with(machine, base, first, out);
    } else {
        if (node.steps[1].is_index) status = eval(machine, *node.kids[kid], input, second);
        if (status != Status::Value) return status;
        status = slice(machine, base, first, second, out);
    }
    return status == Status::Error && node.optional ? forgiven(machine) : status;
}

Status eval_bracket(Machine& machine, const Node& node, const Val& input, Val& out) {
    Val base;
    if (const Status status = eval(machine, *node.kids[0], input, base); status != Status::Value)
        return status;
    return bracket(machine, node, base, input, out);
}

// -- operators -----------------------------------------------------------------------------------

Status eval_pipe(Machine& machine, const Node& node, const Val& input, Val& out) {
    Val at = input;
    for (const NodePtr& kid : node.kids) {
        if (const Status status = eval(machine, *kid, at, out); status != Status::Value)
            return status;
        at = out;
    }
    return Status::Value;
}

/// The first side that is neither false nor null nor without a result; of the last side whatever it is.
Status eval_alternative(Machine& machine, const Node& node, const Val& input, Val& out) {
    for (std::size_t i = 0; i < node.kids.size(); ++i) {
        const Status status = eval(machine, *node.kids[i], input, out);
        if (status == Status::Error || i + 1 == node.kids.size()) return status;
        if (status == Status::Value && out.truthy()) return status;
    }
    return Status::Empty;
}

Status eval_logic(Machine& machine, const Node& node, const Val& input, Val& out) {
    const bool decides = node.op == Op::Or;
    for (const NodePtr& kid : node.kids) {
        if (const Status status = eval(machine, *kid, input, out); status != Status::Value)
            return status;
        if (out.truthy() == decides) return out = decides, Status::Value;
    }
    return out = !decides, Status::Value;
}

/// The right side is evaluated first, as jq does: it shows in which of two errors is told.
Status both(Machine& machine, const Node& node, const Val& input, Val& a, Val& b) {
    if (const Status status = eval(machine, *node.kids[1], input, b); status != Status::Value)
        return status;
    return eval(machine, *node.kids[0], input, a);
}

bool verdict(Op op, int order) noexcept {
    switch (op) {
        case Op::Equal:
            return order == 0;
        case Op::NotEqual:
            return order != 0;
        case Op::Less:
            return order < 0;
        case Op::LessEqual:
            return order <= 0;
        case Op::Greater:
            return order > 0;
        default:
            return order >= 0;
    }
}

Status eval_comparison(Machine& machine, const Node& node, const Val& input, Val& out) {
    Val a;
    Val b;
    if (const Status status = both(machine, node, input, a, b); status != Status::Value)
        return status;
    int order = 0;
    if (compare(machine, a, b, order) != Status::Value) return Status::Error;
    return out = verdict(node.op, order), Status::Value;
}

Status eval_arithmetic(Machine& machine, const Node& node, const Val& input, Val& out) {
    Val a;
    Val b;
    if (const Status status = both(machine, node, input, a, b); status != Status::Value)
        return status;
    return arithmetic(machine, node.op, a, b, out);
}

Status eval_negate(Machine& machine, const Node& node, const Val& input, Val& out) {
    Val value;
    if (const Status status = eval(machine, *node.kids[0], input, value); status != Status::Value)
        return status;
    if (value.kind() != Type::Number)
        return machine.fail([&] { return shown(value) + " cannot be negated"; });
    return out = -value.number(), Status::Value;
}

Status eval_if(Machine& machine, const Node& node, const Val& input, Val& out) {
    std::size_t i = 0;
    for (; i + 1 < node.kids.size(); i += 2) {
        Val condition;
        if (const Status status = eval(machine, *node.kids[i], input, condition);
            status != Status::Value)
            return status;
        if (condition.truthy()) return eval(machine, *node.kids[i + 1], input, out);
    }
    return eval(machine, *node.kids[i], input, out);
}

Status eval_try(Machine& machine, const Node& node, const Val& input, Val& out) {
    const Status status = eval(machine, *node.kids[0], input, out);
    return status == Status::Error ? forgiven(machine) : status;
}

// -- construction --------------------------------------------------------------------------------

Status eval_array(Machine& machine, const Node& node, const Val& input, Val& out) {
    std::pmr::vector<Val> items(machine.memory());
    auto add = [&](const Val& value) {
        if (!machine.take(2 * sizeof(Val))) return Flow::Error;
        items.push_back(value);
        return Flow::Go;
    };
    for (const NodePtr& kid : node.kids) {
        if (each(machine, *kid, input, Sink(add)) == Flow::Error) return Status::Error;
    }
    Val* const kept = machine.values(items.size());
    if (kept == nullptr) return Status::Error;
    std::copy(items.begin(), items.end(), kept);
    return out = List{kept, items.size()}, Status::Value;
}

Status eval_object(Machine& machine, const Node& node, const Val& input, Val& out) {
    DictBuilder builder(machine, node.kids.size() / 2);
    if (!builder.good()) return Status::Error;
    for (std::size_t i = 0; i < node.kids.size(); i += 2) {
        Val name;
        Val value;
        if (const Status status = eval(machine, *node.kids[i], input, name);
            status != Status::Value)
            return status;
        if (name.kind() != Type::String) {
            return machine.fail([&] { return "Object keys must be strings, not " + shown(name); });
        }
        std::string_view text;
        if (machine.text(name, text) != Status::Value) return Status::Error;
        if (const Status status = eval(machine, *node.kids[i + 1], input, value);
            status != Status::Value)
            return status;
        builder.set(text, value);
    }
    return out = builder.finish(), Status::Value;
}

Status eval_join(Machine& machine, const Node& node, const Val& input, Val& out) {
    std::string joined;
    for (const NodePtr& kid : node.kids) {
        Val part;
        if (const Status status = eval(machine, *kid, input, part); status != Status::Value)
            return status;
        std::string_view text;
        if (to_text(machine, part, text) != Status::Value || !machine.take(text.size()))
            return Status::Error;
        joined.append(text);
    }
    std::string_view kept;
    if (machine.keep(joined, kept) != Status::Value) return Status::Error;
    return out = kept, Status::Value;
}

// -- several results -----------------------------------------------------------------------------

Flow each_element(Machine& machine, const Node& node, const Val& container, Sink sink) {
    List list;
    if (machine.list(container, list) != Status::Value) {
        return node.optional && forgiven(machine) == Status::Empty ? Flow::Go : Flow::Error;
    }
    for (const Val& item : list) {
        if (!machine.step()) return Flow::Error;
        if (const Flow flow = sink(item); flow != Flow::Go) return flow;
    }
    return Flow::Go;
}

Flow each_in_pipe(Machine& machine, const Node& node, std::size_t stage, const Val& input,
                  Sink sink) {
    if (stage == node.kids.size()) return sink(input);
    auto next = [&](const Val& value) {
        return each_in_pipe(machine, node, stage + 1, value, sink);
    };
    return each(machine, *node.kids[stage], input, Sink(next));
}

/// Only errors of the guarded expression are forgiven, not those of what its results are used for.
Flow each_tried(Machine& machine, const Node& node, const Val& input, Sink sink) {
    bool later = false;
    auto pass = [&](const Val& value) {
        const Flow flow = sink(value);
        later |= flow == Flow::Error;
        return flow;
    };
    const Flow flow = each(machine, *node.kids[0], input, Sink(pass));
    if (flow != Flow::Error || later) return flow;
    return forgiven(machine) == Status::Empty ? Flow::Go : Flow::Error;
}

/// Results of the base, each taken one step further.
Flow each_further(Machine& machine, const Node& node, const Val& input, Sink sink) {
    auto further = [&](const Val& base) {
        if (node.op == Op::Each) return each_element(machine, node, base, sink);
        Val out;
        const Status status = node.op == Op::Path ? walk(machine, node.steps, base, out)
                                                  : bracket(machine, node, base, input, out);
        if (status == Status::Value) return sink(out);
        return status == Status::Empty ? Flow::Go : Flow::Error;
    };
    return each(machine, *node.kids[0], input, Sink(further));
}

}  // namespace

Flow each(Machine& machine, const Node& node, const Val& input, Sink sink) {
    if (!node.several) {
        Val out;
        const Status status = eval(machine, node, input, out);
        if (status == Status::Value) return sink(out);
        return status == Status::Empty ? Flow::Go : Flow::Error;
    }
    if (!machine.step()) return Flow::Error;
    switch (node.op) {
        case Op::Pipe:
            return each_in_pipe(machine, node, 0, input, sink);
        case Op::Try:
            return each_tried(machine, node, input, sink);
        case Op::Each:
            if (node.kids.empty()) return each_element(machine, node, input, sink);
            return each_further(machine, node, input, sink);
        default:
            return each_further(machine, node, input, sink);
    }
}

Status eval(Machine& machine, const Node& node, const Val& input, Val& out) {
    if (!machine.step()) return Status::Error;
    switch (node.op) {
        case Op::Identity:
            return out = input, Status::Value;
        case Op::Literal:
            return out = node.literal, Status::Value;
        case Op::Path:
            return eval_path(machine, node, input, out);
        case Op::Index:
        case Op::Slice:
            return eval_bracket(machine, node, input, out);
        case Op::Try:
            return eval_try(machine, node, input, out);
        case Op::Pipe:
            return eval_pipe(machine, node, input, out);
        case Op::Alternative:
            return eval_alternative(machine, node, input, out);
        case Op::And:
        case Op::Or:
            return eval_logic(machine, node, input, out);
        case Op::Equal:
        case Op::NotEqual:
        case Op::Less:
        case Op::LessEqual:
        case Op::Greater:
        case Op::GreaterEqual:
            return eval_comparison(machine, node, input, out);
        case Op::Add:
        case Op::Subtract:
        case Op::Multiply:
        case Op::Divide:
        case Op::Modulo:
            return eval_arithmetic(machine, node, input, out);
        case Op::Negate:
            return eval_negate(machine, node, input, out);
        case Op::If:
            return eval_if(machine, node, input, out);
        case Op::Array:
            return eval_array(machine, node, input, out);
        case Op::Object:
            return eval_object(machine, node, input, out);
        case Op::Join:
            return eval_join(machine, node, input, out);
        case Op::Call:
            return call(machine, node, input, out);
        case Op::Each:
            break;
    }
    ANODE_ASSERT(node.op !=
                 Op::Each);  // the parser lets several results stand only where each() reads them
    return Status::Empty;
}

}  // namespace anode::expr
