#pragma once

#include <functional>
#include <optional>
#include <string>

#include "app/cluster/shared_state.hpp"

namespace anode::app {

/// What a record of an older node is worth as a value of the shared state; none: it is unreadable and stays where it is.
using Convert = std::function<std::optional<Bytes>(BytesView record)>;

/// Moves objects that a node kept for itself, before nodes agreed on them, into the shared state: records of the store's space
/// `kind` become registers of that kind, unless there is one of that name already. Each is moved once; a record goes in the
/// same transaction that keeps its register.
/// Thread:  call it before the loop starts or on it. What is more than the state takes in a second follows by and by.
void adopt(Loop& loop, Engine& engine, const Store& store, SharedState& state, std::string kind,
           Convert convert);

}  // namespace anode::app
