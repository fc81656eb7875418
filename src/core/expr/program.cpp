#include "base/text.hpp"
#include "core/expr/eval.hpp"
#include "core/expr/expr.hpp"
#include "core/expr/machine.hpp"
#include "core/expr/output.hpp"
#include "core/expr/parser.hpp"

namespace anode::expr {

struct Program::Tree {
    NodePtr root;
};

namespace {

Error error_of(Machine& machine) { return {Errc::Malformed, std::move(machine.error())}; }

std::optional<std::string> scalar_of(Machine& machine, const Val& value) {
    const json::Type kind = value.kind();
    if (kind == json::Type::Null || kind == json::Type::Array || kind == json::Type::Object)
        return std::nullopt;
    std::string_view text;
    if (to_text(machine, value, text) != Status::Value) return std::nullopt;
    return std::string(text);
}

}  // namespace

std::expected<Program, CompileError> Program::compile(std::string_view text,
                                                      std::size_t bytes_max) {
    if (text.size() > bytes_max) {
        return std::unexpected(
            CompileError{bytes_max, "longer than " + std::to_string(bytes_max) + " bytes"});
    }
    if (!text::is_utf8(text)) return std::unexpected(CompileError{0, "no valid UTF-8"});
    auto root = Parser(text).run();
    if (!root) return std::unexpected(std::move(root.error()));
    Program program;
    program.text_ = text;
    program.tree_ = std::make_shared<Tree>(Tree{std::move(*root)});
    return program;
}

Result<bool> Program::test(const Scope& scope) const {
    Machine machine(scope);
    Val out;
    const Status status = eval(machine, *tree_->root, machine.input(), out);
    if (status == Status::Error) return std::unexpected(error_of(machine));
    return status == Status::Value && out.truthy();
}

bool Program::holds(const Scope& scope) const noexcept {
    try {
        Machine machine(scope, true);
        Val out;
        return eval(machine, *tree_->root, machine.input(), out) == Status::Value && out.truthy();
    } catch (const std::bad_alloc&) {
        return false;
    }
}

Result<void> Program::write(const Scope& scope, Bytes& out) const {
    Machine machine(scope);
    Val value;
    const std::size_t before = out.size();
    Status status = eval(machine, *tree_->root, machine.input(), value);
    if (status == Status::Empty) return fail(Errc::NotFound, "the expression has no result");
    if (status == Status::Value) status = append_json(machine, value, out);
    if (status == Status::Value) return {};
    out.resize(before);
    return std::unexpected(error_of(machine));
}

std::optional<std::string> Program::text_of(const Scope& scope) const {
    Machine machine(scope, true);
    Val value;
    if (eval(machine, *tree_->root, machine.input(), value) != Status::Value) return std::nullopt;
    return scalar_of(machine, value);
}

json::Value Program::selected(const Scope& scope) const {
    Machine machine(scope, true);
    Val value;
    if (eval(machine, *tree_->root, machine.input(), value) != Status::Value) return {};
    const auto* const source = std::get_if<json::Value>(&value.is);
    return source == nullptr ? json::Value() : *source;
}

// -- Selector ------------------------------------------------------------------------------------

bool is_expression(std::string_view text) {
    text = text::trim(text);
    if (text.starts_with('.') || text.starts_with('(')) return true;
    return text.find_first_of("|<>(") != std::string_view::npos ||
           text.find("==") != std::string_view::npos || text.find("!=") != std::string_view::npos;
}

std::expected<Selector, CompileError> Selector::parse(std::string_view text) {
    Selector selector;
    if (is_expression(text)) {
        auto program = Program::compile(text);
        if (!program) return std::unexpected(std::move(program.error()));
        selector.what_ = std::move(*program);
        return selector;
    }
    auto path = Path::parse(text);
    if (!path) return std::unexpected(CompileError{0, std::move(path.error().what)});
    selector.what_ = std::move(*path);
    return selector;
}

json::Value Selector::value(const json::Value& from) const {
    if (const auto* path = std::get_if<Path>(&what_)) return path->get(from);
    return std::get<Program>(what_).selected({.root = from});
}

std::optional<std::string> Selector::text_of(const json::Value& from) const {
    if (const auto* path = std::get_if<Path>(&what_)) return path->get(from).scalar();
    return std::get<Program>(what_).text_of({.root = from});
}

bool Selector::holds(const json::Value& from) const {
    if (const auto* program = std::get_if<Program>(&what_)) return program->holds({.root = from});
    const json::Value value = std::get<Path>(what_).get(from);
    return value.present() && !value.is_null() && !value.is(json::Type::False);
}

const std::string& Selector::text() const noexcept {
    if (const auto* path = std::get_if<Path>(&what_)) return path->text();
    return std::get<Program>(what_).text();
}

}  // namespace anode::expr
