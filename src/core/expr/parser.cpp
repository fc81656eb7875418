#include "core/expr/parser.hpp"
#include "core/expr/parser_try.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "core/expr/builtins.hpp"
#include "core/json/unescape.hpp"

namespace anode::expr {

namespace {

constexpr int kNestingMax = 100;
constexpr int kDepthMax = 256;

constexpr std::array<std::string_view, 9> kKeywords = {"and", "or", "then", "elif", "else",
                                                       "end", "if", "not",  "as"};

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

}  // namespace

// -- tokens and errors ---------------------------------------------------------------------------

void Parser::advance() {
    before_ = text_.substr(
        token_.offset, token_.mark == Mark::Field ? token_.text.size() + 1 : token_.text.size());
    token_ = lexer_.next();
}

std::unexpected<CompileError> Parser::wrong(std::size_t offset, std::string words) {
    return std::unexpected(CompileError{offset, std::move(words)});
}

std::unexpected<CompileError> Parser::outside(std::size_t offset, std::string_view what) {
    return wrong(offset, quoted(what) + " is not in the compiled subset");
}

/// Why `token_` cannot stand where it does.
std::unexpected<CompileError> Parser::unexpected() const {
    const std::string after = before_.empty() ? std::string() : " after " + quoted(before_);
    const std::size_t at = token_.offset;
    switch (token_.mark) {
        case Mark::End:
            return wrong(at, "unexpected end" + after);
        case Mark::DotDot:
        case Mark::Variable:
        case Mark::Format:
            return outside(at, token_.text);
        case Mark::Wrong: {
            const auto byte = static_cast<unsigned char>(token_.text.front());
            if (byte < 0x20 || byte > 0x7e)
                return wrong(at, "a character that no expression has" + after);
            return wrong(at, "unexpected " + quoted(token_.text) + after);
        }
        case Mark::Sign:
            if (token_.text == ",")
                return wrong(at, "`,` (more than one result) is not in the compiled subset");
            if (token_.text == "?//") return outside(at, token_.text);
            if (token_.text == "=" ||
                (token_.text.ends_with("=") &&
                 std::string_view("|+-*/%").find(token_.text[0]) != std::string_view::npos)) {
                return wrong(at, quoted(token_.text) +
                                     " (assignment) is not in the compiled subset" +
                                     (token_.text == "=" ? "; `==` compares" : ""));
            }
            break;
        case Mark::Word:
            if (is_jq_only(token_.text)) return outside(at, token_.text);
            break;
        default:
            break;
    }
    return wrong(at, "unexpected " +
                         quoted(token_.mark == Mark::Field ? "." + std::string(token_.text)
                                                           : std::string(token_.text)) +
                         after);
}

std::expected<void, CompileError> Parser::expect(std::string_view sign, std::string_view after) {
    if (token_.is(sign) || token_.is_word(sign)) {
        advance();
        return {};
    }
    if (token_.mark == Mark::End) {
        return wrong(token_.offset,
                     "unexpected end: " + quoted(sign) + " is missing" + std::string(after));
    }
    return unexpected();
}

// -- nodes ---------------------------------------------------------------------------------------

NodePtr Parser::make(Op op, std::size_t offset) const {
    auto node = std::make_unique<Node>();
    node->op = op;
    node->offset = static_cast<std::uint32_t>(offset);
    return node;
}

NodePtr Parser::make_literal(Val value, std::size_t offset) const {
    NodePtr node = make(Op::Literal, offset);
    node->literal = value;
    return node;
}

NodePtr Parser::make_text(std::string text, std::size_t offset) {
    auto node = std::make_unique<Node>();
    node->op = Op::Literal;
    node->offset = static_cast<std::uint32_t>(offset);
    node->text = std::move(text);
    node->literal = Val(std::string_view(node->text));
    return node;
}

std::expected<void, CompileError> Parser::adopt(Node& parent, NodePtr kid, bool several_allowed) {
    if (kid->several && !several_allowed) {
        return wrong(kid->offset,
                     "`.[]` (more than one result) is only in the compiled subset inside `any(…)`, "
                     "`all(…)`, `map(…)`, "
                     "`first(…)` and `[…]`");
    }
    parent.depth =
        std::max<std::uint16_t>(parent.depth, static_cast<std::uint16_t>(kid->depth + 1));
    if (parent.depth > kDepthMax) return wrong(kid->offset, "the expression is nested too deeply");
    parent.kids.push_back(std::move(kid));
    return {};
}

Parser::Parsed Parser::binary(Op op, NodePtr left, NodePtr right) {
    NodePtr node = make(op, left->offset);
    ANODE_EXPR_CHECK(adopt(*node, std::move(left)));
    ANODE_EXPR_CHECK(adopt(*node, std::move(right)));
    return node;
}

Parser::Parsed Parser::chain(Op op, std::string_view sign, Parsed (Parser::*operand)()) {
    ANODE_EXPR_TRY(first, (this->*operand)());
    const bool may_be_several = op == Op::Pipe;
    if (!token_.is(sign) && !token_.is_word(sign)) {
        if (may_be_several) piped_ = false;
        return first;
    }
    NodePtr node = make(op, first->offset);
    node->several = may_be_several && first->several;
    ANODE_EXPR_CHECK(adopt(*node, std::move(first), may_be_several));
    while (token_.is(sign) || token_.is_word(sign)) {
        advance();
        ANODE_EXPR_TRY(next, (this->*operand)());
        node->several |= may_be_several && next->several;
        ANODE_EXPR_CHECK(adopt(*node, std::move(next), may_be_several));
    }
    if (may_be_several) piped_ = true;
    return node;
}

// -- operators, loosest first --------------------------------------------------------------------

std::expected<NodePtr, CompileError> Parser::run() {
    advance();
    if (token_.mark == Mark::End) return wrong(0, "an empty expression");
    ANODE_EXPR_TRY(program, pipe());
    if (token_.mark != Mark::End) return unexpected();
    Node root;  // whole programs have one result: the same rule as for any other part
    const std::size_t offset = program->offset;
    ANODE_EXPR_CHECK(adopt(root, std::move(program)));
    root.kids[0]->offset = static_cast<std::uint32_t>(offset);
    return std::move(root.kids[0]);
}

Parser::Parsed Parser::pipe() {
    if (++nesting_ > kNestingMax)
        return wrong(token_.offset, "the expression is nested too deeply");
    auto parsed = chain(Op::Pipe, "|", &Parser::alternative);
    --nesting_;
    return parsed;
}
Parser::Parsed Parser::alternative() { return chain(Op::Alternative, "//", &Parser::either); }
Parser::Parsed Parser::either() { return chain(Op::Or, "or", &Parser::both); }
Parser::Parsed Parser::both() { return chain(Op::And, "and", &Parser::comparison); }

namespace {

struct Operator {
    std::string_view sign;
    Op op;
};
constexpr std::array<Operator, 6> kComparisons = {{{"==", Op::Equal},
                                                   {"!=", Op::NotEqual},
                                                   {"<", Op::Less},
                                                   {"<=", Op::LessEqual},
                                                   {">", Op::Greater},
                                                   {">=", Op::GreaterEqual}}};
constexpr std::array<Operator, 2> kSums = {{{"+", Op::Add}, {"-", Op::Subtract}}};
constexpr std::array<Operator, 3> kProducts = {
    {{"*", Op::Multiply}, {"/", Op::Divide}, {"%", Op::Modulo}}};

template <class Table>
const Operator* operator_of(const Table& table, const Token& token) {
    const auto* const found = std::find_if(table.begin(), table.end(),
                                           [&](const Operator& o) { return token.is(o.sign); });
    return found == table.end() ? nullptr : found;
}

}  // namespace

/// jq's comparisons do not associate: `a < b < c` is no program.
Parser::Parsed Parser::comparison() {
    ANODE_EXPR_TRY(left, sum());
    const Operator* const found = operator_of(kComparisons, token_);
    if (found == nullptr) return left;
    advance();
    ANODE_EXPR_TRY(right, sum());
    if (operator_of(kComparisons, token_) != nullptr) {
        return wrong(token_.offset, "a comparison of a comparison needs parentheses");
    }
    return binary(found->op, std::move(left), std::move(right));
}

Parser::Parsed Parser::sum() {
    ANODE_EXPR_TRY(left, product());
    while (const Operator* const found = operator_of(kSums, token_)) {
        advance();
        ANODE_EXPR_TRY(right, product());
        ANODE_EXPR_TRY(node, binary(found->op, std::move(left), std::move(right)));
        left = std::move(node);
    }
    return left;
}

Parser::Parsed Parser::product() {
    ANODE_EXPR_TRY(left, signed_term());
    while (const Operator* const found = operator_of(kProducts, token_)) {
        advance();
        ANODE_EXPR_TRY(right, signed_term());
        ANODE_EXPR_TRY(node, binary(found->op, std::move(left), std::move(right)));
        left = std::move(node);
    }
    return left;
}

Parser::Parsed Parser::signed_term() {
    if (!token_.is("-")) return term();
    const std::size_t offset = token_.offset;
    if (++nesting_ > kNestingMax) return wrong(offset, "the expression is nested too deeply");
    advance();
    ANODE_EXPR_TRY(operand, signed_term());
    --nesting_;
    if (operand->op == Op::Literal && operand->literal.kind() == json::Type::Number) {
        return make_literal(Val(-operand->literal.number()), offset);
    }
    NodePtr node = make(Op::Negate, offset);
    ANODE_EXPR_CHECK(adopt(*node, std::move(operand)));
    return node;
}

// -- construction --------------------------------------------------------------------------------

Parser::Parsed Parser::array() {
    NodePtr node = make(Op::Array, token_.offset);
    advance();
    if (token_.is("]")) {
        advance();
        return node;
    }
    for (;;) {
        ANODE_EXPR_TRY(element, pipe());
        const bool piped = piped_;
        ANODE_EXPR_CHECK(adopt(*node, std::move(element), true));
        // In jq the comma binds tighter than the pipe: `[a, b | c]` would mean `[(a, b) | c]`.
        if (piped && (node->kids.size() > 1 || token_.is(","))) {
            return wrong(token_.offset, "`|` beside `,` in `[…]` needs parentheses around it");
        }
        if (!token_.is(",")) break;
        advance();
    }
    ANODE_EXPR_CHECK(expect("]", " after the elements of an array"));
    return node;
}

Parser::Parsed Parser::object() {
    NodePtr node = make(Op::Object, token_.offset);
    advance();
    while (!token_.is("}")) {
        ANODE_EXPR_CHECK(member(*node));
        if (token_.is(",")) {
            advance();
        } else if (!token_.is("}")) {
            if (token_.mark == Mark::End)
                return wrong(token_.offset,
                             "unexpected end: `}` is missing after the members of an object");
            return unexpected();
        }
    }
    advance();
    return node;
}

/// `name: value`, `"name": value`, `(expression): value`; `name` and `"name"` alone take the member of that name.
std::expected<void, CompileError> Parser::member(Node& object) {
    bool may_stand_alone = false;
    const std::size_t offset = token_.offset;
    ANODE_EXPR_TRY(name, member_name(may_stand_alone));
    if (may_stand_alone && (token_.is(",") || token_.is("}"))) {
        NodePtr path = make(Op::Path, offset);
        path->steps.push_back({name->text});
        ANODE_EXPR_CHECK(adopt(object, std::move(name)));
        return adopt(object, std::move(path));
    }
    ANODE_EXPR_CHECK(expect(":", " after the name of a member"));
    ANODE_EXPR_CHECK(adopt(object, std::move(name)));
    ANODE_EXPR_TRY(value, pipe());
    return adopt(object, std::move(value));
}

Parser::Parsed Parser::member_name(bool& may_stand_alone) {
    const Token token = token_;
    if (token.mark == Mark::Word) {
        advance();
        may_stand_alone =
            std::find(kKeywords.begin(), kKeywords.end(), token.text) == kKeywords.end();
        return make_text(std::string(token.text), token.offset);
    }
    if (token.mark == Mark::Quote) {
        ANODE_EXPR_TRY(name, text_literal());
        may_stand_alone = name->op == Op::Literal;
        return name;
    }
    if (!token.is("(")) return unexpected();
    advance();
    ANODE_EXPR_TRY(name, pipe());
    ANODE_EXPR_CHECK(expect(")", ""));
    return name;
}

}  // namespace anode::expr
