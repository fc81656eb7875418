#include "unit/pipeline/support.hpp"

namespace anode::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kAll =
    R"({"window":{"size":"10s","fields":{"n":"count","s":{"sum":".data.p"},"lo":{"min":".data.p"},
    "hi":{"max":".data.p"},"avg":{"mean":".data.p"},"end":{"last":".data"}}}})";

TEST_F(PipelineSpec, ATumblingWindowTellsOnceAboutEachKey) {
    runs(with_steps(kAll));
    hears("in.a", R"({"p":2.50})", "BTC");
    hears("in.a", R"({"p":10.00})", "BTC");
    hears("in.a", R"({"p":1.10})", "BTC");
    runs_for(9s);
    EXPECT_THAT(out.made, IsEmpty());
    runs_for(1s);
    EXPECT_THAT(
        out.payloads(),
        ElementsAre(R"({"key":"BTC","from":"2026-01-01T00:00:00.000000Z",)"
                    R"("to":"2026-01-01T00:00:10.000000Z","n":3,"s":13.6,"lo":1.10,"hi":10.00,)"
                    R"("avg":4.533333333333333,"end":{"p":1.10}})"));
    EXPECT_EQ(out.made[0].key, "BTC");
    EXPECT_EQ(out.made[0].source, "feed");
    runs_for(60s);
    EXPECT_THAT(out.made, SizeIs(1));
    EXPECT_FALSE(pipelines.due().has_value()) << "nothing is held, nothing is due";
}

TEST_F(PipelineSpec, ASlidingWindowTellsEverySlideAboutItsWholeSize) {
    runs(with_steps(
        R"({"window":{"size":"3s","slide":"1s","fields":{"n":"count"}}},{"map":".data.n"})"));
    hears("in.a", "1");
    runs_for(1s);
    hears("in.a", "1");
    hears("in.a", "1");
    runs_for(10s);
    EXPECT_THAT(out.payloads(), ElementsAre("1", "3", "3", "2"));
}

TEST_F(PipelineSpec, GroupsAreFormedByAnExpression) {
    runs(with_steps(R"({"window":{"size":"1s","by":".data.s","fields":{"n":"count"}}})"));
    hears("in.a", R"({"s":"x"})");
    hears("in.a", R"({"s":"y"})");
    hears("in.a", R"({"s":"x"})");
    hears("in.a", R"({"s":[]})");
    runs_for(1s);
    ASSERT_THAT(out.made, SizeIs(2));
    EXPECT_EQ(out.made[0].key, "x");
    EXPECT_THAT(out.made[0].payload, HasSubstr(R"("n":2)"));
    EXPECT_EQ(out.made[1].key, "y");
    EXPECT_THAT(out.reasons, ElementsAre("pipeline p, step 0 (window): `.data.s` is no text"));
}

TEST_F(PipelineSpec, WithoutFieldsAWindowCounts) {
    runs(with_steps(R"({"window":{"size":"1s"}})"));
    hears("in.a", "1");
    runs_for(1s);
    ASSERT_THAT(out.made, SizeIs(1));
    EXPECT_THAT(out.made[0].payload, HasSubstr(R"("count":1)"));
}

TEST_F(PipelineSpec, WhatIsNoNumberIsAFailureAndNotCounted) {
    runs(with_steps(R"({"window":{"size":"1s","fields":{"n":"count","s":{"sum":".data.p"}}}})"));
    hears("in.a", R"({"p":"x"})", "only-bad");
    hears("in.a", R"({"p":1})", "k");
    hears("in.a", R"({"p":"1"})", "k");
    runs_for(1s);
    ASSERT_THAT(out.made, SizeIs(1)) << "a key with failures alone makes no window";
    EXPECT_THAT(out.made[0].payload, HasSubstr(R"("n":1,"s":1)"));
    EXPECT_THAT(out.reasons, ElementsAre(R"(pipeline p, step 0 (window): s: `"x"` is no number)",
                                         R"(pipeline p, step 0 (window): s: `"1"` is no number)"));
}

