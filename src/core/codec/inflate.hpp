#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

/// Compression of bodies and frames. Whatever is inflated has an absolute limit and a limit of its
/// ratio, both checked while it grows: ten kilobytes can claim to be ten gigabytes. Source: RFC
/// 1950–1952 (zlib, deflate, gzip), RFC 8878 (zstd), RFC 7932 (brotli), RFC 4648 (base64).
namespace anode::codec {

enum class Coding : std::uint8_t {
    Gzip,
    Zlib,
    Deflate,      ///< raw, without a header
    HttpDeflate,  ///< what HTTP calls `deflate`: zlib by the book, raw from some servers; told
                  ///< apart by the header
    Zstd,
    Brotli,
    Base64,
};

/// Names of recipes: `gzip zlib deflate zstd br base64`.
[[nodiscard]] std::optional<Coding> coding_of_recipe(std::string_view name) noexcept;
/// Names of Content-Encoding, case aside: `gzip x-gzip deflate zstd br`.
[[nodiscard]] std::optional<Coding> coding_of_http(std::string_view name) noexcept;
/// The name for Content-Encoding.
[[nodiscard]] std::string_view http_name(Coding coding) noexcept;

/// The best of `available` (in our order of preference) by this Accept-Encoding; nothing: send it
/// plain.
[[nodiscard]] std::optional<Coding> choose_coding(std::string_view accept_encoding,
                                                  std::span<const Coding> available);

struct InflateLimits {
    std::uint64_t bytes_max = 32U << 20;         ///< of output
    std::uint32_t ratio_max = 100;               ///< output : input
    std::uint64_t ratio_free_bytes = 64U << 10;  ///< output up to here is not judged by its ratio
};

/// Streaming. Several gzip members or zstd frames in a row are one stream; anything else behind the
/// end is Malformed. Errors: TooLarge (a limit), Malformed, Truncated (by finish()). After an error
/// the object refuses everything.
class Decompressor {
public:
    explicit Decompressor(Coding coding, const InflateLimits& limits = {},
                          BytesView zstd_dictionary = {});
    ~Decompressor();
    Decompressor(Decompressor&&) noexcept;
    Decompressor& operator=(Decompressor&&) noexcept;

    /// Appends what `input` yields to `out`.
    [[nodiscard]] Result<void> feed(BytesView input, Bytes& out);
    /// The input is complete.
    [[nodiscard]] Result<void> finish();

    struct Engine;

private:
    std::unique_ptr<Engine> engine_;
    InflateLimits limits_;
    std::uint64_t in_ = 0;
    std::uint64_t out_ = 0;
    bool failed_ = false;
};

/// Undoes `chain` in order on one whole frame; `bytes_max` holds for every step, the ratio for
/// each. `out` is replaced. An empty chain copies.
[[nodiscard]] Result<void> decode_frame(std::span<const Coding> chain, BytesView frame, Bytes& out,
                                        const InflateLimits& limits = {},
                                        BytesView zstd_dictionary = {});

/// Streaming, for answers: Gzip, Zstd or Brotli.
class Compressor {
public:
    explicit Compressor(Coding coding, int level = 0 /* 0: a fast one of the coding's own */);
    ~Compressor();
    Compressor(Compressor&&) noexcept;
    Compressor& operator=(Compressor&&) noexcept;

    void feed(BytesView input, Bytes& out);
    void flush(Bytes& out);   ///< everything fed so far can be decompressed by the reader
    void finish(Bytes& out);  ///< nothing may follow

    struct Engine;

private:
    std::unique_ptr<Engine> engine_;
};

/// A whole body at once.
[[nodiscard]] Bytes compress(Coding coding, BytesView body, int level = 0);

}  // namespace anode::codec
