#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace anode::membership {

/// How well we are ourselves, from 0 (well) to max − 1. Source: Lifeguard, section 4.1; memberlist protocol, section 5.6.
class Awareness {
public:
    explicit Awareness(unsigned max) noexcept : top_(max == 0 ? 0 : static_cast<int>(max) - 1) {}
    void add(int delta) noexcept { score_ = std::clamp(score_ + delta, 0, top_); }
    [[nodiscard]] int score() const noexcept { return score_; }
    [[nodiscard]] Duration scale(Duration limit) const noexcept { return limit * (score_ + 1); }

private:
    int top_;
    int score_ = 0;
};

}  // namespace anode::membership
