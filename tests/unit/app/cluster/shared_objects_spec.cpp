#include "unit/app/cluster/state_node.hpp"

/// Pipelines and retention rules of several nodes that hear each other when the spec says so.
namespace anode::app {
namespace {

using api::Failure;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string definition(const std::string& name, const std::string& input,
                       const std::string& output) {
    return R"({"name":")" + name + R"(","input":")" + input + R"(","output":")" + output +
           R"(","steps":[]})";
}

class SharedObjectsSpec : public testing::Test {
protected:
    api::Outcome<api::Written> makes(StateNode& node, const std::string& json) {
        return node.writes(*node.pipelines, {.body = json, .actor = "me"});
    }
    api::Outcome<api::Object> pipeline(StateNode& node, const std::string& name) {
        return node.gets(*node.pipelines, name);
    }
    api::Outcome<api::Object> rule(StateNode& node, const std::string& name) {
        return node.gets(*node.rules, name);
    }
    void meet() {
        first.tells(second);
        second.tells(first);
    }
    StateNode first{1}, second{2};
};

TEST_F(SharedObjectsSpec, APipelineMadeOnOneNodeRunsOnAllAndIsTheSameVersion) {
    const auto made = makes(first, definition("p", "in.a", "out.a"));
    ASSERT_TRUE(made.has_value()) << made.error().detail;
    EXPECT_FALSE(pipeline(second, "p").has_value());
    first.tells(second);
    const auto there = pipeline(second, "p");
    ASSERT_TRUE(there.has_value());
    EXPECT_EQ(there->etag, made->object.etag);
    ASSERT_TRUE(second.run->publish(publish_request("in.a", {"1"})).has_value());
    EXPECT_THAT(pipeline(second, "p")->json, HasSubstr(R"("in":1,"out":1)"));
}

TEST_F(SharedObjectsSpec, AnyNodeChangesAndDeletesWhatAnotherOneMade) {
    const auto made = makes(first, definition("p", "in.a", "out.a"));
    first.tells(second);
    const auto changed = second.writes(*second.pipelines, {.name = "p",
                                                           .body = R"({"enabled":false})",
                                                           .patch = true,
                                                           .if_match = made->object.etag});
    ASSERT_TRUE(changed.has_value()) << changed.error().detail;
    second.tells(first);
    EXPECT_EQ(pipeline(first, "p")->etag, changed->object.etag);
    EXPECT_EQ(first.removes(*first.pipelines, "p", made->object.etag).error().why,
              Failure::Why::Stale);
    ASSERT_TRUE(first.removes(*first.pipelines, "p", changed->object.etag).has_value());
    first.tells(second);
    EXPECT_EQ(pipeline(second, "p").error().why, Failure::Why::NotFound);
    ASSERT_TRUE(second.run->publish(publish_request("in.a", {"1"})).has_value());
    EXPECT_FALSE(second.store->topic("out.a").has_value());
}

TEST_F(SharedObjectsSpec, OfTwoEditsAtOnceTheLastOneHoldsAndTheOtherIsInTheHistory) {
    ASSERT_TRUE(makes(first, definition("p", "in.a", "out.a")).has_value());
    meet();
    ASSERT_TRUE(
        first.writes(*first.pipelines, {.name = "p", .body = definition("p", "in.a", "out.early")})
            .has_value());
    ASSERT_TRUE(
        second.writes(*second.pipelines, {.name = "p", .body = definition("p", "in.a", "out.late")})
            .has_value());
    meet();
    for (StateNode* node : {&first, &second}) {
        const auto now = pipeline(*node, "p");
        EXPECT_THAT(now->json,
                    AllOf(HasSubstr(R"("output":"out.late")"), HasSubstr(R"("lost":true)"),
                          HasSubstr(R"("output":"out.early")")));
        EXPECT_EQ(now->etag, pipeline(first, "p")->etag);
    }
}