TEST_F(PipelineSpec, FailuresAloneHoldNothing) {
    runs(with_steps(R"({"window":{"size":"1s","fields":{"s":{"sum":".data.p"}}}})"));
    for (int i = 0; i < 50'000; ++i) hears("in.a", R"({"p":"x"})", std::to_string(i));
    EXPECT_FALSE(pipelines.due().has_value());
    pipelines.flush(now, out);
    EXPECT_THAT(out.made, IsEmpty());
}

TEST_F(PipelineSpec, ALateTickStillTellsEveryWindow) {
    runs(with_steps(
        R"({"window":{"size":"1s","fields":{"n":"count"}}},{"map":"[.data.from, .data.n]"})"));
    hears("in.a", "1");
    passes(1s);
    hears("in.a", "1");
    hears("in.a", "1");
    passes(7s);  // the loop was busy
    pipelines.tick(now, out);
    EXPECT_THAT(out.payloads(), ElementsAre(R"(["2026-01-01T00:00:00.000000Z",1])",
                                            R"(["2026-01-01T00:00:01.000000Z",2])"));
}

TEST_F(PipelineSpec, NoMessageIsLostWhenTheWallClockSteps) {
    runs(with_steps(R"({"window":{"size":"10s","fields":{"n":"count"}}},{"map":".data.n"})"));
    hears("in.a", "1");
    now.wall += 3'600'000'000;
    hears("in.a", "1");
    now.wall -= 7'200'000'000;
    hears("in.a", "1");
    runs_for(3h);
    std::uint64_t counted = 0;
    for (const std::string& n : out.payloads()) counted += std::stoull(n);
    EXPECT_EQ(counted, 3U);
}

TEST_F(PipelineSpec, AFlushTellsTheWindowThatIsOpen) {
    runs(with_steps(R"({"window":{"size":"1h","fields":{"n":"count"}}},{"map":".data.n"})"));
    hears("in.a", "1");
    passes(1s);
    pipelines.flush(now, out);
    EXPECT_THAT(out.payloads(), ElementsAre("1"));
    EXPECT_FALSE(pipelines.due().has_value());
}

TEST_F(PipelineSpec, ALargeWindowIsLetOutEarlyRatherThanGrow) {
    runs(with_steps(
        R"({"window":{"size":"1h","fields":{"n":"count","end":{"last":".data"}}}},{"map":".data.n"})"));
    const std::string large = "\"" + std::string(100'000, 'x') + "\"";
    for (int i = 0; i < 200; ++i) hears("in.a", large, std::to_string(i));
    EXPECT_GT(out.made.size(), 50U) << "20 MB do not fit into 8 MiB";
    EXPECT_LT(out.made.size(), 200U);
    pipelines.flush(now, out);
    EXPECT_THAT(out.made, SizeIs(200)) << "and nothing is lost";
}

TEST_F(PipelineSpec, AfterAnEarlyLetOutTheSameWindowIsToldAgain) {
    runs(with_steps(
        R"({"window":{"size":"1h","fields":{"n":"count","end":{"last":".data"}}}},{"map":".data.n"})"));
    const std::string large = "\"" + std::string(1'000'000, 'x') + "\"";
    for (int i = 0; i < 9; ++i) hears("in.a", large, std::to_string(i));
    const std::size_t early = out.made.size();
    EXPECT_GT(early, 0U);
    hears("in.a", "1", "0");
    runs_for(1h);
    EXPECT_THAT(out.made, SizeIs(10));
}

TEST_F(PipelineSpec, ManyPanesCountForTheLimitToo) {
    runs(with_steps(R"({"window":{"size":"1000s","slide":"1s","fields":{
        "a":{"last":".data"},"b":{"last":".data"}}}},{"map":"1"})"));
    const std::string some = "\"" + std::string(1000, 'x') + "\"";
    for (int second = 0; second < 30; ++second) {
        for (int key = 0; key < 200; ++key) hears("in.a", some, std::to_string(key));
        passes(1s);
    }
    EXPECT_FALSE(out.made.empty()) << "12 MB of texts in panes are over 8 MiB";
}

TEST_F(PipelineSpec, ConflationIsLetOutEarlyRatherThanGrow) {
    runs(with_steps(R"({"conflate":"1h"})"));
    const std::string large = "\"" + std::string(1'000'000, 'x') + "\"";
    for (int i = 0; i < 20; ++i) hears("in.a", large, std::to_string(i));
    EXPECT_THAT(out.made, SizeIs(testing::Ge(9U)));
    pipelines.flush(now, out);
    EXPECT_THAT(out.made, SizeIs(20));
}

}  // namespace
}  // namespace anode::pipeline
