#include <charconv>
#include <limits>

#include "core/expr/builtins.hpp"
#include "core/expr/parser.hpp"
#include "core/expr/parser_try.hpp"
#include "core/json/unescape.hpp"

namespace anode::expr {

namespace {
constexpr std::size_t kStepsMax = 64;  ///< of one path node
constexpr std::size_t kSuffixesMax = 256;

/// A literal that can be a step of a path.
std::optional<Step> step_of(const Node& index) {
    if (index.op != Op::Literal) return std::nullopt;
    if (index.literal.kind() == json::Type::String) return Step{index.text};
    const double number = index.literal.number();
    const bool whole = index.literal.kind() == json::Type::Number && number > -1e9 &&
                       number < 1e9 &&
                       number == static_cast<double>(static_cast<std::int64_t>(number));
    if (!whole) return std::nullopt;
    return Step{{}, static_cast<std::int64_t>(number), true};
}

}  // namespace

Parser::Parsed Parser::term() {
    const bool starts_path = token_.mark == Mark::Dot || token_.mark == Mark::Field;
    ANODE_EXPR_TRY(base, primary());
    const bool is_step = starts_path && base->op != Op::Identity;
    return suffixes(std::move(base), is_step);
}

Parser::Parsed Parser::primary() {
    const Token token = token_;
    switch (token.mark) {
        case Mark::Dot: {
            advance();
            NodePtr node = make(Op::Identity, token.offset);
            if (token_.mark != Mark::Quote) return node;
            ANODE_EXPR_TRY(name, text_literal());
            const auto step = step_of(*name);
            if (step) {
                node->op = Op::Path;
                node->steps.push_back(*step);
                return node;
            }
            return binary(Op::Index, std::move(node), std::move(name));
        }
        case Mark::Field: {
            advance();
            NodePtr node = make(Op::Path, token.offset);
            node->steps.push_back({std::string(token.text)});
            return node;
        }
        case Mark::Number:
            return number();
        case Mark::Quote:
            return text_literal();
        case Mark::Word:
            return word();
        case Mark::Sign:
            break;
        default:
            return unexpected();
    }
    if (token.is("[")) return array();
    if (token.is("{")) return object();
    if (!token.is("(")) return unexpected();
    advance();
    ANODE_EXPR_TRY(inner, pipe());
    ANODE_EXPR_CHECK(expect(")", ""));
    return inner;
}

/// `.name`, `."name"`, `[…]`, `?` behind a term, as often as they come.
Parser::Parsed Parser::suffixes(NodePtr base, bool is_step) {
    const std::size_t offset = base->offset;
    for (std::size_t count = 0; count < kSuffixesMax; ++count) {
        if (token_.mark == Mark::Field) {
            base = path_on(std::move(base), offset);
            base->steps.push_back({std::string(token_.text)});
            advance();
        } else if (token_.mark == Mark::Dot) {
            ANODE_EXPR_TRY(node, dot(std::move(base)));
            base = std::move(node);
        } else if (token_.is("[")) {
            ANODE_EXPR_TRY(node, bracket(std::move(base)));
            base = std::move(node);
        } else if (token_.is("?")) {
            advance();
            ANODE_EXPR_TRY(node, optional(std::move(base), is_step));
            base = std::move(node);
            is_step = false;
            continue;
        } else {
            if (token_.is_word("as")) return outside(token_.offset, "as");
            return base;
        }
        is_step = true;
    }
    return wrong(token_.offset, "a path with too many steps");
}

/// `?` behind a step forgives that step, behind anything else the whole.
Parser::Parsed Parser::optional(NodePtr base, bool is_step) {
    if (is_step) {
        (base->op == Op::Path ? base->steps.back().optional : base->optional) = true;
        return base;
    }
    NodePtr node = make(Op::Try, base->offset);
    node->several = base->several;
    ANODE_EXPR_CHECK(adopt(*node, std::move(base), true));
    return node;
}

/// `."name"` behind a term; a dot before `[` changes nothing.
Parser::Parsed Parser::dot(NodePtr base) {
    advance();
    if (token_.is("[")) return bracket(std::move(base));
    if (token_.mark != Mark::Quote) return unexpected();
    ANODE_EXPR_TRY(name, text_literal());
    const auto step = step_of(*name);
    if (!step) return binary(Op::Index, std::move(base), std::move(name));
    const std::size_t offset = base->offset;
    NodePtr path = path_on(std::move(base), offset);
    path->steps.push_back(*step);
    return path;
}

/// A path node that further steps can be put on: the base itself if it is one.
NodePtr Parser::path_on(NodePtr base, std::size_t offset) const {
    if (base->op == Op::Path && base->steps.size() < kStepsMax) return base;
    NodePtr node = make(Op::Path, offset);
    if (base->op == Op::Identity) return node;
    node->several = base->several;
    node->depth = static_cast<std::uint16_t>(base->depth + 1);
    node->kids.push_back(std::move(base));
    return node;
}

/// `[]`, `[index]`, `[from:to]` behind a term.
Parser::Parsed Parser::bracket(NodePtr base) {
    const std::size_t offset = base->offset;
    advance();
    if (token_.is("]")) {
        advance();
        NodePtr node = make(Op::Each, offset);
        node->several = true;
        if (base->op == Op::Identity) return node;
        ANODE_EXPR_CHECK(adopt(*node, std::move(base), true));
        return node;
    }
    if (token_.is(":")) return slice(std::move(base), nullptr);
    ANODE_EXPR_TRY(index, pipe());
    if (token_.is(":")) return slice(std::move(base), std::move(index));
    ANODE_EXPR_CHECK(expect("]", " after an index"));
    if (const auto step = step_of(*index)) {
        NodePtr path = path_on(std::move(base), offset);
        path->steps.push_back(*step);
        return path;
    }
    NodePtr node = make(Op::Index, offset);
    node->several = base->several;
    ANODE_EXPR_CHECK(adopt(*node, std::move(base), true));
    ANODE_EXPR_CHECK(adopt(*node, std::move(index)));
    return node;
}

Parser::Parsed Parser::slice(NodePtr base, NodePtr from) {
    NodePtr node = make(Op::Slice, base->offset);
    node->several = base->several;
    node->steps.resize(2);  // which of the two bounds are among the kids
    node->steps[0].is_index = from != nullptr;
    ANODE_EXPR_CHECK(adopt(*node, std::move(base), true));
    if (from != nullptr) ANODE_EXPR_CHECK(adopt(*node, std::move(from)));
    advance();
    if (token_.is("]")) {
        if (!node->steps[0].is_index) return unexpected();
        advance();
        return node;
    }
    node->steps[1].is_index = true;
    ANODE_EXPR_TRY(to, pipe());
    ANODE_EXPR_CHECK(adopt(*node, std::move(to)));
    ANODE_EXPR_CHECK(expect("]", " after a slice"));
    return node;
}

// -- words ---------------------------------------------------------------------------------------

Parser::Parsed Parser::word() {
    const Token token = token_;
    if (token.text == "if") return condition();
    for (const std::string_view keyword : {"and", "or", "then", "elif", "else", "end"}) {
        if (token.text == keyword) return unexpected();
    }
    if (is_jq_only(token.text)) return outside(token.offset, token.text);
    advance();
    if (token_.is("(")) return function(token);
    if (token.text == "true") return make_literal(Val(true), token.offset);
    if (token.text == "false") return make_literal(Val(false), token.offset);
    if (token.text == "null") return make_literal(Val(), token.offset);
    return call(token, {});
}

Parser::Parsed Parser::condition() {
    NodePtr node = make(Op::If, token_.offset);
    do {
        advance();
        ANODE_EXPR_TRY(when, pipe());
        ANODE_EXPR_CHECK(adopt(*node, std::move(when)));
        ANODE_EXPR_CHECK(expect("then", " after the condition of `if`"));
        ANODE_EXPR_TRY(then, pipe());
        ANODE_EXPR_CHECK(adopt(*node, std::move(then)));
    } while (token_.is_word("elif"));
    if (token_.is_word("else")) {
        advance();
        ANODE_EXPR_TRY(otherwise, pipe());
        ANODE_EXPR_CHECK(adopt(*node, std::move(otherwise)));
    } else {
        ANODE_EXPR_CHECK(adopt(*node, make(Op::Identity, token_.offset)));
    }
    ANODE_EXPR_CHECK(expect("end", " after `if`"));
    return node;
}

/// The arguments of a call, `;` between them.
Parser::Parsed Parser::function(const Token& name) {
    std::vector<NodePtr> arguments;
    do {
        advance();
        ANODE_EXPR_TRY(argument, pipe());
        arguments.push_back(std::move(argument));
    } while (token_.is(";"));
    ANODE_EXPR_CHECK(expect(")", " after the arguments of `" + std::string(name.text) + "`"));
    return call(name, std::move(arguments));
}

Parser::Parsed Parser::call(const Token& name, std::vector<NodePtr> arguments) {
    const Builtin* const builtin = find_builtin(name.text, arguments.size());
    const std::string word = "`" + std::string(name.text) + "`";
    if (builtin == nullptr && is_builtin(name.text)) {
        return wrong(name.offset, word + " with " + std::to_string(arguments.size()) +
                                      (arguments.size() == 1 ? " argument" : " arguments") +
                                      " is not in the compiled subset");
    }
    if (builtin == nullptr) {
        const std::string_view near = nearest_builtin(name.text);
        return wrong(
            name.offset,
            word + " is no function of the compiled subset" +
                (near.empty() ? std::string() : "; did you mean `" + std::string(near) + "`?"));
    }
    NodePtr node = make(Op::Call, name.offset);
    node->function = builtin->function;
    node->kinds = builtin->kinds;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        ANODE_EXPR_CHECK(
            adopt(*node, std::move(arguments[i]), (builtin->generators >> i & 1U) != 0));
    }
    if (node->function == Function::Test) return regex(std::move(node));
    return node;
}

