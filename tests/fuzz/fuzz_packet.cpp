#include <cstdint>

#include "core/membership/wire/compressed.hpp"
#include "core/membership/wire/packet.hpp"
#include "wire_seeds.hpp"

/// Datagrams of a hostile peer. The first byte chooses label, key and switches, and how many layers are put around the rest
/// before it is read, so that what lies behind seal, checksum and compression is reached too.
namespace {

using namespace anode;
using namespace anode::membership;
using namespace anode::membership::wire;

constexpr std::array<std::string_view, 10> kSeeds{
    "0082a44e6f6465a162a55365714e6f2a",
    "0085a44e6f6465a56e6f646542a55365714e6fce01020304aa536f7572636541646472a47f000001aa536f75726365"
    "4e6f6465a5"
    "6e6f646541aa536f75726365506f7274cd1f0a",
    "0188a44e61636bc3a44e6f6465a162a4506f7274cd1f0aa55365714e6f2baa536f7572636541646472a47f000001aa"
    "536f757263"
    "654e6f6465a161aa536f75726365506f7274cd1f0aa6546172676574a47f000002",
    "0282a75061796c6f6164a26869a55365714e6fcd012c",
    "0b81a55365714e6f2b",
    "07020010001d0082a44e6f6465a162a55365714e6f2a0383a446726f6da161ab496e6361726e6174696f6e01a44e6f"
    "6465a162",
    "0486a441646472a47f000001ab496e6361726e6174696f6e01a44d657461c0a44e6f6465a161a4506f7274cd1f0aa3"
    "56736ea601"
    "0502000000",
    "0982a4416c676f00a3427566ae0011841948b0a0c1830813160c08",
    "0cada372550868656c6c6f",
    "f404626c756501a0a1a2a3a4a5a6a7a8a9aaaba2ee5dd712e6b4f3fc71924c07fbdd514e2749e2270c"};

/// What was read encodes to something that reads the same.
void check(const Message& message) {
    const auto coded = [](const Message& m) {
        Bytes out;
        std::visit([&](const auto& leaf) { encode(leaf, out); }, m);
        return out;
    };
    const Bytes once = coded(message);
    const auto again = decode(once);
    ANODE_ASSERT(again.has_value() && coded(*again) == once);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned random) {
    return fuzz::mutate(kSeeds, data, size, size_max, random, LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto chosen = [&](unsigned bit) { return (data[0] >> bit & 1) != 0; };
    const Envelope envelope{.label = chosen(0) ? "blue" : "",
                            .keys = chosen(1) ? &fuzz::ring() : nullptr,
                            .verify_incoming = chosen(2)};
    Bytes packet(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (chosen(3)) {
        Bytes scratch;
        Bytes packed;
        if (chosen(4) && append_compressed(packet, scratch, packed)) packet = packed;
        PacketWriter writer;
        Envelope around = envelope;
        around.compression = false;
        writer.begin(around, 65'535, chosen(5));
        writer.add(packet);
        packet = writer.finish(fuzz::kNonce);
    }
    std::size_t messages = 0;
    PacketReader reader;
    const Opened opened = reader.read(
        envelope, packet,
        [&](const Message& message) {
            check(message);
            ++messages;
        },
        [](Drop, std::string_view what) { ANODE_ASSERT(!what.empty()); });
    ANODE_ASSERT(opened.messages == messages);
    return 0;
}
