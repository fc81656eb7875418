#include "core/pipeline/language.hpp"

#include "base/text.hpp"
#include "core/pipeline/jq_guard.hpp"
#include "unit/pipeline/support.hpp"

/// What libjq may use up for one message. None of these programs is refused by name.
namespace anode::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class JqGuardSpec : public PipelineSpec {
protected:
    void maps(const std::string& program) {
        runs(with_steps("{\"map\":" + text::json_string(program) + "}"));
    }
    /// An array of so many ones.
    static std::string ones(int count) {
        std::string json = "[1";
        for (int i = 1; i < count; ++i) json += ",1";
        return json + "]";
    }
};

TEST_F(JqGuardSpec, ATextThatDoublesWithEachElementIsRefusedAndTheNextMessagePasses) {
    maps(R"j({n: (reduce .data[] as $x ("ab"; . + .) | length)})j");
    hears("in.a", ones(60));
    EXPECT_THAT(out.reasons, ElementsAre(HasSubstr("too much memory or too many steps")));
    hears("in.a", "[1,1]");
    EXPECT_THAT(out.payloads(), ElementsAre(R"({"n":8})"));
}

TEST_F(JqGuardSpec, AnArrayThatDoublesWithEachElementIsRefusedAndTheNextMessagePasses) {
    maps("{n: (reduce .data[] as $x ([0]; . + .) | length)}");
    hears("in.a", ones(60));
    EXPECT_THAT(out.reasons, SizeIs(1));
    hears("in.a", "[1,1]");
    EXPECT_THAT(out.payloads(), ElementsAre(R"({"n":4})"));
}

TEST_F(JqGuardSpec, OneInstructionThatWantsGigabytesIsGivenUp) {
    maps("{n: (.data as $d | reduce $d[] as $i ([]; .[$i] = 1) | length)}");
    hears("in.a", "[1000000000]");
    EXPECT_THAT(out.reasons, SizeIs(1));
    hears("in.a", "[3]");
    EXPECT_THAT(out.payloads(), ElementsAre(R"({"n":4})"));
}

TEST_F(JqGuardSpec, ATextTakenABillionTimesIsGivenUp) {
    maps(R"j({n: (reduce .data[] as $i (""; "0123456789" * $i) | length)})j");
    hears("in.a", "[1000000000]");
    EXPECT_THAT(out.reasons, SizeIs(1));
    hears("in.a", "[2]");
    EXPECT_THAT(out.payloads(), ElementsAre(R"({"n":20})"));
}

TEST_F(JqGuardSpec, LoopsInLoopsEndWithTheirBudgetOfSteps) {
    maps(
        "{n: (.data as $d | reduce $d[] as $a (0; reduce $d[] as $b (.; reduce $d[] as $c (.; "
        "reduce $d[] as $e (.; . + 1)))))}");
    hears("in.a", ones(1000));
    EXPECT_THAT(out.reasons, SizeIs(1));
    hears("in.a", ones(3));
    EXPECT_THAT(out.payloads(), ElementsAre(R"({"n":81})"));
}

TEST_F(JqGuardSpec, AValueThatNestsDeeplyDoesNoHarm) {
    maps("{n: (reduce .data[] as $x (null; [.]) | type)}");
    hears("in.a", ones(100'000));
    hears("in.a", ones(2));
    EXPECT_EQ(out.payloads().back(), R"({"n":"array"})");
}

TEST_F(JqGuardSpec, ARegularExpressionThatBacktracksWithoutEndIsCutShort) {
    maps(R"j({n: (reduce .data[] as $t (false; $t | test("^(a+)+$")))})j");
    hears("in.a", "[\"" + std::string(40, 'a') + "b\"]");
    hears("in.a", "[\"aaa\"]");
    EXPECT_EQ(out.payloads().back(), R"({"n":true})");
}

TEST_F(JqGuardSpec, ALargeButHonestMessagePasses) {
    maps("{n: (reduce .data[] as $x (0; . + $x))}");
    hears("in.a", ones(50'000));
    EXPECT_THAT(out.payloads(), ElementsAre(R"({"n":50000})"));
}

TEST_F(JqGuardSpec, MemoryThatAProgramLeavesBehindIsGivenBack) {
    const auto program = Language::compile("reduce .data[] as $x ([0]; . + .)");
    ASSERT_TRUE(program.has_value());
    JqMemory memory;
    {
        JqUse use(memory, nullptr, {});
        EXPECT_NE(JqUse::current(), nullptr);
    }
    EXPECT_EQ(memory.bytes(), 0U);
    EXPECT_EQ(JqUse::current(), nullptr);
}

TEST(JqGuardRefusals, WhatWouldEndTheProcessIsRefusedByName) {
    const auto compiled = Language::compile("reduce .data[] as $x (0; . + $x) | [.] | implode");
    ASSERT_FALSE(compiled.has_value());
    EXPECT_THAT(compiled.error(), HasSubstr("`implode` is not allowed"));
}

}  // namespace
}  // namespace anode::pipeline