TEST_F(SharedObjectsSpec, TheHistoryOfEditsOneAfterTheOtherHasNoLostOnes) {
    ASSERT_TRUE(makes(first, definition("p", "in.a", "out.a")).has_value());
    meet();
    ASSERT_TRUE(
        second.writes(*second.pipelines, {.name = "p", .body = definition("p", "in.a", "out.b")})
            .has_value());
    EXPECT_THAT(pipeline(second, "p")->json,
                AllOf(HasSubstr(R"("history":[{"version":1,)"), Not(HasSubstr(R"("lost":true)"))));
}

TEST_F(SharedObjectsSpec, OfTwoThatCloseALoopTogetherEveryNodeRunsTheOlder) {
    ASSERT_TRUE(makes(first, definition("p", "a.x", "b.x")).has_value());
    ASSERT_TRUE(makes(second, definition("q", "b.x", "a.x")).has_value());
    meet();
    for (StateNode* node : {&first, &second}) {
        EXPECT_THAT(pipeline(*node, "p")->json, HasSubstr(R"("state":"running")"));
        EXPECT_THAT(pipeline(*node, "q")->json, HasSubstr(R"("state":"failed")"));
    }
    ASSERT_TRUE(second.removes(*second.pipelines, "p").has_value());
    meet();
    for (StateNode* node : {&first, &second})
        EXPECT_THAT(pipeline(*node, "q")->json, HasSubstr(R"("state":"running")"));
}

TEST_F(SharedObjectsSpec, WhatAFileDeclaresStaysLocalAndHidesASharedOneOfItsName) {
    ASSERT_TRUE(makes(first, definition("p", "in.a", "out.shared")).has_value());
    on_loop(second.run->loop,
            [&] { second.pipelines->redeclare({{definition("p", "in.a", "out.file"), "f:1"}}); });
    meet();
    EXPECT_THAT(pipeline(second, "p")->json, HasSubstr("out.file"));
    EXPECT_THAT(pipeline(first, "p")->json, HasSubstr("out.shared"));
    EXPECT_EQ(second.removes(*second.pipelines, "p").error().why, Failure::Why::ReadOnly);
    on_loop(second.run->loop, [&] { second.pipelines->redeclare({}); });
    EXPECT_THAT(pipeline(second, "p")->json, HasSubstr("out.shared"));
}

TEST_F(SharedObjectsSpec, ADefinitionOfALaterVersionIsKeptAndDoesNotRun) {
    on_loop(first.run->loop, [&] {
        first.state->write({"pipeline", "p", R"({"name":"p","warp":9})", false, std::nullopt},
                           [](const Result<state::Item>&) {});
    });
    first.tells(second);
    EXPECT_THAT(pipeline(second, "p")->json,
                AllOf(HasSubstr(R"("warp":9)"), HasSubstr(R"("state":"failed")")));
}

TEST_F(SharedObjectsSpec, ARetentionRuleHoldsEverywhere) {
    const auto made =
        second.writes(*second.rules, {.name = "r", .body = R"({"topics":"a.>","age":"2h"})"});
    ASSERT_TRUE(made.has_value()) << made.error().detail;
    second.tells(first);
    EXPECT_EQ(rule(first, "r")->etag, made->object.etag);
    EXPECT_THAT(rule(first, "r")->json, HasSubstr(R"("age":"2h")"));
    ASSERT_TRUE(first.removes(*first.rules, "r", made->object.etag).has_value());
    first.tells(second);
    EXPECT_EQ(rule(second, "r").error().why, Failure::Why::NotFound);
}

TEST_F(SharedObjectsSpec, WhatChangedWhileANodeWasAwayIsThereWhenItIsBack) {
    ASSERT_TRUE(makes(first, definition("stays", "in.a", "out.a")).has_value());
    ASSERT_TRUE(makes(first, definition("goes", "in.b", "out.b")).has_value());
    first.tells(second);
    ASSERT_TRUE(first
                    .writes(*first.pipelines,
                            {.name = "stays", .body = definition("stays", "in.a", "out.new")})
                    .has_value());
    ASSERT_TRUE(first.removes(*first.pipelines, "goes").has_value());
    second.begins();
    EXPECT_THAT(pipeline(second, "stays")->json, HasSubstr(R"("output":"out.a")"));
    first.tells(second);
    EXPECT_THAT(pipeline(second, "stays")->json, HasSubstr(R"("output":"out.new")"));
    EXPECT_FALSE(pipeline(second, "goes").has_value());
}

