#include "unit/expr/support.hpp"

namespace anode::expr {
namespace {

using testing::check;
using testing::result;

/// jq's order of all values: each of these is below the next.
const std::vector<std::string> kRising = {"null",       "false",      "true",
                                          "-1e999",     "-1",         "0",
                                          "0.5",        "1",          "2",
                                          "10",         "1e999",      "\"\"",
                                          "\"A\"",      "\"a\"",      "\"aa\"",
                                          "\"b\"",      "\"é\"",      "[]",
                                          "[null]",     "[0]",        "[0,0]",
                                          "[1]",        "[[]]",       "{}",
                                          R"({"a":1})", R"({"a":2})", R"({"a":1,"b":1})",
                                          R"({"b":0})", R"({"b":{}})"};

TEST(Order, OfAllKindsIsJqs) {
    for (std::size_t a = 0; a < kRising.size(); ++a) {
        for (std::size_t b = 0; b < kRising.size(); ++b) {
            const std::string input = "[" + kRising[a] + "," + kRising[b] + "]";
            const auto is = [&](const char* sign) {
                return result(std::string(".[0] ") + sign + " .[1]", input) == "true";
            };
            EXPECT_EQ(is("=="), a == b) << input;
            EXPECT_EQ(is("!="), a != b) << input;
            EXPECT_EQ(is("<"), a < b) << input;
            EXPECT_EQ(is("<="), a <= b) << input;
            EXPECT_EQ(is(">"), a > b) << input;
            EXPECT_EQ(is(">="), a >= b) << input;
        }
    }
}

TEST(Order, ComparesWhatTextsMean) {
    check({{".[0] == .[1]", R"([1.0,1])", "true"},
           {".[0] == .[1]", R"(["\u0061","a"])", "true"},
           {".[0] == .[1]", R"([{"a":1,"b":2},{"b":2,"a":1}])", "true"},
           {".[0] == .[1]", R"([{"a":0,"a":1},{"a":1}])", "true"},
           {".[0] == .[1]", R"([[1,[2.50]],[1.0,[2.5]]])", "true"},
           {". == {a: [1]}", R"({"a":[1]})", "true"},
           {". == \"é\"", R"("\u00e9")", "true"}});
}

TEST(Order, SortsAndPicks) {
    check({{"sort", R"([{},"b",[],1,null,"a",true,false,0.5])",
            R"([null,false,true,0.5,1,"a","b",[],{}])"},
           {"unique", "[3,1,3.0,2,1]", "[1,2,3]"},
           {"min", "[3,1.50,2]", "1.50"},
           {"max", "[3,1,3.0]", "3.0"},
           {"max", "[]", "null"},
           {"sort", "{}", "error: object ({}) cannot be sorted, as it is not an array"},
           {"min", "1", "error: number (1) cannot be iterated over"}});
}

TEST(Order, NotANumberIsBelowEveryNumber) {
    const std::string nan = "(. * 10 - . * 10)";
    EXPECT_EQ(result(nan + " < 0", "1e308"), "true");
    EXPECT_EQ(result(nan + " == " + nan, "1e308"), "false");
    EXPECT_EQ(result(nan + " | isnan", "1e308"), "true");
    EXPECT_EQ(result(nan, "1e308"), "null");
}

TEST(Order, ContainmentGoesAllTheWayDown) {
    check({{"contains(\"oo\")", "\"foo\"", "true"},
           {"contains([\"a\"])", R"(["xay","b"])", "true"},
           {"contains({a:[1]})", R"({"a":[2,1],"b":0})", "true"},
           {"contains({a:[3]})", R"({"a":[2,1]})", "false"},
           {"contains({c:1})", R"({"a":1})", "false"},
           {"contains(1)", "1.0", "true"},
           {"inside([\"buy\",\"sell\"])", R"(["sell"])", "true"},
           {"contains(1)", "\"a\"",
            "error: string (\"a\") and number (1) cannot have their containment checked"}});
}

}  // namespace
}  // namespace anode::expr
