#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rest_node.hpp"

/// Writes of objects under conditions, and waiting for the cluster.
namespace anode::api::rest_spec {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RestSettle : public ::testing::Test {
protected:
    Answer makes(const std::string& query = {}) {
        return node.post("/v1/pipelines" + query, R"({"name":"p"})");
    }
    RestNode node;
};

TEST_F(RestSettle, AWriteThatAllNodesHaveInTimeIsAnsweredAsUsual) {
    const Answer made = makes("?wait=cluster&timeout=2s");
    EXPECT_EQ(made.status, 201);
    EXPECT_THAT(made.body, Not(HasSubstr("pending")));
    EXPECT_EQ(node.state.waited, 2s);
}

TEST_F(RestSettle, NothingIsWaitedForUnlessItIsAskedFor) {
    EXPECT_EQ(makes().status, 201);
    EXPECT_EQ(node.post("/v1/pipelines?dry_run=1&wait=cluster", R"({"name":"q"})").status, 200);
    EXPECT_EQ(node.state.waited, 0s);
}

TEST_F(RestSettle, WhoDoesNotHaveItInTimeIsNamedAndTheWriteHolds) {
    node.state.lacking = {"n-2", "n-3"};
    const Answer made = makes("?wait=cluster");
    EXPECT_EQ(made.status, 200);
    EXPECT_EQ(made.member("pending"), R"(["n-2","n-3"])");
    EXPECT_EQ(made.text("name"), "p");
    EXPECT_FALSE(made.header("etag").empty());
    EXPECT_EQ(node.state.waited, 5s);
    EXPECT_EQ(node.get("/v1/pipelines/p").status, 200);
    const Answer gone = node.send("DELETE", "/v1/pipelines/p?wait=cluster");
    EXPECT_EQ(gone.status, 200);
    EXPECT_EQ(gone.body, R"({"pending":["n-2","n-3"]})");
}

TEST_F(RestSettle, WordsThatAreNotKnownAreRefusedBeforeAnythingIsWritten) {
    for (const char* query : {"?wait=all", "?timeout=5s", "?wait=cluster&timeout=soon",
                              "?wait=cluster&timeout=0s", "?wait=cluster&timeout=1h"}) {
        EXPECT_EQ(makes(query).status, 422) << query;
        EXPECT_EQ(node.get("/v1/pipelines/p").status, 404) << query;
    }
}

TEST_F(RestSettle, ADeletionUnderAConditionThatHoldsNoMoreIs412) {
    const std::string old(makes().header("etag"));
    node.send("PUT", "/v1/pipelines/p", R"({"name":"p","n":2})",
              {{"Content-Type", "application/json"}});
    const Answer stale = node.send("DELETE", "/v1/pipelines/p", "", {{"If-Match", old}});
    EXPECT_EQ(stale.status, 412);
    EXPECT_EQ(stale.code(), "stale-version");
    const std::string now(node.get("/v1/pipelines/p").header("etag"));
    EXPECT_EQ(node.send("DELETE", "/v1/pipelines/p", "", {{"If-Match", now}}).status, 204);
    EXPECT_EQ(node.send("DELETE", "/v1/pipelines/p", "", {{"If-Match", now}}).status, 404);
}

TEST_F(RestSettle, AnyVersionMayBeDeletedByAStar) {
    makes();
    EXPECT_EQ(node.send("DELETE", "/v1/pipelines/p", "", {{"If-Match", "*"}}).status, 204);
}

}  // namespace
}  // namespace anode::api::rest_spec
