#pragma once

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/metrics.hpp"

namespace anode::api {

/// The series of HTTP requests. Routes are patterns, never paths, so their number is bounded.
/// Thread: any.
class RequestMetrics {
public:
    explicit RequestMetrics(metrics::Registry& registry) : registry_(registry) {}

    void request(std::string_view route, int status, double seconds) {
        const std::lock_guard lock(mutex_);
        auto& series = series_[{route.empty() ? "none" : std::string(route), status}];
        if (!series.count) {
            const std::string name = route.empty() ? "none" : std::string(route);
            series.count = &registry_.counter("anode_http_requests_total", "HTTP requests answered",
                                              {{"route", name}, {"code", std::to_string(status)}});
            series.time =
                &registry_.histogram("anode_http_request_seconds",
                                     "Time from request head to answer", {{"route", name}});
        }
        series.count->add();
        series.time->observe(seconds);
    }
    void connection(int change) { connections().add(change); }
    void refused(std::string_view reason) {
        registry_
            .counter("anode_connections_refused_total", "Connections and listeners refused",
                     {{"reason", std::string(reason)}})
            .add();
    }

private:
    struct Series {
        metrics::Counter* count = nullptr;
        metrics::Histogram* time = nullptr;
    };
    metrics::Gauge& connections() {
        return registry_.gauge("anode_connections", "Open HTTP connections");
    }

    metrics::Registry& registry_;
    std::mutex mutex_;  ///< guards series_
    std::map<std::pair<std::string, int>, Series> series_;
};

}  // namespace anode::api
