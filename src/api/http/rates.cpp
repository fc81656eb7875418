#include "api/http/rates.hpp"

#include <algorithm>
#include <chrono>

#include "api/http/request.hpp"
#include "api/http/response.hpp"
#include "base/hash.hpp"

namespace anode::api {

namespace {

constexpr double kBurst = 2;
constexpr double kTrialsPerMinute = 6;
constexpr std::string_view kNames[] = {"requests", "messages", "trials"};

Duration seconds(double count) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count));
}

}  // namespace

RateLimits::RateLimits(std::uint64_t requests_per_second, std::uint64_t messages_per_second,
                       metrics::Registry& metrics) {
    rates_[0] = {static_cast<double>(requests_per_second),
                 kBurst * static_cast<double>(requests_per_second)};
    rates_[1] = {static_cast<double>(messages_per_second),
                 kBurst * static_cast<double>(messages_per_second)};
    if (requests_per_second > 0) rates_[2] = {kTrialsPerMinute / 60, kTrialsPerMinute};
    for (std::size_t i = 0; i < rates_.size(); ++i)
        rates_[i].refused = &metrics.counter("anode_rate_limited_total",
                                             "Requests and messages refused for their rate",
                                             {{"what", std::string(kNames[i])}});
}

/// A bucket that has filled up again says nothing that a new one would not.
RateLimits::Bucket& RateLimits::bucket_of(Shard& shard, const Rate& rate, std::string key,
                                          Instant now) {
    const auto found = shard.buckets.find(key);
    if (found != shard.buckets.end()) return found->second;
    const std::size_t room = kCallersMax / shards_.size();
    if (shard.buckets.size() >= room)
        std::erase_if(shard.buckets, [&](const auto& entry) {
            const double idle = std::chrono::duration<double>(now - entry.second.at).count();
            return idle > 60 && entry.second.left + idle * rate.per_second >= rate.burst;
        });
    if (shard.buckets.size() >= room) key = "others";
    return shard.buckets.try_emplace(std::move(key), Bucket{rate.burst, now}).first->second;
}

RateLimits::Verdict RateLimits::take(What what, std::string_view who, std::uint64_t count,
                                     Instant now) {
    const Rate& rate = rates_[static_cast<std::size_t>(what)];
    Verdict verdict;
    if (rate.per_second <= 0) return verdict;
    verdict.limited = true;
    verdict.quota = static_cast<std::uint64_t>(rate.burst);
    verdict.window = seconds(rate.burst / rate.per_second);
    std::string key(1, static_cast<char>('0' + static_cast<int>(what)));
    key += who;
    Shard& shard = shards_[hash64(key) % shards_.size()];
    const std::lock_guard lock(shard.mutex);
    Bucket& bucket = bucket_of(shard, rate, std::move(key), now);
    const double idle = std::max(0.0, std::chrono::duration<double>(now - bucket.at).count());
    bucket.left = std::min(rate.burst, bucket.left + idle * rate.per_second);
    bucket.at = std::max(bucket.at, now);
    verdict.admitted = bucket.left >= 1;
    if (verdict.admitted) {
        bucket.left -= static_cast<double>(count);
    } else {
        rate.refused->add(count);
        verdict.retry_after = seconds((1 - bucket.left) / rate.per_second);
    }
    verdict.left = static_cast<std::uint64_t>(std::max(0.0, bucket.left));
    verdict.until_full = seconds((rate.burst - bucket.left) / rate.per_second);
    return verdict;
}

namespace {

/// Whole units, and at least one if there is anything.
std::string up(Duration time, Duration unit) { return std::to_string((time + unit - 1ns) / unit); }

}  // namespace

std::string rate_key(const Caller& caller, std::string_view address) {
    if (!caller.credential.id.empty()) return "token " + caller.credential.id;
    return "address " + std::string(address);
}

std::string policy_text(std::string_view name, const RateLimits::Verdict& verdict) {
    return "\"" + std::string(name) + "\";q=" + std::to_string(verdict.quota) +
           ";w=" + up(verdict.window, 1s);
}

std::string rate_text(std::string_view name, const RateLimits::Verdict& verdict) {
    return "\"" + std::string(name) + "\";r=" + std::to_string(verdict.left) +
           ";t=" + up(verdict.until_full, 1s);
}

Problem too_many(std::string_view name, Duration retry_after) {
    Problem problem{
        429, "rate-limited", "too many " + std::string(name) + " in a short time", {}, {}, {}};
    problem.retry_ms = std::stoll(up(std::max(retry_after, Duration(1ms)), 1ms));
    return problem;
}

}  // namespace anode::api
