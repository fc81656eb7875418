#include "base/rng.hpp"
#include "base/text.hpp"
#include "base/text_put.hpp"

namespace anode::text {
namespace {

std::string random_bytes(Rng& rng, std::size_t bytes_max) {
    std::string out(rng.below(bytes_max + 1), '\0');
    for (char& c : out) c = static_cast<char>(rng.next());
    return out;
}

TEST(Base64Spec, GivesTheVectorsOfTheRfc) {  // RFC 4648, section 10
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : vectors) {
        EXPECT_EQ(base64(plain), encoded);
        EXPECT_EQ(from_base64(encoded), plain);
    }
    EXPECT_EQ(base64("\xfb\xff"), "+/8=");
    EXPECT_EQ(base64url("\xfb\xff"), "-_8");
}

TEST(Base64Spec, RefusesWhatHasAnotherText) {
    for (const char* text : {"Zg", "Zg=", "Zg===", "=",
                             "====", "Z===", "Zh==", "Zm9=", "Z g=", "Zg==\n", "-_8=", "Zg==Zg=="})
        EXPECT_FALSE(from_base64(text)) << text;
    for (const char* text : {"Z", "Zg==", "Zh", "+/8", "Zg\n"})
        EXPECT_FALSE(from_base64url(text)) << text;
}

TEST(EncodeSpec, EveryFormReadsBackTheSame) {
    Rng rng(1);
    for (int round = 0; round < 2000; ++round) {
        const std::string data = random_bytes(rng, 100);
        EXPECT_EQ(from_base64(base64(data)), data);
        EXPECT_EQ(from_base64url(base64url(data)), data);
        EXPECT_EQ(from_hex(hex(data)), data);
        EXPECT_EQ(percent_decode(percent_encode(data)), data);
        EXPECT_EQ(percent_decode(percent_encode(data), true), data);
    }
}

TEST(EncodeSpec, AnythingReadIsTheOnlyTextOfItsValue) {
    Rng rng(2);
    int read = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string text(rng.below(7), '\0');
        for (char& c : text) c = "AQgw/+-_=9"[rng.below(10)];
        if (const auto bytes = from_base64(text)) {
            EXPECT_EQ(base64(*bytes), text);
            ++read;
        }
        if (const auto bytes = from_base64url(text)) {
            EXPECT_EQ(base64url(*bytes), text);
            ++read;
        }
    }
    EXPECT_GT(read, 1000);
}

TEST(HexSpec, IsLowerCaseAndReadsBoth) {
    EXPECT_EQ(hex(std::string_view("\x00\xab", 2)), "00ab");
    EXPECT_EQ(from_hex("AbCd"), "\xab\xcd");
    EXPECT_FALSE(from_hex("abc"));
    EXPECT_FALSE(from_hex("zz"));
}

TEST(PercentSpec, LeavesUnreservedCharactersOnly) {
    EXPECT_EQ(percent_encode("aZ0-._~ /?+%"), "aZ0-._~%20%2F%3F%2B%25");
    EXPECT_EQ(percent_decode("a%2fb+c"), "a/b+c");
    EXPECT_EQ(percent_decode("a%2fb+c", true), "a/b c");
    for (const char* text : {"%", "%2", "%zz", "a%", "%%41"})
        EXPECT_FALSE(percent_decode(text)) << text;
}

TEST(CrockfordSpec, ReadsBackAndSortsAsNumbersDo) {
    Rng rng(3);
    std::pair<std::uint64_t, std::uint64_t> last;
    std::string last_text;
    for (int round = 0; round < 5000; ++round) {
        const std::pair value{rng.next() >> rng.below(64), rng.next() >> rng.below(64)};
        std::string text;
        append_crockford128(text, value.first, value.second);
        ASSERT_EQ(text.size(), 26u);
        EXPECT_EQ(parse_crockford128(text), value);
        EXPECT_EQ(parse_crockford128(lower(text)), value);
        if (round > 0) EXPECT_EQ(text < last_text, value < last);
        last = value;
        last_text = text;
    }
    EXPECT_EQ(parse_crockford128("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
              std::pair(~std::uint64_t{0}, ~std::uint64_t{0}));
}

TEST(CrockfordSpec, RefusesMoreThan128BitsAndOtherLetters) {
    EXPECT_FALSE(parse_crockford128("80000000000000000000000000"));
    EXPECT_FALSE(parse_crockford128("0000000000000000000000000"));
    EXPECT_FALSE(parse_crockford128("000000000000000000000000000"));
    EXPECT_FALSE(parse_crockford128("0000000000000000000000000U"));
    EXPECT_EQ(parse_crockford128("oOiIlL00000000000000000000"),
              parse_crockford128("00111100000000000000000000"));
}

}  // namespace
}  // namespace anode::text
