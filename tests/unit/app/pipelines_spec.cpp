#include "app/pipelines.hpp"

#include "unit/app/stage.hpp"

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
    PipelineObjectsSpec() { begins(); }
    void begins(std::vector<DeclaredPipeline> declared = {}) {
        objects.reset();
        ledger.reset();
        run.reset();
        store.reset();
        StoreOptions options;
        options.directory = directory.path() + "/store";
        options.sync_interval = 1ms;
        options.min_free_fraction = 0;
        store = std::move(*Store::open(options));
        run = std::make_unique<RunningEngine>(*store);
        ledger = std::make_unique<Ledger>(*run->engine, "n-1");
        objects =
            std::make_unique<PipelineObjects>(run->loop, *run->engine, *store, *ledger, "n-1");
        on_loop(run->loop, [&] { objects->load(std::move(declared)); });
    }
    api::Outcome<api::Written> writes(api::Write write) {
        Awaited<api::Outcome<api::Written>> answer;
        objects->write(std::move(write), answer.reply());
        return answer.get();
    }
    api::Outcome<api::Object> gets(std::string name) {
        Awaited<api::Outcome<api::Object>> answer;
        objects->get(std::move(name), answer.reply());
        return answer.get();
    }
    api::Outcome<void> removes(std::string name) {
        Awaited<api::Outcome<void>> answer;
        objects->remove(std::move(name), "me", answer.reply());
        return answer.get();
    }
    api::Outcome<Bytes> tests(std::string name, Bytes body) {
        Awaited<api::Outcome<Bytes>> answer;
        objects->act(std::move(name), "test", std::move(body), "me", answer.reply());
        return answer.get();
    }
    void redeclares(std::vector<DeclaredPipeline> declared) {
        on_loop(run->loop, [&] { objects->redeclare(std::move(declared)); });
    }
    TempDirectory directory;
    std::unique_ptr<Store> store;
    std::unique_ptr<RunningEngine> run;
    std::unique_ptr<Ledger> ledger;
    std::unique_ptr<PipelineObjects> objects;
};

TEST_F(PipelineObjectsSpec, APipelineIsMadeChangedAndRemoved) {
    const auto made = writes({.body = definition("p", "in.a", "out.a")});
    ASSERT_TRUE(made.has_value()) << made.error().detail;
    EXPECT_TRUE(made->created);
    ASSERT_TRUE(run->publish(publish_request("in.a", {"1"})).has_value());
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
    ASSERT_TRUE(removes("p").has_value());
    EXPECT_EQ(removes("p").error().why, Failure::Why::NotFound);
    EXPECT_FALSE(store->record("pipeline", "p").has_value());
}

TEST_F(PipelineObjectsSpec, PipelinesOutliveTheRun) {
    ASSERT_TRUE(writes({.body = definition("p", "in.a", "out.a")}).has_value());
    begins();
    ASSERT_TRUE(gets("p").has_value());
    ASSERT_TRUE(run->publish(publish_request("in.a", {"1"})).has_value());
    EXPECT_TRUE(store->topic("out.a").has_value());
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
    ASSERT_TRUE(run->publish(publish_request("in.a", {"1"})).has_value());
    ASSERT_TRUE(removes("p").has_value());
    run->engine->stop();
    EXPECT_TRUE(store->topic("out.a").has_value());
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
