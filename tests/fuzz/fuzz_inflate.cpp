#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.hpp"
#include "core/codec/inflate.hpp"

/// Any bytes in any coding: output within the limits, and the same whole or in pieces.
namespace {

using namespace anode;

constexpr std::uint64_t kBytesMax = 100'000;

struct Read {
    Bytes out;
    bool good = true;
};

Read read(codec::Coding coding, std::string_view bytes, std::size_t piece_bytes) {
    codec::Decompressor decompressor(coding, {.bytes_max = kBytesMax, .ratio_max = 1'000'000});
    Read result;
    while (result.good && !bytes.empty()) {
        const std::string piece(bytes.substr(0, piece_bytes));
        bytes.remove_prefix(piece.size());
        result.good = decompressor.feed(piece, result.out).has_value();
    }
    result.good = result.good && decompressor.finish().has_value();
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto coding = static_cast<codec::Coding>(data[0] % 7U);
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const Read whole = read(coding, bytes, bytes.size() + 1);
    const Read pieces = read(coding, bytes, data[1] % 16U + 1);
    ANODE_ASSERT(whole.good == pieces.good);
    ANODE_ASSERT(!whole.good || (whole.out == pieces.out && whole.out.size() <= kBytesMax));
    return 0;
}
