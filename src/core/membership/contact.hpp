#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "core/membership/types.hpp"

namespace anode::membership {

/// A bootstrap address as an operator writes it: `[name/]host[:port]`, `[name/][v6][:port]`, or a bare IPv6 address.
struct ContactText {
    std::string name;                ///< "" = none given
    std::string host;                ///< without brackets
    std::uint16_t port = 0;          ///< given, or the default
    std::optional<Address> literal;  ///< the host is an IP address: nothing to look up

    /// `host:port`, as Resolve carries it.
    [[nodiscard]] std::string resolvable() const;
};

/// Errors: Malformed; `what` says what is wrong with it.
Result<ContactText> parse_contact(std::string_view text, std::uint16_t default_port);

}  // namespace anode::membership
