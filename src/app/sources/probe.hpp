#pragma once

#include <functional>
#include <memory>

#include "app/sources/look.hpp"
#include "app/sources/runner.hpp"

namespace anode::app {

/// `:probe`: watches a URL for up to a minute and proposes a definition, with an honest list of what it could not know.
/// Thread: the engine's loop. Ownership: owns itself until it has answered.
class Probe {
public:
    using Done = std::move_only_function<void(api::Outcome<Bytes>)>;
    /// `body`: {"url": "…", "seconds": 10, "send": […]}; `send` holds messages to say after connecting.
    /// The answer is the probe that runs now; none if `done` was called at once.
    static std::weak_ptr<Look> start(RunnerWorld& world, BytesView body, const EgressPolicy& egress,
                                     Done done);
};

}  // namespace anode::app
