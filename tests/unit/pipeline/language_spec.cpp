#include "core/pipeline/language.hpp"

#include "unit/pipeline/support.hpp"

namespace anode::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string refusal(std::string_view program) {
    const auto compiled = Language::compile(program);
    return compiled ? "" : compiled.error();
}

TEST(LanguageSpec, TheCommonSubsetIsCompiledTheRestIsSlow) {
    EXPECT_FALSE(Language::compile(".data.q > 5")->slow());
    const auto slow = Language::compile("reduce .data[] as $x (0; . + $x)");
    ASSERT_TRUE(slow.has_value());
    EXPECT_TRUE(slow->slow());
}

TEST(LanguageSpec, WhatReadsOrNeverEndsIsRefusedByName) {
    for (const std::string word :
         {"input", "inputs", "env", "debug", "input_filename", "halt", "recurse(.)", "repeat(.)",
          "[range(1; 9)]", "until(false; .)", "while(true; .)", "$ENV.HOME", "[limit(3; .data[])]",
          "get_search_list", "[.data]|combinations"}) {
        const std::string name = word.substr(
            0, word.find_first_of("(. ;|") == 0 ? std::string::npos : word.find_first_of("(.;| "));
        const std::string said = refusal("reduce .data[] as $x (0; . + $x) | " + word);
        EXPECT_THAT(said, HasSubstr("is not allowed")) << word;
    }
    EXPECT_THAT(refusal("def f: f; f"), HasSubstr("`def` is not allowed"));
    EXPECT_THAT(refusal("import \"a\" as a; ."), HasSubstr("`import` is not allowed"));
}

TEST(LanguageSpec, ARefusedWordIsFoundWhereverCodeStands) {
    EXPECT_THAT(refusal(R"j("\(env.HOME)" | ascii)j"), HasSubstr("`env` is not allowed"));
    EXPECT_THAT(refusal(R"j("\\" + (reduce .data[] as $x (""; env.HOME)))j"),
                HasSubstr("`env` is not allowed"));
    EXPECT_THAT(refusal(R"j("a\("b\(input)")" | explode | implode)j"),
                HasSubstr("`input` is not allowed"));
    EXPECT_THAT(refusal("reduce .data[] as $x (0; .) # quiet\n| env"),
                HasSubstr("`env` is not allowed"));
}

TEST(LanguageSpec, ARefusedWordInATextOrAFieldIsNone) {
    EXPECT_EQ(refusal(R"j(reduce .data.input[] as $x (""; . + "env"))j"), "");
    EXPECT_EQ(refusal("reduce .data[] as $x (0; . + $x) # no env here"), "");
}

TEST(LanguageSpec, WhatIsNoJqAtAllSaysWhere) {
    EXPECT_THAT(refusal(".data.("), HasSubstr("at byte"));
    EXPECT_THAT(refusal(std::string(5000, '.')), testing::Not(IsEmpty()));
}

TEST_F(PipelineSpec, TheRestOfJqRunsInLibjqAndSaysSo) {
    runs(with_steps(R"j({"map":"reduce .data[] as $x (0; . + $x)"},{"filter":".data > 3"})j"));
    EXPECT_TRUE(pipelines.status("p")->slow_path);
    hears("in.a", "[1,1]");
    hears("in.a", "[1,2,3]");
    EXPECT_THAT(out.payloads(), ElementsAre("6"));
}

TEST_F(PipelineSpec, AFailureInLibjqIsAFailureOfTheStep) {
    runs(with_steps(R"j({"map":"reduce .data[] as $x (0; . + $x)"})j"));
    hears("in.a", R"j({"a":"x"})j");
    hears("in.a", R"j(7)j");
    ASSERT_THAT(out.reasons, SizeIs(2));
    EXPECT_THAT(out.reasons[1], HasSubstr("step 0 (map)"));
    hears("in.a", "[4]");
    EXPECT_THAT(out.payloads(), ElementsAre("4")) << "a failure leaves no trace";
}

TEST_F(PipelineSpec, LibjqSeesTheWholeEnvelope) {
    runs(with_steps(
        R"j({"map":"reduce .tokens[] as $t (\"\"; . + $t) + .key + .src + .node + .kind"})j"));
    hears("in.a", "1", "k");
    EXPECT_THAT(out.payloads(), ElementsAre(R"j("inakfeedn-1set")j"));
}

}  // namespace
}  // namespace anode::pipeline
