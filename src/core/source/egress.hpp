#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "core/source/ip.hpp"
#include "core/source/url.hpp"

namespace anode {

/// What `[egress]` of the configuration says, and where the node itself listens.
struct EgressOptions {
    std::vector<IpNetwork> allow_private;
    std::vector<std::uint16_t> ports{80, 443, 8080, 8443, 9443};
    /// Ports on which this node listens: refused on every address in `own_addresses` and on
    /// loopback.
    std::vector<std::uint16_t> own_ports;
    std::vector<IpAddress> own_addresses;
};

/// Which addresses a source may reach: public ones, and the private networks an operator named.
/// Thread:  immutable after construction; share it as `std::shared_ptr<const EgressPolicy>`.
/// Errors:  Refused, with words for a person; the API shows it as `address-blocked` at `/url`.
/// Source:  interfaces, section 15; IANA special-purpose address registries (RFC 6890).
class EgressPolicy {
public:
    explicit EgressPolicy(EgressOptions options);

    /// What can be told without a name server: port, address, and names that always mean this
    /// machine. A name that passes is still checked address by address when it has been resolved.
    [[nodiscard]] Result<void> check(const Url& url) const;
    [[nodiscard]] Result<void> check(const IpAddress& ip, std::uint16_t port) const;
    /// The address alone, as a resolver needs it.
    [[nodiscard]] Result<void> check(const IpAddress& ip) const;

    [[nodiscard]] const EgressOptions& options() const noexcept { return options_; }

private:
    [[nodiscard]] Result<void> check_port(std::uint16_t port) const;
    [[nodiscard]] bool allowed_private(const IpAddress& ip) const;

    EgressOptions options_;
};

/// Why an address is not a public one (`private`, `loopback`, …), or empty if it is.
[[nodiscard]] std::string_view special_network(const IpAddress& ip);

}  // namespace anode
