#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace anode::mesh {

/// What a peer may ask of us on one link: a unit a frame and each 64 bytes of it, more for what is dearer. Units come back with
/// time. An honest node stays far below it, even one that tells of a hundred thousand logs at once.
class Budget {
public:
    Budget(double most, double per_second) : most_(most), per_second_(per_second), left_(most) {}

    /// False: it is overdrawn.
    bool spend(double units, Instant now) {
        const double passed = std::chrono::duration<double>(now - at_).count();
        at_ = now;
        left_ = std::min(most_, left_ + passed * per_second_) - units;
        return left_ >= 0;
    }

private:
    double most_, per_second_, left_;
    Instant at_{};
};

}  // namespace anode::mesh
