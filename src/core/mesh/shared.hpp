#pragma once

#include "base/rng.hpp"
#include "core/mesh/block_cache.hpp"
#include "core/mesh/config.hpp"
#include "core/mesh/link_table.hpp"
#include "core/mesh/log_table.hpp"
#include "core/mesh/members.hpp"
#include "core/mesh/mesh.hpp"

namespace anode::mesh {

/// What the parts of a Mesh have in common. `now` and `out` are those of the step in progress.
struct Shared {
    Shared(Config c, Rng r)
        : config(std::move(c)),
          rng(r),
          cache(config.cache_bytes),
          members(config.node, config.cluster, config.zone) {}

    Config config;
    Rng rng;
    Now now;
    Outbox* out = nullptr;
    Counters counters;
    BlockCache cache;
    LinkTable links;
    LogTable logs;
    FaultBook faults;
    Members members;
    bool draining = false, pressed = false, full_mesh = true;
    std::uint64_t last_load = 0;
    std::uint8_t own_load = 0;  ///< our egress, as PING says it

    /// Sends a frame at once. Data and Chunk take their block's bytes as `tail`. A link that does not drain is marked to fail.
    void send(Link& link, const frames::Frame& frame, const WirePtr& tail = nullptr);
    /// Defines the log on the link if that has not been done, and gives its alias.
    frames::Alias alias(Link& link, LogEntry& entry);
    void notice(Notice::Level level, std::string_view what, const NodeId& peer = {},
                std::string detail = {});
    /// For one more log. Half of the table is kept for those of members, so that invented logs never take their place.
    [[nodiscard]] bool room_for(const LogKey& log);
    /// Puts a fault into the book. `peer`: who did it, as it named itself. True: it is worth a line.
    bool blame(const NodeId& peer, std::string_view name, Fault fault, std::string_view what);
    LoadId load(const LogKey& log, SeqRange range, std::size_t bytes_max);
    void set_state(Link& link, Link::State state, Duration at_most = Duration::max());
    /// Sends CREDIT for what was taken in, once it is worth a frame.
    void give_credit(Link& link, bool all);
    [[nodiscard]] bool is_member(const NodeId& node) const { return members.find(node) != nullptr; }

private:
    Bytes scratch_;
};

}  // namespace anode::mesh
