#include "base/text.hpp"
#include "base/text_put.hpp"

/// UTF-8, JSON strings and text made safe to look at.
namespace anode::text {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Bytes of the sequence in front (RFC 3629, table 3-7 of Unicode), 0 if it is none. `text` is not
/// empty.
std::size_t sequence_bytes(std::string_view text) noexcept {
    const auto at = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[i]); };
    const auto tail = [&](std::size_t i) { return text.size() > i && (at(i) & 0xc0) == 0x80; };
    const unsigned lead = at(0);
    if (lead < 0x80) return 1;
    if (lead < 0xc2) return 0;
    if (!tail(1)) return 0;
    if (lead < 0xe0) return 2;
    if (!tail(2)) return 0;
    if (lead < 0xf0) {
        const bool overlong = lead == 0xe0 && at(1) < 0xa0;
        const bool surrogate = lead == 0xed && at(1) > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (!tail(3) || lead > 0xf4) return 0;
    const bool overlong = lead == 0xf0 && at(1) < 0x90;
    const bool beyond = lead == 0xf4 && at(1) > 0x8f;
    return overlong || beyond ? 0 : 4;
}

std::uint32_t code_point(std::string_view sequence) noexcept {
    const auto lead = static_cast<unsigned char>(sequence[0]);
    if (sequence.size() == 1) return lead;
    std::uint32_t value = lead & (0x7fu >> sequence.size());
    for (const char c : sequence.substr(1))
        value = value << 6 | (static_cast<unsigned char>(c) & 0x3fu);
    return value;
}

/// How many bytes in front go into a JSON string as they are: printing ASCII but `"` and `\`.
std::size_t plain_bytes(std::string_view text) noexcept {
    constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + i, 8);
        const std::uint64_t quote = word ^ kOnes * '"', slash = word ^ kOnes * '\\';
        const std::uint64_t found =
            ((word - kOnes * 0x20) | (quote - kOnes) | (slash - kOnes) | word) & kHigh;
        if (found != 0) break;  // perhaps one too early: the loop below decides
    }
    for (; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
    }
    return i;
}

/// Writes the character in front, which is not plain, and says how many bytes of input it took.
std::size_t put_escaped(char*& out, std::string_view text) noexcept {
    const char c = text[0];
    if (static_cast<unsigned char>(c) >= 0x80) {
        const std::size_t count = sequence_bytes(text);
        out = put(out, count > 0 ? text.substr(0, count) : kReplacement);
        return count > 0 ? count : 1;
    }
    *out++ = '\\';
    switch (c) {
        case '"':
        case '\\':
            *out++ = c;
            break;
        case '\b':
            *out++ = 'b';
            break;
        case '\f':
            *out++ = 'f';
            break;
        case '\n':
            *out++ = 'n';
            break;
        case '\r':
            *out++ = 'r';
            break;
        case '\t':
            *out++ = 't';
            break;
        default:
            out = put(out, "u00");
            *out++ = kHex[static_cast<unsigned char>(c) >> 4];
            *out++ = kHex[c & 15];
    }
    return 1;
}

/// Characters that move the cursor, colour the terminal or turn the direction of text.
bool invisible(std::uint32_t point) noexcept {
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c || point == 0xfeff ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f);
}

void append_escape(std::string& out, std::uint32_t value, char letter, int digits) {
    out.push_back('\\');
    out.push_back(letter);
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        out.push_back(kHex[value >> shift & 15]);
}

}  // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        std::uint64_t word;
        while (text.size() >= 8 &&
               (std::memcpy(&word, text.data(), 8), (word & 0x8080808080808080) == 0))
            text.remove_prefix(8);
        if (text.empty()) break;
        const std::size_t count = sequence_bytes(text);
        if (count == 0) return false;
        text.remove_prefix(count);
    }
    return true;
}

char* put_json_string(char* at, std::string_view text) noexcept {
    *at++ = '"';
    for (;;) {
        const std::size_t plain = plain_bytes(text);
        at = put(at, text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) break;
        text.remove_prefix(put_escaped(at, text));
    }
    *at++ = '"';
    return at;
}

void append_json_string(std::string& out, std::string_view text) {
    out.push_back('"');
    for (;;) {
        const std::size_t plain = plain_bytes(text);
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) break;
        char raw[8];
        char* end = raw;
        text.remove_prefix(put_escaped(end, text));
        out.append(raw, end);
    }
    out.push_back('"');
}

std::string json_string(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    append_json_string(out, text);
    return out;
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t count = sequence_bytes(text);
        if (count == 0) {
            append_escape(out, static_cast<unsigned char>(text[0]), 'x', 2);
            text.remove_prefix(1);
            continue;
        }
        const std::uint32_t point = code_point(text.substr(0, count));
        if (!invisible(point))
            out.append(text.substr(0, count));
        else if (point < 0x100)
            append_escape(out, point, 'x', 2);
        else
            append_escape(out, point, 'u', 4);
        text.remove_prefix(count);
    }
    return out;
}

}  // namespace anode::text
