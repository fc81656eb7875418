#include "core/json/unescape.hpp"

#include <charconv>
#include <cstdint>
#include <limits>

namespace anode::json {

namespace {

constexpr std::uint32_t kReplacement = 0xfffd;

void append_utf8(std::string& out, std::uint32_t c) {
    const auto byte = [&out](std::uint32_t b) { out.push_back(static_cast<char>(b)); };
    if (c < 0x80) return byte(c);
    if (c < 0x800) {
        byte(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        byte(0xe0 | c >> 12);
        byte(0x80 | (c >> 6 & 0x3f));
    } else {
        byte(0xf0 | c >> 18);
        byte(0x80 | (c >> 12 & 0x3f));
        byte(0x80 | (c >> 6 & 0x3f));
    }
    byte(0x80 | (c & 0x3f));
}

std::uint32_t hex4(std::string_view digits) noexcept {
    std::uint32_t value = 0;
    std::from_chars(digits.data(), digits.data() + 4, value, 16);
    return value;
}

bool is_high(std::uint32_t c) noexcept { return c >= 0xd800 && c < 0xdc00; }
bool is_low(std::uint32_t c) noexcept { return c >= 0xdc00 && c < 0xe000; }

/// Reads `\uXXXX`, or two of them that make one character; returns the bytes used.
std::size_t append_unicode(std::string& out, std::string_view from) {
    const std::uint32_t first = hex4(from.substr(2, 4));
    if (is_high(first) && from.size() >= 12 && from[6] == '\\' && from[7] == 'u') {
        const std::uint32_t second = hex4(from.substr(8, 4));
        if (is_low(second)) {
            append_utf8(out, 0x10000 + ((first - 0xd800) << 10 | (second - 0xdc00)));
            return 12;
        }
    }
    append_utf8(out, is_high(first) || is_low(first) ? kReplacement : first);
    return 6;
}

char simple_escape(char letter) noexcept {
    switch (letter) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return letter;
    }
}

/// The decimal exponent of the first digit that is not zero, roughly: enough to tell overflow from underflow.
bool is_tiny(std::string_view number) noexcept {
    const std::size_t e = number.find_first_of("eE");
    if (e != std::string_view::npos) return number.substr(e + 1).starts_with('-');
    const std::size_t digit = number.find_first_of("123456789");
    return digit == std::string_view::npos || digit > number.find('.');
}

}  // namespace

void append_unescaped(std::string& out, std::string_view inner) {
    out.reserve(out.size() + inner.size());
    while (!inner.empty()) {
        const std::size_t run = std::min(inner.find('\\'), inner.size());
        out.append(inner.substr(0, run));
        inner.remove_prefix(run);
        if (inner.empty()) return;
        if (inner[1] == 'u') {
            inner.remove_prefix(append_unicode(out, inner));
        } else {
            out.push_back(simple_escape(inner[1]));
            inner.remove_prefix(2);
        }
    }
}

double nearest_double(std::string_view number) noexcept {
    double value = 0;
    const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error == std::errc()) return value;
    const double sign = number.starts_with('-') ? -1.0 : 1.0;
    return sign * (is_tiny(number) ? 0.0 : std::numeric_limits<double>::max());
}

}  // namespace anode::json
