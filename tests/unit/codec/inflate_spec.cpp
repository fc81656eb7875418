#include "core/codec/inflate.hpp"

#include <zlib.h>
#include <zstd.h>

#include "base/rng.hpp"
#include "base/text.hpp"

namespace anode::codec {
namespace {

using ::testing::AnyOf;
using ::testing::IsEmpty;

/// zlib's own compressor, for the forms that we only read.
Bytes zlib_made(BytesView text, int window_bits) {
    z_stream z{};
    deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
    Bytes out(deflateBound(&z, text.size()) + 64, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

Bytes encoded(Coding coding, BytesView text) {
    switch (coding) {
        case Coding::Zlib:
            return zlib_made(text, 15);
        case Coding::Deflate:
            return zlib_made(text, -15);
        case Coding::HttpDeflate:
            return zlib_made(text, text.size() % 2 == 0 ? 15 : -15);
        case Coding::Base64:
            return text::base64(text);
        default:
            return compress(coding, text);
    }
}

constexpr Coding kAll[] = {Coding::Gzip, Coding::Zlib,   Coding::Deflate, Coding::HttpDeflate,
                           Coding::Zstd, Coding::Brotli, Coding::Base64};

Result<Bytes> decoded(Coding coding, BytesView bytes, const InflateLimits& limits = {},
                      std::size_t piece = SIZE_MAX) {
    Decompressor decompressor(coding, limits);
    Bytes out;
    while (!bytes.empty()) {
        if (const auto fed = decompressor.feed(bytes.substr(0, piece), out); !fed)
            return std::unexpected(fed.error());
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    if (const auto finished = decompressor.finish(); !finished)
        return std::unexpected(finished.error());
    return out;
}

Errc error_of(const Result<Bytes>& result) { return result ? Errc::Internal : result.error().code; }

class EveryCoding : public ::testing::TestWithParam<Coding> {
protected:
    Coding coding = GetParam();
    Rng rng{99};
    Bytes some_text(std::size_t size) {
        Bytes text;
        while (text.size() < size)
            text += "{\"price\":\"" + std::to_string(rng.below(1000)) + "\"},";
        text.resize(size);
        return text;
    }
};
std::string name_of(const ::testing::TestParamInfo<Coding>& info) {
    const std::vector<std::string> names{"Gzip", "Zlib",   "Deflate", "HttpDeflate",
                                         "Zstd", "Brotli", "Base64"};
    return names[static_cast<std::size_t>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Inflate, EveryCoding, ::testing::ValuesIn(kAll), name_of);

TEST_P(EveryCoding, IsReadAgainInAnyCutting) {
    for (const std::size_t size : {1, 2, 3, 4, 5, 100, 1001, 70'000, 300'001}) {
        const Bytes text = some_text(size);
        const Bytes wire = encoded(coding, text);
        for (const std::size_t piece :
             {SIZE_MAX, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{1000}}) {
            const auto result = decoded(coding, wire, {}, piece);
            ASSERT_TRUE(result) << size << ": " << result.error().what;
            ASSERT_EQ(*result, text) << size << " in pieces of " << piece;
        }
    }
}

TEST_P(EveryCoding, NothingAtAllIsNothing) { EXPECT_EQ(decoded(coding, "").value(), ""); }

TEST_P(EveryCoding, WhatEndsEarlyIsTruncated) {
    const Bytes wire = encoded(coding, some_text(1001));
    for (std::size_t cut = 1; cut < wire.size(); ++cut) {
        if (coding == Coding::Base64 && cut % 4 == 0) continue;  // a shorter text, but a whole one
        ASSERT_EQ(error_of(decoded(coding, wire.substr(0, cut))), Errc::Truncated) << cut;
    }
}

TEST_P(EveryCoding, WhatStandsBehindTheEndIsMalformed) {
    const Bytes wire = encoded(coding, some_text(100));
    EXPECT_THAT(error_of(decoded(coding, wire + "rest")), AnyOf(Errc::Malformed, Errc::Truncated));
    EXPECT_NE(error_of(decoded(coding, wire + "!!!!!!!!")), Errc::Internal);
}

TEST_P(EveryCoding, GarbageIsRefusedAndTheObjectStaysRefused) {
    Decompressor decompressor(coding);
    Bytes out;
    const Bytes garbage(1000, '\xff');
    ASSERT_FALSE(decompressor.feed(garbage, out));
    EXPECT_FALSE(decompressor.feed(encoded(coding, "good"), out));
    EXPECT_FALSE(decompressor.finish());
}

TEST_P(EveryCoding, FlippedBitsNeverCrash) {
    const Bytes wire = encoded(coding, some_text(3000));
    for (int round = 0; round < 2000; ++round) {
        Bytes broken = wire;
        broken[rng.below(broken.size())] ^= static_cast<char>(1U << rng.below(8));
        const auto result = decoded(coding, broken, {.bytes_max = 10'000});
        if (result) {
            EXPECT_LE(result->size(), 10'000);
        }
    }
}

TEST_P(EveryCoding, OutputOverTheLimitIsTooLarge) {
    const Bytes text = some_text(10'000);
    const Bytes wire = encoded(coding, text);
    EXPECT_TRUE(decoded(coding, wire, {.bytes_max = 10'000}));
    EXPECT_EQ(error_of(decoded(coding, wire, {.bytes_max = 9'999})), Errc::TooLarge);
}

TEST_P(EveryCoding, ABombIsStoppedLongBeforeItsEnd) {
    if (coding == Coding::Base64) GTEST_SKIP() << "base64 only shrinks";
    const Bytes bomb = encoded(coding, Bytes(64U << 20, 'x'));
    ASSERT_LT(bomb.size(), 1U << 20);
    for (const std::size_t piece : {SIZE_MAX, std::size_t{100}}) {
        Decompressor decompressor(coding);
        Bytes out;
        Result<void> fed;
        for (BytesView rest = bomb; fed && !rest.empty();
             rest.remove_prefix(std::min(piece, rest.size())))
            fed = decompressor.feed(rest.substr(0, piece), out);
        ASSERT_FALSE(fed);
        EXPECT_EQ(fed.error().code, Errc::TooLarge);
        EXPECT_LE(out.size(), (32U << 20) + (64U << 10))
            << "never more than the limit and one step";
    }
}

TEST_P(EveryCoding, TheRatioCountsOnlyBeyondSmallOutputs) {
    if (coding == Coding::Base64) GTEST_SKIP() << "base64 only shrinks";
    EXPECT_TRUE(decoded(coding, encoded(coding, Bytes(64U << 10, 'x'))));
    EXPECT_EQ(error_of(decoded(coding, encoded(coding, Bytes(8U << 20, 'x')))), Errc::TooLarge);
    EXPECT_TRUE(decoded(coding, encoded(coding, Bytes(8U << 20, 'x')), {.ratio_max = 1'000'000}));
}

TEST(Inflate, SeveralMembersInARowAreOneStream) {
    for (const Coding coding : {Coding::Gzip, Coding::Zstd}) {
        const Bytes wire =
            compress(coding, "one, ") + compress(coding, "") + compress(coding, "two");
        EXPECT_EQ(decoded(coding, wire).value(), "one, two");
        EXPECT_EQ(decoded(coding, wire, {}, 1).value(), "one, two");
    }
}

TEST(Inflate, AWrongChecksumIsMalformed) {
    for (const Coding coding : {Coding::Gzip, Coding::Zlib, Coding::Zstd}) {
        Bytes wire = encoded(coding, "checked text, checked text");
        wire[wire.size() - (coding == Coding::Gzip ? 5 : 1)] ^= 1;
        EXPECT_EQ(error_of(decoded(coding, wire)), Errc::Malformed);
    }
}

TEST(Inflate, AZstdWindowOver8MiBIsRefused) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 24);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    Bytes wire(1000, '\0');
    const Bytes text = "streamed";
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    ZSTD_outBuffer out{wire.data(), wire.size(), 0};
    ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
    ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
    ZSTD_freeCCtx(context);
    wire.resize(out.pos);
    EXPECT_EQ(error_of(decoded(Coding::Zstd, wire)), Errc::Malformed);
}

TEST(Inflate, ZstdFormatsFromBeforeItsStandardAreRefused) {
    for (const char first : {'\x24', '\x25', '\x26', '\x27'})
        EXPECT_EQ(
            error_of(decoded(Coding::Zstd, Bytes(1, first) + Bytes("\xb5\x2f\xfd\x04\0\0\0", 7))),
            Errc::Malformed);
    const Bytes skippable("\x5a\x2a\x4d\x18\x02\0\0\0xx", 10);
    EXPECT_EQ(decoded(Coding::Zstd, skippable + compress(Coding::Zstd, "text") + skippable, {}, 1)
                  .value(),
              "text");
    EXPECT_EQ(decoded(Coding::Zstd, skippable + compress(Coding::Zstd, "text") + skippable).value(),
              "text");
}

TEST(Inflate, AZstdDictionaryIsUsed) {
    const Bytes dictionary =
        "{\"did\":\"did:plc:\",\"kind\":\"commit\",\"commit\":{\"operation\":\"create\"}}";
    const Bytes text =
        "{\"did\":\"did:plc:1\",\"kind\":\"commit\",\"commit\":{\"operation\":\"create\"}}";
    ZSTD_CCtx* context = ZSTD_createCCtx();
    Bytes wire(1000, '\0');
    wire.resize(ZSTD_compress_usingDict(context, wire.data(), wire.size(), text.data(), text.size(),
                                        dictionary.data(), dictionary.size(), 3));
    ZSTD_freeCCtx(context);
    const Coding chain[] = {Coding::Zstd};
    Bytes out;
    ASSERT_TRUE(decode_frame(chain, wire, out, {}, dictionary));
    EXPECT_EQ(out, text);
    EXPECT_FALSE(decode_frame(chain, wire, out));
}

TEST(DecodeFrame, StepsAreUndoneInOrder) {
    const Coding chain[] = {Coding::Base64, Coding::Gzip};
    Bytes out = "old";
    ASSERT_TRUE(decode_frame(chain, text::base64(compress(Coding::Gzip, "payload")), out));
    EXPECT_EQ(out, "payload");
    ASSERT_TRUE(decode_frame({}, "as it is", out));
    EXPECT_EQ(out, "as it is");
}

TEST(DecodeFrame, AFailureOfAnyStepIsTheFailureOfTheFrame) {
    const Coding chain[] = {Coding::Base64, Coding::Gzip};
    Bytes out;
    EXPECT_EQ(decode_frame(chain, "no base64!", out).error().code, Errc::Malformed);
    EXPECT_EQ(decode_frame(chain, text::base64("no gzip"), out).error().code, Errc::Malformed);
    EXPECT_EQ(
        decode_frame(chain, text::base64(compress(Coding::Gzip, "payload").substr(0, 12)), out)
            .error()
            .code,
        Errc::Truncated);
    const Bytes bomb = text::base64(compress(Coding::Gzip, Bytes(100U << 20, 'x')));
    EXPECT_EQ(decode_frame(chain, bomb, out).error().code, Errc::TooLarge);
}

TEST(Compressor, WhatIsFlushedCanBeReadAtOnce) {
    for (const Coding coding : {Coding::Gzip, Coding::Zstd, Coding::Brotli}) {
        Compressor compressor(coding);
        Decompressor decompressor(coding, {.ratio_max = 10'000});
        Bytes text;
        for (int i = 0; i < 50; ++i) {
            const Bytes line = "line " + std::to_string(i) +
                               std::string(static_cast<std::size_t>(i) * 1000, 'x') + "\n";
            Bytes wire;
            compressor.feed(line, wire);
            compressor.flush(wire);
            Bytes out;
            ASSERT_TRUE(decompressor.feed(wire, out));
            ASSERT_EQ(out, line) << http_name(coding);
        }
        Bytes wire;
        compressor.finish(wire);
        ASSERT_TRUE(decompressor.feed(wire, text));
        EXPECT_TRUE(decompressor.finish());
        EXPECT_EQ(text, "");
    }
}

TEST(Compressor, AnEmptyBodyIsAWholeStream) {
    for (const Coding coding : {Coding::Gzip, Coding::Zstd, Coding::Brotli}) {
        const Bytes wire = compress(coding, "");
        EXPECT_FALSE(wire.empty());
        EXPECT_EQ(decoded(coding, wire).value(), "");
    }
}

TEST(CodingNames, AreThoseOfRecipesAndOfHttp) {
    EXPECT_EQ(coding_of_recipe("deflate"), Coding::Deflate);
    EXPECT_EQ(coding_of_recipe("base64"), Coding::Base64);
    EXPECT_EQ(coding_of_recipe("GZIP"), std::nullopt);
    EXPECT_EQ(coding_of_http("X-GZip"), Coding::Gzip);
    EXPECT_EQ(coding_of_http("deflate"), Coding::HttpDeflate);
    EXPECT_EQ(coding_of_http("base64"), std::nullopt);
    for (const Coding coding : {Coding::Gzip, Coding::Zstd, Coding::Brotli, Coding::HttpDeflate})
        EXPECT_EQ(coding_of_http(http_name(coding)), coding);
}

TEST(CodingNames, AcceptEncodingChoosesTheBest) {
    constexpr Coding kOurs[] = {Coding::Zstd, Coding::Brotli, Coding::Gzip};
    const auto chosen = [&](std::string_view accept) { return choose_coding(accept, kOurs); };
    EXPECT_EQ(chosen(""), std::nullopt);
    EXPECT_EQ(chosen("gzip"), Coding::Gzip);
    EXPECT_EQ(chosen("gzip, deflate, br, zstd"), Coding::Zstd);
    EXPECT_EQ(chosen("gzip, br;q=0.9"), Coding::Gzip);
    EXPECT_EQ(chosen("GZIP;q=1, br;q=0"), Coding::Gzip);
    EXPECT_EQ(chosen("*"), Coding::Zstd);
    EXPECT_EQ(chosen("*;q=0.5, zstd;q=0"), Coding::Brotli);
    EXPECT_EQ(chosen("gzip;q=0.5, identity"), std::nullopt);
    EXPECT_EQ(chosen("gzip;q=bad"), std::nullopt);
    EXPECT_EQ(chosen("identity"), std::nullopt);
}

}  // namespace
}  // namespace anode::codec
