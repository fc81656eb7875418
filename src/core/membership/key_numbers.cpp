#include "core/membership/key_numbers.hpp"

#include <algorithm>

namespace anode::membership {

void KeyNumbers::changed(const KeyRing& ring) {
    const std::vector<std::string> fingerprints = ring.fingerprints();
    std::vector<std::size_t> numbers;
    for (const std::string& fingerprint : fingerprints) numbers.push_back(number_of(fingerprint));
    numbers_ = std::move(numbers);
}

std::size_t KeyNumbers::index(std::size_t number) const noexcept {
    const auto place = std::ranges::find(numbers_, number);
    if (number == kNone || place == numbers_.end()) return kNone;
    return static_cast<std::size_t>(place - numbers_.begin());
}

std::size_t KeyNumbers::number_of(const std::string& fingerprint) {
    const auto known = std::ranges::find(fingerprints_, fingerprint);
    if (known != fingerprints_.end()) {
        return static_cast<std::size_t>(known - fingerprints_.begin());
    }
    // Keys of the ring keep their numbers however long they stay.
    while (std::ranges::find(numbers_, next_) != numbers_.end()) next_ = (next_ + 1) % kNumbers;
    const std::size_t number = next_;
    fingerprints_[number] = fingerprint;
    next_ = (next_ + 1) % kNumbers;
    return number;
}

}  // namespace anode::membership
