#include "core/codec/websocket_deflate.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>

#include "base/assert.hpp"

namespace anode::ws {

struct MessageDeflater::Stream : z_stream {
    Stream(int window_bits, int level) : z_stream{} {
        constexpr int kMemoryLevel = 8;
        if (deflateInit2(this, level, Z_DEFLATED, -window_bits, kMemoryLevel, Z_DEFAULT_STRATEGY) !=
            Z_OK)
            throw std::bad_alloc();
    }
    ~Stream() { deflateEnd(this); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
};

MessageDeflater::MessageDeflater(std::uint8_t window_bits, int level) {
    ANODE_ASSERT(window_bits >= 9 && window_bits <= 15);
    stream_ = std::make_unique<Stream>(window_bits, level);
}
MessageDeflater::~MessageDeflater() = default;
MessageDeflater::MessageDeflater(MessageDeflater&&) noexcept = default;
MessageDeflater& MessageDeflater::operator=(MessageDeflater&&) noexcept = default;

void MessageDeflater::deflate(BytesView payload, Bytes& out) {
    z_stream& z = *stream_;
    if (payload.empty()) {
        out.push_back('\0');  // an empty stored block without its tail
        return;
    }
    const std::size_t start = out.size();
    constexpr std::size_t kPieceMax = 1U << 30;
    while (!payload.empty()) {
        const BytesView piece = payload.substr(0, kPieceMax);
        payload.remove_prefix(piece.size());
        z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
        z.avail_in = static_cast<uInt>(piece.size());
        const int flush = payload.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH;
        do {
            const std::size_t before = out.size();
            const std::size_t room = std::clamp<std::size_t>(z.avail_in / 2, 256, 1U << 20) + 16;
            out.resize_and_overwrite(before + room, [&](char* data, std::size_t) {
                z.next_out = reinterpret_cast<Bytef*>(data + before);
                z.avail_out = static_cast<uInt>(room);
                ::deflate(&z, flush);
                return before + room - z.avail_out;
            });
        } while (z.avail_out == 0);
    }
    // A flush ends in an empty stored block; the receiver puts its last four bytes back (RFC 7692, section 7.2.1).
    ANODE_ASSERT(out.size() >= start + 4 && out.ends_with(BytesView("\0\0\xff\xff", 4)));
    out.resize(out.size() - 4);
    deflateReset(&z);
}

void deflate_message(BytesView payload, Bytes& out) { MessageDeflater().deflate(payload, out); }

}  // namespace anode::ws
