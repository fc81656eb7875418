#include "core/codec/message_inflater.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace anode::ws {

struct MessageInflater::Stream : z_stream {
    Stream() : z_stream{} {
        if (inflateInit2(this, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
    }
    ~Stream() { inflateEnd(this); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
};

namespace {

constexpr std::uint64_t kRatioFreeBytes = 64U << 10;
constexpr std::size_t kGrowBytesMin = 512;
constexpr std::size_t kGrowBytesMax = 64U << 10;

/// zlib says after which bit it stopped: 128 stands for "between two blocks".
bool between_blocks(const z_stream& stream) { return (stream.data_type & 128) != 0; }

}  // namespace

MessageInflater::MessageInflater() : stream_(std::make_unique<Stream>()) {}
MessageInflater::~MessageInflater() = default;

Result<void> MessageInflater::feed(BytesView piece, const Limits& limits, Bytes& out) {
    z_stream& z = *stream_;
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    z.avail_in = static_cast<uInt>(piece.size());
    in_ += piece.size();
    bool full = false;
    while (z.avail_in > 0 || full) {
        if (at_end_) {
            inflateResetKeep(&z);
            at_end_ = false;
        }
        const std::size_t before = out.size();
        const std::size_t room =
            std::clamp<std::size_t>(4 * z.avail_in, kGrowBytesMin, kGrowBytesMax);
        int status = Z_OK;
        out.resize_and_overwrite(before + room, [&](char* data, std::size_t) {
            z.next_out = reinterpret_cast<Bytef*>(data + before);
            z.avail_out = static_cast<uInt>(room);
            status = ::inflate(&z, Z_SYNC_FLUSH);
            return before + room - z.avail_out;
        });
        full = z.avail_out == 0;
        at_end_ = status == Z_STREAM_END;
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return fail(Errc::Malformed, "compressed data is broken");
        if (out.size() > limits.bytes_max) return fail(Errc::TooLarge, "message too big");
        if (out.size() > kRatioFreeBytes && out.size() / limits.ratio_max > in_)
            return fail(Errc::TooLarge, "compressed message grows too much");
        if (status == Z_BUF_ERROR && !full) break;
    }
    return {};
}

Result<void> MessageInflater::end_message(bool keep_context, const Limits& limits, Bytes& out) {
    // The sender cut these bytes off its flush (RFC 7692, section 7.2.1); a final block has none.
    if (!at_end_) {
        if (const auto fed = feed(BytesView("\0\0\xff\xff", 4), limits, out); !fed) return fed;
        if (!at_end_ && !between_blocks(*stream_))
            return fail(Errc::Malformed, "compressed data ends early");
    }
    if (!keep_context) {
        inflateReset(stream_.get());
        at_end_ = false;
    }
    in_ = 0;
    return {};
}

}  // namespace anode::ws
