#include <zlib.h>

#include <algorithm>
#include <climits>
#include <new>

#include "base/assert.hpp"
#include "core/codec/inflate_engine.hpp"

namespace anode::codec {
namespace {

using Engine = Decompressor::Engine;

int window_bits(Coding coding) {
    constexpr int kWithGzipHeader = 16;
    return coding == Coding::Gzip   ? MAX_WBITS + kWithGzipHeader
           : coding == Coding::Zlib ? MAX_WBITS
                                    : -MAX_WBITS;
}

class Zlib final : public Engine {
public:
    explicit Zlib(Coding coding) : several_(coding == Coding::Gzip) {
        if (inflateInit2(&z_, window_bits(coding)) != Z_OK) throw std::bad_alloc();
    }
    ~Zlib() override { inflateEnd(&z_); }
    Zlib(const Zlib&) = delete;
    Zlib& operator=(const Zlib&) = delete;

    Status step(BytesView& input, char*& at, std::size_t& room) override {
        if (ended_ && !input.empty()) {
            if (!several_) return Status::Broken;
            inflateReset(&z_);
            ended_ = false;
        }
        if (ended_) return Status::Going;
        z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
        z_.avail_in = static_cast<uInt>(std::min<std::size_t>(input.size(), UINT_MAX));
        z_.next_out = reinterpret_cast<Bytef*>(at);
        z_.avail_out = static_cast<uInt>(room);
        const uInt offered = z_.avail_in;
        const int status = inflate(&z_, Z_NO_FLUSH);
        input.remove_prefix(offered - z_.avail_in);
        at += room - z_.avail_out;
        room = z_.avail_out;
        ended_ = status == Z_STREAM_END;
        const bool going = status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
        return going ? Status::Going : Status::Broken;
    }
    [[nodiscard]] bool complete() const override { return ended_; }

private:
    z_stream z_{};
    bool several_;
    bool ended_ = false;
};

/// Waits for two bytes to see whether a zlib header begins the data.
class HttpDeflate final : public Engine {
public:
    Status step(BytesView& input, char*& at, std::size_t& room) override {
        while (!inner_ && !input.empty()) {
            head_[held_++] = input.front();
            input.remove_prefix(1);
            if (held_ == sizeof(head_))
                inner_ = make_zlib_engine(has_header() ? Coding::Zlib : Coding::Deflate);
        }
        if (!inner_) return Status::Going;
        while (given_ < held_) {
            BytesView head(head_ + given_, held_ - given_);
            if (inner_->step(head, at, room) == Status::Broken) return Status::Broken;
            given_ = held_ - head.size();
            if (room == 0) return Status::Going;
        }
        return inner_->step(input, at, room);
    }
    [[nodiscard]] bool complete() const override { return inner_ && inner_->complete(); }

private:
    /// RFC 1950, section 2.2: method 8, a window up to 32 KiB, both bytes together a multiple of 31.
    [[nodiscard]] bool has_header() const {
        const auto method = static_cast<unsigned char>(head_[0]);
        const auto flags = static_cast<unsigned char>(head_[1]);
        return (method & 0x0fU) == 8 && method >> 4U <= 7 && (method * 256U + flags) % 31 == 0;
    }

    char head_[2]{};
    std::size_t held_ = 0;
    std::size_t given_ = 0;
    std::unique_ptr<Engine> inner_;
};

}  // namespace

std::unique_ptr<Engine> make_zlib_engine(Coding coding) {
    if (coding == Coding::HttpDeflate) return std::make_unique<HttpDeflate>();
    ANODE_ASSERT(coding == Coding::Gzip || coding == Coding::Zlib || coding == Coding::Deflate);
    return std::make_unique<Zlib>(coding);
}

}  // namespace anode::codec
