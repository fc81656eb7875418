#include "core/membership/contact.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace anode::membership {
namespace {

constexpr std::size_t kHostBytesMax = 253;

struct HostAndPort {
    std::string_view host, port;
    bool has_port = false;
    bool bracketed = false;
};

Result<HostAndPort> split_port(std::string_view text) {
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) {
            return fail(Errc::Malformed, "the bracket is not closed");
        }
        const std::string_view rest = text.substr(end + 1);
        if (!rest.empty() && rest.front() != ':') {
            return fail(Errc::Malformed, "only `:port` may follow the bracket");
        }
        return HostAndPort{text.substr(1, end - 1), rest.empty() ? rest : rest.substr(1),
                           !rest.empty(), true};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return HostAndPort{text, {}, false, false};
    if (text.find(':', colon + 1) != std::string_view::npos) {
        return HostAndPort{text, {}, false, true};  // a bare IPv6 address
    }
    return HostAndPort{text.substr(0, colon), text.substr(colon + 1), true, false};
}

/// Letters, digits, `-`, `_` and dots, as name servers know them.
bool is_host_name(std::string_view host) {
    return std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
}

Result<std::uint16_t> parse_port(std::string_view text) {
    const auto number = text::parse_u64(text);
    if (!number || *number == 0 || *number > 65535) {
        return fail(Errc::Malformed, "the port is no number of 1 to 65535");
    }
    return static_cast<std::uint16_t>(*number);
}

std::optional<Address> parse_literal(std::string_view host, std::uint16_t port) {
    const bool v6 = host.find(':') != std::string_view::npos;
    const std::string whole =
        (v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + std::to_string(port);
    const auto address = Address::parse(whole);
    if (!address) return std::nullopt;
    return *address;
}

}  // namespace

std::string ContactText::resolvable() const { return host + ":" + std::to_string(port); }

Result<ContactText> parse_contact(std::string_view text, std::uint16_t default_port) {
    ContactText contact;
    if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
        contact.name = text.substr(0, slash);
        if (contact.name.empty()) return fail(Errc::Malformed, "the name before `/` is empty");
        if (contact.name.size() > kNameBytesMax) {
            return fail(Errc::Malformed, "the name before `/` is longer than 255 bytes");
        }
        text.remove_prefix(slash + 1);
    }
    const auto parts = split_port(text);
    if (!parts) return std::unexpected(parts.error());
    if (parts->host.empty()) return fail(Errc::Malformed, "there is no host in it");
    contact.host = parts->host;
    contact.port = default_port;
    if (parts->has_port) {
        const auto port = parse_port(parts->port);
        if (!port) return std::unexpected(port.error());
        contact.port = *port;
    }
    if (contact.port == 0) return fail(Errc::Malformed, "it needs a port");
    contact.literal = parse_literal(contact.host, contact.port);
    if (contact.literal && !contact.literal->may_be_sent_to()) {
        return fail(Errc::Malformed, "nothing can be sent to this address");
    }
    if (contact.literal) return contact;
    if (parts->bracketed) return fail(Errc::Malformed, "this is no IPv6 address");
    if (contact.host.size() > kHostBytesMax || !is_host_name(contact.host)) {
        return fail(Errc::Malformed, "this is no host name");
    }
    return contact;
}

}  // namespace anode::membership
