#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/membership/key_ring.hpp"

namespace anode::membership {

/// A number for each key that stays with it while the ring is turned round, so that "last sealed with" survives a rotation.
/// Limits:  128 numbers; one is given to another key only after 112 newer ones.
class KeyNumbers {
public:
    static constexpr std::size_t kNone = ~0u;  ///< as in Member::key
    static constexpr std::size_t kNumbers = 128;

    explicit KeyNumbers(const KeyRing& ring) { changed(ring); }
    void changed(const KeyRing& ring);
    /// Of the key at this index of the ring.
    [[nodiscard]] std::size_t number(std::size_t index) const noexcept {
        return index < numbers_.size() ? numbers_[index] : kNone;
    }
    /// Where in the ring the key of this number is now; kNone: it is no longer there.
    [[nodiscard]] std::size_t index(std::size_t number) const noexcept;

private:
    std::size_t number_of(const std::string& fingerprint);

    std::vector<std::size_t> numbers_;                ///< by index of the ring
    std::array<std::string, kNumbers> fingerprints_;  ///< by number
    std::size_t next_ = 0;
};

}  // namespace anode::membership
