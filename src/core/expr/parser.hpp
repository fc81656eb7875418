#pragma once

#include <expected>
#include <string_view>

#include "core/expr/expr.hpp"
#include "core/expr/lexer.hpp"
#include "core/expr/node.hpp"

namespace anode::expr {

/// Reads a program of the compiled subset. Precedence, loosest first, is jq's: `|`, `//`, `or`, `and`, comparisons, `+ -`,
/// `* / %`. Limits: nesting of 100 in the text and 256 in the tree, so that neither reading nor evaluating can exhaust a stack.
/// Source: jq 1.6 manual and grammar; from 1.7 an `if` without `else` and operators in the values of an object.
class Parser {
public:
    explicit Parser(std::string_view text) : lexer_(text), text_(text) {}
    std::expected<NodePtr, CompileError> run();

private:
    using Parsed = std::expected<NodePtr, CompileError>;

    Parsed pipe();
    Parsed alternative();
    Parsed either();
    Parsed both();
    Parsed comparison();
    Parsed sum();
    Parsed product();
    Parsed signed_term();
    Parsed term();
    Parsed primary();
    Parsed suffixes(NodePtr base, bool is_step);
    Parsed optional(NodePtr base, bool is_step);
    Parsed dot(NodePtr base);
    Parsed bracket(NodePtr base);
    Parsed slice(NodePtr base, NodePtr from);
    Parsed word();
    Parsed condition();
    Parsed function(const Token& name);
    Parsed call(const Token& name, std::vector<NodePtr> arguments);
    Parsed regex(NodePtr call);
    Parsed text_literal();
    Parsed number();
    Parsed array();
    Parsed object();
    std::expected<void, CompileError> member(Node& object);
    Parsed member_name(bool& may_stand_alone);

    /// Operands of one level with `sign` or `word` between them, as one node.
    Parsed chain(Op op, std::string_view sign, Parsed (Parser::*operand)());
    Parsed binary(Op op, NodePtr left, NodePtr right);
    std::expected<void, CompileError> adopt(Node& parent, NodePtr kid,
                                            bool several_allowed = false);
    NodePtr make(Op op, std::size_t offset) const;
    NodePtr make_literal(Val value, std::size_t offset) const;
    static NodePtr make_text(std::string text, std::size_t offset);
    NodePtr path_on(NodePtr base, std::size_t offset) const;

    void advance();
    std::expected<void, CompileError> expect(std::string_view sign, std::string_view after);
    std::unexpected<CompileError> unexpected() const;
    static std::unexpected<CompileError> wrong(std::size_t offset, std::string words);
    static std::unexpected<CompileError> outside(std::size_t offset, std::string_view what);

    Lexer lexer_;
    std::string_view text_;
    Token token_;
    std::string_view before_;  ///< the token before: errors name it
    int nesting_ = 0;
    bool piped_ = false;  ///< the last pipe() saw a `|` outside parentheses
};

}  // namespace anode::expr
