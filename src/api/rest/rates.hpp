#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/time.hpp"

namespace anode::api::rest {

/// How many messages a second topics get, measured between two looks at their counts.
/// Thread: any. Limit: remembers 100,000 topics, then forgets all and begins anew.
class Rates {
public:
    /// The rate since an earlier look at least a second ago; none on the first.
    std::optional<double> look(const std::string& topic, std::uint64_t messages, WallTime now);

private:
    struct Seen {
        std::uint64_t messages = 0;
        WallTime at = 0;
        std::optional<double> rate;
    };
    std::mutex mutex_;  ///< guards seen_
    std::unordered_map<std::string, Seen> seen_;
};

}  // namespace anode::api::rest
