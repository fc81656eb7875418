#include "core/expr/lexer.hpp"

#include <array>

#include "core/json/unescape.hpp"

namespace anode::expr {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool begins_word(char c) noexcept {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Longer ones first: `//=` is no `//`.
constexpr std::array<std::string_view, 30> kSigns = {
    "?//", "//=", "==", "!=", "<=", ">=", "//", "|=", "+=", "-=", "*=", "/=", "%=", "<", ">",
    "=",   "+",   "-",  "*",  "/",  "%",  "|",  ",",  "(",  ")",  "[",  "]",  "{",  "}", "?"};

}  // namespace

Token Lexer::next() {
    skip_blanks();
    if (at_ == text_.size()) return take(Mark::End, 0);
    const char c = text_[at_];
    const char after = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == '"') return take(Mark::Quote, 1);
    if (begins_word(c)) return take(Mark::Word, word_bytes(at_));
    if (is_digit(c) || (c == '.' && is_digit(after))) return take(Mark::Number, number_bytes());
    if (c == '.' && after == '.') return take(Mark::DotDot, 2);
    if (c == '.' && begins_word(after)) {
        Token field = take(Mark::Field, 1 + word_bytes(at_ + 1));
        field.text.remove_prefix(1);
        return field;
    }
    if (c == '.') return take(Mark::Dot, 1);
    if (c == '$') return take(Mark::Variable, 1 + word_bytes(at_ + 1));
    if (c == '@') return take(Mark::Format, 1 + word_bytes(at_ + 1));
    for (const std::string_view sign : kSigns) {
        if (text_.substr(at_).starts_with(sign)) return take(Mark::Sign, sign.size());
    }
    if (c == ':' || c == ';') return take(Mark::Sign, 1);
    return take(Mark::Wrong, 1);
}

void Lexer::skip_blanks() {
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '#') {
            while (at_ < text_.size() && text_[at_] != '\n') ++at_;
        } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return;
        } else {
            ++at_;
        }
    }
}

Token Lexer::take(Mark mark, std::size_t bytes) {
    const Token token{mark, at_, text_.substr(at_, bytes)};
    at_ += bytes;
    return token;
}

std::size_t Lexer::word_bytes(std::size_t from) const {
    std::size_t end = from;
    while (end < text_.size() && (begins_word(text_[end]) || is_digit(text_[end]))) ++end;
    return end - from;
}

std::size_t Lexer::number_bytes() const {
    std::size_t end = at_;
    const auto digits = [&] {
        while (end < text_.size() && is_digit(text_[end])) ++end;
    };
    digits();
    if (end < text_.size() && text_[end] == '.') {
        ++end;
        digits();
    }
    if (end < text_.size() && (text_[end] | 0x20) == 'e') {
        std::size_t exponent = end + 1;
        if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-'))
            ++exponent;
        if (exponent < text_.size() && is_digit(text_[exponent])) {
            end = exponent;
            digits();
        }
    }
    return end - at_;
}

Lexer::Part Lexer::string_part(std::string& out) {
    while (at_ < text_.size()) {
        const char c = text_[at_];
        if (c == '"') {
            ++at_;
            return Part::End;
        }
        if (c != '\\') {
            out.push_back(c);
            ++at_;
            continue;
        }
        if (text_.substr(at_).starts_with("\\(")) {
            at_ += 2;
            return Part::Interpolation;
        }
        if (const Part part = escape(out); part != Part::End) return part;
    }
    return Part::Unfinished;
}

/// One escape, or two `\uXXXX` that make one character. Part::End if it is a good one.
Lexer::Part Lexer::escape(std::string& out) {
    const std::string_view rest = text_.substr(at_);
    if (rest.size() < 2) return Part::Unfinished;
    const auto is_unicode = [](std::string_view t) {
        return t.size() >= 6 && t[0] == '\\' && t[1] == 'u' && is_hex(t[2]) && is_hex(t[3]) &&
               is_hex(t[4]) && is_hex(t[5]);
    };
    std::size_t bytes = 2;
    if (rest[1] == 'u') {
        if (!is_unicode(rest)) return Part::BadEscape;
        bytes = is_unicode(rest.substr(6)) ? 12 : 6;
        // A second escape belongs to the first only if the two are halves of one character.
        const bool high = (rest[2] | 0x20) == 'd' &&
                          std::string_view("89abAB").find(rest[3]) != std::string_view::npos;
        if (!high) bytes = 6;
    } else if (std::string_view("\"\\/bfnrt").find(rest[1]) == std::string_view::npos) {
        return Part::BadEscape;
    }
    json::append_unescaped(out, rest.substr(0, bytes));
    at_ += bytes;
    return Part::End;
}

}  // namespace anode::expr
