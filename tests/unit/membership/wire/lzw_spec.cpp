#include "core/membership/wire/lzw.hpp"

#include "core/membership/wire/compressed.hpp"
#include "core/membership/wire/crc32.hpp"
#include "unit/membership/wire/support.hpp"

namespace anode::membership::wire {

using namespace spec;

namespace {

Bytes coded(BytesView plain) {
    Bytes out;
    EXPECT_TRUE(lzw_encode(plain, out));
    return out;
}

Result<Bytes> plain(BytesView bytes, std::size_t bytes_max = 1U << 20) {
    Bytes out;
    const auto done = lzw_decode(bytes, bytes_max, out);
    if (!done) return std::unexpected(done.error());
    return out;
}

/// Codes of nine bits, as text of bits would be packed.
Bytes codes(std::initializer_list<unsigned> list) {
    Bytes out;
    std::uint64_t held = 0;
    unsigned bits = 0;
    for (const unsigned code : list) {
        held |= std::uint64_t{code} << bits;
        for (bits += 9; bits >= 8; bits -= 8, held >>= 8) out.push_back(static_cast<char>(held));
    }
    if (bits > 0) out.push_back(static_cast<char>(held));
    return out;
}

}  // namespace

TEST(Lzw, TheRecordedVectors) {
    EXPECT_EQ(text::hex(coded("")), "000302");
    EXPECT_EQ(text::hex(coded("a")), "00c30404");
    EXPECT_EQ(text::hex(coded("aaaaaaaa")), "00c3081c283020");
    EXPECT_EQ(text::hex(coded("TOBEORNOTTOBEORTOBEORNOT")),
              "00a93c1152e48914274fa80824687061c183090302");
    for (const std::string_view text : {"", "a", "aaaaaaaa", "TOBEORNOTTOBEORTOBEORNOT"}) {
        EXPECT_EQ(*plain(coded(text)), text);
    }
}

TEST(Lzw, TheRecordedCompressedMessage) {
    const Bytes message = "\x08" + Bytes(40, 'a');
    Bytes out;
    Bytes scratch;
    ASSERT_TRUE(append_compressed(message, scratch, out));
    EXPECT_EQ(text::hex(out), "0982a4416c676f00a3427566ae0011841948b0a0c1830813160c08");
    Bytes back;
    ASSERT_TRUE(inflate(BytesView(out).substr(1), 100, back));
    EXPECT_EQ(back, message);
}

TEST(Lzw, WhatGoesInComesOut) {
    Rng rng(7);
    for (int round = 0; round < 300; ++round) {
        Bytes text(rng.below(round < 250 ? 3000 : 60'000), '\0');
        const std::uint64_t letters = 1 + rng.below(256);
        for (char& c : text) c = static_cast<char>(rng.below(letters));
        const auto back = plain(coded(text));
        ASSERT_TRUE(back.has_value());
        ASSERT_TRUE(*back == text) << "round " << round;
    }
    const Bytes same(300'000, 'z');
    EXPECT_TRUE(*plain(coded(same)) == same);
    const Bytes noise = random_bytes(rng, 300'000);
    EXPECT_TRUE(*plain(coded(noise)) == noise);
}

TEST(Lzw, AppendsAndLeavesWhatIsThere) {
    Bytes out = "before";
    ASSERT_TRUE(lzw_encode("a", out));
    EXPECT_EQ(out, "before" + coded("a"));
    Bytes back = "x";
    ASSERT_TRUE(lzw_decode(coded("abc"), 3, back));
    EXPECT_EQ(back, "xabc");
    EXPECT_FALSE(lzw_decode("", 3, back));
    EXPECT_EQ(back, "xabc");
}

TEST(Lzw, TheEncoderGivesUpAtItsLimit) {
    Bytes out = "x";
    EXPECT_FALSE(lzw_encode("aaaaaaaa", out, 7));
    EXPECT_FALSE(lzw_encode("aaaaaaaa", out, 0));
    EXPECT_FALSE(lzw_encode("aaaaaaaa", out, 1));
    EXPECT_EQ(out, "x");
    EXPECT_TRUE(lzw_encode("aaaaaaaa", out, 8));
}

TEST(Lzw, BrokenInputIsAnError) {
    EXPECT_EQ(plain("").error().code, Errc::Truncated);
    EXPECT_EQ(plain(codes({256, 'a'})).error().code, Errc::Truncated) << "no end code";
    EXPECT_EQ(plain(codes({256, 300, 257})).error().code, Errc::Malformed);
    EXPECT_EQ(plain(codes({256, 'a', 259, 257})).error().code, Errc::Malformed);
    EXPECT_EQ(*plain(codes({256, 'a', 258, 257})), "aaa") << "the code that is just being made";
    EXPECT_EQ(*plain(codes({'a', 'b', 257})), "ab") << "without a clear code at the start";
    EXPECT_EQ(*plain(codes({256, 'a', 'b', 256, 'c', 257, 511, 511})), "abc")
        << "what follows the end is ignored";
    EXPECT_EQ(plain(codes({256, 'a', 'b', 256, 258, 257})).error().code, Errc::Malformed)
        << "a clear code forgets";
}

TEST(Lzw, LiteralsOnlyWithAClearCodeInTime) {
    std::string text;
    Bytes out;
    std::uint64_t held = 0;
    unsigned bits = 0;
    const auto put = [&](unsigned code) {
        held |= std::uint64_t{code} << bits;
        for (bits += 9; bits >= 8; bits -= 8, held >>= 8) out.push_back(static_cast<char>(held));
    };
    for (unsigned i = 0; i < 2000; ++i) {
        if (i % 253 == 0) put(256);
        put(i & 0xFF);
        text.push_back(static_cast<char>(i));
    }
    put(257);
    put(0);
    EXPECT_TRUE(*plain(out) == text);
}

TEST(Lzw, AFullDictionaryWithoutAClearCodeStaysAsItIs) {
    Bytes out;
    std::uint64_t held = 0;
    unsigned bits = 0;
    unsigned high = 257;
    unsigned width = 9;
    std::string text;
    const auto put = [&](unsigned code) {
        held |= std::uint64_t{code} << bits;
        for (bits += width; bits >= 8; bits -= 8, held >>= 8)
            out.push_back(static_cast<char>(held));
    };
    const auto data = [&](unsigned code) {
        put(code);
        if (++high == 1U << width) width == 12 ? --high : ++width;
    };
    put(256);
    for (unsigned i = 0; i < 5000; ++i) {
        data('a' + i % 26);
        text.push_back(static_cast<char>('a' + i % 26));
    }
    data(4095);  // made last, before the dictionary froze
    const unsigned made = 4095 - 257;
    text += {text[made - 1], text[made]};
    put(257);
    put(0);
    const auto back = plain(out);
    ASSERT_TRUE(back.has_value());
    EXPECT_TRUE(*back == text);
}

TEST(Lzw, ABombIsStoppedAtItsLimit) {
    const Bytes bomb = coded(Bytes(4U << 20, '\0'));
    ASSERT_LT(bomb.size(), 8'000U);
    EXPECT_EQ(plain(bomb, 1U << 20).error().code, Errc::TooLarge);
    Bytes out;
    EXPECT_FALSE(lzw_decode(bomb, 1000, out));
    EXPECT_LT(out.capacity(), 4096U);
    EXPECT_EQ(plain(coded("abc"), 2).error().code, Errc::TooLarge);
    EXPECT_TRUE(plain(coded("abc"), 3));
}

TEST(Compressed, OnlyWhatGetsShorterIsCompressed) {
    Rng rng(3);
    Bytes out;
    Bytes scratch;
    EXPECT_FALSE(append_compressed(random_bytes(rng, 1000), scratch, out));
    EXPECT_FALSE(append_compressed("short", scratch, out));
    EXPECT_EQ(out, "");
}

TEST(Compressed, OtherAlgorithmsAndNothingInsideAreErrors) {
    Bytes out;
    EXPECT_EQ(inflate(hex("82a4416c676f01a3427566a3000302"), 100, out).error().code,
              Errc::Unsupported);
    EXPECT_EQ(inflate(hex("82a4416c676f00a3427566a3000302"), 100, out).error().code,
              Errc::Truncated);
    EXPECT_EQ(inflate(hex("80"), 100, out).error().code, Errc::Truncated);
    EXPECT_EQ(inflate(hex("82a4416c676fcd0100a3427566a0"), 100, out).error().code, Errc::Malformed);
}

TEST(Crc32, IsTheOneOfEthernet) {
    EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
    EXPECT_EQ(crc32(""), 0U);
    EXPECT_EQ(crc32("\x08hello"), 0xADA37255U);
}

TEST(Crc32, IsTheSameForEveryLength) {
    Rng rng(5);
    for (std::size_t size = 0; size < 70; ++size) {
        const Bytes bytes = random_bytes(rng, size);
        std::uint32_t slow = 0xFFFFFFFF;
        for (const char c : bytes) {
            slow ^= static_cast<std::uint8_t>(c);
            for (int bit = 0; bit < 8; ++bit)
                slow = slow >> 1 ^ ((slow & 1) != 0 ? 0xEDB88320U : 0U);
        }
        EXPECT_EQ(crc32(bytes), ~slow) << size;
    }
}

}  // namespace anode::membership::wire
