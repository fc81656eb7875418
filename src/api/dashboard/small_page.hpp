#pragma once

#include <string_view>

#include "api/http/request.hpp"
#include "api/http/response.hpp"

/// What a program that was built without the dashboard shows in its place: what this is, where things are, and why there is no more.
/// It needs no data and no script.
namespace anode::api::dashboard {

/// The answer to `/`, `/ui` and what lies below. `why` is text for people.
Response small_page(std::string_view why, const Request& request);

}  // namespace anode::api::dashboard
