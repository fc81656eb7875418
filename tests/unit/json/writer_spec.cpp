#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/json/json.hpp"

namespace anode::json {
namespace {

TEST(JsonWriter, PutsCommasAndQuotes) {
    std::string out;
    Writer writer(out);
    writer.begin_object().member("a", 1).key("b").begin_array();
    writer.value(true)
        .null()
        .value("x\n\"")
        .value(std::uint64_t{18446744073709551615U})
        .raw("1.500");
    writer.begin_object().end_object().begin_array().end_array().end_array();
    writer.member("c", std::string("t")).member("d\n", std::int64_t{-5}).end_object();
    EXPECT_EQ(
        out,
        R"({"a":1,"b":[true,null,"x\n\"",18446744073709551615,1.500,{},[]],"c":"t","d\n":-5})");
}

TEST(JsonWriter, AppendsToWhatIsThere) {
    std::string out = "data: ";
    Writer(out).value("x");
    EXPECT_EQ(out, "data: \"x\"");
}

TEST(JsonWriter, DoublesAreShortAndReadBackTheSame) {
    const auto written = [](double number) {
        std::string out;
        Writer(out).value(number);
        return out;
    };
    EXPECT_EQ(written(0.1), "0.1");
    EXPECT_EQ(written(3), "3");
    EXPECT_EQ(written(-2.5e-9), "-2.5e-09");
    for (const double number :
         {1e300, 5e-324, 1.0 / 3, 123456789.125, std::numeric_limits<double>::max()}) {
        Document document;
        const std::string text = written(number);
        ASSERT_TRUE(document.parse(text)) << text;
        EXPECT_EQ(document.root().number(), number);
    }
    EXPECT_EQ(written(NAN), "null");
    EXPECT_EQ(written(-INFINITY), "null");
}

TEST(JsonWriter, NestsAsDeepAsItsCaller) {
    std::string out;
    Writer writer(out);
    for (int i = 0; i < 500; ++i) writer.begin_array();
    for (int i = 0; i < 500; ++i) writer.end_array();
    EXPECT_EQ(out, std::string(500, '[') + std::string(500, ']'));
}

TEST(JsonWriterDeathTest, WrongStructureIsABug) {
    std::string out;
    EXPECT_DEATH(Writer(out).begin_object().value(1), "");
    EXPECT_DEATH(Writer(out).key("a"), "");
    EXPECT_DEATH(Writer(out).begin_array().end_object(), "");
    EXPECT_DEATH(Writer(out).begin_object().key("a").end_object(), "");
}

std::string patched(const std::string& target, const std::string& patch) {
    Document t;
    Document p;
    if (!target.empty()) EXPECT_TRUE(t.parse(target)) << target;
    EXPECT_TRUE(p.parse(patch)) << patch;
    return merge_patch(t.root(), p.root());
}

/// The cases of RFC 7396, appendix A.
TEST(JsonMergePatch, DoesWhatTheStandardShows) {
    EXPECT_EQ(patched(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
    EXPECT_EQ(patched(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
    EXPECT_EQ(patched(R"({"a":"b"})", R"({"a":null})"), R"({})");
    EXPECT_EQ(patched(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
    EXPECT_EQ(patched(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
    EXPECT_EQ(patched(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
    EXPECT_EQ(patched(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
    EXPECT_EQ(patched(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
    EXPECT_EQ(patched(R"(["a","b"])", R"(["c","d"])"), R"(["c","d"])");
    EXPECT_EQ(patched(R"({"a":"b"})", R"(["c"])"), R"(["c"])");
    EXPECT_EQ(patched(R"({"a":"foo"})", "null"), "null");
    EXPECT_EQ(patched(R"({"a":"foo"})", R"("bar")"), R"("bar")");
    EXPECT_EQ(patched(R"({"e":null})", R"({"a":1})"), R"({"e":null,"a":1})");
    EXPECT_EQ(patched(R"([1,2])", R"({"a":"b","c":null})"), R"({"a":"b"})");
    EXPECT_EQ(patched("{}", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
}

TEST(JsonMergePatch, KeepsDigitsDropsSpaceAndTakesTheLastOfRepeatedNames) {
    EXPECT_EQ(patched(R"({ "n": 1.500, "n": 2.50 , "m": [ 1 ] })", R"({ "k": 1e-8 })"),
              R"({"n":2.50,"m":[1],"k":1e-8})");
    EXPECT_EQ(patched("", R"({"a":1})"), R"({"a":1})");
    EXPECT_EQ(patched(R"({"a":1})", R"({"\u0061":2})"), R"({"a":2})");
}

TEST(JsonMergePatch, NestingAsDeepAsTheLimitAllowsCostsNoStack) {
    constexpr int kLevels = 20'000;
    std::string text;
    for (int i = 0; i < kLevels; ++i) text += "{\"a\":";
    text += "1" + std::string(kLevels, '}');
    Document target;
    Document patch;
    ASSERT_TRUE(target.parse(text, {.depth_max = kLevels}));
    ASSERT_TRUE(patch.parse(text, {.depth_max = kLevels}));
    EXPECT_EQ(merge_patch(target.root(), patch.root()), text);
}

}  // namespace
}  // namespace anode::json
