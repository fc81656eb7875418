#pragma once

#include <string>
#include <string_view>

#include "base/rng.hpp"
#include "core/message/block.hpp"

/// Messages and logs for these specs.
namespace anode::test {

inline LogKey log_of(std::uint8_t tag, std::uint64_t epoch = (1'767'225'600'000ull << 16) | 7,
                     Lane lane = kDataLane) {
    LogKey key;
    for (std::size_t i = 0; i < key.node.bytes.size(); ++i)
        key.node.bytes[i] = static_cast<std::uint8_t>(tag + i);
    key.epoch.value = epoch;
    key.lane = lane;
    return key;
}

/// Bytes of any value; `alphabet` narrows them.
inline std::string random_bytes(Rng& rng, std::size_t bytes_max, std::string_view alphabet = {}) {
    std::string out(rng.below(bytes_max + 1), '\0');
    for (char& c : out)
        c = alphabet.empty() ? static_cast<char>(rng.next()) : alphabet[rng.below(alphabet.size())];
    return out;
}

/// Between 1 and `tokens_max` tokens out of few letters, so that patterns and topics meet often.
inline std::string random_topic(Rng& rng, std::size_t tokens_max = 4) {
    std::string out = rng.chance(0.1) ? "$" : "";
    for (std::size_t left = 1 + rng.below(tokens_max); left > 0; --left) {
        out += static_cast<char>('a' + rng.below(3));
        if (left > 1) out += '.';
    }
    return out;
}

}  // namespace anode::test
