#pragma once

#include <functional>
#include <optional>
#include <string>

#include "app/cluster/shared_state.hpp"
#include "base/metrics.hpp"

namespace anode::app {

/// So much is brought into the shared state between two looks at what else the loop has to do.
inline constexpr std::size_t kAdoptPortion = 200;

/// How far a node has come with what it brings into the shared state: the gauge `anode_state_adopting`, and lines in the log
/// when it is much.
class AdoptProgress {
public:
    AdoptProgress(metrics::Registry& registry, std::string kind);
    /// So many are still to be brought.
    void left(std::size_t count, Instant now);

private:
    metrics::Gauge& gauge_;
    std::string kind_;
    bool told_ = false;
    Instant told_at_{};
};

/// What a record of an older node is worth as a value of the shared state; none: it is unreadable and stays where it is.
using Convert = std::function<std::optional<Bytes>(BytesView record)>;

/// Moves objects that a node kept for itself, before nodes agreed on them, into the shared state: records of the store's space
/// `kind` become registers of that kind, unless there is one of that name already. Each is moved once; a record goes in the
/// same transaction that keeps its register. What a full state does not take stays where it is until the next start.
/// Thread:  call it before the loop starts or on it; it goes on in portions.
void adopt(Loop& loop, Engine& engine, const Store& store, SharedState& state, std::string kind,
           Convert convert);

}  // namespace anode::app