/// `test("re")`, `test("re"; "flags")`, `test(["re", "flags"])`: compiled here, once.
Parser::Parsed Parser::regex(NodePtr call) {
    std::vector<const Node*> parts;
    const std::vector<NodePtr>& from =
        call->kids[0]->op == Op::Array ? call->kids[0]->kids : call->kids;
    for (const NodePtr& kid : from) parts.push_back(kid.get());
    const auto is_text = [](const Node* n) {
        return n->op == Op::Literal && n->literal.kind() == json::Type::String;
    };
    const auto is_null = [](const Node* n) {
        return n->op == Op::Literal && n->literal.kind() == json::Type::Null;
    };
    const bool good =
        (parts.size() == 1 || (parts.size() == 2 && (is_text(parts[1]) || is_null(parts[1])))) &&
        is_text(parts[0]);
    if (!good)
        return wrong(call->kids[0]->offset,
                     "`test` takes a regular expression and flags written out as strings");
    auto compiled = Regex::compile(
        parts[0]->text, parts.size() == 2 ? std::string_view(parts[1]->text) : std::string_view());
    if (!compiled) return wrong(parts[0]->offset, std::move(compiled.error()));
    call->regex = std::move(*compiled);
    return call;
}

// -- literals ------------------------------------------------------------------------------------

