#include <gmock/gmock.h>

#include "unit/expr/support.hpp"

namespace anode::expr {
namespace {

using ::testing::HasSubstr;
using testing::result;

/// An envelope as a filter or map sees it.
class EnvelopeSpec : public ::testing::Test {
protected:
    EnvelopeSpec() {
        EXPECT_TRUE(document_.parse(text_));
        scope.root = document_.root();
    }
    std::string over(const std::string& program) const {
        const auto compiled = Program::compile(program);
        if (!compiled) return compiled.error().detail;
        Bytes out;
        const auto written = compiled->write(scope, out);
        return written ? out : written.error().what;
    }
    Scope scope{.envelope = true,
                .topic = "crypto.binance.BTCUSDT.trade",
                .source = "binance",
                .node = "n-7f3a91",
                .key = "BTCUSDT",
                .id = "06F1",
                .ts = 1767225600123456,
                .source_time = 1767225600123000};

private:
    std::string text_ = R"({"p":"91234.10","q":"5.5","n":1.500})";
    json::Document document_;
};

TEST_F(EnvelopeSpec, HasThePayloadAndWhatIsKnownOfTheMessage) {
    EXPECT_EQ(over("(.data.q|tonumber) > 5"), "true");
    EXPECT_EQ(over(".data.n"), "1.500");
    EXPECT_EQ(over(".topic"), "\"crypto.binance.BTCUSDT.trade\"");
    EXPECT_EQ(over(".tokens[1]"), "\"binance\"");
    EXPECT_EQ(over(".tokens[-1] == \"trade\""), "true");
    EXPECT_EQ(over(".ts"), "1767225600123456");
    EXPECT_EQ(over(".sts"), "1767225600123000");
    EXPECT_EQ(over("[.src, .node, .key, .id]"), R"(["binance","n-7f3a91","BTCUSDT","06F1"])");
    EXPECT_EQ(over(".p"), "null") << "the payload's members are below .data";
    EXPECT_EQ(over("[.kind, .ct, .b64, .nothing]"), "[null,null,null,null]");
}

TEST_F(EnvelopeSpec, AMapAddsToThePayload) {
    EXPECT_EQ(over(".data + {venue: .tokens[1]}"),
              R"({"p":"91234.10","q":"5.5","n":1.500,"venue":"binance"})");
    EXPECT_EQ(over("{t: .ts, d: .data}"),
              R"({"t":1767225600123456,"d":{"p":"91234.10","q":"5.5","n":1.500}})");
}

TEST_F(EnvelopeSpec, IsOneObjectIfAskedForAsAWhole) {
    EXPECT_EQ(
        over("."),
        R"({"id":"06F1","topic":"crypto.binance.BTCUSDT.trade","ts":1767225600123456,"src":"binance",)"
        R"("node":"n-7f3a91","key":"BTCUSDT","sts":1767225600123000,)"
        R"("data":{"p":"91234.10","q":"5.5","n":1.500},)"
        R"("tokens":["crypto","binance","BTCUSDT","trade"]})");
    EXPECT_EQ(over("type"), "\"object\"");
    EXPECT_EQ(over("has(\"data\") and (has(\"b64\") | not)"), "true");
    EXPECT_EQ(over(".[0]"), "Cannot index object with number");
}

TEST_F(EnvelopeSpec, BinaryPayloadsAreBase64) {
    scope.root = {};
    scope.content_type = "application/x-bin";
    scope.binary = std::string_view("\x00\x01", 2);
    EXPECT_EQ(over("[.b64, .ct, .data]"), R"(["AAE=","application/x-bin",null])");
}

class ProgramSpec : public ::testing::Test {
protected:
    static Program compiled(const std::string& text) { return Program::compile(text).value(); }
    Scope over(const std::string& text) {
        text_ = text;
        EXPECT_TRUE(document_.parse(text_));
        return {.root = document_.root()};
    }

private:
    std::string text_;
    json::Document document_;
};

TEST_F(ProgramSpec, TestIsWhetherTheResultIsNeitherFalseNorNull) {
    EXPECT_TRUE(compiled(".a").test(over(R"({"a":0})")).value());
    EXPECT_FALSE(compiled(".a").test(over(R"({"a":null})")).value());
    EXPECT_FALSE(compiled(".a").test(over("{}")).value());
    EXPECT_FALSE(compiled("empty").test(over("{}")).value());
    const auto error = compiled(".a.b").test(over(R"({"a":1})"));
    ASSERT_FALSE(error);
    EXPECT_EQ(error.error().code, Errc::Malformed);
    EXPECT_EQ(error.error().what, "Cannot index number with string \"b\"");
}

TEST_F(ProgramSpec, HoldsTakesAnErrorForNo) {
    EXPECT_TRUE(compiled(".ping").holds(over(R"({"ping":1492420473027})")));
    EXPECT_FALSE(compiled(".ping").holds(over("[1,2]")));
    EXPECT_FALSE(compiled("error(\"x\")").holds(over("{}")));
}

TEST_F(ProgramSpec, TextIsOfScalarsOnly) {
    EXPECT_EQ(compiled(".a").text_of(over(R"({"a":"x\n"})")), "x\n");
    EXPECT_EQ(compiled(".a").text_of(over(R"({"a":1.500})")), "1.500");
    EXPECT_EQ(compiled(".a + 1").text_of(over(R"({"a":1.500})")), "2.5");
    EXPECT_EQ(compiled(".a == 1").text_of(over(R"({"a":1})")), "true");
    for (const char* program : {"null", ".", "[]", "empty", "error(\"x\")"}) {
        EXPECT_EQ(compiled(program).text_of(over("{}")), std::nullopt) << program;
    }
}

TEST_F(ProgramSpec, WhatIsOnlySelectedKeepsItsBytes) {
    const std::string input =
        R"({"u":18446744073709551615, "p":1e-8,"q":1.500,"s":"\u00e9\/","o":{"a":1,"a":2}})";
    EXPECT_EQ(result(".", input),
              R"({"u":18446744073709551615,"p":1e-8,"q":1.500,"s":"\u00e9\/","o":{"a":1,"a":2}})");
    EXPECT_EQ(result("{x: .u, y: [.p, .q], z: .o}", input),
              R"({"x":18446744073709551615,"y":[1e-8,1.500],"z":{"a":1,"a":2}})");
    EXPECT_EQ(result(".none // .q", input), "1.500");
    EXPECT_EQ(result("if .u > 0 then .u else 0 end", input), "18446744073709551615");
    EXPECT_EQ(result(". + {p: 0}", input),
              R"({"u":18446744073709551615,"p":0,"q":1.500,"s":"\u00e9\/","o":{"a":1,"a":2}})");
    EXPECT_EQ(result(".s", input), R"("\u00e9\/")");
}

TEST_F(ProgramSpec, SelectedValuesArePartsOfTheInput) {
    const Scope scope = over(R"({"a":[1,{"b":2}]})");
    EXPECT_EQ(compiled(".a[1].b").selected(scope).raw(), "2");
    EXPECT_EQ(compiled(".a | last").selected(scope).raw(), R"({"b":2})");
    EXPECT_FALSE(compiled(".a[0] + 1").selected(scope).present());
    EXPECT_FALSE(compiled(".a.b").selected(scope).present());
}

// -- paths and selectors -------------------------------------------------------------------------

json::Value at(const json::Document& document, const char* path) {
    return Path::parse(path).value().get(document.root());
}

TEST(PathSpec, StepsAreMembersAndPlaces) {
    json::Document document;
    const std::string text = R"({"data":{"s":"x","0":"zero"},"events":[{"id":7}],"a b":1,"":2})";
    ASSERT_TRUE(document.parse(text));
    EXPECT_EQ(at(document, "data.s").string(), "x");
    EXPECT_EQ(at(document, "events.0.id").integer(), 7);
    EXPECT_EQ(at(document, "data.0").string(), "zero")
        << "digits name a member where there is an object";
    EXPECT_EQ(at(document, "a b").integer(), 1);
    EXPECT_EQ(at(document, "").raw(), text);
    EXPECT_FALSE(at(document, "events.1.id"));
    EXPECT_FALSE(at(document, "data.s.x"));
    EXPECT_FALSE(at(document, "events.id"));
}

TEST(PathSpec, EmptyStepsAndHugePathsAreRefused) {
    for (const char* text : {".", "a.", ".a", "a..b", "a\nb", "\xff"})
        EXPECT_FALSE(Path::parse(text)) << text;
    EXPECT_FALSE(Path::parse(std::string(1025, 'a')));
    std::string many = "a";
    for (int i = 0; i < 64; ++i) many += ".a";
    EXPECT_FALSE(Path::parse(many));
    EXPECT_EQ(Path::parse("99999999999999999999").value().steps()[0].is_index, false);
}

TEST(SelectorSpec, TellsExpressionsFromPaths) {
    for (const char* text : {".a", "(.a)", "type == \"array\"", "a | b", "a > 1", "a<b", "x != 1",
                             " .a", "has(\"a\")"}) {
        EXPECT_TRUE(is_expression(text)) << text;
    }
    for (const char* text : {"a", "data.s", "a b", "events.0.id", "", "a=b"})
        EXPECT_FALSE(is_expression(text)) << text;
}

TEST(SelectorSpec, ReadsThroughEither) {
    json::Document document;
    const std::string text = R"({"a":{"b":"x"},"n":1.50,"f":false})";
    ASSERT_TRUE(document.parse(text));
    const json::Value root = document.root();
    EXPECT_EQ(Selector::parse("a.b").value().text_of(root), "x");
    EXPECT_EQ(Selector::parse(".a.b").value().text_of(root), "x");
    EXPECT_EQ(Selector::parse("n").value().text_of(root), "1.50");
    EXPECT_EQ(Selector::parse(".n | . + 1").value().text_of(root), "2.5");
    EXPECT_EQ(Selector::parse(".a").value().value(root).raw(), R"({"b":"x"})");
    EXPECT_FALSE(Selector::parse(".n | . + 1").value().value(root).present());
    EXPECT_TRUE(Selector::parse("n").value().holds(root));
    EXPECT_FALSE(Selector::parse("f").value().holds(root));
    EXPECT_FALSE(Selector::parse("none").value().holds(root));
    EXPECT_TRUE(Selector::parse(".n > 1").value().holds(root));
    EXPECT_EQ(Selector::parse("a.b").value().text(), "a.b");
    EXPECT_EQ(Selector::parse(".n > 1").value().text(), ".n > 1");
}

TEST(SelectorSpec, RefusesWhatIsNeither) {
    EXPECT_EQ(Selector::parse(".a >").error().detail, "unexpected end after `>`");
    EXPECT_THAT(Selector::parse("a..b").error().detail, HasSubstr("a step is empty"));
}

}  // namespace
}  // namespace anode::expr
