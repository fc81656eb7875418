#include "core/codec/http_rules.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace anode::http {
namespace {

constexpr std::array<bool, 256> make_token_table() {
    std::array<bool, 256> table{};
    for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
        table[static_cast<unsigned char>(c)] = true;
    return table;
}
constexpr auto kToken = make_token_table();

/// No head may hold this byte anywhere; line ends are looked at on their own.
bool is_forbidden(unsigned char byte) noexcept {
    return (byte < 0x20 && byte != '\t' && byte != '\r' && byte != '\n') || byte == 0x7f;
}

}  // namespace

namespace rules {

bool is_token(std::string_view text) noexcept {
    return !text.empty() &&
           std::ranges::all_of(text, [](char c) { return kToken[static_cast<unsigned char>(c)]; });
}

Progress collect(BytesView& input, Bytes& buffer, std::size_t& lines, const Limits& limits,
                 Refusal& refusal) {
    constexpr char kNothing = '\n';  // stands before the first byte
    const std::size_t before = buffer.size();
    const std::size_t room = limits.head_bytes_max - std::min(before, limits.head_bytes_max);
    const BytesView fresh = input.substr(0, room);
    buffer.append(fresh);
    const auto at = [&](std::size_t i) { return i < buffer.size() ? buffer[i] : kNothing; };
    const auto refuse = [&](int status, std::string_view why) {
        refusal = {status, why};
        return Progress::Refused;
    };
    for (std::size_t i = before; i < buffer.size(); ++i) {
        const char byte = buffer[i];
        if (is_forbidden(static_cast<unsigned char>(byte)))
            return refuse(400, "control character in the head");
        if ((byte == '\n') != (at(i - 1) == '\r'))
            return refuse(400, "line does not end with CR LF");
        if (byte != '\n') continue;
        if (i == 1) return refuse(400, "head begins with an empty line");
        if (at(i - 2) == '\n') {
            input.remove_prefix(i + 1 - before);
            buffer.resize(i + 1);
            return Progress::Done;
        }
        // The first line is no header.
        if (++lines > limits.headers_max + 1) return refuse(431, "too many headers");
    }
    input.remove_prefix(fresh.size());
    return input.empty() ? Progress::More : refuse(431, "head is too large");
}

BytesView take_line(BytesView& head) noexcept {
    const std::size_t end = head.find("\r\n");
    const BytesView line = head.substr(0, end);
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    return line;
}

std::expected<Headers, Refusal> read_headers(BytesView lines) {
    Headers headers;
    while (!lines.empty()) {
        const BytesView line = take_line(lines);
        if (line.empty()) break;
        if (line.front() == ' ' || line.front() == '\t')
            return std::unexpected(Refusal{400, "folded header line"});
        const std::size_t colon = line.find(':');
        if (colon == BytesView::npos)
            return std::unexpected(Refusal{400, "header line without a colon"});
        const BytesView name = line.substr(0, colon);
        if (!is_token(name)) return std::unexpected(Refusal{400, "bad header name"});
        headers.add(text::lower(name), std::string(text::trim(line.substr(colon + 1))));
    }
    return headers;
}

std::expected<Body, Refusal> read_framing(const Headers& headers, int minor_version) {
    const std::size_t lengths = headers.count("content-length");
    const std::size_t codings = headers.count("transfer-encoding");
    if (lengths + codings == 0) return Body{};
    if (lengths > 0 && codings > 0)
        return std::unexpected(Refusal{400, "both Content-Length and Transfer-Encoding"});
    if (codings > 0) {
        if (minor_version == 0)
            return std::unexpected(Refusal{400, "Transfer-Encoding in HTTP/1.0"});
        if (codings > 1) return std::unexpected(Refusal{400, "more than one Transfer-Encoding"});
        if (!text::iequals(headers.get("transfer-encoding"), "chunked"))
            return std::unexpected(Refusal{501, "transfer coding is not chunked alone"});
        return Body{Framing::Chunked, 0};
    }
    if (lengths > 1) return std::unexpected(Refusal{400, "more than one Content-Length"});
    const std::string_view digits = headers.get("content-length");
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (digits.empty() || !std::ranges::all_of(digits, is_digit))
        return std::unexpected(Refusal{400, "Content-Length is not a number"});
    const auto length = text::parse_u64(digits);
    if (!length) return std::unexpected(Refusal{413, "Content-Length is beyond all bounds"});
    return Body{Framing::Length, *length};
}

}  // namespace rules

std::optional<std::string_view> Headers::find(std::string_view name) const noexcept {
    for (const Header& header : all_)
        if (header.name == name) return header.value;
    return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const noexcept {
    return static_cast<std::size_t>(std::ranges::count(all_, name, &Header::name));
}

std::string Headers::joined(std::string_view name) const {
    std::string list;
    bool first = true;
    for (const Header& header : all_) {
        if (header.name != name) continue;
        if (!first) list += ", ";
        list += header.value;
        first = false;
    }
    return list;
}

bool Headers::has_token(std::string_view name, std::string_view token) const noexcept {
    for (const Header& header : all_) {
        if (header.name != name) continue;
        for (std::string_view rest = header.value;;) {
            const std::size_t comma = rest.find(',');
            if (text::iequals(text::trim(rest.substr(0, comma)), token)) return true;
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return false;
}

}  // namespace anode::http
