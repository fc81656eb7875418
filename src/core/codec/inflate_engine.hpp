#pragma once

#include <cstddef>
#include <memory>

#include "core/codec/inflate.hpp"

namespace anode::codec {

/// One coding's decompressor behind one door. A part of Decompressor, which keeps the limits.
struct Decompressor::Engine {
    virtual ~Engine() = default;

    enum class Status : std::uint8_t {
        Going,   ///< input used up, or no room left: call again with more of it
        Broken,  ///< not of this coding, or something stands behind its end
    };
    /// Writes at most `room` bytes to `at` and moves on both, and over `input`.
    virtual Status step(BytesView& input, char*& at, std::size_t& room) = 0;
    /// Could the input end here?
    [[nodiscard]] virtual bool complete() const = 0;
};

std::unique_ptr<Decompressor::Engine> make_zlib_engine(Coding coding);
std::unique_ptr<Decompressor::Engine> make_zstd_engine(BytesView dictionary);
std::unique_ptr<Decompressor::Engine> make_brotli_engine();
std::unique_ptr<Decompressor::Engine> make_base64_engine();

}  // namespace anode::codec
