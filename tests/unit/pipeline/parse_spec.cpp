#include "unit/pipeline/support.hpp"

namespace anode::pipeline {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

/// The one complaint about these steps.
std::pair<std::string, std::string> complaint(std::string_view steps) {
    const auto all = complaints_about(with_steps(steps));
    EXPECT_THAT(all, SizeIs(1)) << steps;
    return all.empty() ? std::pair<std::string, std::string>() : all.front();
}

TEST(ParseSpec, TheDefinitionOfTheReferenceIsGood) {
    EXPECT_THAT(complaints_about(R"({"name":"big-trades","input":"crypto.*.*.trade",
        "output":"alerts.big.{tokens[2]}","steps":[{"filter":"(.data.q|tonumber) > 5"},
        {"map":".data + {venue: .tokens[1]}"},{"limit":"10/s"}]})"),
                IsEmpty());
}

TEST(ParseSpec, EverythingThatIsMissingIsToldAtOnce) {
    EXPECT_THAT(complaints_about("{}"),
                ElementsAre(Pair("/name", "is required"), Pair("/input", "is required"),
                            Pair("/steps", "is required"),
                            Pair("/output", "is required unless a step routes")));
    EXPECT_THAT(complaints_about("[]"), ElementsAre(Pair("", "a pipeline is an object")));
}

TEST(ParseSpec, AnUnknownMemberIsToldWithTheNearestName) {
    EXPECT_THAT(
        complaints_about(R"({"name":"p","input":"a","outputs":"b","output":"b","steps":[]})"),
        ElementsAre(Pair("/outputs", "unknown member `outputs`; did you mean `output`?")));
    EXPECT_THAT(complaint(R"({"fliter":"true"})"),
                Pair("/steps/0/fliter", HasSubstr("did you mean `filter`?")));
    EXPECT_THAT(complaint(R"({"filter":"true"},{"window":{"size":"1s","feilds":{}}})"),
                Pair("/steps/1/window/feilds", HasSubstr("did you mean `fields`?")));
}

TEST(ParseSpec, PointersEscapeWhatPointersMustEscape) {
    EXPECT_THAT(complaints_about(R"({"a/b~c":1,"name":"p","input":"a","output":"b","steps":[]})"),
                ElementsAre(Pair("/a~1b~0c", HasSubstr("unknown member"))));
}

TEST(ParseSpec, AStepHasOneMember) {
    EXPECT_THAT(complaint("{}"), Pair("/steps/0", HasSubstr("one member")));
    EXPECT_THAT(complaint("7"), Pair("/steps/0", HasSubstr("one member")));
    EXPECT_THAT(complaint(R"({"filter":"true","map":"."})"),
                Pair("/steps/0", HasSubstr("one member")));
    EXPECT_THAT(complaint(R"({"filter":"true","mpa":"."})"),
                Pair("/steps/0/mpa", HasSubstr("did you mean `map`?")));
}

