#include "app/pipelines.hpp"

#include "unit/app/cluster/state_node.hpp"

namespace anode::app {
namespace {

using api::Failure;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

std::string definition(const std::string& name, const std::string& input, const std::string& output,
                       const std::string& steps = "") {
    return R"({"name":")" + name + R"(","input":")" + input + R"(","output":")" + output +
           R"(","steps":[)" + steps + "]}";
}

class PipelineObjectsSpec : public testing::Test {
protected:
    api::Outcome<api::Written> writes(api::Write write) {
        return node.writes(*node.pipelines, std::move(write));
    }
    api::Outcome<api::Object> gets(std::string name) {
        return node.gets(*node.pipelines, std::move(name));
    }
    api::Outcome<void> removes(std::string name, std::string etag = "*") {
        return node.removes(*node.pipelines, std::move(name), std::move(etag));
    }
    api::Outcome<Bytes> tests(std::string name, Bytes body) {
        Awaited<api::Outcome<Bytes>> answer;
        node.pipelines->act(std::move(name), "test", std::move(body), "me", answer.reply());
        return answer.get();
    }
    void redeclares(std::vector<DeclaredPipeline> declared) {
        on_loop(node.run->loop, [&] { node.pipelines->redeclare(std::move(declared)); });
    }
    StateNode node;
};

TEST_F(PipelineObjectsSpec, APipelineIsMadeChangedAndRemoved) {
    const auto made = writes({.body = definition("p", "in.a", "out.a")});
    ASSERT_TRUE(made.has_value()) << made.error().detail;
    EXPECT_TRUE(made->created);
    ASSERT_TRUE(node.run->publish(publish_request("in.a", {"1"})).has_value());
    EXPECT_THAT(gets("p")->json,
                AllOf(HasSubstr(R"("version":1)"), HasSubstr(R"("state":"running")"),
                      HasSubstr(R"("in":1,"out":1)")));
    const auto patched = writes({.name = "p",
                                 .body = R"({"enabled":false})",
                                 .patch = true,
                                 .if_match = made->object.etag});
    ASSERT_TRUE(patched.has_value()) << patched.error().detail;
    EXPECT_THAT(patched->object.json, HasSubstr(R"("state":"disabled")"));
    EXPECT_EQ(writes({.name = "p", .body = "{}", .patch = true, .if_match = made->object.etag})
                  .error()
                  .why,
              Failure::Why::Stale);
    EXPECT_EQ(removes("p", made->object.etag).error().why, Failure::Why::Stale);
    ASSERT_TRUE(removes("p", patched->object.etag).has_value());
    EXPECT_EQ(removes("p").error().why, Failure::Why::NotFound);
}

TEST_F(PipelineObjectsSpec, PipelinesOutliveTheRun) {
    ASSERT_TRUE(writes({.body = definition("p", "in.a", "out.a")}).has_value());
    node.begins();
    ASSERT_TRUE(gets("p").has_value());
    ASSERT_TRUE(node.run->publish(publish_request("in.a", {"1"})).has_value());
    EXPECT_TRUE(node.store->topic("out.a").has_value());
}

TEST_F(PipelineObjectsSpec, ALoopIsRefusedAlsoByADryRun) {
    for (const bool dry_run : {true, false}) {
        const auto refused = writes({.body = definition("p", "a.>", "a.b"), .dry_run = dry_run});
        ASSERT_FALSE(refused.has_value()) << dry_run;
        EXPECT_THAT(refused.error().errors,
                    ElementsAre(Field(&api::ObjectError::pointer, "/output")));
    }
    EXPECT_FALSE(gets("p").has_value());
}

TEST_F(PipelineObjectsSpec, MistakesAreToldWithTheirPlaces) {
    EXPECT_THAT(writes({.body = R"({"name":"p","inptu":"a"})"}).error().errors,
                Contains(Field(&api::ObjectError::pointer, "/inptu")));
    EXPECT_EQ(writes({.name = "q", .body = definition("p", "a", "b")}).error().why,
              Failure::Why::Invalid);
    EXPECT_EQ(writes({.body = "{"}).error().why, Failure::Why::Invalid);
    EXPECT_EQ(writes({.name = "p", .body = "{}", .patch = true}).error().why,
              Failure::Why::NotFound);
    EXPECT_EQ(writes({.body = std::string(70'000, ' ')}).error().why, Failure::Why::TooLarge);
}

TEST_F(PipelineObjectsSpec, WhatAFileDeclaresIsReadOnly) {
    redeclares({{definition("p", "in.a", "out.a"), "f:1"}});
    EXPECT_EQ(writes({.name = "p", .body = definition("p", "x", "y")}).error().why,
              Failure::Why::ReadOnly);
    EXPECT_EQ(removes("p").error().why, Failure::Why::ReadOnly);
    EXPECT_THAT(gets("p")->json, HasSubstr(R"("origin":"f:1")"));
    redeclares({});
    EXPECT_FALSE(gets("p").has_value());
}

TEST_F(PipelineObjectsSpec, TwoThatChangePlacesAreNoLoop) {
    redeclares({{definition("p", "a.x", "b.x"), "f:1"}, {definition("q", "b.x", "c.x"), "f:6"}});
    redeclares({{definition("p", "b.x", "c.x"), "f:1"}, {definition("q", "c.x", "a.x"), "f:6"}});
    EXPECT_THAT(gets("p")->json, AllOf(HasSubstr(R"("input":"b.x")"), HasSubstr(R"("version":2)")));
    EXPECT_THAT(gets("q")->json, HasSubstr(R"("input":"c.x")"));
}

TEST_F(PipelineObjectsSpec, WhatARemovedPipelineHeldComesOut) {
    ASSERT_TRUE(
        writes({.body = definition("p", "in.a", "out.a", R"({"conflate":"1h"})")}).has_value());
    ASSERT_TRUE(node.run->publish(publish_request("in.a", {"1"})).has_value());
    ASSERT_TRUE(removes("p").has_value());
    node.run->engine->stop();
    EXPECT_TRUE(node.store->topic("out.a").has_value());
}

TEST_F(PipelineObjectsSpec, ATestShowsEachStepAndChangesNothing) {
    ASSERT_TRUE(writes({.body = definition("p", "in.a", "out.a", R"({"filter":".data > 1"})")})
                    .has_value());
    const auto shown =
        tests("p", R"({"messages":[{"topic":"in.a","data":2},{"topic":"in.a","data":1}]})");
    ASSERT_TRUE(shown.has_value()) << shown.error().detail;
    EXPECT_THAT(*shown,
                AllOf(HasSubstr(R"("result":"passed")"), HasSubstr(R"("result":"filtered")")));
    EXPECT_THAT(gets("p")->json, HasSubstr(R"("in":0)"));
    EXPECT_EQ(tests("none", R"({"messages":[]})").error().why, Failure::Why::NotFound);
    EXPECT_EQ(tests("p", R"({"messages":[{"data":1}]})").error().why, Failure::Why::Invalid);
    EXPECT_EQ(tests("p", "{}").error().why, Failure::Why::Invalid);
    EXPECT_TRUE(tests("", R"({"definition":)" + definition("x", "a", "b") + R"(,"messages":[]})")
                    .has_value());
    EXPECT_EQ(tests("", R"({"definition":{},"messages":[]})").error().why, Failure::Why::Invalid);
}

}  // namespace
}  // namespace anode::app
