#pragma once

#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace anode::app {

/// Who this node is, and which run of it this is. Source: dissemination, sections 1.1 and 1.2;
/// memberlist protocol, section 16.
struct Identity {
    NodeId node;
    Epoch epoch;
    /// Above every one this node began a run with: the members that remember an earlier run believe the new one at once.
    std::uint32_t incarnation = 1;
};

/// Reads the identity from the store or makes it, begins a new epoch and a new incarnation above every earlier one, and
/// writes the text of the node's id to `DIRECTORY/node-id` for people and programs.
Result<Identity> begin_run(Store& store, const std::string& directory, WallTime now);

/// The first administrator's token: read from `DIRECTORY/bootstrap-token`, or made and written there (mode 0600).
Result<std::string> bootstrap_token(const std::string& directory);

/// SHA-256 of a token, in hex: what is kept of it.
std::string token_digest(std::string_view token);

}  // namespace anode::app
