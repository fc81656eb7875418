#include "core/source/url.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/text.hpp"

namespace anode {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

std::optional<Url::Scheme> scheme_named(std::string_view name) {
    if (text::iequals(name, "wss")) return Url::Scheme::Wss;
    if (text::iequals(name, "ws")) return Url::Scheme::Ws;
    if (text::iequals(name, "https")) return Url::Scheme::Https;
    if (text::iequals(name, "http")) return Url::Scheme::Http;
    return std::nullopt;
}

std::uint16_t port_of(Url::Scheme scheme) {
    return scheme == Url::Scheme::Wss || scheme == Url::Scheme::Https ? 443 : 80;
}

/// One part of an IPv4 address as WHATWG reads it: `0x7f`, `0177`, `127`; `0x` alone is zero.
std::optional<std::uint64_t> v4_part(std::string_view part) {
    if (part.empty()) return std::nullopt;
    int base = 10;
    if (part.starts_with("0x")) {
        part.remove_prefix(2);
        base = 16;
    } else if (part.size() > 1 && part[0] == '0') {
        part.remove_prefix(1);
        base = 8;
    }
    if (part.empty()) return 0;
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), value, base);
    const bool overflow = error == std::errc::result_out_of_range;
    if (stop != part.data() + part.size() || (error != std::errc{} && !overflow))
        return std::nullopt;
    return overflow ? UINT64_MAX : value;
}

/// Must this host be read as an IPv4 address? Whatever ends in a number must.
bool ends_in_number(std::string_view host) {
    const std::string_view last = host.substr(host.rfind('.') + 1);
    if (std::all_of(last.begin(), last.end(), is_digit)) return true;
    return last.starts_with("0x") && std::all_of(last.begin() + 2, last.end(), is_hex);
}

std::optional<IpAddress> loose_v4(std::string_view host) {
    const std::vector<std::string_view> parts = text::split(host, '.');
    if (parts.size() > 4) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto part = v4_part(parts[i]);
        if (!part) return std::nullopt;
        const bool last = i + 1 == parts.size();
        const std::uint64_t room = last ? std::uint64_t{1} << (8 * (5 - parts.size())) : 256;
        if (*part >= room) return std::nullopt;
        value += last ? *part : *part << (8 * (3 - i));
    }
    return IpAddress::v4(static_cast<std::uint32_t>(value));
}

bool is_name(std::string_view host) {
    if (host.size() > 253) return false;
    for (const std::string_view label : text::split(host, '.')) {
        if (label.empty() || label.size() > 63) return false;
        for (const char c : label)
            if (!is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_') return false;
    }
    return true;
}

Result<void> take_bracketed(std::string_view inside, Url& url) {
    const auto ip = IpAddress::parse(inside);
    if (!ip || !ip->v6) return fail(Errc::Malformed, "the URL's host is no IPv6 address");
    url.ip = ip;
    url.host = ip->text();
    return {};
}

Result<void> take_host(std::string_view raw, Url& url) {
    const auto decoded = text::percent_decode(raw);
    if (!decoded) return fail(Errc::Malformed, "the URL's host has a broken percent escape");
    std::string host = text::lower(*decoded);
    if (host.ends_with('.')) host.pop_back();
    if (host.empty()) return fail(Errc::Malformed, "the URL has no host");
    if (!is_name(host))
        return fail(Errc::Malformed,
                    "the URL's host is no name (letters beyond ASCII go as xn--) and no address");
    if (ends_in_number(host)) {
        url.ip = loose_v4(host);
        if (!url.ip)
            return fail(Errc::Malformed, "the URL's host ends in a number but is no IPv4 address");
        host = url.ip->text();
    }
    url.host = std::move(host);
    return {};
}

Result<void> take_port(std::string_view digits, Url& url) {
    std::uint32_t port = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    const bool whole =
        !digits.empty() && digits.size() <= 5 && stop == digits.data() + digits.size();
    if (error != std::errc{} || !whole || port == 0 || port > 65535)
        return fail(Errc::Malformed, "the URL's port is not between 1 and 65535");
    url.port = static_cast<std::uint16_t>(port);
    return {};
}

Result<void> take_authority(std::string_view authority, Url& url) {
    if (authority.find('@') != std::string_view::npos)
        return fail(Errc::Refused, "the URL holds user information; use auth instead");
    std::size_t colon = authority.find(':');
    Result<void> host;
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos)
            return fail(Errc::Malformed, "the URL's host lacks a ]");
        colon = close + 1 < authority.size() ? close + 1 : std::string_view::npos;
        if (colon != std::string_view::npos && authority[colon] != ':')
            return fail(Errc::Malformed, "the URL has something between ] and its port");
        host = take_bracketed(authority.substr(1, close - 1), url);
    } else {
        host = take_host(authority.substr(0, colon), url);
    }
    if (!host) return host;
    return colon == std::string_view::npos ? Result<void>{}
                                           : take_port(authority.substr(colon + 1), url);
}

