#include "unit/expr/support.hpp"

namespace anode::expr {
namespace {

using testing::check;
using testing::result;

TEST(Functions, NumbersFromText) {
    check({{"tonumber", "\"1.50\"", "1.5"},
           {"tonumber", "\" 5 \"", "5"},
           {"tonumber", "\"01\"", "1"},
           {"tonumber", "\"+5\"", "5"},
           {"tonumber", "\"-.5\"", "-0.5"},
           {"tonumber", "\"1.\"", "1"},
           {"tonumber", "\"1e1000\"", "1.7976931348623157e+308"},
           {"tonumber", "\"-1e-1000\"", "-0"},
           {"tonumber", "1.50", "1.50"},
           {"tonumber", "\"\"", "error: string (\"\") cannot be parsed as a number"},
           {"tonumber", "\"x\"", "error: string (\"x\") cannot be parsed as a number"},
           {"tonumber", "\"1 2\"", "error: string (\"1 2\") cannot be parsed as a number"},
           {"tonumber", "\"+-5\"", "error: string (\"+-5\") cannot be parsed as a number"},
           {"tonumber", "\"0x10\"", "error: string (\"0x10\") cannot be parsed as a number"},
           {"tonumber", "\"inf\"", "error: string (\"inf\") cannot be parsed as a number"},
           {"tonumber", "null", "error: null (null) cannot be parsed as a number"}});
}

TEST(Functions, TextFromAnything) {
    check({{"tostring", "\"a\"", "\"a\""},
           {"tostring", "18446744073709551615", "\"18446744073709551615\""},
           {"tostring", "[1, {\"a\": null}]", R"("[1,{\"a\":null}]")"},
           {"tojson", "\"a\"", R"("\"a\"")"},
           {"type", "1", "\"number\""},
           {"type", "true", "\"boolean\""},
           {"type", "{}", "\"object\""}});
}

TEST(Functions, Lengths) {
    check({{"length", R"("é\n€")", "3"},
           {"length", "[1,2]", "2"},
           {"length", R"({"a":1,"a":2})", "1"},
           {"length", "null", "0"},
           {"length", "-5", "5"},
           {"length", "true", "error: boolean (true) has no length"},
           {"utf8bytelength", "\"é\"", "2"}});
}

TEST(Functions, Text) {
    check({{"ascii_downcase", "\"AbÀ\"", "\"abÀ\""},
           {"ascii_upcase", "\"abé\"", "\"ABé\""},
           {"ascii_downcase", "1", "error: explode input must be a string"},
           {"startswith(\"ab\")", "\"abc\"", "true"},
           {"endswith(\"bc\")", "\"abc\"", "true"},
           {"startswith(1)", "\"a\"", "error: startswith() requires string inputs"},
           {"endswith(\"a\")", "1", "error: endswith() requires string inputs"},
           {"ltrimstr(\"ab\")", "\"abc\"", "\"c\""},
           {"rtrimstr(\"bc\")", "\"abc\"", "\"a\""},
           {"rtrimstr(\"x\")", "\"abc\"", "\"abc\""},
           {"ltrimstr(1)", "2.50", "2.50"},
           {"split(\"-\")", "\"BTC-USD-\"", R"(["BTC","USD",""])"},
           {"split(\"\")", "\"aé\"", R"(["a","é"])"},
           {"split(\",\")", "\"\"", "[]"},
           {"split(\"a\")", "1", "error: split input and separator must be strings"},
           {"join(\"-\")", R"(["a",1.50,null,true])", "\"a-1.50--true\""},
           {"join(\"-\")", "[]", "\"\""},
           {"join(\"-\")", "[[1]]", "error: string (\"\") and array ([1]) cannot be added"}});
}

TEST(Functions, RegularExpressions) {
    check({{"test(\"^B.C\")", "\"BTC-USD\"", "true"},
           {"test(\"usd$\"; \"i\")", "\"BTC-USD\"", "true"},
           {"test([\"usd$\", \"i\"])", "\"BTC-USD\"", "true"},
           {"test(\"a.b\")", R"("a\nb")", "false"},
           {"test(\"a.b\"; \"p\")", R"("a\nb")", "true"},
           {"test(\"a\"; null)", "\"a\"", "true"},
           {"test(\"a\")", "1", "error: number (1) cannot be matched, as it is not a string"}});
    EXPECT_EQ(result("test(\"(\")"), "refused at 5: the regular expression is wrong: missing ): (");
    EXPECT_EQ(result("test(\"a\"; \"q\")"), "refused at 5: q is not a valid modifier string");
    EXPECT_EQ(result("test(.re)"),
              "refused at 5: `test` takes a regular expression and flags written out as strings");
    EXPECT_EQ(result("test(\"(?=a)\")").substr(0, 12), "refused at 5");
}

TEST(Functions, Containers) {
    check({{"keys", R"({"b":1,"a":2})", R"(["a","b"])"},
           {"keys_unsorted", R"({"b":1,"a":2})", R"(["b","a"])"},
           {"keys", "[5,6]", "[0,1]"},
           {"keys", "1", "error: number (1) has no keys"},
           {"has(\"a\")", R"({"a":null})", "true"},
           {"has(\"b\")", R"({"a":null})", "false"},
           {"has(1)", "[1,2]", "true"},
           {"has(2)", "[1,2]", "false"},
           {"has(\"a\")", "[1]", "error: Cannot check whether array has a string key"},
           {".k | in({a: 1})", R"({"k":"a"})", "true"},
           {"add", "[1,2.5]", "3.5"},
           {"add", R"(["a","b"])", "\"ab\""},
           {"add", "[]", "null"},
           {"first", "[1.50,2]", "1.50"},
           {"last", "[1,2]", "2"},
           {"reverse", "[1,2]", "[2,1]"}});
}

TEST(Functions, NumbersAreRounded) {
    check({{"floor", "-1.5", "-2"},
           {"ceil", "1.2", "2"},
           {"round", "2.5", "3"},
           {"sqrt", "9", "3"},
           {"fabs", "-1.5", "1.5"},
           {"abs", "-2", "2"},
           {"sqrt", "-1", "null"},
           {"floor", "\"a\"", "error: string (\"a\") number required"}});
}

TEST(Functions, FlowOfResults) {
    check({{"select(.a > 1)", R"({"a":2})", R"({"a":2})"},
           {"select(.a > 1)", R"({"a":1})", "empty"},
           {"empty", "1", "empty"},
           {"error(\"no \\(.)\")", "1", "error: no 1"},
           {"error", "\"x\"", "error: x"},
           {"error", R"({"a":1})", "error: object ({\"a\":1}) (not a string)"},
           {"values", "null", "empty"},
           {"strings", "1", "empty"},
           {"scalars", "1.0", "1.0"}});
}

}  // namespace
}  // namespace anode::expr