TEST(ParseSpec, EveryKindOfStepSaysWhatItExpects) {
    EXPECT_THAT(complaint(R"({"filter":7})"), Pair("/steps/0/filter", HasSubstr("jq expression")));
    EXPECT_THAT(complaint(R"({"map":".data.("})"), Pair("/steps/0/map", HasSubstr("at byte")));
    EXPECT_THAT(complaint(R"({"key":"{.a"})"), Pair("/steps/0/key", Not(IsEmpty())));
    EXPECT_THAT(complaint(R"({"limit":"fast"})"), Pair("/steps/0/limit", HasSubstr("10/s")));
    EXPECT_THAT(complaint(R"({"limit":"0/s"})"), Pair("/steps/0/limit", HasSubstr("10/s")));
    EXPECT_THAT(complaint(R"({"conflate":"2h"})"),
                Pair("/steps/0/conflate", "is not between 1ms and 1h"));
    EXPECT_THAT(complaint(R"({"conflate":5})"), Pair("/steps/0/conflate", HasSubstr("duration")));
    EXPECT_THAT(complaint(R"({"dedupe":{"by":[]}})"),
                Pair("/steps/0/dedupe/by", HasSubstr("nothing")));
    EXPECT_THAT(complaint(R"({"dedupe":{}})"), Pair("/steps/0/dedupe/by", "is required"));
    EXPECT_THAT(complaint(R"({"dedupe":{"by":".a","max":0}})"),
                Pair("/steps/0/dedupe/max", HasSubstr("count")));
    EXPECT_THAT(complaint(R"({"dedupe":{"by":[".a",7]}})"),
                Pair("/steps/0/dedupe/by/1", HasSubstr("jq expression")));
    EXPECT_THAT(complaint(R"({"route":[]})"), Pair("/steps/0/route", HasSubstr("list")));
    EXPECT_THAT(complaint(R"({"route":[{"to":"a..b"}]})"),
                Pair("/steps/0/route/0/to", HasSubstr("token 2 is empty")));
    EXPECT_THAT(complaint(R"({"route":[{"match":"true","too":"a","to":"b"}]})"),
                Pair("/steps/0/route/0/too", HasSubstr("did you mean `to`?")));
}

TEST(ParseSpec, WindowsAreCheckedAsAWhole) {
    EXPECT_THAT(complaint(R"({"window":{"fields":{"n":"count"}}})"),
                Pair("/steps/0/window/size", "is required"));
    EXPECT_THAT(complaint(R"({"window":{"size":"10s","slide":"3s"}})"),
                Pair("/steps/0/window/slide", HasSubstr("whole multiple")));
    EXPECT_THAT(complaint(R"({"window":{"size":"1s","slide":"2s"}})"),
                Pair("/steps/0/window/slide", HasSubstr("whole multiple")));
    EXPECT_THAT(complaint(R"({"window":{"size":"24h","slide":"10ms"}})"),
                Pair("/steps/0/window/slide", HasSubstr("thousandfold")));
    EXPECT_THAT(complaint(R"({"window":{"size":"1s","fields":{"n":"cuont"}}})"),
                Pair("/steps/0/window/fields/n", HasSubstr("count")));
    EXPECT_THAT(complaint(R"({"window":{"size":"1s","fields":{"n":{"summ":".data"}}}})"),
                Pair("/steps/0/window/fields/n/summ", HasSubstr("did you mean `sum`?")));
    EXPECT_THAT(complaint(R"({"window":{"size":"1s","fields":{"from":"count"}}})"),
                Pair("/steps/0/window/fields/from", HasSubstr("already")));
    EXPECT_THAT(complaint(R"({"window":{"size":"1s","fields":{"n":"count","n":"count"}}})"),
                Pair("/steps/0/window/fields/n", "is written twice"));
}

TEST(ParseSpec, NamesInputsAndOutputsFollowTheirGrammar) {
    EXPECT_THAT(complaints_about(R"({"name":"Big","input":"a","output":"b","steps":[]})"),
                ElementsAre(Pair("/name", HasSubstr("`Big` is no name"))));
    EXPECT_THAT(complaints_about(R"({"name":"p","input":"a.>.b","output":"b","steps":[]})"),
                ElementsAre(Pair("/input", HasSubstr("must be the last"))));
    EXPECT_THAT(complaints_about(R"({"name":"p","input":"a","output":"$sys.x","steps":[]})"),
                ElementsAre(Pair("/output", HasSubstr("only nodes may write"))));
    EXPECT_THAT(
        complaints_about(
            R"({"name":"p","enabled":"yes","description":7,"input":"a","output":"b","steps":{}})"),
        ElementsAre(Pair("/enabled", "expects true or false"),
                    Pair("/description", "expects a string"),
                    Pair("/steps", HasSubstr("at most 100 steps"))));
}

TEST(ParseSpec, OfRepeatedMembersTheLastWins) {
    const auto definition = defined(
        R"({"name":"p","input":"in.>","output":"out","steps":[{"filter":"false"}],"steps":[]})");
    Pipelines pipelines;
    Collector out;
    ASSERT_TRUE(pipelines.put(definition, {}));
    Input input;
    input.draft.topic = "in.a";
    input.draft.payload = "1";
    pipelines.handle(input, {}, out);
    EXPECT_THAT(out.made, SizeIs(1));
}

TEST(ParseSpec, TheSchemaIsJsonAndCoversEveryStep) {
    json::Document document;
    const std::string schema = json_schema();
    ASSERT_TRUE(document.parse(schema).has_value()) << schema;
    const json::Value root = document.root();
    EXPECT_EQ(root["properties"]["steps"]["items"]["$ref"].string(), "#/$defs/step");
    EXPECT_EQ(root["$defs"]["step"]["properties"].size(), 8U);
    for (const char* key : {"name", "enabled", "description", "input", "output", "steps"})
        EXPECT_TRUE(root["properties"].find(key).present()) << key;
}

TEST(ParseSpec, TheReferenceListsEveryKeyAndStep) {
    const std::string reference = reference_markdown();
    for (const char* key : {"name", "enabled", "description", "input", "output", "steps", "filter",
                            "map", "key", "window", "dedupe", "limit", "conflate", "route"})
        EXPECT_THAT(reference, HasSubstr("\n| `" + std::string(key) + "` | ")) << key;
}

TEST(TrialSpec, EachStepIsShown) {
    const auto definition = defined(
        with_steps(R"({"filter":".data.q > 5"},{"map":"{q: .data.q}"},{"key":".data.q|tostring"})",
                   "p", "in.>", "out.{key}"));
    std::vector<Input> inputs(3);
    for (Input& input : inputs) input.draft.topic = "in.a";
    inputs[0].draft.payload = R"({"q":6.0,"z":1})";
    inputs[1].draft.payload = R"({"q":1})";
    inputs[2].draft.payload = R"({"q":"a"})";
    const Bytes shown = trial(*definition, inputs, {});
    json::Document document;
    ASSERT_TRUE(document.parse(shown).has_value()) << shown;
    const json::Value results = document.root()["results"];
    ASSERT_EQ(results.size(), 3U);
    const json::Value first = results.at(0);
    EXPECT_EQ(first["input"]["topic"].string(), "in.a");
    EXPECT_EQ(first["steps"].size(), 3U);
    EXPECT_EQ(first["steps"].at(1)["message"]["data"].raw(), R"({"q":6.0})");
    EXPECT_EQ(first["outputs"].at(0)["topic"].string(), "out.6~2E0");
    EXPECT_EQ(results.at(1)["steps"].at(0)["result"].string(), "filtered");
    EXPECT_EQ(results.at(1)["outputs"].size(), 0U);
}

TEST(TrialSpec, WhatIsHeldIsShownAsItWouldComeOut) {
    const auto definition =
        defined(with_steps(R"({"window":{"size":"1h"}},{"map":".data.count"})"));
    std::vector<Input> inputs(2);
    for (Input& input : inputs) input.draft = {.topic = "in.a", .payload = "1"};
    const Bytes shown = trial(*definition, inputs, {});
    json::Document document;
    ASSERT_TRUE(document.parse(shown).has_value()) << shown;
    EXPECT_EQ(document.root()["results"].at(0)["steps"].at(0)["result"].string(), "held");
    EXPECT_EQ(document.root()["held"].at(0)["outputs"].at(0)["data"].raw(), "2");
}

TEST(TrialSpec, AFailureIsShownWithItsWords) {
    const auto definition = defined(with_steps(R"({"map":".data + 1"})"));
    std::vector<Input> inputs(1);
    inputs[0].draft = {.topic = "in.a", .payload = "{}"};
    const Bytes shown = trial(*definition, inputs, {});
    json::Document document;
    ASSERT_TRUE(document.parse(shown).has_value()) << shown;
    const json::Value step = document.root()["results"].at(0)["steps"].at(0);
    EXPECT_EQ(step["result"].string(), "failed");
    EXPECT_NE(step["detail"].string(), "");
}

}  // namespace
}  // namespace anode::pipeline
