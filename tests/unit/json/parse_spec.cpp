#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "base/rng.hpp"
#include "core/json/json.hpp"

namespace anode::json {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

bool is_json(std::string_view text, const Limits& limits = {}) {
    Document document;
    return document.parse(text, limits).has_value();
}

Error refusal(std::string_view text, const Limits& limits = {}) {
    Document document;
    auto parsed = document.parse(text, limits);
    return parsed ? Error{Errc::Internal, "accepted"} : parsed.error();
}

std::string repeated(std::string_view part, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += part;
    return out;
}

TEST(JsonParse, EveryKindOfValueMayBeTheWholeText) {
    for (const char* text : {"null", "true", "false", "0", "\"\"", "[]", "{}", " \t\r\n1 \n"}) {
        EXPECT_TRUE(is_json(text)) << text;
    }
}

TEST(JsonParse, AnyNumberOfTheGrammarIsLegal) {
    for (const char* text : {"0", "-0", "1e999", "-1e-999", "1E+5", "0.5e-7", "1.500", "0e0", "0.0",
                             "18446744073709551616", "123456789012345678901234567890"}) {
        EXPECT_TRUE(is_json(text)) << text;
    }
    EXPECT_TRUE(is_json(repeated("9", 100)));
    EXPECT_TRUE(is_json("0." + repeated("1", 5000)));
}

TEST(JsonParse, WhatLooksLikeANumberButIsNoneIsRefused) {
    for (const char* text :
         {"-", "+1", ".5", "1.", "01", "-01", "1e", "1e+", "1.e5", "0x10", "1_000", "NaN",
          "Infinity", "-Infinity", "1 2", "1..2", "--1", "1e5.5"}) {
        EXPECT_EQ(refusal(text).code, Errc::Malformed) << text;
    }
}

TEST(JsonParse, StructureIsCheckedWhole) {
    for (const char* text : {"",
                             " ",
                             "[",
                             "]",
                             "{",
                             "}",
                             "[1",
                             "[1,",
                             "[1,]",
                             "[,1]",
                             "[1 2]",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{1:1}",
                             "{\"a\" 1}",
                             "{\"a\":1 \"b\":2}",
                             "[1}",
                             "{\"a\":1]",
                             "{,}",
                             "[1]]",
                             "{}{}",
                             "nul",
                             "tru",
                             "falsey",
                             "True",
                             "nulll",
                             "[truefalse]",
                             "'a'",
                             "\"a",
                             "[\"a]",
                             "/* c */ 1",
                             "1 // c",
                             "[1,,2]",
                             "{\"a\":1,,\"b\":2}",
                             "\v1",
                             "\f1",
                             "{\"a\"::1}",
                             ":",
                             ","}) {
        EXPECT_EQ(refusal(text).code, Errc::Malformed) << text;
    }
}

TEST(JsonParse, EscapesAreThoseOfTheStandard) {
    EXPECT_TRUE(is_json(R"("\" \\ \/ \b \f \n \r \t \u0000 \uFFFF \uabCD")"));
    for (const char* text : {R"("\x41")", R"("\u12")", R"("\u12G4")", R"("\ ")", R"("\")", R"("\)",
                             R"("\u)", R"("\a")", R"("\'")", R"("\U0041")"}) {
        EXPECT_EQ(refusal(text).code, Errc::Malformed) << text;
    }
}

TEST(JsonParse, LoneSurrogateEscapesAreLegalText) {
    EXPECT_TRUE(is_json(R"(["\ud800", "\udc00x", "\ud800\ud800", "\udc00\ud800"])"));
}

TEST(JsonParse, ControlCharactersInStringsAreRefusedWhereverTheyStand) {
    for (int c = 0; c < 0x20; ++c) {
        for (int before : {0, 1, 15, 16, 17, 40}) {
            const std::string text =
                "\"" + repeated("x", before) + static_cast<char>(c) + repeated("y", 40) + "\"";
            EXPECT_FALSE(is_json(text)) << c << " after " << before;
        }
    }
    EXPECT_TRUE(is_json("\"\x7f\""));
}

TEST(JsonParse, TextIsUtf8) {
    EXPECT_TRUE(is_json("\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xa9\""));
    for (const char* bad :
         {"\xc3", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
          "\xf8\x88\x80\x80", "\xff", "\xe2\x82", "\xf0\x9f\x92"}) {
        for (int before : {0, 3, 13, 14, 15, 16, 31}) {
            const std::string text = "[\"" + repeated("x", before) + bad + "\"]";
            EXPECT_EQ(refusal(text).what, "byte " + std::to_string(before + 2) + ": no valid UTF-8")
                << text;
        }
    }
    EXPECT_FALSE(is_json("{\"\xff\":1}"));
    EXPECT_FALSE(
        is_json("\xc2\xa0"
                "1"));
}

TEST(JsonParse, AByteOrderMarkIsRefusedByName) {
    EXPECT_EQ(refusal("\xef\xbb\xbf{}").what,
              "byte 0: a byte order mark, which JSON does not allow");
}

TEST(JsonParse, ErrorsNameTheByteAndWhatWasFound) {
    EXPECT_EQ(refusal("[1 2]").what, "byte 3: `,` or `]` was expected after an element, found `2`");
    EXPECT_EQ(refusal("{\"a\":").what, "byte 5: a value was expected, found the end of the text");
    EXPECT_EQ(refusal("{\"a\":1,}").what,
              "byte 7: a member name in quotes was expected, found `}`");
    EXPECT_EQ(refusal("01").what,
              "byte 1: a number has no zeros before its first digit, found `1`");
    EXPECT_EQ(refusal(std::string_view("\"\0\"", 3)).what,
              "byte 1: a control character must be escaped in a string, found byte 0x00");
    EXPECT_EQ(refusal("1 x").what,
              "byte 2: nothing but white space may follow the value, found `x`");
}

TEST(JsonParse, DepthHasALimit) {
    EXPECT_TRUE(is_json(repeated("[", 64) + repeated("]", 64)));
    const Error error = refusal(repeated("[", 65) + repeated("]", 65));
    EXPECT_EQ(error.code, Errc::TooDeep);
    EXPECT_EQ(error.what, "byte 64: nested too deeply");
    EXPECT_TRUE(is_json("[1,[2],[3]]", {.depth_max = 2}));
    EXPECT_FALSE(is_json("{\"a\":[{}]}", {.depth_max = 2}));
    EXPECT_FALSE(is_json("[]", {.depth_max = 0}));
}

TEST(JsonParse, NestingOfAnyDepthCostsNoStack) {
    constexpr int kLevels = 1'000'000;
    const Limits limits{.depth_max = kLevels};
    EXPECT_TRUE(is_json(repeated("[", kLevels) + repeated("]", kLevels), limits));
    EXPECT_FALSE(is_json(repeated("[", kLevels), limits));
    EXPECT_FALSE(is_json(repeated("{\"a\":", kLevels), limits));
}

TEST(JsonParse, TheNumberOfValuesHasALimit) {
    EXPECT_TRUE(is_json("[1,2,{\"a\":3}]", {.values_max = 5}));
    EXPECT_EQ(refusal("[1,2,{\"a\":3}]", {.values_max = 4}).code, Errc::TooLarge);
}

TEST(JsonParse, TheMembersOfOneContainerHaveALimit) {
    EXPECT_TRUE(is_json("[1,2,3]", {.members_max = 3}));
    EXPECT_EQ(refusal("[1,2,3,4]", {.members_max = 3}).code, Errc::TooLarge);
    EXPECT_EQ(refusal("{\"a\":1,\"b\":2}", {.members_max = 1}).code, Errc::TooLarge);
    EXPECT_TRUE(is_json("[" + repeated("1,", 200'000) + "1]", {.members_max = 0}));
    EXPECT_FALSE(is_json("[" + repeated("1,", 200'000) + "1]"));
}

TEST(JsonParse, ADocumentIsReusedAndForgetsAFailedText) {
    Document document;
    EXPECT_FALSE(document.root().present());
    ASSERT_TRUE(document.parse("{\"a\":1}"));
    EXPECT_EQ(document.root()["a"].integer(), 1);
    EXPECT_FALSE(document.parse("{\"a\":2"));
    EXPECT_FALSE(document.root().present());
    const std::string large = "[" + repeated("1,", 99'000) + "1]";
    ASSERT_TRUE(document.parse(large));
    ASSERT_TRUE(document.parse("[7]"));
    EXPECT_EQ(document.root().at(0).integer(), 7);
}

/// Any text of at most three bytes over the alphabet of JSON's grammar, and a few more.
TEST(JsonParse, EveryShortTextIsJudgedAsSimdjsonJudgesIt) {
    const std::string alphabet = "{}[]\",:0-1.eE+\\un \x01x";
    simdjson::dom::parser reference;
    std::string text;
    const auto check = [&] {
        const bool expected = reference.parse(text).error() == simdjson::SUCCESS;
        EXPECT_EQ(is_json(text), expected) << text;
    };
    for (const char a : alphabet) {
        for (const char b : alphabet) {
            for (const char c : alphabet) {
                text = {a, b, c};
                check();
                text = {'[', a, b, c, ']'};
                check();
                text = {'{', '"', '"', ':', a, b, c, '}'};
                check();
            }
        }
    }
}

/// Damaged texts: the two readers agree, except on numbers that only ours keeps.
TEST(JsonParse, DamagedTextsAreJudgedAsSimdjsonJudgesThem) {
    const std::string good =
        R"({"e":"trade","s":"BTC\u00e9\n","p":"91234.10","q":-12.5e3,"m":[true,false,null,{}],"é":{"x":[[1],"long enough to fill a chunk"]}})";
    simdjson::dom::parser reference;
    Rng rng(7);
    for (int round = 0; round < 20'000; ++round) {
        std::string text = good;
        for (std::uint64_t n = rng.below(3) + 1; n != 0; --n) {
            text[rng.below(text.size())] = static_cast<char>(
                rng.below(2) ? rng.below(256) : std::string_view("{}[]\",:\\")[rng.below(8)]);
        }
        const auto error = reference.parse(text).error();
        if (error == simdjson::NUMBER_ERROR) continue;
        EXPECT_EQ(is_json(text), error == simdjson::SUCCESS) << text;
    }
}

}  // namespace
}  // namespace anode::json
