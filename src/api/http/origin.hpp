#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/request.hpp"
#include "api/http/response.hpp"

/// Which names we answer to and which web pages may use us. Source: interfaces, section 15.
namespace anode::api {

class OriginRules {
public:
    /// `names`: host names and addresses that are ours beside loopback ones; `public_url` adds its
    /// own and is an allowed origin.
    OriginRules(std::vector<std::string> names, std::string_view public_url,
                std::vector<std::string> allowed);

    void set_allowed(std::vector<std::string> allowed);

    /// Whether a Host header names this node; `local` is the address the client reached.
    [[nodiscard]] bool knows_host(std::string_view host, std::string_view local) const;
    /// Whether a page of this origin may open streams and change state. `host` is the Host header.
    [[nodiscard]] bool admits(std::string_view origin, std::string_view host, bool secure) const;
    /// Whether the page came from this node itself, as the dashboard does.
    [[nodiscard]] bool own(std::string_view origin, std::string_view host, bool secure) const;
    /// Whether it is listed, so that CORS headers are sent.
    [[nodiscard]] bool listed(std::string_view origin) const;

private:
    std::vector<std::string> names_;
    std::string public_origin_;
    mutable std::mutex mutex_;  ///< guards allowed_
    std::vector<std::string> allowed_;
};

/// Whether a request of this kind must come from an allowed origin: what changes state, and what
/// opens a stream.
[[nodiscard]] bool origin_matters(const Request& request);

/// `host` of `host:port`, `[v6]:port` (brackets kept); none if it is no valid authority.
[[nodiscard]] std::optional<std::string> host_of(std::string_view authority);

}  // namespace anode::api
