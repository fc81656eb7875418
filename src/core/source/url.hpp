#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "core/source/ip.hpp"

namespace anode {

/// A `ws`, `wss`, `http` or `https` URL, taken apart and normalised so that everybody who looks at
/// it sees the same host. Whatever spelling of an IPv4 address a browser or a resolver would accept
/// (decimal, octal, hex, short, percent-encoded, with a trailing dot) becomes the address itself.
/// Errors: Malformed (grammar), Unsupported (another scheme), Refused (user-info). Strict where
/// browsers repair: control characters, spaces, backslashes, an empty host, and host names beyond
/// ASCII are refused. Limits: 8 KiB. Source: RFC 3986; WHATWG URL Standard, "IPv4 parser" and "IPv6
/// parser".
struct Url {
    enum class Scheme : std::uint8_t { Ws, Wss, Http, Https };
    Scheme scheme = Scheme::Https;
    std::string
        host;  ///< lower case; an address in its normal form, without brackets; no final dot
    std::optional<IpAddress> ip;  ///< if the host is an address
    std::uint16_t port = 443;     ///< given or the scheme's own; never 0
    std::string target = "/";     ///< path and query as sent: begins with `/`, without fragment

    static constexpr std::size_t kBytesMax = 8192;

    static Result<Url> parse(std::string_view text);
    /// What a reference (the value of `Location`) means beside this URL.
    [[nodiscard]] Result<Url> resolve(std::string_view reference) const;

    [[nodiscard]] bool secure() const noexcept {
        return scheme == Scheme::Wss || scheme == Scheme::Https;
    }
    [[nodiscard]] bool websocket() const noexcept {
        return scheme == Scheme::Ws || scheme == Scheme::Wss;
    }
    [[nodiscard]] std::string_view scheme_text() const noexcept;
    /// Host, in brackets if IPv6, and the port unless it is the scheme's own: the value of `Host`.
    [[nodiscard]] std::string authority() const;
    [[nodiscard]] std::string origin() const;  ///< `https://host:port`, as authority()
    [[nodiscard]] std::string text() const;
    /// Same scheme, host and port: credentials may go along.
    [[nodiscard]] bool same_origin(const Url& other) const noexcept;
};

}  // namespace anode
