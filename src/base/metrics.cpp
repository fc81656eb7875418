#include "base/metrics.hpp"

#include <algorithm>
#include <cmath>

#include "base/metrics_state.hpp"

namespace anode::metrics {

const std::vector<double>& Histogram::bounds() {
    static const std::vector<double> kBounds = {50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3,
                                                10e-3, 25e-3,  50e-3,  0.1,    0.25, 0.5,    1,
                                                2.5,   5,      10,     30,     60};
    return kBounds;
}

Histogram::Histogram() : counts_(bounds().size() + 1) {}

void Histogram::observe(double seconds) noexcept {
    if (std::isnan(seconds)) return;
    const auto& limits = bounds();
    const auto bucket = std::lower_bound(limits.begin(), limits.end(), seconds) - limits.begin();
    counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(seconds, std::memory_order_relaxed);
}

std::vector<std::uint64_t> Histogram::counts() const {
    std::vector<std::uint64_t> out;
    out.reserve(counts_.size());
    for (const auto& count : counts_) out.push_back(count.load(std::memory_order_relaxed));
    return out;
}

namespace {

/// Finds or makes; a series that was removed comes back with the values it had, as counters must
/// not lose any.
template <class Metric>
Metric& series_of(Guarded& guarded, std::string_view name, std::string_view help,
                  const Labels& labels) {
    Labels sorted = labels;
    std::sort(sorted.begin(), sorted.end());
    const Guard guard(guarded.lock);
    auto family = guarded.families.find(name);
    if (family == guarded.families.end())
        family = guarded.families
                     .emplace(std::string(name), Family{std::string(help), kind_of<Metric>, {}})
                     .first;
    ANODE_ASSERT(family->second.kind == kind_of<Metric>);
    Series& series = family->second.series[std::move(sorted)];
    if (!series.metric) series.metric = std::make_unique<AnyMetric>(std::in_place_type<Metric>);
    series.removed = false;
    return std::get<Metric>(*series.metric);
}

}  // namespace

struct Registry::State : Guarded {};

Registry::Registry() : state_(std::make_unique<State>()) {}
Registry::~Registry() = default;

Counter& Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
    return series_of<Counter>(*state_, name, help, labels);
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
    return series_of<Gauge>(*state_, name, help, labels);
}

Histogram& Registry::histogram(std::string_view name, std::string_view help, const Labels& labels) {
    return series_of<Histogram>(*state_, name, help, labels);
}

void Registry::remove(std::string_view label, std::string_view value) {
    const Guard guard(state_->lock);
    for (auto& [name, family] : state_->families)
        for (auto& [labels, series] : family.series)
            for (const auto& [key, text] : labels)
                if (key == label && text == value) series.removed = true;
}

void Registry::on_scrape(std::function<void()> refresh) {
    const Guard guard(state_->lock);
    state_->refreshers.push_back(std::move(refresh));
}

namespace {

/// Runs them without the lock, since they look series up.
void refresh(Guarded& guarded) {
    std::vector<std::function<void()>> refreshers;
    {
        const Guard guard(guarded.lock);
        refreshers = guarded.refreshers;
    }
    for (const auto& run : refreshers) run();
}

}  // namespace

std::string Registry::prometheus() const {
    refresh(*state_);
    const Guard guard(state_->lock);
    return exposition(state_->families, Dialect::Prometheus);
}

std::string Registry::openmetrics() const {
    refresh(*state_);
    const Guard guard(state_->lock);
    return exposition(state_->families, Dialect::OpenMetrics);
}

}  // namespace anode::metrics
