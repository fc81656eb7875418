#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <climits>
#include <new>

#include "base/assert.hpp"
#include "core/codec/inflate.hpp"

namespace anode::codec {
namespace {

enum class End : std::uint8_t { None, Flush, Finish };

constexpr std::size_t kGrowBytes = 16U << 10;

/// Lets `write(at, room)`, which answers how much it wrote, append to `out`.
template <class Write>
void append(Bytes& out, Write write) {
    const std::size_t before = out.size();
    out.resize_and_overwrite(before + kGrowBytes, [&](char* data, std::size_t) {
        return before + write(data + before, kGrowBytes);
    });
}

}  // namespace

struct Compressor::Engine {
    virtual ~Engine() = default;
    virtual void run(BytesView input, End end, Bytes& out) = 0;
};

namespace {

class Gzip final : public Compressor::Engine {
public:
    explicit Gzip(int level) {
        constexpr int kWithGzipHeader = 16;
        constexpr int kMemoryLevel = 8;
        constexpr int kFast = 4;
        if (deflateInit2(&z_, level == 0 ? kFast : level, Z_DEFLATED, MAX_WBITS + kWithGzipHeader,
                         kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    ~Gzip() override { deflateEnd(&z_); }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    void run(BytesView input, End end, Bytes& out) override {
        do {
            const BytesView piece = input.substr(0, UINT_MAX);
            input.remove_prefix(piece.size());
            const End here = input.empty() ? end : End::None;
            const int flush = here == End::None    ? Z_NO_FLUSH
                              : here == End::Flush ? Z_SYNC_FLUSH
                                                   : Z_FINISH;
            z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
            z_.avail_in = static_cast<uInt>(piece.size());
            do {
                append(out, [&](char* at, std::size_t room) {
                    z_.next_out = reinterpret_cast<Bytef*>(at);
                    z_.avail_out = static_cast<uInt>(room);
                    deflate(&z_, flush);
                    return room - z_.avail_out;
                });
            } while (z_.avail_out == 0);
        } while (!input.empty());
    }

private:
    z_stream z_{};
};

class Zstd final : public Compressor::Engine {
public:
    explicit Zstd(int level) : context_(ZSTD_createCCtx()) {
        if (context_ == nullptr) throw std::bad_alloc();
        ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
    }
    ~Zstd() override { ZSTD_freeCCtx(context_); }
    Zstd(const Zstd&) = delete;
    Zstd& operator=(const Zstd&) = delete;

    void run(BytesView input, End end, Bytes& out) override {
        const auto mode = end == End::None    ? ZSTD_e_continue
                          : end == End::Flush ? ZSTD_e_flush
                                              : ZSTD_e_end;
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        for (std::size_t left = 1; end == End::None ? in.pos < in.size : left > 0;) {
            append(out, [&](char* at, std::size_t room) {
                ZSTD_outBuffer written{at, room, 0};
                left = ZSTD_compressStream2(context_, &written, &in, mode);
                ANODE_ASSERT(!ZSTD_isError(left));
                return written.pos;
            });
        }
    }

private:
    ZSTD_CCtx* context_;
};

class Brotli final : public Compressor::Engine {
public:
    explicit Brotli(int level) : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
        constexpr int kFast = 4;
        if (state_ == nullptr) throw std::bad_alloc();
        BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY,
                                  static_cast<std::uint32_t>(level == 0 ? kFast : level));
    }
    ~Brotli() override { BrotliEncoderDestroyInstance(state_); }
    Brotli(const Brotli&) = delete;
    Brotli& operator=(const Brotli&) = delete;

    void run(BytesView input, End end, Bytes& out) override {
        const auto operation = end == End::None    ? BROTLI_OPERATION_PROCESS
                               : end == End::Flush ? BROTLI_OPERATION_FLUSH
                                                   : BROTLI_OPERATION_FINISH;
        const auto* in = reinterpret_cast<const std::uint8_t*>(input.data());
        std::size_t in_left = input.size();
        do {
            append(out, [&](char* at, std::size_t room) {
                auto* to = reinterpret_cast<std::uint8_t*>(at);
                std::size_t left = room;
                const auto good = BrotliEncoderCompressStream(state_, operation, &in_left, &in,
                                                              &left, &to, nullptr);
                ANODE_ASSERT(good);
                return room - left;
            });
        } while (in_left > 0 || BrotliEncoderHasMoreOutput(state_));
    }

private:
    BrotliEncoderState* state_;
};

std::unique_ptr<Compressor::Engine> make_engine(Coding coding, int level) {
    ANODE_ASSERT(coding == Coding::Gzip || coding == Coding::Zstd || coding == Coding::Brotli);
    if (coding == Coding::Gzip) return std::make_unique<Gzip>(level);
    if (coding == Coding::Zstd) return std::make_unique<Zstd>(level);
    return std::make_unique<Brotli>(level);
}

}  // namespace

Compressor::Compressor(Coding coding, int level) : engine_(make_engine(coding, level)) {}
Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

void Compressor::feed(BytesView input, Bytes& out) {
    if (!input.empty()) engine_->run(input, End::None, out);
}
void Compressor::flush(Bytes& out) { engine_->run({}, End::Flush, out); }
void Compressor::finish(Bytes& out) { engine_->run({}, End::Finish, out); }

Bytes compress(Coding coding, BytesView body, int level) {
    Bytes out;
    Compressor compressor(coding, level);
    compressor.feed(body, out);
    compressor.finish(out);
    return out;
}

}  // namespace anode::codec
