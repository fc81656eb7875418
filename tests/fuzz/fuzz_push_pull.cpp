#include <cstdint>

#include "core/membership/wire/messages.hpp"
#include "core/membership/wire/stream_length.hpp"
#include "wire_seeds.hpp"

/// Full state of a hostile peer. What decodes must encode to something that decodes to the same, and what finds its end must
/// agree with what reads it.
namespace {

using namespace anode;
using namespace anode::membership;
using namespace anode::membership::wire;

constexpr std::array<std::string_view, 4> kSeeds{
    "83a44a6f696ec3a54e6f64657301ac5573657253746174654c656e0287a441646472a47f000001ab496e6361726e61"
    "74696f6e01"
    "a44d657461c0a44e616d65a161a4506f7274cd1f0aa5537461746500a356736ea60105020000006869",
    "83a44a6f696ec2a54e6f646573d10002ac5573657253746174654c656e0087a441646472a47f000001ab496e636172"
    "6e6174696f"
    "6e01a44d657461c0a44e616d65a161a4506f7274cd1f0aa5537461746501a356736ea601050200000087a441646472"
    "a47f000001"
    "ab496e6361726e6174696f6e01a44d657461c0a44e616d65a162a4506f7274cd1f0aa5537461746503a356736ea601"
    "0502000000",
    "930102c397a161947f000001cd1f0ac00100960105020000006869",
    "83a44a6f696ec3a54e6f646573ccc8ac5573657253746174654c656e00"};

Bytes coded(const PushPull& message) {
    Bytes out;
    encode_push_pull(message, out);
    return out;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned random) {
    return fuzz::mutate(kSeeds, data, size, size_max, random, LLVMFuzzerMutate);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Bytes content(reinterpret_cast<const char*>(data), size);
    content[0] = static_cast<char>(Type::PushPull);
    const auto more = decode_stream(content, false);
    const auto read = decode_stream(content, true);
    ANODE_ASSERT(more.has_value() || !read.has_value());
    if (!read) return 0;
    ANODE_ASSERT(more && *more && *read);
    const Bytes once = coded(std::get<PushPull>(**read));
    const auto again = decode_stream(once, true);
    ANODE_ASSERT(again && *again && coded(std::get<PushPull>(**again)) == once);
    StreamLength length;
    const auto whole = length.whole(content, content.size());
    ANODE_ASSERT(whole ? *whole && length.bytes() <= content.size()
                       : whole.error().code == Errc::TooDeep);
    return 0;
}
