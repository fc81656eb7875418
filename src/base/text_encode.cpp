#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "base/text_put.hpp"

/// base64, hex, percent and Crockford base32.
namespace anode::text {
namespace {

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kBase64Url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char kCrockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr char kHex[] = "0123456789abcdef";
constexpr char kHexUpper[] = "0123456789ABCDEF";
constexpr std::uint8_t kNone = 0xff;

using Values = std::array<std::uint8_t, 256>;

template <std::size_t N>
constexpr Values values_of(const char (&alphabet)[N]) {
    Values values{};
    values.fill(kNone);
    for (std::size_t i = 0; i + 1 < N; ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return values;
}

/// Lower case and the look-alikes I, L and O count, as Crockford proposes.
constexpr Values crockford_values() {
    Values values = values_of(kCrockford);
    for (char c = 'A'; c <= 'Z'; ++c)
        values[static_cast<std::size_t>(c) + 32] = values[static_cast<std::size_t>(c)];
    for (const char c : {'O', 'o'}) values[static_cast<std::size_t>(c)] = 0;
    for (const char c : {'I', 'i', 'L', 'l'}) values[static_cast<std::size_t>(c)] = 1;
    return values;
}

constexpr Values kBase64Values = values_of(kBase64);
constexpr Values kBase64UrlValues = values_of(kBase64Url);
constexpr Values kCrockfordValues = crockford_values();

constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/// Whole groups and the rest, without padding.
char* put_groups(char* at, BytesView bytes, const char* alphabet) noexcept {
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
    };
    std::size_t i = 0;
    for (; i + 3 <= bytes.size(); i += 3, at += 4) {
        const std::uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        at[0] = alphabet[group >> 18];
        at[1] = alphabet[group >> 12 & 63];
        at[2] = alphabet[group >> 6 & 63];
        at[3] = alphabet[group & 63];
    }
    const std::size_t left = bytes.size() - i;
    if (left == 0) return at;
    const std::uint32_t group = byte(i) << 16 | (left == 2 ? byte(i + 1) << 8 : 0);
    *at++ = alphabet[group >> 18];
    *at++ = alphabet[group >> 12 & 63];
    if (left == 2) *at++ = alphabet[group >> 6 & 63];
    return at;
}

/// Text without padding; refuses bits that encode nothing, so that one value has one text.
std::optional<Bytes> from_groups(std::string_view text, const Values& values) {
    if (text.size() % 4 == 1) return std::nullopt;
    Bytes out;
    out.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const std::uint8_t value = values[static_cast<unsigned char>(c)];
        if (value == kNone) return std::nullopt;
        bits = bits << 6 | value;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out.push_back(static_cast<char>(bits >> held));
    }
    if ((bits & ((1u << held) - 1)) != 0) return std::nullopt;
    return out;
}

}  // namespace

char* put_base64url(char* at, BytesView bytes) noexcept {
    return put_groups(at, bytes, kBase64Url);
}

char* put_base64(char* at, BytesView bytes) noexcept {
    at = put_groups(at, bytes, kBase64);
    for (std::size_t left = bytes.size() % 3; left != 0 && left < 3; ++left) *at++ = '=';
    return at;
}

char* put_hex(char* at, BytesView bytes) noexcept {
    for (const char c : bytes) {
        *at++ = kHex[static_cast<unsigned char>(c) >> 4];
        *at++ = kHex[static_cast<unsigned char>(c) & 15];
    }
    return at;
}

char* put_percent_encoded(char* at, std::string_view text) noexcept {
    for (const char c : text) {
        if (unreserved(c)) {
            *at++ = c;
            continue;
        }
        *at++ = '%';
        *at++ = kHexUpper[static_cast<unsigned char>(c) >> 4];
        *at++ = kHexUpper[static_cast<unsigned char>(c) & 15];
    }
    return at;
}

char* put_crockford128(char* at, std::uint64_t high, std::uint64_t low) noexcept {
    // 130 bits hold the 128, two zero bits in front: 3 + 60 bits come from the high word, 1 + 4
    // straddle.
    at[0] = kCrockford[high >> 61];
    for (int i = 0; i < 12; ++i) at[1 + i] = kCrockford[high >> (56 - 5 * i) & 31];
    at[13] = kCrockford[(high << 4 | low >> 60) & 31];
    for (int i = 0; i < 12; ++i) at[14 + i] = kCrockford[low >> (55 - 5 * i) & 31];
    return at + 26;
}

void append_base64(std::string& out, BytesView bytes) {
    const std::size_t before = out.size();
    out.resize(before + (bytes.size() + 2) / 3 * 4);
    put_base64(out.data() + before, bytes);
}

void append_base64url(std::string& out, BytesView bytes) {
    const std::size_t before = out.size();
    out.resize(before + (bytes.size() * 8 + 5) / 6);
    put_base64url(out.data() + before, bytes);
}

std::string base64(BytesView bytes) {
    std::string out;
    append_base64(out, bytes);
    return out;
}

std::string base64url(BytesView bytes) {
    std::string out;
    append_base64url(out, bytes);
    return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    if (text.ends_with("=="))
        text.remove_suffix(2);
    else if (text.ends_with('='))
        text.remove_suffix(1);
    return from_groups(text, kBase64Values);
}

std::optional<Bytes> from_base64url(std::string_view text) {
    return from_groups(text, kBase64UrlValues);
}

std::string hex(BytesView bytes) {
    std::string out(bytes.size() * 2, '\0');
    put_hex(out.data(), bytes);
    return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    Bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<char>(high << 4 | low));
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    std::string out(text.size() * 3, '\0');
    out.resize(static_cast<std::size_t>(put_percent_encoded(out.data(), text) - out.data()));
    return out;
}

std::string percent_encode_query(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t kept = text.find_first_of("/:@,", at);
        out += percent_encode(text.substr(at, kept - at));
        if (kept == std::string_view::npos) break;
        out += text[kept];
        at = kept + 1;
    }
    return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            out.push_back(' ');
        } else if (text[i] != '%') {
            out.push_back(text[i]);
        } else {
            const auto byte = from_hex(text.substr(i + 1, 2));
            if (!byte || byte->size() != 1) return std::nullopt;
            out.push_back(byte->front());
            i += 2;
        }
    }
    return out;
}

void append_crockford128(std::string& out, std::uint64_t high, std::uint64_t low) {
    char raw[26];
    put_crockford128(raw, high, low);
    out.append(raw, sizeof raw);
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_crockford128(std::string_view text) {
    if (text.size() != 26) return std::nullopt;
    std::uint64_t high = 0, low = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::uint8_t value = kCrockfordValues[static_cast<unsigned char>(text[i])];
        if (value == kNone || (i == 0 && value > 7)) return std::nullopt;
        high = high << 5 | low >> 59;
        low = low << 5 | value;
    }
    return std::pair{high, low};
}

}  // namespace anode::text
