#include "core/codec/inflate.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "core/codec/inflate_engine.hpp"

namespace anode::codec {
namespace {

constexpr std::size_t kGrowBytesMin = 512;
constexpr std::size_t kGrowBytesMax = 64U << 10;

std::unique_ptr<Decompressor::Engine> make_engine(Coding coding, BytesView zstd_dictionary) {
    switch (coding) {
        case Coding::Gzip:
        case Coding::Zlib:
        case Coding::Deflate:
        case Coding::HttpDeflate:
            return make_zlib_engine(coding);
        case Coding::Zstd:
            return make_zstd_engine(zstd_dictionary);
        case Coding::Brotli:
            return make_brotli_engine();
        case Coding::Base64:
            return make_base64_engine();
    }
    std::unreachable();
}

/// `0.5` in `gzip;q=0.5`, in thousandths; 1000 without one, 0 if it is no weight.
int weight_of(std::string_view parameters) {
    parameters = text::trim(parameters);
    if (parameters.empty()) return 1000;
    if (parameters.size() < 3 || (parameters[0] != 'q' && parameters[0] != 'Q') ||
        parameters[1] != '=')
        return 0;
    const auto weight = text::parse_double(text::trim(parameters.substr(2)));
    return weight && *weight >= 0 && *weight <= 1 ? static_cast<int>(*weight * 1000) : 0;
}

/// The weight of `name` in an Accept-Encoding; nothing if it is not named, not even by `*`.
std::optional<int> weight_in(std::string_view accept_encoding, std::string_view name) {
    std::optional<int> any;
    for (const std::string_view item : text::split(accept_encoding, ',')) {
        const std::size_t semicolon = item.find(';');
        const std::string_view coding = text::trim(item.substr(0, semicolon));
        const int weight =
            weight_of(semicolon == std::string_view::npos ? "" : item.substr(semicolon + 1));
        if (text::iequals(coding, name) || (name == "gzip" && text::iequals(coding, "x-gzip")))
            return weight;
        if (coding == "*") any = weight;
    }
    return any;
}

}  // namespace

std::optional<Coding> coding_of_recipe(std::string_view name) noexcept {
    if (name == "gzip") return Coding::Gzip;
    if (name == "zlib") return Coding::Zlib;
    if (name == "deflate") return Coding::Deflate;
    if (name == "zstd") return Coding::Zstd;
    if (name == "br") return Coding::Brotli;
    if (name == "base64") return Coding::Base64;
    return std::nullopt;
}

std::optional<Coding> coding_of_http(std::string_view name) noexcept {
    if (text::iequals(name, "gzip") || text::iequals(name, "x-gzip")) return Coding::Gzip;
    if (text::iequals(name, "deflate")) return Coding::HttpDeflate;
    if (text::iequals(name, "zstd")) return Coding::Zstd;
    if (text::iequals(name, "br")) return Coding::Brotli;
    return std::nullopt;
}

std::string_view http_name(Coding coding) noexcept {
    switch (coding) {
        case Coding::Gzip:
            return "gzip";
        case Coding::Zlib:
        case Coding::Deflate:
        case Coding::HttpDeflate:
            return "deflate";
        case Coding::Zstd:
            return "zstd";
        case Coding::Brotli:
            return "br";
        case Coding::Base64:
            return "base64";
    }
    std::unreachable();
}

std::optional<Coding> choose_coding(std::string_view accept_encoding,
                                    std::span<const Coding> available) {
    std::optional<Coding> best;
    int best_weight = 0;
    for (const Coding coding : available) {
        const int weight = weight_in(accept_encoding, http_name(coding)).value_or(0);
        if (weight <= best_weight) continue;
        best = coding;
        best_weight = weight;
    }
    // Plain is always allowed, but preferred only if somebody says so.
    if (best && accept_encoding.find("identity") != std::string_view::npos &&
        weight_in(accept_encoding, "identity").value_or(0) > best_weight)
        return std::nullopt;
    return best;
}

Decompressor::Decompressor(Coding coding, const InflateLimits& limits, BytesView zstd_dictionary)
    : engine_(make_engine(coding, zstd_dictionary)), limits_(limits) {
    ANODE_ASSERT(limits.ratio_max > 0);
}
Decompressor::~Decompressor() = default;
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;

Result<void> Decompressor::feed(BytesView input, Bytes& out) {
    const auto failed = [&](Errc code, const char* why) {
        failed_ = true;
        return fail(code, why);
    };
    if (failed_) return fail(Errc::Malformed, "compressed data failed before");
    in_ += input.size();
    for (bool full = false; !input.empty() || full;) {
        const std::size_t before = out.size();
        std::size_t room = std::clamp(4 * input.size(), kGrowBytesMin, kGrowBytesMax);
        auto status = Engine::Status::Going;
        out.resize_and_overwrite(before + room, [&](char* data, std::size_t) {
            char* at = data + before;
            status = engine_->step(input, at, room);
            return static_cast<std::size_t>(at - data);
        });
        out_ += out.size() - before;
        full = room == 0;
        if (out_ > limits_.bytes_max)
            return failed(Errc::TooLarge, "data is too large once decompressed");
        if (out_ > limits_.ratio_free_bytes && out_ / limits_.ratio_max > in_)
            return failed(Errc::TooLarge, "data grows too much when decompressed");
        if (status == Engine::Status::Broken)
            return failed(Errc::Malformed, "compressed data is broken");
    }
    return {};
}

Result<void> Decompressor::finish() {
    if (failed_) return fail(Errc::Malformed, "compressed data failed before");
    if (in_ > 0 && !engine_->complete()) return fail(Errc::Truncated, "compressed data ends early");
    return {};
}

Result<void> decode_frame(std::span<const Coding> chain, BytesView frame, Bytes& out,
                          const InflateLimits& limits, BytesView zstd_dictionary) {
    Bytes input;
    BytesView view = frame;
    for (const Coding coding : chain) {
        Bytes decoded;
        Decompressor decompressor(coding, limits, zstd_dictionary);
        if (auto fed = decompressor.feed(view, decoded); !fed) return fed;
        if (auto finished = decompressor.finish(); !finished) return finished;
        input = std::move(decoded);
        view = input;
    }
    if (chain.empty()) {
        out.assign(frame);
    } else {
        out = std::move(input);
    }
    return {};
}

}  // namespace anode::codec
