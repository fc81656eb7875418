#include "base/rng.hpp"
#include "base/text.hpp"
#include "base/text_put.hpp"

namespace anode::text {
namespace {

TEST(Utf8Spec, AcceptsEveryScalarValueAndNothingElse) {
    const auto encoded = [](std::uint32_t point, int bytes) {
        std::string out;
        if (bytes == 1) return std::string(1, static_cast<char>(point));
        constexpr std::uint32_t kLeads[] = {0, 0, 0xc0, 0xe0, 0xf0};
        out += static_cast<char>(kLeads[bytes] | point >> (6 * (bytes - 1)));
        for (int i = bytes - 2; i >= 0; --i)
            out += static_cast<char>(0x80 | (point >> (6 * i) & 0x3f));
        return out;
    };
    for (std::uint32_t point = 0; point < 0x120000; ++point) {
        const int shortest = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        const bool scalar = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
        ASSERT_EQ(is_utf8(encoded(point, shortest)), scalar) << point;
        if (shortest < 4)
            ASSERT_FALSE(is_utf8(encoded(point, shortest + 1))) << "overlong " << point;
    }
}

TEST(Utf8Spec, RefusesCutsAndStrayBytesAnywhere) {
    const std::string pad(13, 'a');
    for (const char* bad : {"\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xff", "\xc3\xc3\xbc"})
        for (std::size_t front = 0; front < pad.size(); ++front) {
            EXPECT_FALSE(is_utf8(pad.substr(0, front) + bad + pad));
            EXPECT_FALSE(is_utf8(pad.substr(0, front) + bad));
        }
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8(pad + "ü€😀" + pad));
}

TEST(JsonStringSpec, EscapesWhatJsonAsksFor) {
    EXPECT_EQ(json_string("a\"b\\c\n\r\t\b\f"), R"("a\"b\\c\n\r\t\b\f")");
    EXPECT_EQ(json_string(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
    EXPECT_EQ(json_string("ü€😀/"), "\"ü€😀/\"");
    EXPECT_EQ(json_string("a\xff"
                          "b\xe2\x82"),
              "\"a\xEF\xBF\xBD"
              "b\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

/// The same, a byte at a time.
std::string naive_json(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        char raw[8];
        if (c == '"' || c == '\\')
            out += '\\', out += c;
        else if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += "\\t";
        else if (c == '\r')
            out += "\\r";
        else if (c == '\b')
            out += "\\b";
        else if (c == '\f')
            out += "\\f";
        else if (static_cast<unsigned char>(c) < 0x20)
            std::snprintf(raw, sizeof raw, "\\u%04x", c), out += raw;
        else
            out += c;
    }
    return out + '"';
}

TEST(JsonStringSpec, BothWritersDoWhatAByteAtATimeDoes) {
    Rng rng(1);
    for (int round = 0; round < 20'000; ++round) {
        std::string text(rng.below(40), 'a');
        for (char& c : text)
            if (rng.chance(0.1)) c = static_cast<char>(rng.below(128));
        EXPECT_EQ(json_string(text), naive_json(text));
        std::string room(text.size() * 6 + 2, '\0');
        room.resize(static_cast<std::size_t>(put_json_string(room.data(), text) - room.data()));
        EXPECT_EQ(room, naive_json(text));
    }
}

TEST(JsonStringSpec, AnyBytesBecomeValidUtf8WithinTheRoomPromised) {
    Rng rng(2);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes(rng.below(30), '\0');
        for (char& c : bytes) c = static_cast<char>(rng.next());
        const std::string text = json_string(bytes);
        EXPECT_TRUE(is_utf8(text));
        EXPECT_LE(text.size(), bytes.size() * 6 + 2);
        EXPECT_EQ(text.find_first_of(std::string_view("\0\n\r", 3)), std::string::npos);
    }
}

TEST(PrintableSpec, MakesTrickyCharactersVisible) {
    EXPECT_EQ(printable("a\x1b[31m\n"), "a\\x1b[31m\\x0a");
    EXPECT_EQ(printable("x\u202ey\u200bz\ufeff"), "x\\u202ey\\u200bz\\ufeff");
    EXPECT_EQ(printable("\xc2\x9b\xff"), "\\x9b\\xff");
    EXPECT_EQ(printable("grüße 😀"), "grüße 😀");
}

}  // namespace
}  // namespace anode::text
