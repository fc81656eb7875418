#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"

/// Documents made from the table. Pure: the same table gives the same bytes.
namespace anode::api {

/// Source: OpenAPI Specification 3.1.0.
Bytes openapi_json(std::string_view version, std::string_view public_url);
/// Source: AsyncAPI Specification 3.0.0; interfaces, sections 6 to 8.
Bytes asyncapi_json(std::string_view version, std::string_view public_url);
/// The reference for people: docs/api.md.
std::string api_reference();

}  // namespace anode::api
