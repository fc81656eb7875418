#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "base/time.hpp"

/// Numbers as tables show them.
namespace anode::sim {

inline std::string fixed(double value, int digits) {
    std::array<char, 48> out;
    const int size = std::snprintf(out.data(), out.size(), "%.*f", digits, value);
    return {out.data(), static_cast<std::size_t>(size)};
}

/// The value below which a share of the sample lies; `sample` is sorted here. Empty: 0.
inline Duration share_of(std::vector<Duration>& sample, double share) {
    if (sample.empty()) return {};
    std::ranges::sort(sample);
    const auto place =
        static_cast<std::size_t>(share * static_cast<double>(sample.size() - 1) + 0.5);
    return sample[place];
}

inline std::string in_seconds(Duration span) {
    return fixed(std::chrono::duration<double>(span).count(), 2);
}

}  // namespace anode::sim
