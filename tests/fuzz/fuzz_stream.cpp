#include <cstdint>

#include "core/membership/wire/compressed.hpp"
#include "core/membership/wire/stream.hpp"
#include "wire_seeds.hpp"

/// Streams of a hostile peer: the first byte chooses label, key and switches, and whether the rest is framed first. Whole or in
/// pieces, the outcome is the same, and memory stays near what came.
namespace {

using namespace anode;
using namespace anode::membership;
using namespace anode::membership::wire;

constexpr std::array<std::string_view, 8> kSeeds{
    "0683a44a6f696ec3a54e6f64657301ac5573657253746174654c656e0287a441646472a47f000001ab496e6361726e"
    "6174696f6e"
    "01a44d657461c0a44e616d65a161a4506f7274cd1f0aa5537461746500a356736ea60105020000006869",
    "0881aa557365724d73674c656e0568656c6c6f",
    "0d81a54572726f72a3626164",
    "0082a44e6f6465a162a55365714e6f2a",
    "0282a75061796c6f6164c0a55365714e6f2a",
    "0a0000002d01a0a1a2a3a4a5a6a7a8a9aaabaa049cf511ed56abe8dde665375cdf4ad417f580aeba24c4909703764f"
    "f753db",
    "f404626c75650a0000002d01a0a1a2a3a4a5a6a7a8a9aaabaa049cf511ed56abe8dde665375cdf4a51aa6b0209adff"
    "0e396086b1"
    "94a4209d",
    "0982a4416c676f00a3427566ae0011841948b0a0c1830813160c08"};

/// How a stream ended: 0 nothing came of it, 1 + index of the message, or 100 + reason.
std::size_t outcome(const Envelope& envelope, StreamReader::End end, BytesView bytes,
                    std::size_t piece) {
    StreamReader reader(envelope, end);
    const auto number = [](const StreamReader::Step& step) -> std::size_t {
        if (!step) return 100 + static_cast<std::size_t>(step.error().reason);
        return *step ? 1 + (*step)->index() : 0;
    };
    std::size_t came = 0;
    while (!bytes.empty()) {
        const BytesView next = bytes.substr(0, piece);
        came += next.size();
        if (const std::size_t found = number(reader.add(next)); found != 0) return found;
        ANODE_ASSERT(reader.held() <= came);
        bytes.remove_prefix(next.size());
    }
    return number(reader.end());
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned random) {
    return fuzz::mutate(kSeeds, data, size, size_max, random, LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto chosen = [&](unsigned bit) { return (data[0] >> bit & 1) != 0; };
    const Envelope envelope{.label = chosen(0) ? "blue" : "",
                            .keys = chosen(1) ? &fuzz::ring() : nullptr,
                            .verify_incoming = chosen(2),
                            .compression = chosen(4)};
    const auto end = chosen(5) ? StreamReader::End::Dialler : StreamReader::End::Acceptor;
    Bytes stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (chosen(3)) {
        Bytes framed;
        ANODE_ASSERT(frame_stream(envelope, end, stream, fuzz::kNonce, framed));
        stream = framed;
    }
    const std::size_t whole = outcome(envelope, end, stream, stream.size());
    const std::size_t pieces = outcome(envelope, end, stream, 1 + size % 7);
    // A stream may be refused before all of it has come, and then for what came first; a message is one either way.
    ANODE_ASSERT((whole < 100) == (pieces < 100) && (whole >= 100 || whole == pieces));
    return 0;
}
