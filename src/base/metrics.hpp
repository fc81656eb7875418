#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Counters, gauges and histograms with labels, and their two text forms.
/// Thread: any. Look a series up once and keep the reference: it lives as long as the registry; adding is one relaxed
/// atomic. Source: Prometheus exposition format 0.0.4; OpenMetrics 1.0.
namespace anode::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
public:
    void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

class Gauge {
public:
    void set(double v) noexcept { value_.store(v, std::memory_order_relaxed); }
    void add(double v) noexcept { value_.fetch_add(v, std::memory_order_relaxed); }
    [[nodiscard]] double value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<double> value_{0};
};

/// Buckets of seconds: 50 µs to 60 s, roughly three a decade.
class Histogram {
public:
    Histogram();
    void observe(double seconds) noexcept;
    static const std::vector<double>& bounds();
    [[nodiscard]] std::vector<std::uint64_t> counts()
        const;  ///< per bucket, not cumulative; the last is +Inf
    [[nodiscard]] double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

private:
    std::vector<std::atomic<std::uint64_t>> counts_;
    std::atomic<double> sum_{0};
};

class Registry {
public:
    Registry();
    ~Registry();

    /// The series of this name and these labels; made if new. `help` of the first call counts. Counter names end in `_total`.
    Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
    Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
    Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {});
    /// Forgets all series of this name whose label `label` is `value` (a deleted source).
    void remove(std::string_view label, std::string_view value);
    /// Called before every exposition, to set gauges that are cheaper to read than to keep.
    void on_scrape(std::function<void()> refresh);

    [[nodiscard]] std::string prometheus() const;
    [[nodiscard]] std::string openmetrics() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace anode::metrics
