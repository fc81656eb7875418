#pragma once

#include <string_view>

#include "api/dashboard/assets.hpp"
#include "api/http/request.hpp"
#include "api/http/response.hpp"

/// The dashboard over HTTP. Source: interfaces, sections 10 and 15.
namespace anode::api::dashboard {

/// What a browser may do on our pages: nothing but what comes from this node.
inline constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
    "data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The answer to `/`, `/ui` and what lies below: a file of `/ui/a/`, whose name changes with its content and which may be kept for
/// ever, or the page itself, which finds its view in the address. Compressed as the client likes it. 404 for an unknown file.
Response serve(const Assets& assets, const Request& request);

}  // namespace anode::api::dashboard
