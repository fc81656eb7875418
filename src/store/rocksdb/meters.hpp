#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/metrics.hpp"

namespace anode::rocks {

/// The store's series (interfaces, section 14), or nothing if no registry was given.
class Meters {
public:
    explicit Meters(metrics::Registry* registry);

    void wrote(std::chrono::nanoseconds took) noexcept { observe(write_, took); }
    void synced(std::chrono::nanoseconds took) noexcept { observe(sync_, took); }
    void read(std::chrono::nanoseconds took) noexcept { observe(read_, took); }
    enum class Trouble : std::uint8_t { Io, NoSpace, Corrupt, Overloaded };
    void trouble(Trouble what) noexcept;

    struct Gauges {
        std::uint64_t block_bytes = 0, index_bytes = 0, memory_bytes = 0;
        std::uint64_t queued_bytes = 0, compaction_bytes = 0;
        bool stalled = false;
        std::uint64_t disk_free = 0;
    };
    void set(const Gauges& gauges) noexcept;

private:
    static void observe(metrics::Histogram* into, std::chrono::nanoseconds took) noexcept {
        if (into != nullptr) into->observe(std::chrono::duration<double>(took).count());
    }

    metrics::Histogram *write_ = nullptr, *sync_ = nullptr, *read_ = nullptr;
    metrics::Counter* troubles_[4] = {};
    metrics::Gauge *blocks_ = nullptr, *index_ = nullptr, *memory_ = nullptr;
    metrics::Gauge *queued_ = nullptr, *compaction_ = nullptr;
    metrics::Gauge *stalled_ = nullptr, *disk_free_ = nullptr;
};

/// Measures from its making to elapsed().
class Stopwatch {
public:
    [[nodiscard]] std::chrono::nanoseconds elapsed() const {
        return std::chrono::steady_clock::now() - start_;
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace anode::rocks
