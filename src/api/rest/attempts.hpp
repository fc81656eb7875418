#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.hpp"

namespace anode::api::rest {

/// How often somebody may try to sign in: five times a minute for each name, and for each network (IPv4 /24, IPv6 /56) that
/// tries. One that succeeds gives its try back, so that only guesses count.
/// Limits: remembers 20,000 names and networks; when full it refuses those it does not know until a minute has passed.
/// Thread: any. Source: interfaces, section 15.
class Attempts {
public:
    static constexpr std::size_t kTries = 5, kKnownMax = 20'000;
    static constexpr Duration kWindow = 60s;

    /// Counts a try. If there were too many: how long to wait.
    std::optional<Duration> refuse(std::string_view name, std::string_view peer, Instant now);
    /// The try was right.
    void succeeded(std::string_view name, std::string_view peer);

private:
    /// The times of the last tries, in a circle.
    struct Tries {
        std::array<Instant, kTries> at{};
        std::size_t count = 0, next = 0;
    };
    void forget_old(Instant now);
    /// How long until one more may be tried; 0 for now.
    [[nodiscard]] static Duration wait_of(const Tries& tries, Instant now);

    std::mutex mutex_;  ///< guards known_ and looked_at_
    std::unordered_map<std::string, Tries> known_;
    Instant looked_at_{};  ///< when it was last looked for old ones: not for every try of a flood
};

/// `192.0.2.0/24` of `192.0.2.7`; other texts as they are.
std::string network_of(std::string_view peer);

}  // namespace anode::api::rest
