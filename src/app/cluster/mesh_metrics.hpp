#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/metrics.hpp"
#include "core/mesh/mesh.hpp"

namespace anode::app {

/// What the mesh counted, as metrics `anode_mesh_…`. A peer's series go when its link has gone, those of its faults when the
/// mesh forgets them.
/// Limits:  the mesh's own: links, and the peers whose faults it keeps; all others are one, "other".
/// Thread: the mesh's.
class MeshMetrics {
public:
    explicit MeshMetrics(metrics::Registry& registry);

    /// Adds what was counted since the last call.
    void refresh(const mesh::Mesh& machine, std::uint64_t unstored_bytes, Instant now);
    /// How long ago, by the clocks of both, a block that came in was begun at its origin.
    void arrived(Duration age);

private:
    using Value = std::uint64_t mesh::Counters::*;
    struct Row {
        Value value;
        metrics::Counter& series;
    };
    void count_links(const mesh::Mesh& machine);
    void count_faults(const mesh::Mesh& machine, Instant now);

    metrics::Registry& registry_;
    std::vector<Row> rows_;
    metrics::Gauge &links_, &logs_, &missing_, &queue_, &cache_, &unstored_, &banned_;
    metrics::Histogram& hop_;
    mesh::Counters before_;
    std::set<std::string> peers_;
    /// What was told of each peer: its counts by kind.
    std::map<std::string, std::array<std::uint64_t, mesh::kFaults>> told_;
};

}  // namespace anode::app
