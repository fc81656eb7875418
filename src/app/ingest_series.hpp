#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/metrics.hpp"
#include "base/time.hpp"
#include "core/message/message.hpp"

namespace anode::app {

/// How many messages came in during the last ten milliseconds, roughly: two half windows.
class RecentRate {
public:
    void add(Instant now, std::uint64_t messages = 1) noexcept {
        roll(now);
        current_ += messages;
    }
    [[nodiscard]] std::uint64_t in_last_ten_ms(Instant now) noexcept {
        roll(now);
        return previous_ + current_;
    }

private:
    void roll(Instant now) noexcept {
        if (now - began_ < 5ms) return;
        previous_ = now - began_ < 10ms ? current_ : 0;
        current_ = 0;
        began_ = now;
    }
    Instant began_{};
    std::uint64_t current_ = 0, previous_ = 0;
};

/// The intake's metric series, found once and kept. Labels stay within interfaces, section 14: 2,000 sources, 100 name
/// spaces, then `other`.
/// Thread: the engine's.
class IngestSeries {
public:
    explicit IngestSeries(metrics::Registry& registry);

    void taken(const Draft& draft);
    metrics::Counter& rejected(std::string_view source, std::string_view reason);
    /// The series of this source were removed from the registry: should it come back, they are looked up anew.
    void forget(std::string_view source);

    metrics::Counter& balance_errors;
    RecentRate rate;

private:
    struct Taken {
        metrics::Counter* messages;
        metrics::Counter* bytes;
    };
    Taken& series_of(std::string_view source, std::string_view space);
    std::string_view bounded(std::unordered_set<std::string>& seen, std::size_t max,
                             std::string_view value);

    metrics::Registry& registry_;
    std::unordered_map<std::string, Taken> taken_;
    std::unordered_map<std::string, metrics::Counter*> rejected_;
    std::unordered_set<std::string> spaces_, sources_;
    std::string scratch_;
    std::string last_key_;
    Taken* last_ = nullptr;
};

}  // namespace anode::app