Parser::Parsed Parser::number() {
    const std::string_view text = token_.text;
    const Val value(json::nearest_double(text));
    NodePtr node = make_literal(value, token_.offset);
    advance();
    if (token_.mark == Mark::Field || token_.mark == Mark::Word) {
        const bool glued = token_.offset == node->offset + text.size();
        if (glued) return unexpected();
    }
    return node;
}

/// A string, with the parts between `\(` and `)` evaluated.
Parser::Parsed Parser::text_literal() {
    const std::size_t offset = token_.offset;
    std::vector<NodePtr> parts;
    for (;;) {
        std::string text;
        const std::size_t start = lexer_.offset();
        const Lexer::Part part = lexer_.string_part(text);
        if (part == Lexer::Part::Unfinished) return wrong(offset, "a string has no end");
        if (part == Lexer::Part::BadEscape)
            return wrong(lexer_.offset(), "an escape that strings do not know");
        if (!text.empty() || (part == Lexer::Part::End && parts.empty()))
            parts.push_back(make_text(std::move(text), start));
        if (part == Lexer::Part::End) break;
        advance();
        ANODE_EXPR_TRY(inner, pipe());
        if (!token_.is(")")) return unexpected();
        parts.push_back(std::move(inner));
    }
    token_.text = text_.substr(offset, lexer_.offset() - offset);  // errors name the whole string
    token_.offset = offset;
    advance();
    if (parts.size() == 1 && parts[0]->op == Op::Literal &&
        parts[0]->literal.kind() == json::Type::String) {
        parts[0]->offset = static_cast<std::uint32_t>(offset);
        return std::move(parts[0]);
    }
    NodePtr node = make(Op::Join, offset);
    for (NodePtr& part : parts) ANODE_EXPR_CHECK(adopt(*node, std::move(part)));
    return node;
}

}  // namespace anode::expr
