#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http/request.hpp"
#include "core/source/ip.hpp"

namespace anode::api {

/// Proxies whose word about their clients counts: `http.trusted_proxies`.
/// From them X-Forwarded-For, or Forwarded where there is none, tells the client's address: read from the right, the first
/// that is no trusted proxy itself. X-Forwarded-Proto tells whether the client came by TLS. From everybody else these
/// headers mean nothing.
/// Thread: immutable. Source: RFC 7239.
class ProxyRules {
public:
    ProxyRules() = default;
    explicit ProxyRules(const std::vector<std::string>& networks);

    [[nodiscard]] bool trusts(std::string_view address) const;
    /// Puts the client in the place of its proxy.
    void apply(Request& request) const;

private:
    std::vector<IpNetwork> networks_;
};

}  // namespace anode::api
