#pragma once

#include <map>

#include "core/mesh/shared.hpp"

namespace anode::mesh {

/// What children get: a child is a cursor into the cache. Sends while the socket has room and the child gives credit; lane 0
/// first, the others by deficit round robin. What the cache has lost is asked of the store, what nobody here has is skipped.
/// Source: dissemination, section 2.4.
class Streams {
public:
    explicit Streams(Shared& shared) : shared_(shared) {}

    /// `link` becomes a child from this sequence on; or ends to be one.
    void start(Link& link, LogEntry& entry, Seq from);
    void stop(Link& link, LogEntry& entry);
    /// The log's head moved: whoever is behind gets it. `except`: who sent it.
    void grew(LogEntry& entry, LinkId except);
    void pump(Link& link);
    /// False: not one of our loads.
    bool on_loaded(const Loaded& loaded);
    void link_down(Link& link);
    /// For how long the most hindered child has waited, over all links.
    [[nodiscard]] Duration worst_wait() const;

private:
    struct Load {
        LinkId link;
        LogKey log;
        Seq from = 0;
    };
    void enqueue(Link& link, LogEntry& entry, Edge& edge);
    bool step(Link& link, LogEntry& entry);
    void send_block(Link& link, LogEntry& entry, const WireBlock& block);
    void send_skip(Link& link, LogEntry& entry, Seq upto, Skip why);
    const WireBlock* find(Link& link, LogEntry& entry, Seq seq);
    void after_block(Link& link, LogEntry& entry, std::size_t bytes);

    Shared& shared_;
    std::map<LoadId, Load> loads_;
};

}  // namespace anode::mesh
