#pragma once

namespace anode::app {

/// Something that watches a feed for a while and answers once: `:test`, `:probe`.
/// Thread: the engine's loop.
class Look {
public:
    virtual ~Look() = default;
    /// Answers with what was seen so far and lets go of its connections: they do not outlive the sources.
    virtual void give_up() = 0;
};

}  // namespace anode::app
