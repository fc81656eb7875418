#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "base/varint.hpp"
#include "core/message/block.hpp"

namespace anode {
namespace {

constexpr std::size_t kCompressBytesMin = 512;
constexpr int kZstdLevel = 1;

struct FreeZstd {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

// Contexts are hundreds of kilobytes, so each thread makes one of each and keeps it.
ZSTD_CCtx* compressor() {
    thread_local const std::unique_ptr<ZSTD_CCtx, FreeZstd> context(ZSTD_createCCtx());
    return context.get();
}
ZSTD_DCtx* decompressor() {
    thread_local const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
    return context.get();
}

/// Writes at most `room` bytes; 0 if that does not suffice.
std::size_t compress(BlockCodec codec, BytesView raw, char* out, std::size_t room) {
    if (codec == BlockCodec::Lz4) {
        const int used = LZ4_compress_default(raw.data(), out, static_cast<int>(raw.size()),
                                              static_cast<int>(room));
        return static_cast<std::size_t>(std::max(used, 0));
    }
    const std::size_t used =
        ZSTD_compressCCtx(compressor(), out, room, raw.data(), raw.size(), kZstdLevel);
    return ZSTD_isError(used) != 0 ? 0 : used;
}

/// Exactly `raw_bytes`, or nothing.
std::optional<Bytes> decompress(BlockCodec codec, BytesView body, std::size_t raw_bytes) {
    if (codec == BlockCodec::None) return Bytes(body);
    if (codec == BlockCodec::Zstd &&
        ZSTD_getFrameContentSize(body.data(), body.size()) != raw_bytes)
        return std::nullopt;
    Bytes raw;
    bool exact = false;
    raw.resize_and_overwrite(raw_bytes, [&](char* out, std::size_t room) {
        if (codec == BlockCodec::Lz4) {
            const int got = LZ4_decompress_safe(body.data(), out, static_cast<int>(body.size()),
                                                static_cast<int>(room));
            exact = got >= 0 && static_cast<std::size_t>(got) == room;
        } else {
            exact =
                ZSTD_decompressDCtx(decompressor(), out, room, body.data(), body.size()) == room;
        }
        return exact ? room : 0;
    });
    if (!exact) return std::nullopt;
    return raw;
}

std::uint32_t bound_crc(const LogKey& log, BytesView header, BytesView body) {
    Bytes key;
    log.append_to(key);
    return crc32c(body, crc32c(header, crc32c(key)));
}

struct Header {
    Seq first_seq = 0;
    std::uint64_t count = 0;
    Hlc base;
    BlockCodec codec = BlockCodec::None;
    std::uint8_t flags = 0;
    std::uint64_t raw_bytes = 0, body_bytes = 0;

    void append_to(Bytes& out) const {
        put_le(out, first_seq);
        put_varint(out, count);
        put_le(out, base.value);
        out.push_back(static_cast<char>(codec));
        out.push_back(static_cast<char>(flags));
        put_varint(out, raw_bytes);
        put_varint(out, body_bytes);
    }

    static Result<Header> read(ByteReader& in) {
        const auto seq = in.le<std::uint64_t>();
        const auto entries = in.varint();
        const auto stamp = in.le<std::uint64_t>();
        const auto method = in.le<std::uint8_t>();
        const auto marks = in.le<std::uint8_t>();
        const auto raw = in.varint();
        const auto body = in.varint();
        if (!seq || !entries || !stamp || !method || !marks || !raw || !body)
            return fail(Errc::Truncated, "block: ends inside its header");
        return Header{*seq, *entries, Hlc{*stamp}, BlockCodec{*method}, *marks, *raw, *body};
    }

    [[nodiscard]] Result<void> check() const {
        if (count == 0 || count > kBlockEntriesMax)
            return fail(Errc::Malformed, "block: number of entries");
        if (first_seq == 0 || first_seq > ~Seq{0} - count)
            return fail(Errc::Malformed, "block: sequence number");
        if (codec > BlockCodec::Zstd)
            return fail(Errc::Unsupported, "block: unknown codec or a dictionary");
        if ((flags & block_flag::kSigned) != 0) return fail(Errc::Unsupported, "block: signed");
        if (raw_bytes > kBlockRawBytesHard) return fail(Errc::TooLarge, "block: body");
        if (body_bytes > raw_bytes || (codec == BlockCodec::None && body_bytes != raw_bytes))
            return fail(Errc::Malformed, "block: body sizes contradict each other");
        return {};
    }
};

struct Parts {
    Header header;
    BytesView body;
};

/// Header and body, bounds and checksum verified.
Result<Parts> take_apart(const LogKey& log, BytesView wire) {
    ByteReader in(wire);
    const auto header = Header::read(in);
    if (!header) return std::unexpected(header.error());
    if (auto good = header->check(); !good) return std::unexpected(std::move(good.error()));
    const BytesView header_bytes = wire.substr(0, wire.size() - in.rest().size());
    const auto crc = in.le<std::uint32_t>();
    const auto body = in.take(header->body_bytes);
    if (!crc || !body) return fail(Errc::Truncated, "block: ends inside its body");
    if (!in.at_end()) return fail(Errc::Malformed, "block: bytes behind its body");
    if (*crc != bound_crc(log, header_bytes, *body)) return fail(Errc::Corrupt, "block: checksum");
    return Parts{*header, *body};
}

}  // namespace

Bytes encode_block(const Block& block, BlockCodec codec) {
    const BytesView raw = block.body();
    Bytes packed;
    if (codec != BlockCodec::None && raw.size() >= kCompressBytesMin) {
        packed.resize_and_overwrite(raw.size() - raw.size() / 10, [&](char* out, std::size_t room) {
            return compress(codec, raw, out, room);
        });
    }
    const BytesView body = packed.empty() ? raw : BytesView(packed);
    const Header header{block.first_seq(),   block.count(),
                        block.first_hlc(),   packed.empty() ? BlockCodec::None : codec,
                        block.block_flags(), raw.size(),
                        body.size()};
    Bytes out;
    out.reserve(body.size() + 64);
    header.append_to(out);
    put_le(out, bound_crc(block.log(), out, body));
    out += body;
    return out;
}

Result<BlockHead> peek_block(const LogKey& log, BytesView wire) {
    const auto parts = take_apart(log, wire);
    if (!parts) return std::unexpected(parts.error());
    return BlockHead{parts->header.first_seq, static_cast<std::uint32_t>(parts->header.count),
                     parts->header.base, parts->header.flags};
}

Result<BlockPtr> decode_block(const LogKey& log, BytesView wire, Arrival first_arrival) {
    const auto parts = take_apart(log, wire);
    if (!parts) return std::unexpected(parts.error());
    const Header& header = parts->header;
    auto raw = decompress(header.codec, parts->body, header.raw_bytes);
    if (!raw) return fail(Errc::Malformed, "block: body does not decompress to its size");

    auto block = std::make_shared<Block>();
    block->log_ = log;
    block->first_seq_ = header.first_seq;
    block->first_hlc_ = header.base;
    block->first_arrival_ = first_arrival;
    block->flags_ = header.flags;
    block->body_ = std::move(*raw);
    block->offsets_.resize(header.count);
    if (auto good = block->index(); !good) return std::unexpected(std::move(good.error()));
    return block;
}

}  // namespace anode
