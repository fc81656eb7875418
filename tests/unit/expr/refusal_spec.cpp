#include <gmock/gmock.h>

#include "unit/expr/support.hpp"

namespace anode::expr {
namespace {

using ::testing::HasSubstr;
using testing::result;

std::string repeated(std::string_view part, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += part;
    return out;
}

TEST(Refusals, NameThePlaceAndTheReason) {
    EXPECT_EQ(result(".a >"), "refused at 4: unexpected end after `>`");
    EXPECT_EQ(result("(.a"), "refused at 3: unexpected end: `)` is missing");
    EXPECT_EQ(result(""), "refused at 0: an empty expression");
    EXPECT_EQ(result(" # nothing"), "refused at 0: an empty expression");
    EXPECT_EQ(result(".a ^ 2"), "refused at 3: unexpected `^` after `.a`");
    EXPECT_EQ(result("\"abc"), "refused at 0: a string has no end");
    EXPECT_EQ(result("\"a\\qb\""), "refused at 2: an escape that strings do not know");
    EXPECT_EQ(result("[1"),
              "refused at 2: unexpected end: `]` is missing after the elements of an array");
    EXPECT_EQ(result("{a: 1"),
              "refused at 5: unexpected end: `}` is missing after the members of an object");
    EXPECT_EQ(result("if . then 1"), "refused at 11: unexpected end: `end` is missing after `if`");
    EXPECT_EQ(result("1 < 2 < 3"), "refused at 6: a comparison of a comparison needs parentheses");
    EXPECT_EQ(result("1 2"), "refused at 2: unexpected `2` after `1`");
    EXPECT_EQ(result(".a \"x\" \"y\""), "refused at 3: unexpected `\"` after `.a`");
    EXPECT_EQ(result("\"\xff\""), "refused at 0: no valid UTF-8");
}

TEST(Refusals, NameWhatJqHasAndTheSubsetHasNot) {
    EXPECT_EQ(result("reduce .[] as $x (0; . + $x)"),
              "refused at 0: `reduce` is not in the compiled subset");
    EXPECT_EQ(result("def f: f; f"), "refused at 0: `def` is not in the compiled subset");
    EXPECT_EQ(result("while(true; .)"), "refused at 0: `while` is not in the compiled subset");
    EXPECT_EQ(result("input"), "refused at 0: `input` is not in the compiled subset");
    EXPECT_EQ(result("env"), "refused at 0: `env` is not in the compiled subset");
    EXPECT_EQ(result("now"), "refused at 0: `now` is not in the compiled subset");
    EXPECT_EQ(result(".a as $x | $x"), "refused at 3: `as` is not in the compiled subset");
    EXPECT_EQ(result("$ENV"), "refused at 0: `$ENV` is not in the compiled subset");
    EXPECT_EQ(result("@base64"), "refused at 0: `@base64` is not in the compiled subset");
    EXPECT_EQ(result(".."), "refused at 0: `..` is not in the compiled subset");
    EXPECT_EQ(result(".a, .b"),
              "refused at 2: `,` (more than one result) is not in the compiled subset");
    EXPECT_EQ(result(".a = 1"),
              "refused at 3: `=` (assignment) is not in the compiled subset; `==` compares");
    EXPECT_EQ(result(".a |= 1"), "refused at 3: `|=` (assignment) is not in the compiled subset");
    EXPECT_EQ(result("try .a"), "refused at 0: `try` is not in the compiled subset");
    EXPECT_THAT(
        result(".a[] == 1"),
        HasSubstr(
            "refused at 0: `.[]` (more than one result) is only in the compiled subset inside"));
    EXPECT_THAT(result(".[]"), HasSubstr("`.[]` (more than one result)"));
    EXPECT_EQ(result("[1, 2 | . + 1]"),
              "refused at 13: `|` beside `,` in `[…]` needs parentheses around it");
}

TEST(Refusals, HelpWithNames) {
    EXPECT_EQ(
        result("lenght"),
        "refused at 0: `lenght` is no function of the compiled subset; did you mean `length`?");
    EXPECT_EQ(result("select"),
              "refused at 0: `select` with 0 arguments is not in the compiled subset");
    EXPECT_EQ(result("split(\"a\"; null)"),
              "refused at 0: `split` with 2 arguments is not in the compiled subset");
    EXPECT_EQ(result("xyzzy_plugh"),
              "refused at 0: `xyzzy_plugh` is no function of the compiled subset");
}

TEST(Refusals, ProgramsHaveASize) {
    const auto refused = Program::compile(std::string(1025, ' '));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().offset, 1024);
    EXPECT_EQ(refused.error().detail, "longer than 1024 bytes");
    EXPECT_TRUE(Program::compile("." + std::string(1023, ' ')));
    EXPECT_FALSE(Program::compile(std::string(2000, '.')));
}

TEST(Refusals, NestingHasALimitAndLongChainsDoNotNest) {
    for (const char* part : {"(", "[", "-", "{a:", "\"\\(", "if "}) {
        EXPECT_THAT(result(repeated(part, 10'000)),
                    HasSubstr("the expression is nested too deeply"))
            << part;
    }
    EXPECT_THAT(result("1" + repeated("+1", 10'000)), HasSubstr("nested too deeply"));
    EXPECT_THAT(result("." + repeated("[\"a\"+\"\"]", 5'000)), HasSubstr("too"));
    EXPECT_EQ(result("1" + repeated(" | .", 3000)), "1");
    EXPECT_EQ(result("false" + repeated(" or false", 3000)), "false");
    EXPECT_EQ(result("1" + repeated("+1", 200)), "201");
}

TEST(Budget, EvaluationEndsAfterTenThousandSteps) {
    std::string input = "[" + repeated("1,", 9'999) + "1]";
    EXPECT_EQ(result("map(. + 1)", input), "error: the evaluation needs more than 10,000 steps");
    EXPECT_EQ(result("any(.[]; . == 2)", input),
              "error: the evaluation needs more than 10,000 steps");
    EXPECT_EQ(result("(map(. + 1))?", input), "error: the evaluation needs more than 10,000 steps");
    EXPECT_EQ(result("length", input), "10000");
    EXPECT_EQ(result(".[9999]", input), "1");
}

TEST(Budget, MemoryHasALimit) {
    EXPECT_EQ(result("\"x\" * 1e12"), "error: the evaluation needs more memory than it may have");
    EXPECT_EQ(result("\"x\" * 1000000" + repeated(" | . + .", 100)),
              "error: the evaluation needs more memory than it may have");
    EXPECT_EQ(result("[.]" + repeated(" | . + .", 100), "1"),
              "error: the evaluation needs more memory than it may have");
    EXPECT_EQ(result("(\"x\" * 1000000) as $x | 1").substr(0, 7), "refused");
}

}  // namespace
}  // namespace anode::expr