/// Path and query as they go over the wire: what RFC 3986 does not allow there becomes a percent escape.
std::string wire_target(std::string_view target) {
    constexpr std::string_view kNotAllowed = "\"<>^`{|}";
    std::string out;
    if (!target.starts_with('/')) out += '/';
    for (const char c : target.substr(0, target.find('#'))) {
        if (static_cast<unsigned char>(c) >= 0x80 || kNotAllowed.find(c) != std::string_view::npos)
            out += text::percent_encode(std::string_view(&c, 1));
        else
            out += c;
    }
    return out;
}

Result<void> check_bytes(std::string_view text) {
    if (text.size() > Url::kBytesMax) return fail(Errc::TooLarge, "the URL is longer than 8 KiB");
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte == 0x7f || c == '\\')
            return fail(Errc::Malformed,
                        "the URL holds a space, a control character or a backslash");
    }
    return text::is_utf8(text) ? Result<void>{} : fail(Errc::Malformed, "the URL is not UTF-8");
}

/// Removes `.` and `..` from a path (RFC 3986, section 5.2.4).
std::string without_dots(std::string_view path) {
    std::vector<std::string_view> kept;
    const std::vector<std::string_view> parts = text::split(path.substr(1), '/');
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool last = i + 1 == parts.size();
        if (parts[i] == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (parts[i] != ".") {
            kept.push_back(parts[i]);
            continue;
        }
        if (last) kept.emplace_back();
    }
    std::string out;
    for (const std::string_view part : kept) out.append("/").append(part);
    return out.empty() ? "/" : out;
}

bool has_scheme(std::string_view reference) {
    const std::size_t colon = reference.find_first_of(":/?#");
    return colon != std::string_view::npos && colon > 0 && reference[colon] == ':';
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
    if (const Result<void> clean = check_bytes(text); !clean) return std::unexpected(clean.error());
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0)
        return fail(Errc::Malformed, "the URL has no scheme");
    const auto scheme = scheme_named(text.substr(0, colon));
    if (!scheme) return fail(Errc::Unsupported, "the URL's scheme is not ws, wss, http or https");
    text.remove_prefix(colon + 1);
    if (!text.starts_with("//")) return fail(Errc::Malformed, "the URL lacks // after its scheme");
    text.remove_prefix(2);
    Url url;
    url.scheme = *scheme;
    url.port = port_of(*scheme);
    const std::size_t path = std::min(text.find_first_of("/?#"), text.size());
    if (const Result<void> taken = take_authority(text.substr(0, path), url); !taken)
        return std::unexpected(taken.error());
    url.target = wire_target(text.substr(path));
    return url;
}

Result<Url> Url::resolve(std::string_view reference) const {
    if (has_scheme(reference)) return parse(reference);
    if (reference.starts_with("//"))
        return parse(std::string(scheme_text()) + ':' + std::string(reference));
    const std::string_view path = std::string_view(target).substr(0, target.find('?'));
    std::string joined;
    if (reference.empty() || reference[0] == '#') {
        joined = target;
    } else if (reference[0] == '?') {
        joined.append(path).append(reference);
    } else {
        const std::size_t end = std::min(reference.find_first_of("?#"), reference.size());
        std::string merged(reference[0] == '/' ? std::string_view{}
                                               : path.substr(0, path.rfind('/') + 1));
        merged.append(reference.substr(0, end));
        joined = without_dots(merged);
        joined.append(reference.substr(end));
    }
    return parse(origin() + joined);
}

std::string_view Url::scheme_text() const noexcept {
    switch (scheme) {
        case Scheme::Ws:
            return "ws";
        case Scheme::Wss:
            return "wss";
        case Scheme::Http:
            return "http";
        case Scheme::Https:
            return "https";
    }
    return "";
}

std::string Url::authority() const {
    std::string out = ip && ip->v6 ? '[' + host + ']' : host;
    if (port != port_of(scheme)) out += ':' + std::to_string(port);
    return out;
}

std::string Url::origin() const { return std::string(scheme_text()) + "://" + authority(); }
std::string Url::text() const { return origin() + target; }

bool Url::same_origin(const Url& other) const noexcept {
    return scheme == other.scheme && host == other.host && port == other.port;
}

}  // namespace anode
