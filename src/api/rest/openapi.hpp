#pragma once

#include <string_view>

#include "api/http/router.hpp"

namespace anode::api::rest {

/// OpenAPI 3.1 of what a router serves. Source: OpenAPI Specification 3.1.0.
Bytes openapi_json(const Router& router, std::string_view version, std::string_view public_url);

/// The reusable parts: `components`, as finished JSON.
std::string_view openapi_components();

/// AsyncAPI 3.0 of the streams. Source: AsyncAPI Specification 3.0.0; interfaces, sections 6 to 8.
Bytes asyncapi_json(std::string_view version, std::string_view public_url);

}  // namespace anode::api::rest