TEST(AdoptSpec, WhatANodeKeptForItselfIsSharedOnce) {
    StateNode old(1, {}, [](Store& store) {
        ASSERT_TRUE(
            store
                .put({{"pipeline", "p",
                       "{\"version\":3,\"definition\":" + definition("p", "in.a", "out.a") + "}"},
                      {"pipeline", "broken", "no JSON"},
                      {"retention", "r", R"({"topics":"a.>","age":"2h"})"},
                      {"token", "0123456789", R"({"id":"0123456789"})"}})
                .has_value());
    });
    const auto adopted = old.gets(*old.pipelines, "p");
    ASSERT_TRUE(adopted.has_value());
    EXPECT_TRUE(old.gets(*old.rules, "r").has_value());
    EXPECT_FALSE(old.store->record("pipeline", "p").has_value());
    EXPECT_FALSE(old.store->record("retention", "r").has_value());
    EXPECT_FALSE(old.store->record("token", "0123456789").has_value());
    EXPECT_TRUE(old.store->record("pipeline", "broken").has_value()) << "not ours to throw away";
    StateNode other(2);
    old.tells(other);
    EXPECT_TRUE(other.gets(*other.pipelines, "p").has_value());
    ASSERT_TRUE(old.removes(*old.pipelines, "p").has_value());
    old.begins();
    EXPECT_FALSE(old.gets(*old.pipelines, "p").has_value()) << "once";
}

/// What a node knows of tokens.
class Tokens {
public:
    explicit Tokens(StateNode& node) : node_(node) {
        node.face->watch_tokens([this](const std::string& id, const Bytes* record) {
            const std::lock_guard lock(mutex_);
            if (record != nullptr)
                known_[id] = *record;
            else
                known_.erase(id);
        });
    }
    Result<void> puts(std::string id, Bytes record) {
        Awaited<Result<void>> answer;
        node_.face->put_token(std::move(id), std::move(record), answer.reply());
        return answer.get();
    }
    Result<void> revokes(std::string id) {
        Awaited<Result<void>> answer;
        node_.face->revoke_token(std::move(id), answer.reply());
        return answer.get();
    }
    std::map<std::string, Bytes> known() {
        const std::lock_guard lock(mutex_);
        return known_;
    }

private:
    StateNode& node_;
    std::mutex mutex_;
    std::map<std::string, Bytes> known_;
};

TEST_F(SharedObjectsSpec, ATokenIsKnownEverywhereAndToWhoAsksLater) {
    Tokens here(first), there(second);
    ASSERT_TRUE(here.puts("t", "one").has_value());
    first.tells(second);
    EXPECT_EQ(there.known(), (std::map<std::string, Bytes>{{"t", "one"}}));
    EXPECT_EQ(Tokens(second).known(), there.known());
}

TEST_F(SharedObjectsSpec, ARevokedTokenStaysRevokedWhateverIsWrittenLaterElsewhere) {
    Tokens here(first), there(second);
    ASSERT_TRUE(here.puts("t", "one").has_value());
    meet();
    ASSERT_TRUE(here.revokes("t").has_value());
    ASSERT_TRUE(there.puts("t", "rotated").has_value());
    meet();
    EXPECT_TRUE(here.known().empty());
    EXPECT_TRUE(there.known().empty());
    second.begins();
    EXPECT_TRUE(Tokens(second).known().empty());
}

TEST_F(SharedObjectsSpec, WhoIsAloneWaitsForNobody) {
    Tokens here(first);
    ASSERT_TRUE(here.puts("t", "one").has_value());
    Awaited<std::vector<std::string>> pending;
    first.face->settle(10s, pending.reply());
    EXPECT_TRUE(pending.get().empty());
}

}  // namespace
}  // namespace anode::app
