#include "api/rest/attempts.hpp"

#include <algorithm>

#include "core/source/ip.hpp"

namespace anode::api::rest {

namespace {

constexpr std::size_t kNameBytes = 64;

std::string key_of_name(std::string_view name) {
    return "name " + std::string(name.substr(0, kNameBytes));
}
std::string key_of_network(std::string_view peer) { return "net " + network_of(peer); }

}  // namespace

std::string network_of(std::string_view peer) {
    auto address = IpAddress::parse(peer);
    if (!address) return std::string(peer);
    const std::size_t kept = address->v6 ? 7 : 3, size = address->v6 ? 16 : 4;
    std::fill(address->bytes.begin() + static_cast<std::ptrdiff_t>(kept),
              address->bytes.begin() + static_cast<std::ptrdiff_t>(size), 0);
    return address->text() + (address->v6 ? "/56" : "/24");
}

Duration Attempts::wait_of(const Tries& tries, Instant now) {
    if (tries.count < kTries) return Duration{0};
    const Instant free_at = tries.at[tries.next] + kWindow;  // the oldest of them
    return free_at > now ? free_at - now : Duration{0};
}

void Attempts::forget_old(Instant now) {
    if (looked_at_ != Instant{} && now - looked_at_ < 1s) return;
    looked_at_ = now;
    std::erase_if(known_, [now](const auto& entry) {
        const Tries& tries = entry.second;
        const std::size_t newest = (tries.next + kTries - 1) % kTries;
        return tries.count == 0 || tries.at[newest] + kWindow <= now;
    });
}

std::optional<Duration> Attempts::refuse(std::string_view name, std::string_view peer,
                                         Instant now) {
    const std::lock_guard lock(mutex_);
    const std::array keys{key_of_name(name), key_of_network(peer)};
    if (known_.size() + keys.size() > kKnownMax) forget_old(now);
    if (known_.size() + keys.size() > kKnownMax) return kWindow;
    Duration wait{0};
    for (const std::string& key : keys) wait = std::max(wait, wait_of(known_[key], now));
    if (wait > Duration{0}) return wait;
    for (const std::string& key : keys) {
        Tries& tries = known_[key];
        tries.at[tries.next] = now;
        tries.next = (tries.next + 1) % kTries;
        tries.count = std::min(tries.count + 1, kTries);
    }
    return std::nullopt;
}

void Attempts::succeeded(std::string_view name, std::string_view peer) {
    const std::lock_guard lock(mutex_);
    for (const std::string& key : {key_of_name(name), key_of_network(peer)}) {
        const auto found = known_.find(key);
        if (found == known_.end() || found->second.count == 0) continue;
        Tries& tries = found->second;
        tries.next = (tries.next + kTries - 1) % kTries;
        --tries.count;
    }
}

}  // namespace anode::api::rest
