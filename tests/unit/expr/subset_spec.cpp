#include "unit/expr/support.hpp"

namespace anode::expr {
namespace {

using testing::check;
using testing::result;

TEST(Subset, PathsReachMembersAndElements) {
    check({{".", "1", "1"},
           {".a", R"({"a":1})", "1"},
           {".a.b", R"({"a":{"b":2}})", "2"},
           {".[\"a b\"]", R"({"a b":3})", "3"},
           {".\"a b\".c", R"({"a b":{"c":4}})", "4"},
           {".a[\"b\"][1]", R"({"a":{"b":[5,6]}})", "6"},
           {".[0]", "[7,8]", "7"},
           {".[-1]", "[7,8]", "8"},
           {".[2]", "[7,8]", "null"},
           {".[-3]", "[7,8]", "null"},
           {".[1.7]", "[7,8]", "null"},
           {".a.b.c", "{}", "null"},
           {".a[0]", "{}", "null"},
           {".[.k]", R"({"k":"v","v":9})", "9"},
           {".a", R"({"a":1,"a":2})", "2"},
           {"{a:{b:1}}.a.b", "null", "1"}});
}

TEST(Subset, AWrongKindOnTheWayIsAnError) {
    check({{".a", "1", "error: Cannot index number with string \"a\""},
           {".a", "[1]", "error: Cannot index array with string \"a\""},
           {".[0]", "{}", "error: Cannot index object with number"},
           {".a.b", R"({"a":"x"})", "error: Cannot index string with string \"b\""}});
}

TEST(Subset, AQuestionMarkForgivesTheStepBeforeIt) {
    check({{".a?", "1", "empty"},
           {".a?.b?", "1", "empty"},
           {".a.b?", R"({"a":1})", "empty"},
           {".a.b?", "1", "error: Cannot index number with string \"a\""},
           {"(.a.b)?", "1", "empty"},
           {".[0]?", "{}", "empty"},
           {".a? // \"none\"", "1", "\"none\""},
           {"(1 | error(\"x\"))?", "null", "empty"}});
}

TEST(Subset, Slices) {
    check({{".[1:2]", "[1,2,3]", "[2]"},
           {".[1:]", "[1,2,3]", "[2,3]"},
           {".[:-1]", "[1,2,3]", "[1,2]"},
           {".[1.2:2.5]", "[1,2,3]", "[2,3]"},
           {".[2:1]", "[1,2,3]", "[]"},
           {".[:99]", "[1]", "[1]"},
           {".[1:]", R"("aéc")", R"("éc")"},
           {".[1:3]", "null", "null"},
           {".[1:]", "1", "error: Cannot index number with object"}});
}

TEST(Subset, LiteralsAreJson) {
    check({{"1.50", "null", "1.5"},
           {".5", "null", "0.5"},
           {"-3", "null", "-3"},
           {"1e3", "null", "1000"},
           {"\"a\\n\\u00e9\\ud83d\\ude00\"", "null", "\"a\\né😀\""},
           {"true", "null", "true"},
           {"null", "1", "null"},
           {"[]", "null", "[]"},
           {"{}", "null", "{}"},
           {"# said first\n1", "null", "1"}});
}

TEST(Subset, StringsMayHoldExpressions) {
    check({{R"_("a\(1 + 1)b")_", "null", R"_("a2b")_"},
           {R"_("\(.s):\(.n)")_", R"_({"s":"x","n":1.50})_", R"_("x:1.50")_"},
           {R"_("\("in\("ner")")")_", "null", R"_("inner")_"},
           {R"_(.["k\(.n)"])_", R"_({"n":1,"k1":"v"})_", R"_("v")_"}});
}

TEST(Subset, ArraysAndObjectsAreBuilt) {
    check({{"[.a, .b]", R"({"a":1})", "[1,null]"},
           {"{a, b: .c, (.k): 1}", R"({"a":5,"c":6,"k":"n"})", R"({"a":5,"b":6,"n":1})"},
           {"{\"x\": 1, \"a b\": 2}", "null", R"({"x":1,"a b":2})"},
           {"{\"a\"}", R"({"a":1})", R"({"a":1})"},
           {"{if: 1, and: 2}", "null", R"({"if":1,"and":2})"},
           {"{a: 1 + 2, b: 1 | . + 1}", "null", "{\"a\":3,\"b\":2}"},
           {"{a: 1, b: 2, a: 3}", "null", "{\"a\":3,\"b\":2}"},
           {"{a: 1,}", "null", "{\"a\":1}"},
           {"{\"k\\(1)\": 2}", "null", "{\"k1\":2}"},
           {"{(.k): 1}", R"({"k":5})", "error: Object keys must be strings, not number (5)"},
           {"[(1 | . + 1), 3]", "null", "[2,3]"},
           {"{a: empty}", "null", "empty"},
           {"[empty, 1]", "null", "[1]"}});
}

TEST(Subset, ArithmeticIsOfDoubles) {
    check({{"1 + 2 * 3 - 4 / 2", "null", "5"},
           {"8 / 2 / 2", "null", "2"},
           {"0.1 + 0.2", "null", "0.30000000000000004"},
           {"5 % 3", "null", "2"},
           {"-5 % 3", "null", "-2"},
           {"5 % -2", "null", "1"},
           {"-(.a)", R"({"a":4})", "-4"},
           {"1 - -1", "null", "2"},
           {". / 3", "1", "0.3333333333333333"},
           {". * 1", "1e17", "1e+17"},
           {". * 1", "100000", "100000"},
           {". + 1", "1767225600123456", "1767225600123457"},
           {". * 10", "1e308", "1.7976931348623157e+308"},
           {". * 1", "0.00001", "1e-05"},
           {". / 0", "1",
            "error: number (1) and number (0) cannot be divided because the divisor is "
            "zero"},
           {". % 0.5", "1",
            "error: number (1) and number (0.5) cannot be divided (remainder) because "
            "the divisor is zero"},
           {". % -1", "-9223372036854775808", "0"}});
}

TEST(Subset, PlusMinusTimesAndOverWorkOnMoreThanNumbers) {
    check({{"\"a\" + \"b\"", "null", "\"ab\""},
           {"null + 1", "null", "1"},
           {". + null", "[1]", "[1]"},
           {"[1] + [2]", "null", "[1,2]"},
           {". + {b: 2, a: 3}", R"({"a":1,"c":0})", R"({"a":3,"c":0,"b":2})"},
           {"[1,2,1,3] - [1]", "null", "[2,3]"},
           {"\"ab\" * 2", "null", "\"abab\""},
           {"\"ab\" * 0", "null", "null"},
           {"\"ab\" * 0.5", "null", "\"ab\""},
           {"{a:{c:1}} * {a:{b:2}}", "null", R"({"a":{"c":1,"b":2}})"},
           {"\"a,b\" / \",\"", "null", R"(["a","b"])"},
           {"{} + 1", "null", "error: object ({}) and number (1) cannot be added"},
           {". - 1", R"({"a":"long enough"})",
            "error: object ({\"a\":\"long ...) and number (1) cannot be subtracted"},
           {"{} * 2", "null", "error: object ({}) and number (2) cannot be multiplied"},
           {"[] / 1", "null", "error: array ([]) and number (1) cannot be divided"},
           {"-.", "\"a\"", "error: string (\"a\") cannot be negated"}});
}

TEST(Subset, LogicAndAlternatives) {
    check({{"true and 1", "null", "true"},
           {"null or false", "null", "false"},
           {"false and error(\"never\")", "null", "false"},
           {"true or error(\"never\")", "null", "true"},
           {"1 and empty", "null", "empty"},
           {"0 | not", "null", "false"},
           {"null | not", "null", "true"},
           {"true or false and false", "null", "true"},
           {".a // .b // \"c\"", R"({"b":2})", "2"},
           {".a // .b // \"c\"", "{}", "\"c\""},
           {"false // null", "null", "null"},
           {"empty // 1", "null", "1"},
           {"null == false // true", "null", "true"},
           {"null // 1 | . + 1", "null", "2"}});
}

TEST(Subset, Conditions) {
    check({{"if . > 2 then \"many\" elif . > 1 then \"two\" else \"few\" end", "2", "\"two\""},
           {"if . > 2 then \"many\" elif . > 1 then \"two\" else \"few\" end", "1", "\"few\""},
           {"if .a then 1 else 2 end", "{}", "2"},
           {"if 0 then 1 else 2 end", "null", "1"},
           {"if . then 1 end", "false", "false"},
           {"if empty then 1 else 2 end", "null", "empty"}});
}

TEST(Subset, SeveralResultsAreReadInsideTheFormsThatBoundThem) {
    check({{"any(.a[]; . == 2)", R"({"a":[1,2]})", "true"},
           {"all(.a[]; . > 1)", R"({"a":[1,2]})", "false"},
           {"any(. > 1)", "[1,2]", "true"},
           {"any", "[null,false]", "false"},
           {"all", "[]", "true"},
           {"any", R"({"a":null,"b":1})", "true"},
           {"map(.x + 1)", R"([{"x":1},{"x":2}])", "[2,3]"},
           {"map(select(. > 1))", "[1,2,3]", "[2,3]"},
           {"[.[].x]", R"([{"x":1},{"x":2}])", "[1,2]"},
           {"[.[] | .[] | . * 2]", "[[1],[2,3]]", "[2,4,6]"},
           {"[.a[]?, 9]", R"({"a":1})", "[9]"},
           {"first(.[] | select(. > 1))", "[1,2,3]", "2"},
           {"first(.[] | select(. > 9))", "[1]", "empty"},
           {"any(.a[]; .)", R"({"a":1})", "error: Cannot iterate over number (1)"},
           {"any(.[]; error(\"x\"))", "[1]", "error: x"},
           {"[(.[] | error(\"x\"))?]", "[1]", "[]"}});
}

TEST(Subset, WhatRecipesAsk) {
    check({{R"(.event == "subscribe")", R"({"event":"subscribe"})", "true"},
           {".id == 1", R"({"id":1})", "true"},
           {R"(.event == "notice" and .code == "64008")", R"({"event":"notice","code":"64008"})",
            "true"},
           {".result == null and .id == 1", R"({"result":null,"id":1})", "true"},
           {R"(.[1] == "hb")", R"([340,"hb"])", "true"},
           {R"(type == "array")", "[]", "true"},
           {R"(.channel | startswith("live_"))", R"({"channel":"live_trades"})", "true"},
           {"(.data.q|tonumber) > 5", R"({"data":{"q":"5.5"}})", "true"},
           {R"(.data.sym | test("^BTC"))", R"({"data":{"sym":"BTCUSD"}})", "true"}});
}

}  // namespace
}  // namespace anode::expr
