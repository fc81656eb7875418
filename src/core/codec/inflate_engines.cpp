#include <brotli/decode.h>
#include <zstd.h>

#include <algorithm>
#include <new>

#include "base/text.hpp"
#include "core/codec/inflate_engine.hpp"

namespace anode::codec {
namespace {

using Engine = Decompressor::Engine;

class Zstd final : public Engine {
public:
    explicit Zstd(BytesView dictionary) : context_(ZSTD_createDCtx()) {
        constexpr int kWindowLogMax = 23;  // 8 MiB, what RFC 8878 asks of every decoder
        if (context_ == nullptr) throw std::bad_alloc();
        ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kWindowLogMax);
        if (!dictionary.empty())
            sound_ = !ZSTD_isError(
                ZSTD_DCtx_loadDictionary(context_, dictionary.data(), dictionary.size()));
    }
    ~Zstd() override { ZSTD_freeDCtx(context_); }
    Zstd(const Zstd&) = delete;
    Zstd& operator=(const Zstd&) = delete;

    Status step(BytesView& input, char*& at, std::size_t& room) override {
        if (!sound_) return Status::Broken;
        // Between two frames there is nothing to do without input, and a call would count as the next frame's begin.
        if (ended_ && input.empty()) return Status::Going;
        if (ended_) magic_bytes_ = 0;
        if (!begins_a_frame(input)) return Status::Broken;
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        ZSTD_outBuffer out{at, room, 0};
        const std::size_t wants = ZSTD_decompressStream(context_, &out, &in);
        if (ZSTD_isError(wants)) return Status::Broken;
        input.remove_prefix(in.pos);
        at += out.pos;
        room -= out.pos;
        ended_ = wants == 0;
        return Status::Going;
    }
    [[nodiscard]] bool complete() const override { return ended_; }

private:
    /// The library also reads formats from before RFC 8878, which nobody sends and nobody tests.
    bool begins_a_frame(BytesView input) noexcept {
        for (; magic_bytes_ < 4 && !input.empty(); ++magic_bytes_, input.remove_prefix(1)) {
            const auto byte = static_cast<unsigned char>(input.front());
            if (magic_bytes_ == 0) skippable_ = byte >> 4U == 5;
            if (magic_bytes_ == 0 && skippable_) continue;
            constexpr unsigned char kFrame[] = {0x28, 0xb5, 0x2f, 0xfd};
            constexpr unsigned char kSkippable[] = {0x50, 0x2a, 0x4d, 0x18};
            if (byte != (skippable_ ? kSkippable : kFrame)[magic_bytes_]) return false;
        }
        return true;
    }

    ZSTD_DCtx* context_;
    bool sound_ = true;
    bool ended_ = false;
    bool skippable_ = false;
    std::uint8_t magic_bytes_ = 0;  ///< of this frame, seen so far
};

class Brotli final : public Engine {
public:
    Brotli() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
        if (state_ == nullptr) throw std::bad_alloc();
    }
    ~Brotli() override { BrotliDecoderDestroyInstance(state_); }
    Brotli(const Brotli&) = delete;
    Brotli& operator=(const Brotli&) = delete;

    Status step(BytesView& input, char*& at, std::size_t& room) override {
        if (complete()) return input.empty() ? Status::Going : Status::Broken;
        const auto* in = reinterpret_cast<const std::uint8_t*>(input.data());
        auto* out = reinterpret_cast<std::uint8_t*>(at);
        std::size_t in_left = input.size();
        std::size_t out_left = room;
        const auto result =
            BrotliDecoderDecompressStream(state_, &in_left, &in, &out_left, &out, nullptr);
        input.remove_prefix(input.size() - in_left);
        at += room - out_left;
        room = out_left;
        return result == BROTLI_DECODER_RESULT_ERROR ? Status::Broken : Status::Going;
    }
    [[nodiscard]] bool complete() const override { return BrotliDecoderIsFinished(state_) != 0; }

private:
    BrotliDecoderState* state_;
};

class Base64 final : public Engine {
public:
    Status step(BytesView& input, char*& at, std::size_t& room) override {
        while (!input.empty() && room >= 3) {
            if (padded_) return Status::Broken;
            const Bytes group = next_group(input, room);
            const auto bytes = text::from_base64(group);
            if (!bytes) return Status::Broken;
            padded_ = group.ends_with('=');
            at = std::copy(bytes->begin(), bytes->end(), at);
            room -= bytes->size();
        }
        return Status::Going;
    }
    [[nodiscard]] bool complete() const override { return held_.empty(); }

private:
    /// Whole groups of four that fit in `room`; what is left over is held.
    Bytes next_group(BytesView& input, std::size_t room) {
        const std::size_t wanted = room / 3 * 4 - held_.size();
        const BytesView piece = input.substr(0, wanted);
        input.remove_prefix(piece.size());
        Bytes group = std::move(held_);
        group.append(piece);
        held_ = group.substr(group.size() / 4 * 4);
        group.resize(group.size() / 4 * 4);
        return group;
    }

    Bytes held_;
    bool padded_ = false;
};

}  // namespace

std::unique_ptr<Engine> make_zstd_engine(BytesView dictionary) {
    return std::make_unique<Zstd>(dictionary);
}
std::unique_ptr<Engine> make_brotli_engine() { return std::make_unique<Brotli>(); }
std::unique_ptr<Engine> make_base64_engine() { return std::make_unique<Base64>(); }

}  // namespace anode::codec
