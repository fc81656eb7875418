#include <algorithm>
#include <expected>

#include "base/text.hpp"
#include "core/codec/http.hpp"
#include "core/codec/http_rules.hpp"

namespace anode::http {
namespace {

using Outcome = std::expected<void, Refusal>;

std::unexpected<Refusal> refused(int status, std::string_view why) {
    return std::unexpected(Refusal{status, why});
}

/// A name, an IPv4 address or a bracketed IPv6 address, and perhaps a port.
bool is_host(std::string_view host) {
    if (host.empty()) return false;
    std::string_view port;
    bool has_port = false;
    if (host.front() == '[') {
        const std::size_t end = host.find(']');
        if (end == std::string_view::npos || end == 1) return false;
        const std::string_view inside = host.substr(1, end - 1);
        if (inside.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
            return false;
        const std::string_view rest = host.substr(end + 1);
        if (!rest.empty() && rest.front() != ':') return false;
        has_port = !rest.empty();
        port = has_port ? rest.substr(1) : rest;
    } else {
        const std::size_t colon = host.find(':');
        const std::string_view name = host.substr(0, colon);
        const auto fits = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '-' || c == '.' || c == '_';
        };
        if (name.empty() || !std::ranges::all_of(name, fits)) return false;
        has_port = colon != std::string_view::npos;
        port = has_port ? host.substr(colon + 1) : host.substr(host.size());
    }
    if (!has_port) return true;
    const auto number = text::parse_u64(port);
    return number && *number <= 0xffff && port.size() <= 5;
}

/// Splits the path into decoded segments. Encoded slashes stay inside a segment; dot segments, which other programs would
/// resolve, and anything that decodes to NUL, a line end or broken UTF-8 are refused.
Outcome read_path(RequestHead& head) {
    if (head.path == "*") return head.method == "OPTIONS" ? Outcome() : refused(400, "bad target");
    if (!head.path.starts_with('/')) return refused(400, "target is not a path");
    if (head.path.find('\\') != std::string::npos) return refused(400, "backslash in the path");
    for (const std::string_view raw : text::split(std::string_view(head.path).substr(1), '/')) {
        auto segment = text::percent_decode(raw);
        if (!segment) return refused(400, "bad percent code in the path");
        if (segment->find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos ||
            !text::is_utf8(*segment))
            return refused(400, "bad character in the path");
        // `..%2f..` is one segment to us, but perhaps not to what stands behind it.
        for (const std::string_view part : text::split(*segment, '/'))
            if (part == "." || part == "..") return refused(400, "dot segment in the path");
        head.segments.push_back(std::move(*segment));
    }
    return {};
}

Outcome read_query(RequestHead& head) {
    if (head.query.empty()) return {};
    for (const std::string_view pair : text::split(head.query, '&')) {
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        auto name = text::percent_decode(pair.substr(0, equals), true);
        auto value = text::percent_decode(
            equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
        if (!name || !value) return refused(400, "bad percent code in the query");
        if (!text::is_utf8(*name) || !text::is_utf8(*value))
            return refused(400, "query is not UTF-8");
        if (name->find('\0') != std::string::npos || value->find('\0') != std::string::npos)
            return refused(400, "NUL in the query");
        head.parameters.emplace_back(std::move(*name), std::move(*value));
    }
    return {};
}

/// The authority of an absolute target (`http://host/path`), which is cut off `target`.
std::optional<std::string_view> take_authority(std::string_view& target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!text::iequals(target.substr(0, scheme.size()), scheme)) continue;
        target.remove_prefix(scheme.size());
        const std::string_view authority = target.substr(0, target.find_first_of("/?"));
        target.remove_prefix(authority.size());
        return authority;
    }
    return std::nullopt;
}

Outcome read_target(RequestHead& head) {
    std::string_view target = head.target;
    if (const auto authority = take_authority(target)) {
        if (!text::iequals(*authority, head.headers.get("host")))
            return refused(400, "target and Host differ");
        if (target.empty()) target = "/";
    }
    const std::size_t question = target.find('?');
    head.path = target.substr(0, question);
    if (question != std::string_view::npos) head.query = target.substr(question + 1);
    if (auto path = read_path(head); !path) return path;
    return read_query(head);
}

Outcome read_request_line(RequestHead& head, std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last)
        return refused(400, "request line is not of three parts");
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (!rules::is_token(method)) return refused(400, "bad method");
    const auto visible = [](char c) { return c > ' ' && c < 0x7f && c != '#'; };
    if (target.empty() || !std::ranges::all_of(target, visible))
        return refused(400, "bad character in the target");
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (version.size() != 8 || !version.starts_with("HTTP/") || !digit(version[5]) ||
        version[6] != '.' || !digit(version[7]))
        return refused(400, "bad version");
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
        return refused(505, "the HTTP version is none of 1.0 and 1.1");
    head.method = method;
    head.target = target;
    head.minor_version = version.back() - '0';
    return {};
}

Outcome read_host(const RequestHead& head) {
    const std::size_t hosts = head.headers.count("host");
    if (hosts > 1) return refused(400, "more than one Host");
    if (hosts == 0) return head.minor_version == 0 ? Outcome() : refused(400, "no Host");
    return is_host(head.headers.get("host")) ? Outcome() : refused(400, "bad Host");
}

Outcome read_connection(RequestHead& head) {
    const bool close = head.headers.has_token("connection", "close");
    const bool keep = head.headers.has_token("connection", "keep-alive");
    head.keep_alive = !close && (head.minor_version == 1 || keep);
    const auto expect = head.headers.find("expect");
    if (!expect) return {};
    if (head.headers.count("expect") > 1 || !text::iequals(*expect, "100-continue"))
        return refused(417, "only 100-continue can be expected");
    head.expect_continue = head.minor_version == 1;
    return {};
}

Outcome read_head(RequestHead& head, BytesView bytes) {
    if (auto line = read_request_line(head, rules::take_line(bytes)); !line) return line;
    auto headers = rules::read_headers(bytes);
    if (!headers) return std::unexpected(headers.error());
    head.headers = std::move(*headers);
    if (auto host = read_host(head); !host) return host;
    if (auto target = read_target(head); !target) return target;
    const auto body = rules::read_framing(head.headers, head.minor_version);
    if (!body) return std::unexpected(body.error());
    head.framing = body->framing;
    head.content_length = body->length;
    return read_connection(head);
}

}  // namespace

std::optional<std::string_view> RequestHead::parameter(std::string_view name) const noexcept {
    for (const auto& [key, value] : parameters)
        if (key == name) return value;
    return std::nullopt;
}

Progress RequestReader::read(BytesView& input) {
    const Progress progress = rules::collect(input, buffer_, lines_, limits_, refusal_);
    if (progress != Progress::Done) return progress;
    const Outcome outcome = read_head(head_, buffer_);
    if (outcome) return Progress::Done;
    refusal_ = outcome.error();
    return Progress::Refused;
}

}  // namespace anode::http
