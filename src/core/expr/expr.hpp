#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "core/json/json.hpp"

/// The compiled subset of jq: paths, literals, comparisons, `and` `or` `not` `//`, arithmetic, `if`, object and array
/// construction, `test`, `tonumber`, `tostring`, `ascii_downcase`, `length`, `has`, `startswith`, … No loops, no I/O.
/// Source: interfaces, sections 6 and 15; jq 1.6 manual for the meaning of what is supported.
namespace anode::expr {

/// A path such as `data.s` or `events.0.id`; a bare word is one step; an empty text is the value itself.
class Path {
public:
    static Result<Path> parse(std::string_view text);
    /// The value there, or absent.
    [[nodiscard]] json::Value get(const json::Value& from) const;
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }
    struct Step {
        std::string name;
        std::uint32_t index = 0;
        bool is_index = false;  ///< digits: an element of an array, or a member of that name
    };
    [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }

private:
    std::string text_;
    std::vector<Step> steps_;
};

/// What an expression is evaluated over. Either a plain value (`root`), or an envelope: then `.data` is `root` and the
/// other members come from the fields below.
struct Scope {
    json::Value root;
    bool envelope = false;
    std::string_view topic, source, node, key, id, kind, content_type;
    std::int64_t ts = 0;
    std::optional<std::int64_t> source_time;
    BytesView binary;  ///< payload that is not JSON
};

struct CompileError {
    std::size_t offset = 0;  ///< byte in the text
    std::string detail;      ///< "unexpected end after `>`"
};

/// A compiled expression.
/// Thread: immutable; evaluated by any number of threads. Never throws; every evaluation is bounded by the program's
/// size and its input (a step budget of 10,000 guards the rest).
class Program {
public:
    static std::expected<Program, CompileError> compile(std::string_view text,
                                                        std::size_t bytes_max = 1024);

    /// Whether the first result is neither false nor null. A run-time error (as jq's) is an Error.
    [[nodiscard]] Result<bool> test(const Scope& scope) const;
    /// Like test(), but an error counts as false and costs no words. For classifiers: `.ping` holds if there is a ping.
    [[nodiscard]] bool holds(const Scope& scope) const noexcept;
    /// Appends the first result as compact JSON; values that were only selected keep their digits. Malformed with
    /// jq's words if it fails; NotFound if there is no result (`empty`, or `select` that was false).
    [[nodiscard]] Result<void> write(const Scope& scope, Bytes& out) const;
    /// The first result as text if it is a scalar (strings without quotes), none otherwise or on error.
    [[nodiscard]] std::optional<std::string> text_of(const Scope& scope) const;

    /// The first result if it is a part of `scope.root` as it stands; absent for computed ones and on error.
    [[nodiscard]] json::Value selected(const Scope& scope) const;

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
    struct Tree;
    std::shared_ptr<const Tree> tree_;
};

/// Whether recipes read `text` as an expression rather than a path: it starts with `.`, or holds a call, a comparison or a
/// pipe.
bool is_expression(std::string_view text);

/// A path or an expression, as recipes allow in most places.
class Selector {
public:
    static std::expected<Selector, CompileError> parse(std::string_view text);
    /// The value there if it can be had without computing; absent for computed ones.
    [[nodiscard]] json::Value value(const json::Value& from) const;
    /// Its scalar text, computed if need be.
    [[nodiscard]] std::optional<std::string> text_of(const json::Value& from) const;
    [[nodiscard]] bool holds(const json::Value& from) const;
    [[nodiscard]] const std::string& text() const noexcept;

private:
    std::variant<Path, Program> what_;
};

}  // namespace anode::expr
