#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/assert.hpp"
#include "base/bytes.hpp"

/// Bodies that a peer sends are fuzzed as a row of pieces: one byte chooses what a piece is, two say how long it is. So several
/// frames follow each other, and the mutator can begin from whole ones.
namespace anode::fuzz {

struct Piece {
    std::uint8_t what = 0;
    BytesView body;
};

inline std::vector<Piece> pieces_of(const std::uint8_t* data, std::size_t size) {
    std::vector<Piece> pieces;
    BytesView rest(reinterpret_cast<const char*>(data), size);
    while (rest.size() >= 3 && pieces.size() < 64) {
        const auto low = static_cast<unsigned char>(rest[1]);
        const auto high = static_cast<unsigned char>(rest[2]);
        const std::size_t length = std::min<std::size_t>(low | high << 8, rest.size() - 3);
        pieces.push_back({static_cast<std::uint8_t>(rest[0]), rest.substr(3, length)});
        rest.remove_prefix(3 + length);
    }
    return pieces;
}

inline Bytes piece(std::uint8_t what, BytesView body) {
    Bytes out;
    out.push_back(static_cast<char>(what));
    out.push_back(static_cast<char>(body.size()));
    out.push_back(static_cast<char>(body.size() >> 8));
    out += body;
    return out;
}

/// From time to time one of the seeds is put behind the input or in front of it; else it is changed as ever.
template <class Further>
std::size_t insert_seed(const std::vector<Bytes>& seeds, std::uint8_t* data, std::size_t size,
                        std::size_t size_max, unsigned random, Further further) {
    const Bytes& seed = seeds[random / 8 % seeds.size()];
    if (random % 8 != 0 || size + seed.size() > size_max) return further(data, size, size_max);
    const std::size_t at = (random >> 20) % 2 == 0 ? size : 0;
    std::memmove(data + at + seed.size(), data + at, size - at);
    std::memcpy(data + at, seed.data(), seed.size());
    return size + seed.size();
}

}  // namespace anode::fuzz

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);
