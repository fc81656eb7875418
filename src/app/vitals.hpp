#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "api/doors.hpp"
#include "app/engine.hpp"
#include "app/pulse.hpp"
#include "app/sources/sources.hpp"
#include "base/metrics.hpp"
#include "store/store.hpp"

namespace anode::app {

/// What the node tells about itself: gauges on scrape, `$sys.stats.<node>` once a second, memory shedding.
/// Thread: start() on the engine's loop.
class Vitals {
public:
    Vitals(Loop& loop, Engine& engine, Sources& sources, Store& store, metrics::Registry& metrics,
           const api::NodeFacts& facts, std::uint64_t memory_limit);

    /// What the node's place in its cluster adds; on the engine's loop.
    struct Cluster {
        std::uint32_t health_score = 0;
        std::size_t links = 0;
        std::chrono::microseconds clock_offset{};
    };
    void set_cluster(std::function<Cluster()> look) { cluster_ = std::move(look); }
    void start() { tick(); }
    /// 0 to 3: below 80 %, above 80, 90, 95 % of memory.limit.
    [[nodiscard]] int shed_level() const noexcept {
        return shed_level_.load(std::memory_order_relaxed);
    }

private:
    void tick();
    void refresh();
    [[nodiscard]] std::uint64_t listeners() const;
    double cpu();

    Loop& loop_;
    Engine& engine_;
    Sources& sources_;
    Store& store_;
    metrics::Registry& metrics_;
    const api::NodeFacts& facts_;
    std::uint64_t memory_limit_;
    std::atomic<int> shed_level_{0};
    Balance before_;
    std::function<Cluster()> cluster_;
    Duration cpu_before_{};
    Instant cpu_at_{};
    Pulse pulse_;
};

}  // namespace anode::app
