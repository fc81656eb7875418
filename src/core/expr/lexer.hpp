#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace anode::expr {

enum class Mark : std::uint8_t {
    End,
    Word,   ///< `length`, `and`, `if`: `text`
    Field,  ///< `.name`: `text` without the dot
    Dot,
    DotDot,
    Number,
    Quote,     ///< a string begins; Lexer::string_part() reads on
    Sign,      ///< operators and brackets: `text`
    Variable,  ///< `$name`
    Format,    ///< `@name`
    Wrong,     ///< a character no program has
};

struct Token {
    Mark mark = Mark::End;
    std::size_t offset = 0;
    std::string_view text;
    [[nodiscard]] bool is(std::string_view sign) const noexcept {
        return mark == Mark::Sign && text == sign;
    }
    [[nodiscard]] bool is_word(std::string_view word) const noexcept {
        return mark == Mark::Word && text == word;
    }
};

/// Takes a program's text apart, token by token.
class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}
    Token next();
    [[nodiscard]] std::size_t offset() const noexcept { return at_; }

    enum class Part : std::uint8_t { End, Interpolation, BadEscape, Unfinished };
    /// Reads a string from where the lexer stands, up to its closing quote or a `\(`; appends what it stands for.
    Part string_part(std::string& out);

private:
    void skip_blanks();
    Token take(Mark mark, std::size_t bytes);
    [[nodiscard]] std::size_t word_bytes(std::size_t from) const;
    [[nodiscard]] std::size_t number_bytes() const;
    Part escape(std::string& out);

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace anode::expr
