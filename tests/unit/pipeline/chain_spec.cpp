#include "unit/pipeline/support.hpp"

namespace anode::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class ChainSpec : public PipelineSpec {
protected:
    std::string refused(std::string_view json) {
        const auto put = pipelines.put(defined(json), now);
        return put ? "" : put.error().what;
    }
};

TEST_F(ChainSpec, TheOutputOfOneFeedsAnother) {
    runs(with_steps(R"({"map":".data + 1"})", "first", "in.>", "mid.a"));
    runs(with_steps(R"({"map":".data * 10"})", "second", "mid.>", "out.a"));
    hears("in.a", "1");
    EXPECT_THAT(out.payloads(), ElementsAre("2", "20"));
    EXPECT_THAT(out.topics(), ElementsAre("mid.a", "out.a"));
}

TEST_F(ChainSpec, WhatAWindowLetsOutFeedsTheNextToo) {
    runs(with_steps(R"({"window":{"size":"1s"}})", "first", "in.>", "mid.a"));
    runs(with_steps(R"({"map":".data.count"})", "second", "mid.>", "out.a"));
    hears("in.a", "1");
    runs_for(1s);
    EXPECT_THAT(out.topics(), ElementsAre("mid.a", "out.a"));
    EXPECT_EQ(out.payloads().back(), "1");
}

TEST_F(ChainSpec, ADirectLoopIsRefused) {
    EXPECT_EQ(refused(with_steps("", "p", "a.b", "a.b")),
              "the output would come back to the input: p → p");
    EXPECT_FALSE(pipelines.status("p").has_value());
}

TEST_F(ChainSpec, AnIndirectLoopIsRefusedAndNamed) {
    runs(with_steps("", "one", "a.x", "b.x"));
    runs(with_steps("", "two", "b.x", "c.x"));
    EXPECT_EQ(refused(with_steps("", "three", "c.x", "a.x")),
              "the output would come back to the input: three → one → two → three");
}

TEST_F(ChainSpec, ALoopByWildcardIsRefused) {
    EXPECT_THAT(refused(with_steps("", "p", "a.>", "a.{tokens[1]}")), HasSubstr("come back"));
    EXPECT_THAT(refused(with_steps("", "p", "*.fixed", "{key}.fixed")), HasSubstr("come back"));
    EXPECT_THAT(refused(with_steps("", "p", ">", "anything")), HasSubstr("come back"));
    EXPECT_EQ(refused(with_steps("", "p", "a.*", "a.b.{key}")), "");
}

TEST_F(ChainSpec, ALoopThroughARouteIsRefused) {
    EXPECT_THAT(refused(R"({"name":"p","input":"a.>","steps":[{"route":[
        {"match":".data.x","to":"b.x"},{"to":"a.y"}]}]})"),
                HasSubstr("come back"));
}

TEST_F(ChainSpec, ADisabledPipelineClosesNoLoop) {
    EXPECT_EQ(refused(R"({"name":"p","enabled":false,"input":"a.b","output":"a.b","steps":[]})"),
              "");
    runs(with_steps("", "one", "a.x", "b.x"));
    EXPECT_EQ(refused(R"({"name":"two","enabled":false,"input":"b.x","output":"a.x","steps":[]})"),
              "");
}

TEST_F(ChainSpec, AReplacementIsJudgedWithoutWhatItReplaces) {
    runs(with_steps("", "p", "a.x", "b.x"));
    EXPECT_EQ(refused(with_steps("", "p", "b.x", "a.x")), "");
    hears("b.x", "1");
    EXPECT_THAT(out.topics(), ElementsAre("a.x"));
}

TEST_F(ChainSpec, ARefusedReplacementLeavesWhatRuns) {
    runs(with_steps("", "p", "a.x", "b.x"));
    EXPECT_NE(refused(with_steps("", "p", "a.x", "a.x")), "");
    hears("a.x", "1");
    EXPECT_THAT(out.topics(), ElementsAre("b.x"));
}

TEST_F(ChainSpec, CheckingChangesNothing) {
    EXPECT_FALSE(pipelines.check(*defined(with_steps("", "p", "a.b", "a.b"))).has_value());
    EXPECT_TRUE(pipelines.check(*defined(with_steps("", "p", "a.b", "c.d"))).has_value());
    EXPECT_TRUE(pipelines.empty());
}

TEST_F(ChainSpec, AMessagePassesAtMostEightPipelines) {
    for (int i = 0; i < 10; ++i)
        runs(with_steps("", "p" + std::to_string(i), "t" + std::to_string(i) + ".x",
                        "t" + std::to_string(i + 1) + ".x"));
    hears("t0.x", "1");
    EXPECT_THAT(out.made, SizeIs(8));
    EXPECT_THAT(out.reasons, ElementsAre("the message has passed eight pipelines"));
}

TEST_F(ChainSpec, SeveralPipelinesReadOneMessageAndNoneSeesTheOthersChanges) {
    runs(with_steps(R"({"map":"1"})", "a", "in.>", "out.a"));
    runs(with_steps("", "b", "in.x,in.*", "out.b"));
    hears("in.x", "0");
    EXPECT_THAT(out.payloads(), ElementsAre("1", "0")) << "once each, though two patterns match";
}

}  // namespace
}  // namespace anode::pipeline
