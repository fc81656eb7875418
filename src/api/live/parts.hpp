#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "api/doors.hpp"
#include "api/http/admission.hpp"
#include "api/http/server.hpp"
#include "api/live/framing.hpp"

namespace anode::api {

/// The series of one transport (interfaces, section 14).
struct TransportMetrics {
    metrics::Gauge* listeners = nullptr;
    metrics::Gauge* subscriptions = nullptr;
    metrics::Counter* messages = nullptr;
    metrics::Counter* bytes = nullptr;
    metrics::Counter* skipped_slow = nullptr;
    metrics::Counter* skipped_mode = nullptr;  ///< conflated or sampled away, as asked for
};

struct LiveMetrics {
    explicit LiveMetrics(metrics::Registry& registry);
    std::array<TransportMetrics, 3> transports;
    metrics::Histogram& latency_local;
    metrics::Histogram& latency_remote;
    metrics::Histogram& lag;
    metrics::Gauge& catching_up;
    metrics::Gauge& feed_queue;
    metrics::Counter& feed_overflows;
    metrics::Counter& balance_errors;
};

/// What the live side of all loops shares.
struct LiveParts {
    Doors doors;
    Authenticator& auth;
    std::function<bool(std::move_only_function<void()>)> work;  ///< on a worker; false: too much
    Admission admission;
    LiveMetrics metrics;
    bool require_token = false;

    LiveParts(Doors d, Authenticator& a, std::function<bool(std::move_only_function<void()>)> w,
              bool token)
        : doors(d),
          auth(a),
          work(std::move(w)),
          admission(d.limits.listeners_max, d.limits.listeners_per_address_max),
          metrics(d.metrics),
          require_token(token) {}
};

/// A listener's place among those that are admitted; given back when it goes.
class Seat {
public:
    Seat(LiveParts& parts, std::string address) : parts_(&parts), address_(std::move(address)) {}
    Seat(Seat&& other) noexcept
        : parts_(std::exchange(other.parts_, nullptr)), address_(std::move(other.address_)) {}
    Seat& operator=(Seat&&) = delete;
    ~Seat() {
        if (parts_) parts_->admission.leave(address_);
    }
    [[nodiscard]] const std::string& address() const noexcept { return address_; }

private:
    LiveParts* parts_;
    std::string address_;
};

}  // namespace anode::api
