#pragma once

#include <string_view>
#include <vector>

#include "api/doors.hpp"
#include "core/json/json.hpp"
#include "core/state/state.hpp"

/// What objects of the shared state have in common towards the API.
namespace anode::app {

/// Why the state did not take a write.
[[nodiscard]] api::Failure failure_of(const Error& error);

/// `"history":[{"version","etag","node","at","lost","deleted",…}]`, newest first: what the object was before. Of a value that
/// gave way to one written at the same time elsewhere, the definition is shown too: nobody else has it any more.
void write_history(json::Writer& out, const std::vector<state::Earlier>& history);

/// Whether a condition of a request holds for an object with this tag.
[[nodiscard]] inline bool matches(const std::optional<std::string>& if_match,
                                  std::string_view etag) {
    return !if_match || *if_match == "*" || *if_match == etag;
}

}  // namespace anode::app
