#include "unit/pipeline/support.hpp"

namespace anode::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

TEST_F(PipelineSpec, AFilterKeepsWhatHolds) {
    runs(with_steps(R"({"filter":"(.data.q|tonumber) > 5"})"));
    hears("in.a", R"({"q":"4.9"})");
    hears("in.a", R"({"q":"5.10"})");
    EXPECT_THAT(out.payloads(), ElementsAre(R"({"q":"5.10"})"));
    EXPECT_EQ(pipelines.status("p")->counters.filtered, 1U);
    EXPECT_EQ(pipelines.status("p")->counters.out, 1U);
}

TEST_F(PipelineSpec, AMapLeavesDigitsAsTheyCame) {
    runs(with_steps(R"({"map":".data + {venue: .tokens[1]}"})"));
    hears("in.okx", R"({"p":91234.10,"q":1e-7,"n":12345678901234567890})");
    EXPECT_THAT(out.payloads(),
                ElementsAre(R"({"p":91234.10,"q":1e-7,"n":12345678901234567890,"venue":"okx"})"));
}

TEST_F(PipelineSpec, AMapWithoutAResultDropsTheMessage) {
    runs(with_steps(R"({"map":"if .data.a then .data else empty end"})"));
    hears("in.a", R"({"a":false})");
    EXPECT_THAT(out.made, IsEmpty());
    EXPECT_THAT(out.reasons, IsEmpty());
    EXPECT_EQ(pipelines.status("p")->counters.filtered, 1U);
}

TEST_F(PipelineSpec, TheKeyIsAnExpressionOrATemplate) {
    runs(with_steps(R"({"key":".data.s"})", "a", "in.a", "out.a"));
    runs(with_steps(R"({"key":"{.s}-{tokens[1]}"})", "b", "in.b", "out.b"));
    hears("in.a", R"({"s":"BTC"})");
    hears("in.b", R"({"s":"BTC"})");
    ASSERT_THAT(out.made, SizeIs(2));
    EXPECT_EQ(out.made[0].key, "BTC");
    EXPECT_EQ(out.made[1].key, "BTC-b");
}

TEST_F(PipelineSpec, AKeyThatIsNoTextIsAFailure) {
    runs(with_steps(R"({"key":".data.s"})"));
    hears("in.a", R"({"s":{"deep":1}})");
    hears("in.a", R"({})");
    EXPECT_THAT(out.reasons, ElementsAre("pipeline p, step 0 (key): the key is no text",
                                         "pipeline p, step 0 (key): the key is no text"));
}

TEST_F(PipelineSpec, RepeatsWithinTheWindowAreDropped) {
    runs(with_steps(R"({"dedupe":{"by":[".key",".data.id"],"keep":"1m"}})"));
    hears("in.a", R"({"id":1})", "k");
    hears("in.a", R"({"id":1})", "k");
    hears("in.a", R"({"id":1})", "other");
    passes(61s);
    hears("in.a", R"({"id":1})", "k");
    EXPECT_THAT(out.made, SizeIs(3));
    EXPECT_EQ(pipelines.status("p")->counters.duplicates, 1U);
}

TEST_F(PipelineSpec, AnIdOfTwoPartsIsNotTheSameAsItsPartsJoined) {
    runs(with_steps(R"({"dedupe":{"by":[".data.a",".data.b"]}})"));
    hears("in.a", R"({"a":"xy","b":"z"})");
    hears("in.a", R"({"a":"x","b":"yz"})");
    EXPECT_THAT(out.made, SizeIs(2));
}

TEST_F(PipelineSpec, WhatIsOverTheRateIsDroppedAndCounted) {
    runs(with_steps(R"({"limit":"3/s"})"));
    for (int i = 0; i < 5; ++i) hears("in.a", "1");
    EXPECT_THAT(out.made, SizeIs(3));
    passes(1s);
    hears("in.a", "2");
    EXPECT_THAT(out.made, SizeIs(4));
    EXPECT_EQ(pipelines.status("p")->counters.limited, 2U);
}

TEST_F(PipelineSpec, ConflationLetsTheNewestOfEachTopicAndKeyOut) {
    runs(with_steps(R"({"conflate":"250ms"})", "p", "in.>", "out.{tokens[1]}"));
    hears("in.a", "1", "k");
    hears("in.b", "2", "k");
    hears("in.a", "3", "k");
    hears("in.a", "4", "l");
    EXPECT_THAT(out.made, IsEmpty());
    runs_for(250ms);
    EXPECT_THAT(out.payloads(), ElementsAre("3", "2", "4"));
    EXPECT_THAT(out.topics(), ElementsAre("out.a", "out.b", "out.a"));
    EXPECT_FALSE(pipelines.due().has_value());
    EXPECT_EQ(pipelines.status("p")->counters.conflated, 1U);
}

