#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/metrics.hpp"
#include "base/time.hpp"

namespace anode::api {

struct Caller;
struct Problem;

/// How fast each caller may go: token buckets, one for each caller and kind.
/// Who:     a token by its id; whoever has none by address.
/// Thread:  any; a call takes a lock for less than a microsecond.
/// Limits:  kCallersMax buckets; full ones are forgotten first, and when there is no room, newcomers share one bucket.
/// Source:  interfaces, section 16.
class RateLimits {
public:
    /// Trials are requests that make the node reach out to others; only those who are limited at all are limited there.
    enum class What : std::uint8_t { Requests, Messages, Trials };
    static constexpr std::size_t kCallersMax = 20'000;

    /// Twice as many as a second's may come at once. 0: no limit.
    RateLimits(std::uint64_t requests_per_second, std::uint64_t messages_per_second,
               metrics::Registry& metrics);

    struct Verdict {
        bool admitted = true;
        bool limited = false;     ///< whether there is a limit at all
        std::uint64_t quota = 0;  ///< within `window`
        Duration window{};
        std::uint64_t left = 0;
        Duration until_full{};
        Duration retry_after{};  ///< unless admitted
    };
    /// Takes `count` at once. Whoever has anything left is admitted, and pays later for what was not there: a batch is never
    /// larger than all that could ever be saved up.
    Verdict take(What what, std::string_view who, std::uint64_t count, Instant now);

private:
    struct Rate {
        double per_second = 0, burst = 0;
        metrics::Counter* refused = nullptr;
    };
    struct Bucket {
        double left = 0;
        Instant at{};
    };
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, Bucket> buckets;
    };
    Bucket& bucket_of(Shard& shard, const Rate& rate, std::string key, Instant now);

    std::array<Rate, 3> rates_;
    std::array<Shard, 16> shards_;
};

/// By what a caller is told apart: its token, or the address if it has none.
std::string rate_key(const Caller& caller, std::string_view address);
/// `"requests";q=400;w=2` and `"requests";r=399;t=1`.
std::string policy_text(std::string_view name, const RateLimits::Verdict& verdict);
std::string rate_text(std::string_view name, const RateLimits::Verdict& verdict);
/// 429 `rate-limited`.
Problem too_many(std::string_view name, Duration retry_after);

}  // namespace anode::api
