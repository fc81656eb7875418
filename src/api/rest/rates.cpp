#include "api/rest/rates.hpp"

namespace anode::api::rest {

namespace {

constexpr std::size_t kTopicsMax = 100'000;
constexpr WallTime kApart = 1'000'000;

}  // namespace

std::optional<double> Rates::look(const std::string& topic, std::uint64_t messages, WallTime now) {
    const std::lock_guard lock(mutex_);
    if (seen_.size() >= kTopicsMax && !seen_.contains(topic)) seen_.clear();
    const auto [entry, is_new] = seen_.try_emplace(topic, Seen{messages, now, std::nullopt});
    Seen& seen = entry->second;
    if (is_new || now - seen.at < kApart) return seen.rate;
    const std::uint64_t more = messages > seen.messages ? messages - seen.messages : 0;
    seen.rate = static_cast<double>(more) * 1e6 / static_cast<double>(now - seen.at);
    seen.messages = messages;
    seen.at = now;
    return seen.rate;
}

}  // namespace anode::api::rest
