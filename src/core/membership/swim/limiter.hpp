#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/hash.hpp"
#include "base/time.hpp"
#include "core/membership/types.hpp"

namespace anode::membership {

/// A bucket of permits that fills with time.
class Bucket {
public:
    Bucket(double per_second, double burst) noexcept
        : per_second_(per_second), burst_(burst), held_(burst) {}
    bool take(Instant now) noexcept {
        if (now > at_) {
            const double passed = std::chrono::duration<double>(now - at_).count();
            held_ = std::min(burst_, held_ + passed * per_second_);
            at_ = now;
        }
        if (held_ < 1) return false;
        held_ -= 1;
        return true;
    }

private:
    double per_second_, burst_, held_;
    Instant at_{};
};

/// One bucket for each of 256 groups of source addresses: what a source may make us send elsewhere.
/// Source: memberlist protocol, section 14.2, rule 7.
class SourceLimiter {
public:
    bool take(const Address& source, Instant now) noexcept {
        return buckets_[hash64(source.canonical().ip_bytes()) % buckets_.size()].take(now);
    }

private:
    struct Slot : Bucket {
        Slot() noexcept : Bucket(100, 200) {}
    };
    std::array<Slot, 256> buckets_;
};

}  // namespace anode::membership