TEST_F(PipelineSpec, TheFirstMatchNamesTheTopic) {
    runs(R"({"name":"p","input":"in.>","steps":[{"route":[
        {"match":".data.a == 1","to":"x.{.b}"},{"match":".data.a == 2","to":"y.{key}"}]}]})");
    hears("in.a", R"({"a":1,"b":"BTC/USDT"})");
    hears("in.a", R"({"a":2})", "k");
    hears("in.a", R"({"a":3})");
    EXPECT_THAT(out.topics(), ElementsAre("x.BTC~2FUSDT", "y.k"));
    EXPECT_EQ(pipelines.status("p")->counters.filtered, 1U);
}

TEST_F(PipelineSpec, ATopicThatCannotBeIsAFailureAndNeverAMessage) {
    runs(R"({"name":"p","input":"in.>","steps":[{"route":[{"to":"x.{.b}"}]}]})");
    hears("in.a", R"({"b":")" + std::string(65, 'x') + R"("})");
    hears("in.a", R"({"b":""})");
    EXPECT_THAT(out.made, IsEmpty());
    ASSERT_THAT(out.reasons, SizeIs(2));
    EXPECT_THAT(out.reasons[0], HasSubstr("longer than 64 bytes"));
}

TEST_F(PipelineSpec, AFailureNamesPipelineStepAndReason) {
    runs(with_steps(R"({"filter":"true"},{"map":".data.a + 1"})"));
    hears("in.a", R"({"a":{}})");
    ASSERT_THAT(out.reasons, SizeIs(1));
    EXPECT_THAT(out.reasons[0], StartsWith("pipeline p, step 1 (map): "));
    EXPECT_THAT(out.refused, ElementsAre(R"({"a":{}})"));
    EXPECT_EQ(pipelines.status("p")->counters.failed, 1U);
    EXPECT_EQ(pipelines.status("p")->last_error, out.reasons[0]);
}

TEST_F(PipelineSpec, AResultOverAMebibyteIsAFailure) {
    runs(with_steps(R"({"map":"[.data, .data]"})"));
    hears("in.a", "\"" + std::string(600'000, 'x') + "\"");
    ASSERT_THAT(out.reasons, SizeIs(1));
    EXPECT_THAT(out.reasons[0], HasSubstr("larger than 1 MiB"));
}

TEST_F(PipelineSpec, APayloadThatIsNoJsonPassesUntouched) {
    runs(with_steps(R"({"filter":".topic == \"in.a\""})"));
    hears("in.a", "\xff\x01", {}, "image/png");
    EXPECT_THAT(out.payloads(), ElementsAre("\xff\x01"));
}

TEST_F(PipelineSpec, StepsSeeWhatTheStepsBeforeThemMade) {
    runs(with_steps(
        R"({"map":"{n: .data}"},{"key":".data.n|tostring"},{"filter":".key == \"7\""})"));
    hears("in.a", "7");
    hears("in.a", "8");
    ASSERT_THAT(out.made, SizeIs(1));
    EXPECT_EQ(out.made[0], (Made{"p", "out", "7", R"({"n":7})", "feed"}));
}

TEST_F(PipelineSpec, ADisabledPipelineReadsNothing) {
    runs(R"({"name":"p","enabled":false,"input":"in.>","output":"out","steps":[]})");
    EXPECT_TRUE(pipelines.empty());
    EXPECT_FALSE(pipelines.reads("in.a"));
    hears("in.a", "1");
    EXPECT_THAT(out.made, IsEmpty());
}

TEST_F(PipelineSpec, SystemTopicsAreReadOnlyWhereTheyAreNamed) {
    runs(with_steps("", "p", "*.gap", "out"));
    EXPECT_FALSE(pipelines.reads("$sys.gap"));
    runs(with_steps("", "p", "$sys.>", "out"));
    EXPECT_TRUE(pipelines.reads("$sys.gap"));
}

TEST_F(PipelineSpec, WhatAReplacedPipelineHoldsComesOutAtTheNextTick) {
    runs(with_steps(R"({"conflate":"1h"})"));
    hears("in.a", "1", "k");
    runs(with_steps(R"({"conflate":"30m"})"));
    ASSERT_TRUE(pipelines.due().has_value());
    pipelines.tick(now, out);
    EXPECT_THAT(out.payloads(), ElementsAre("1"));
    hears("in.a", "2", "k");
    EXPECT_TRUE(pipelines.remove("p"));
    pipelines.flush(now, out);
    EXPECT_THAT(out.payloads(), ElementsAre("1", "2"));
    EXPECT_FALSE(pipelines.due().has_value());
}

TEST_F(PipelineSpec, TheOutcomesAreCountedAsMetrics) {
    metrics::Registry registry;
    Pipelines counted(&registry);
    ASSERT_TRUE(counted.put(defined(with_steps(R"({"filter":".data > 1"})")), now));
    Input input;
    input.draft.topic = "in.a";
    input.draft.payload = "1";
    counted.handle(input, now, out);
    EXPECT_THAT(registry.prometheus(),
                HasSubstr(R"(anode_pipeline_messages_total{pipeline="p",result="filtered"} 1)"));
    EXPECT_TRUE(counted.remove("p"));
    EXPECT_FALSE(counted.remove("p"));
    EXPECT_THAT(registry.prometheus(), testing::Not(HasSubstr("pipeline=\"p\"")));
}

}  // namespace
}  // namespace anode::pipeline
