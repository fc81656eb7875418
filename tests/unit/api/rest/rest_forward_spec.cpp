#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/rest/forward.hpp"
#include "rest_node.hpp"

/// Requests that mean another node: the choice at the node that is asked, and the work at the one that is meant.
namespace anode::api::rest_spec {
namespace {

using membership::MemberState;
using testing::ElementsAre;
using testing::HasSubstr;

/// Leads to another node in this process, or fails as it is told.
class FakeForward final : public ForwardDoor {
public:
    void forward(std::string node, ForwardedRequest request, Reply reply) override {
        asked.push_back(node);
        last = request;
        if (failure) return reply(std::unexpected(*failure));
        if (to == nullptr) return reply(std::unexpected(ForwardFailure::Unreachable));
        rest::serve_forwarded(*to, std::move(request),
                              [reply = std::move(reply)](ForwardedAnswer answer) mutable {
                                  reply(std::move(answer));
                              });
    }
    Server* to = nullptr;
    std::optional<ForwardFailure> failure;
    std::vector<std::string> asked;
    ForwardedRequest last;
};

class RestForward : public testing::Test {
protected:
    RestForward() {
        node.context->doors.forward = &door;
        door.to = other.server.get();
        add("n-other", "n2", MemberState::Alive);
    }
    void add(std::string id, std::string name, MemberState state, bool foreign = false) {
        MemberInfo member;
        member.id = std::move(id);
        member.name = std::move(name);
        member.state = state;
        member.foreign = foreign;
        node.cluster.shown.members.push_back(std::move(member));
    }
    FakeForward door;
    RestNode node, other;
};

TEST_F(RestForward, TheNodeThatIsMeantAnswers) {
    other.has("only.there", {"1", "2", "3"});
    const Answer answer = node.get("/v1/storage?node=n-other");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.member("messages"), "3");
    EXPECT_THAT(door.asked, ElementsAre("n-other"));
    EXPECT_TRUE(door.last.caller.may(Role::Admin));
    EXPECT_EQ(node.get("/v1/storage?node=n2").member("messages"), "3");
}

TEST_F(RestForward, AllNodesAnswerTogetherAndTheDeadAreNamed) {
    add("n-dead", "n3", MemberState::Dead);
    add("n-gone", "n4", MemberState::Left);
    add("stranger", "stranger", MemberState::Alive, true);
    const Answer answer = node.get("/v1/config?node=all");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.items("node"),
                ElementsAre('"' + node.node.facts().id_text + '"', R"("n-other")"));
    EXPECT_EQ(answer.member("failed"), R"([{"node":"n-dead","code":"peer-failed"}])");
}

TEST_F(RestForward, WhatGoesWrongOnTheWayHasItsCodeAndTheNodesId) {
    door.failure = ForwardFailure::Timeout;
    const Answer late = node.get("/v1/mesh?node=n-other");
    EXPECT_EQ(late.status, 504);
    EXPECT_EQ(late.code(), "peer-timeout");
    EXPECT_THAT(late.text("detail"), HasSubstr("n-other"));
    EXPECT_EQ(node.get("/v1/mesh?node=all").member("failed"),
              R"([{"node":"n-other","code":"peer-timeout"}])");
    door.failure = ForwardFailure::Unreachable;
    EXPECT_EQ(node.get("/v1/mesh?node=n-other").code(), "peer-failed");
    door.failure = ForwardFailure::Overloaded;
    EXPECT_EQ(node.get("/v1/mesh?node=n-other").status, 503);
    door.failure = ForwardFailure::TooLarge;
    EXPECT_EQ(node.get("/v1/mesh?node=n-other").status, 502);
}

TEST_F(RestForward, ADeadNodeIsNotAskedAndAStrangerIsNotFound) {
    add("n-dead", "n3", MemberState::Dead);
    add("stranger", "stranger", MemberState::Alive, true);
    EXPECT_EQ(node.get("/v1/storage?node=n-dead").status, 502);
    EXPECT_EQ(node.get("/v1/storage?node=stranger").status, 404);
    EXPECT_EQ(node.get("/v1/storage?node=n-nobody").status, 404);
    EXPECT_TRUE(door.asked.empty());
}

TEST_F(RestForward, AQuestionThatIsWrongIsRefusedOnceAndNotByEveryNode) {
    EXPECT_EQ(node.get("/v1/listeners?node=all&limit=nought").status, 422);
}

TEST_F(RestForward, OnlyReadsGoToAll) {
    EXPECT_EQ(node.post("/v1/storage:compact?node=all").status, 422);
    EXPECT_EQ(node.post("/v1/storage:compact?node=n-other").status, 200);
}

TEST_F(RestForward, WhatCameFromAnotherNodeIsNeverSentOn) {
    FakeForward back;
    other.context->doors.forward = &back;
    EXPECT_EQ(node.post("/v1/nodes/n-other:drain").status, 404);  // it goes by another id there
    EXPECT_THAT(door.asked, ElementsAre("n-other"));
    EXPECT_TRUE(back.asked.empty());
    EXPECT_FALSE(node.node.is_draining);
}

TEST_F(RestForward, TheRoleIsCheckedWhereTheWorkIsDone) {
    ForwardedRequest request;
    request.method = Method::Post;
    request.path = "/v1/nodes/" + other.node.facts().id_text + ":drain";
    int status = 0;
    const auto serve = [&] {
        std::promise<void> done;
        rest::serve_forwarded(*other.server, request, [&](ForwardedAnswer answer) {
            status = answer.status;
            done.set_value();
        });
        done.get_future().wait();
    };
    serve();
    EXPECT_EQ(status, 403);
    request.caller = Caller::administrator("ops");
    serve();
    EXPECT_EQ(status, 200);
    EXPECT_TRUE(other.node.is_draining);
}

TEST_F(RestForward, RowsThatStayWhereTheyAreAskedTakeNothingFromOtherNodes) {
    ForwardedRequest request;
    request.path = "/v1/tokens";
    request.caller = Caller::administrator("ops");
    std::promise<int> status;
    rest::serve_forwarded(*other.server, std::move(request),
                          [&](ForwardedAnswer answer) { status.set_value(answer.status); });
    EXPECT_EQ(status.get_future().get(), 404);
}

}  // namespace
}  // namespace anode::api::rest_spec
