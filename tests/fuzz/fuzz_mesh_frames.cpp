#include <cstdint>

#include "mesh_seeds.hpp"

/// Frames of a hostile neighbour, in pieces. The first byte says how large the pieces are. What is read encodes to something
/// that reads the same, however the bytes were cut.
namespace {

using namespace anode;
using namespace anode::mesh;

constexpr std::size_t kFrameMax = 64u << 10;

struct Heard {
    std::vector<Bytes> frames;  ///< encoded again
    std::string error;
};

Bytes coded(const frames::Frame& frame) {
    Bytes out;
    frames::encode(frame, out);
    return out;
}

void check(const Bytes& once) {
    frames::FrameReader reader(SIZE_MAX);
    reader.add(once);
    const auto again = reader.next();
    ANODE_ASSERT(again.has_value() && again->has_value() && coded(**again) == once);
    ANODE_ASSERT(reader.held() == 0);
}

Heard hear(BytesView stream, std::size_t piece) {
    Heard heard;
    frames::FrameReader reader(kFrameMax);
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        reader.add(stream.substr(at, piece));
        for (;;) {
            const auto frame = reader.next();
            if (!frame) {
                heard.error = frame.error().what;
                ANODE_ASSERT(!heard.error.empty());
                return heard;
            }
            if (!*frame) break;
            heard.frames.push_back(coded(**frame));
        }
        ANODE_ASSERT(reader.held() <= kFrameMax + frames::kHeadBytes);
    }
    return heard;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned random) {
    return fuzz::insert_frame(data, size, size_max, random, LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const BytesView stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Heard whole = hear(stream, std::max<std::size_t>(stream.size(), 1));
    const Heard pieces = hear(stream, data[0] % 64 + 1u);
    ANODE_ASSERT(whole.frames == pieces.frames && whole.error == pieces.error);
    for (const Bytes& frame : whole.frames) check(frame);
    return 0;
}
