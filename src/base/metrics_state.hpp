#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/assert.hpp"
#include "base/metrics.hpp"

/// What a registry holds and how it is written out. Used by metrics*.cpp only.
namespace anode::metrics {

enum class SeriesKind : std::uint8_t { Counter, Gauge, Histogram };
using AnyMetric = std::variant<Counter, Gauge, Histogram>;

template <class Metric>
inline constexpr SeriesKind kind_of = std::is_same_v<Metric, Counter> ? SeriesKind::Counter
                                      : std::is_same_v<Metric, Gauge> ? SeriesKind::Gauge
                                                                      : SeriesKind::Histogram;

struct Series {
    std::unique_ptr<AnyMetric> metric;
    bool removed = false;  ///< not shown; kept, because someone may still hold the reference
};

struct Family {
    std::string help;
    SeriesKind kind;
    std::map<Labels, Series> series;  ///< by sorted labels
};
using Families = std::map<std::string, Family, std::less<>>;

/// Held for a look-up or one exposition; the waiting thread sleeps. (base knows no mutex.)
class Guard {
public:
    explicit Guard(std::atomic_flag& lock) noexcept : lock_(lock) {
        while (lock_.test_and_set(std::memory_order_acquire))
            lock_.wait(true, std::memory_order_relaxed);
    }
    ~Guard() {
        lock_.clear(std::memory_order_release);
        lock_.notify_one();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

private:
    std::atomic_flag& lock_;
};

struct Guarded {
    std::atomic_flag lock;
    Families families;
    std::vector<std::function<void()>> refreshers;
};

enum class Dialect : std::uint8_t { Prometheus, OpenMetrics };
std::string exposition(const Families& families, Dialect dialect);

}  // namespace anode::metrics
