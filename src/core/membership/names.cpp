#include <array>

#include "core/membership/counters.hpp"
#include "core/membership/outbox.hpp"
#include "core/membership/types.hpp"

namespace anode::membership {

namespace {

/// The word of an enumerator; a number that is none has a word too, as it may come from the wire.
template <std::size_t N>
std::string_view word(const std::array<std::string_view, N>& words, std::uint8_t number) noexcept {
    return number < N ? words[number] : "unknown";
}

constexpr std::array<std::string_view, 4> kStates{"alive", "suspect", "dead", "left"};
constexpr std::array<std::string_view, 7> kChanges{"joined", "updated", "suspected", "refuted",
                                                   "died",   "left",    "forgotten"};
constexpr std::array<std::string_view, kDrops> kReasons{
    "empty",       "label",    "clear",   "sealed", "key",       "crc",
    "compression", "compound", "depth",   "type",   "truncated", "malformed",
    "too_large",   "name",     "address", "meta",   "versions",  "incarnation",
    "target",      "filter",   "full",    "rate",   "stale",     "unknown"};

}  // namespace

std::string_view name_of(MemberState state) noexcept {
    return word(kStates, static_cast<std::uint8_t>(state));
}

std::string_view name_of(Change change) noexcept {
    return word(kChanges, static_cast<std::uint8_t>(change));
}

std::string_view name_of(Drop reason) noexcept {
    return word(kReasons, static_cast<std::uint8_t>(reason));
}

}  // namespace anode::membership
