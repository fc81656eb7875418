#include "app/pulse.hpp"

#include <numeric>

namespace anode::app {
namespace {

constexpr std::array<const char*, 3> kTransports{"ws", "sse", "ndjson"};

void write_quantile(json::Writer& out, std::string_view name,
                    const std::vector<std::uint64_t>& counts, double quantile) {
    out.key(name);
    if (const auto ms = quantile_ms(counts, quantile))
        out.value(*ms);
    else
        out.null();
}

}  // namespace

std::optional<double> quantile_ms(const std::vector<std::uint64_t>& counts, double quantile) {
    const std::uint64_t all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    if (all == 0) return std::nullopt;
    const auto& bounds = metrics::Histogram::bounds();
    const double wanted = quantile * static_cast<double>(all);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < bounds.size() && i < counts.size(); ++i) {
        seen += counts[i];
        if (static_cast<double>(seen) >= wanted) return bounds[i] * 1e3;
    }
    return bounds.back() * 1e3;
}

Pulse::Pulse(metrics::Registry& metrics) : written_{} {
    for (std::size_t i = 0; i < kTransports.size(); ++i)
        written_[i] =
            &metrics.counter("anode_delivery_messages_total", "Messages written to listeners",
                             {{"transport", kTransports[i]}});
    for (const char* stage : {"local", "remote"})
        delivery_.of.push_back(&metrics.histogram(
            "anode_delivery_latency_seconds",
            "From reception by the cluster to the listener's socket", {{"stage", stage}}));
}

std::vector<std::uint64_t> Pulse::fresh(Times& times) {
    std::vector<std::uint64_t> now(metrics::Histogram::bounds().size() + 1);
    for (const metrics::Histogram* histogram : times.of) {
        const auto counts = histogram->counts();
        for (std::size_t i = 0; i < counts.size() && i < now.size(); ++i) now[i] += counts[i];
    }
    std::vector<std::uint64_t> since = now;
    for (std::size_t i = 0; i < times.before.size(); ++i) since[i] -= times.before[i];
    times.before = std::move(now);
    return since;
}

void Pulse::write(json::Writer& out) {
    std::uint64_t written = 0;
    for (const metrics::Counter* counter : written_) written += counter->value();
    out.member("delivered", written).member("out_per_second", written - written_before_);
    written_before_ = written;
    const auto delivered = fresh(delivery_);
    out.key("delivery_ms").begin_object();
    write_quantile(out, "p50", delivered, 0.5);
    write_quantile(out, "p99", delivered, 0.99);
    out.end_object();
}

}  // namespace anode::app
