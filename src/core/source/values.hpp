#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/rng.hpp"
#include "base/time.hpp"

/// Small values that definitions are written with. Source: recipes, section 1.
namespace anode::source {

/// `23h ± 30m`. Also written `+-`.
struct Jittered {
    Duration value{};
    Duration jitter{};
    /// A duration drawn evenly from value ± jitter; never negative.
    [[nodiscard]] Duration draw(Rng& rng) const noexcept;
    friend bool operator==(const Jittered&, const Jittered&) = default;
};
std::optional<Jittered> parse_jittered(std::string_view text);

/// `3/s`, `480/h`, `100/10s`.
struct Rate {
    std::uint32_t count = 0;
    Duration per = 1s;
    friend bool operator==(const Rate&, const Rate&) = default;
};
std::optional<Rate> parse_rate(std::string_view text);

}  // namespace anode::source
