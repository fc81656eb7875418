#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "base/varint.hpp"
#include "core/message/envelope.hpp"

/// Blocks of a hostile peer. The first byte chooses: even, the input is taken as it comes; odd, its checksum is made to
/// fit first, so that what lies behind it is reached too. What decodes must encode to the same again and can be shown.
namespace {

using namespace anode;

/// Puts the right checksum where the header ends; gives up (and changes nothing) if it does not end.
void mend(const LogKey& log, Bytes& wire) {
    ByteReader in(wire);
    (void)in.take(8);
    (void)in.varint();
    (void)in.take(10);
    (void)in.varint();
    (void)in.varint();
    const std::size_t header = wire.size() - in.rest().size();
    if (in.failed() || in.rest().size() < 4) return;
    Bytes key;
    log.append_to(key);
    const BytesView view = wire;
    const std::uint32_t crc =
        crc32c(view.substr(header + 4), crc32c(view.substr(0, header), crc32c(key)));
    std::memcpy(wire.data() + header, &crc, 4);
}

void show(const Block& block) {
    for (std::uint32_t i = 0; i < block.count(); ++i) {
        const Entry entry = block.entry(i);
        ANODE_ASSERT(block.topics()[entry.topic_index] == entry.topic);
        for (const Format format : {Format::Envelope, Format::Data, Format::CloudEvents}) {
            Bytes out;
            append_message(out, block, i, 1, {format, true});
            ANODE_ASSERT(format == Format::Data || (out.front() == '{' && out.back() == '}'));
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const LogKey log;
    Bytes wire(reinterpret_cast<const char*>(data) + 1, size - 1);
    if ((data[0] & 1) != 0) mend(log, wire);
    const auto block = decode_block(log, wire, {1});
    const auto head = peek_block(log, wire);
    ANODE_ASSERT(head.has_value() || !block.has_value());
    if (!block) return 0;
    ANODE_ASSERT(head->first_seq == (*block)->first_seq() && head->count == (*block)->count() &&
                 head->first_hlc == (*block)->first_hlc());
    if (const auto good = check_payloads(**block); !good) ANODE_ASSERT(!good.error().what.empty());
    show(**block);
    for (const BlockCodec codec : {BlockCodec::None, BlockCodec::Lz4, BlockCodec::Zstd}) {
        const auto again = decode_block(log, encode_block(**block, codec), {1});
        ANODE_ASSERT(again && (*again)->body() == (*block)->body() &&
                     (*again)->last_hlc() == (*block)->last_hlc());
    }
    return 0;
}
