#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cfloat>

#include "core/json/json.hpp"

namespace anode::json {
namespace {

/// A text and its index, for as long as the test reads values.
struct Parsed {
    explicit Parsed(std::string t) : text(std::move(t)) {
        EXPECT_TRUE(document.parse(text)) << text;
    }
    Value operator*() const { return document.root(); }
    std::string text;
    Document document;
};

TEST(JsonValue, AnAbsentValueAnswersEverything) {
    const Value none;
    EXPECT_FALSE(none.present());
    EXPECT_TRUE(none.is_null());
    EXPECT_FALSE(none.is(Type::Null));
    EXPECT_EQ(none.raw(), "");
    EXPECT_EQ(none.size(), 0);
    EXPECT_FALSE(none["a"]);
    EXPECT_FALSE(none["a"]["b"].at(3));
    EXPECT_EQ(none.string(), "");
    EXPECT_EQ(none.name(), "");
    EXPECT_FALSE(none.plain() || none.scalar() || none.integer() || none.number() ||
                 none.boolean());
    EXPECT_FALSE(none.first() || none.next_in(none));
    Bytes out = "x";
    none.append_compact(out);
    EXPECT_EQ(out, "x");
}

TEST(JsonValue, MembersAreFoundByName) {
    const Parsed parsed(R"({"a":1,"bb":{"c":[10,20]},"":"empty","\u0061b":"escaped","é":true})");
    EXPECT_EQ((*parsed)["a"].raw(), "1");
    EXPECT_EQ((*parsed)["bb"]["c"].at(1).raw(), "20");
    EXPECT_EQ((*parsed)[""].raw(), "\"empty\"");
    EXPECT_EQ((*parsed)["ab"].raw(), "\"escaped\"");
    EXPECT_TRUE((*parsed)["é"].boolean().value());
    EXPECT_FALSE((*parsed)["b"]);
    EXPECT_FALSE((*parsed)["c"]) << "only members of the object itself";
}

TEST(JsonValue, OfRepeatedNamesTheLastCounts) {
    const Parsed parsed(R"({"a":1,"b":2,"\u0061":3})");
    EXPECT_EQ((*parsed)["a"].integer(), 3);
}

TEST(JsonValue, ElementsAreFoundByPlace) {
    const Parsed parsed(R"([[1,[2]],{"x":[3]},"s",4])");
    EXPECT_EQ((*parsed).size(), 4);
    EXPECT_EQ((*parsed).at(0).raw(), "[1,[2]]");
    EXPECT_EQ((*parsed).at(1)["x"].at(0).integer(), 3);
    EXPECT_EQ((*parsed).at(3).integer(), 4);
    EXPECT_FALSE((*parsed).at(4));
    EXPECT_FALSE((*parsed)["s"]) << "an array has no members";
    EXPECT_FALSE((*parsed).at(1).at(0)) << "an object has no elements";
}

TEST(JsonValue, ContainersAreWalkedInOrder) {
    const Parsed parsed(R"({"a":[1,[],{}],"b":{"x":{}},"\n":null})");
    std::string seen;
    for (Value v = (*parsed).first(); v; v = v.next_in(*parsed))
        seen += v.name() + "=" + std::string(v.raw()) + ";";
    EXPECT_EQ(seen, "a=[1,[],{}];b={\"x\":{}};\n=null;");
    const Value a = (*parsed)["a"];
    seen.clear();
    for (Value v = a.first(); v; v = v.next_in(a)) seen += std::string(v.raw()) + ";";
    EXPECT_EQ(seen, "1;[];{};");
    EXPECT_FALSE(a.at(1).first());
}

TEST(JsonValue, NamesCanBeReadWithoutACopy) {
    const Parsed parsed(R"({"plain":1,"\u0065scaped":2})");
    const Value first = (*parsed).first();
    EXPECT_EQ(first.plain_name(), "plain");
    EXPECT_EQ(first.raw_name(), "\"plain\"");
    const Value second = first.next_in(*parsed);
    EXPECT_EQ(second.plain_name(), std::nullopt);
    EXPECT_EQ(second.name(), "escaped");
    EXPECT_TRUE(second.is_named("escaped"));
    EXPECT_FALSE(second.is_named("plain"));
}

TEST(JsonValue, StringsAreUnescaped) {
    const Parsed parsed(
        R"(["plain","\" \\ \/ \b \f \n \r \t","\u0041\u00e9\u20ac\ud83d\udca9","\u0000"])");
    EXPECT_EQ((*parsed).at(0).plain(), "plain");
    EXPECT_EQ((*parsed).at(1).plain(), std::nullopt);
    EXPECT_EQ((*parsed).at(1).string(), "\" \\ / \b \f \n \r \t");
    EXPECT_EQ((*parsed).at(2).string(), "Aé€💩");
    EXPECT_EQ((*parsed).at(3).string(), std::string(1, '\0'));
}

TEST(JsonValue, ALoneSurrogateReadsAsTheReplacementCharacter) {
    const Parsed parsed(R"(["\ud83dx","\udca9","\ud83d\ud83d\udca9","\ud83d\u0041"])");
    EXPECT_EQ((*parsed).at(0).string(), "\xef\xbf\xbdx");
    EXPECT_EQ((*parsed).at(1).string(), "\xef\xbf\xbd");
    EXPECT_EQ((*parsed).at(2).string(), "\xef\xbf\xbd💩");
    EXPECT_EQ((*parsed).at(3).string(),
              "\xef\xbf\xbd"
              "A");
}

TEST(JsonValue, ScalarsHaveAText) {
    const Parsed parsed(R"(["s\n",1.500,true,false,null,[],{}])");
    EXPECT_EQ((*parsed).at(0).scalar(), "s\n");
    EXPECT_EQ((*parsed).at(1).scalar(), "1.500");
    EXPECT_EQ((*parsed).at(2).scalar(), "true");
    EXPECT_EQ((*parsed).at(3).scalar(), "false");
    for (std::uint32_t i = 4; i < 7; ++i) EXPECT_EQ((*parsed).at(i).scalar(), std::nullopt);
    std::string scratch;
    EXPECT_EQ((*parsed).at(0).scalar_view(scratch), "s\n");
    EXPECT_EQ((*parsed).at(1).scalar_view(scratch)->data(),
              parsed.text.data() + parsed.text.find("1.5"));
}

TEST(JsonValue, IntegersAreExactOrNone) {
    const Parsed parsed(
        "[9223372036854775807,-9223372036854775808,9223372036854775808,1.0,1e2,-0,\"1\"]");
    EXPECT_EQ((*parsed).at(0).integer(), INT64_MAX);
    EXPECT_EQ((*parsed).at(1).integer(), INT64_MIN);
    EXPECT_EQ((*parsed).at(2).integer(), std::nullopt);
    EXPECT_EQ((*parsed).at(3).integer(), std::nullopt);
    EXPECT_EQ((*parsed).at(4).integer(), std::nullopt);
    EXPECT_EQ((*parsed).at(5).integer(), 0);
    EXPECT_EQ((*parsed).at(6).integer(), std::nullopt);
}

TEST(JsonValue, NumbersBeyondDoubleBecomeTheLargestOrNought) {
    const Parsed parsed("[0.1,1e999,-1e999,1e-999,-1e-999,0e999," + std::string(400, '9') + ",0." +
                        std::string(400, '0') + "1]");
    EXPECT_EQ((*parsed).at(0).number(), 0.1);
    EXPECT_EQ((*parsed).at(1).number(), DBL_MAX);
    EXPECT_EQ((*parsed).at(2).number(), -DBL_MAX);
    EXPECT_EQ((*parsed).at(3).number(), 0.0);
    EXPECT_EQ((*parsed).at(4).number(), 0.0);
    EXPECT_EQ((*parsed).at(5).number(), 0.0);
    EXPECT_EQ((*parsed).at(6).number(), DBL_MAX);
    EXPECT_EQ((*parsed).at(7).number(), 0.0);
}

TEST(JsonValue, StringsAreComparedByWhatTheyMean) {
    const Parsed parsed(R"(["ab","\u0061b",1])");
    EXPECT_TRUE((*parsed).at(0).equals("ab"));
    EXPECT_TRUE((*parsed).at(1).equals("ab"));
    EXPECT_FALSE((*parsed).at(0).equals("a"));
    EXPECT_FALSE((*parsed).at(2).equals("1"));
}

TEST(JsonCompact, OnlyWhiteSpaceBetweenTokensGoes) {
    EXPECT_EQ(
        compact(" { \"a b\" : [ 1.500 , 1e-8 ,\n\t\"x \\\" y\\\\\" ] , \"a b\" : { } } ").value(),
        R"({"a b":[1.500,1e-8,"x \" y\\"],"a b":{}})");
    EXPECT_EQ(compact(" 18446744073709551616 ").value(), "18446744073709551616");
    EXPECT_EQ(compact("[]").value(), "[]");
    EXPECT_FALSE(compact("[1 2]"));
    EXPECT_FALSE(compact("[[]]", {.depth_max = 1}));
}

TEST(JsonCompact, AnyPartCanBeCompacted) {
    const Parsed parsed(R"({ "tight":[1,2],"loose":{"x": [ 3 ]},"s":" x " })");
    const auto of = [&](const char* name) {
        Bytes out = "> ";
        (*parsed)[name].append_compact(out);
        return out;
    };
    EXPECT_EQ(of("tight"), "> [1,2]");
    EXPECT_EQ(of("loose"), "> {\"x\":[3]}");
    EXPECT_EQ(of("s"), "> \" x \"");
}

}  // namespace
}  // namespace anode::json
