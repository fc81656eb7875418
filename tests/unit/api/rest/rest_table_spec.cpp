#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/http/rates.hpp"
#include "api/table/operation.hpp"
#include "core/codec/inflate.hpp"
#include "rest_node.hpp"

namespace anode::api::rest_spec {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// The live side serves these; it is not part of this node.
bool is_live(const Operation& row) { return row.streams; }

class RestTable : public ::testing::Test {
protected:
    RestNode node;
};

// -- one table ------------------------------------------------------------------------------------

TEST_F(RestTable, EveryRouteIsARowAndEveryRowIsServed) {
    std::set<const Operation*> served;
    for (const Route& route : node.server->router().routes()) {
        ASSERT_NE(route.operation, nullptr) << name(route.method) << " " << route.pattern;
        EXPECT_EQ(route.role, route.operation->role) << route.pattern;
        EXPECT_TRUE(served.insert(route.operation).second) << route.pattern << " is served twice";
    }
    for (const Operation& row : operations())
        EXPECT_EQ(served.contains(&row), !is_live(row)) << name(row.method) << " " << row.path;
}

TEST_F(RestTable, APathNamesItsMethods) {
    const Answer wrong = node.send("PUT", "/v1/sources");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.code(), "method");
    EXPECT_EQ(wrong.header("allow"), "GET, HEAD, POST, OPTIONS");
    const Answer options = node.send("OPTIONS", "/v1/sources/s");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(options.header("allow"), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    EXPECT_EQ(node.send("OPTIONS", "/v1/nothing").status, 404);
}

TEST_F(RestTable, HeadAnswersLikeGetWithoutABody) {
    for (const char* path :
         {"/v1/version", "/v1/sources", "/v1/topics", "/metrics", "/v1/openapi.json"}) {
        const Answer head = node.send("HEAD", path);
        EXPECT_EQ(head.status, 200) << path;
        EXPECT_EQ(head.body, "") << path;
        EXPECT_GT(std::stoul(head.header("content-length")), 0U) << path;
    }
    EXPECT_EQ(node.send("HEAD", "/v1/sources/none").status, 404);
}

TEST_F(RestTable, DescriptionsLieUnderBothPathsAndAreNotSentTwice) {
    const Answer first = node.get("/v1/openapi.json");
    EXPECT_EQ(first.body, node.get("/openapi.json").body);
    EXPECT_EQ(node.get("/v1/openapi.json", {{"If-None-Match", first.header("etag")}}).status, 304);
    EXPECT_EQ(node.get("/v1/asyncapi.json").body, node.get("/asyncapi.json").body);
}

// -- trying a write -------------------------------------------------------------------------------

TEST_F(RestTable, ARemovalThatIsTriedShowsTheObjectAndLeavesIt) {
    node.sources.objects["s"] = {R"({"name":"s"})", "e"};
    const Answer tried = node.send("DELETE", "/v1/sources/s?dry_run=1");
    EXPECT_EQ(tried.status, 200);
    EXPECT_EQ(tried.text("name"), "s");
    EXPECT_EQ(node.send("DELETE", "/v1/sources/s?dry_run", {}, {{"If-Match", "\"old\""}}).code(),
              "stale-version");
    EXPECT_EQ(node.send("DELETE", "/v1/sources/none?dry_run=1").status, 404);
    EXPECT_EQ(node.post("/v1/sources/s:disable?dry_run=1").text("name"), "s");
    EXPECT_EQ(node.get("/v1/sources/s").status, 200);
    EXPECT_EQ(node.send("DELETE", "/v1/sources/s?dry_run=0").status, 204);
}

TEST_F(RestTable, ListenersAndTheStoreAreLeftAloneByATry) {
    node.listeners.listeners = {{.id = "l-1", .transport = "ws", .address = "127.0.0.1"}};
    EXPECT_EQ(node.send("DELETE", "/v1/listeners/l-1?dry_run=1").text("id"), "l-1");
    EXPECT_EQ(node.listeners.listeners.size(), 1U);
    EXPECT_EQ(node.send("DELETE", "/v1/listeners/l-2?dry_run=1").status, 404);
    EXPECT_EQ(node.post("/v1/storage:compact?dry_run=1").status, 200);
    EXPECT_EQ(node.get("/v1/audit?action=storage.compact").member("items"), "[]");
}

// -- alerts ---------------------------------------------------------------------------------------

TEST_F(RestTable, AnAlertIsOpenWhileItsCheckIsNotWell) {
    EXPECT_EQ(node.get("/v1/alerts").member("items"), "[]");
    node.node.checks = {{"disk", "warn", "3 % free", 1'000'000},
                        {"loops", "ok", "", 0},
                        {"store", "fail", "read only", 2'000'000}};
    EXPECT_THAT(node.get("/v1/alerts").items("id"),
                ::testing::ElementsAre(R"("disk")", R"("store")"));
    EXPECT_THAT(node.get("/v1/alerts?severity=critical").items("id"),
                ::testing::ElementsAre(R"("store")"));
    EXPECT_THAT(node.get("/metrics").body, HasSubstr(R"(anode_alerts{severity="critical"} 1)"));
    const Answer first = node.get("/v1/alerts?limit=1");
    EXPECT_EQ(first.text("next"), "disk");
    EXPECT_THAT(node.get("/v1/alerts?after=disk").items("id"),
                ::testing::ElementsAre(R"("store")"));
}

TEST_F(RestTable, AnAcknowledgementHoldsUntilTheAlertEnds) {
    node.node.checks = {{"disk", "warn", "3 % free", 1'000'000}};
    EXPECT_EQ(node.post("/v1/alerts/disk:ack?dry_run=1").text("state"), "acknowledged");
    EXPECT_THAT(node.get("/v1/alerts").items("state"), ::testing::ElementsAre(R"("open")"));
    EXPECT_EQ(node.post("/v1/alerts/disk:ack", R"({"comment":"on it"})").text("comment"), "on it");
    EXPECT_THAT(node.get("/v1/alerts?state=acknowledged").items("id"),
                ::testing::ElementsAre(R"("disk")"));
    node.node.checks[0].since = 9'000'000;  // it ended and came again
    EXPECT_THAT(node.get("/v1/alerts").items("state"), ::testing::ElementsAre(R"("open")"));
    EXPECT_EQ(node.post("/v1/alerts/nothing:ack").status, 404);
}

TEST_F(RestTable, ASilencedAlertStaysQuietForItsTime) {
    node.node.checks = {{"disk", "warn", "3 % free", 1'000'000}};
    EXPECT_EQ(node.post("/v1/alerts/disk:silence", R"({"for":"2h"})").text("state"), "silenced");
    node.node.checks[0].since = 9'000'000;
    EXPECT_THAT(node.get("/v1/alerts").items("state"), ::testing::ElementsAre(R"("silenced")"));
    EXPECT_THAT(node.get("/metrics").body, HasSubstr(R"(anode_alerts{severity="warning"} 0)"));
    for (const char* wrong : {R"({"for":"31d"})", R"({"for":"soon"})", R"({"for":7})", "{}"})
        EXPECT_EQ(node.post("/v1/alerts/disk:silence", wrong).status, 422) << wrong;
    EXPECT_THAT(node.get("/v1/audit?action=alert.silence").items("object"),
                ::testing::ElementsAre(R"("disk")"));
}

// -- the archive ----------------------------------------------------------------------------------

TEST_F(RestTable, ABundleHoldsTheNodesDocumentsAndNoPayloads) {
    node.has("a.b", {R"("planted-payload")"});
    const Answer answer = node.send("POST", "/v1/debug/bundle");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.header("content-type"), "application/gzip");
    EXPECT_THAT(answer.header("content-disposition"), HasSubstr(".tar.gz"));
    Bytes tar;
    const std::array chain{codec::Coding::Gzip};
    ASSERT_TRUE(codec::decode_frame(chain, answer.body, tar, {64U << 20, 1000, 64U << 20}));
    for (const char* file : {"v1/version.json", "v1/config.json", "v1/storage.json",
                             "v1/sources.json", "metrics.txt", "v1/audit.json"})
        EXPECT_THAT(tar, HasSubstr(file));
    EXPECT_EQ(tar.find("planted-payload"), Bytes::npos);
    EXPECT_EQ(tar.size() % 512, 0U);
    const Answer with = node.send("POST", "/v1/debug/bundle?payloads=1");
    ASSERT_TRUE(codec::decode_frame(chain, with.body, tar, {64U << 20, 1000, 64U << 20}));
    EXPECT_THAT(tar, HasSubstr("planted-payload"));
}

// -- rates ----------------------------------------------------------------------------------------

class RestRates : public ::testing::Test {
protected:
    metrics::Registry series;
    RateLimits rates{5, 20, series};
    RestNode node{{}, &rates};
};

TEST_F(RestRates, AnswersSayWhatIsLeftAndWhatIsTooManyIs429) {
    const Answer first = node.get("/v1/version");
    EXPECT_EQ(first.header("ratelimit-policy"), "\"requests\";q=10;w=2");
    EXPECT_THAT(first.header("ratelimit"), StartsWith("\"requests\";r=9;t="));
    Answer last = first;
    for (int i = 0; i < 30 && last.status == 200; ++i) last = node.get("/v1/version");
    EXPECT_EQ(last.status, 429);
    EXPECT_EQ(last.code(), "rate-limited");
    EXPECT_EQ(last.header("retry-after"), "1");
    EXPECT_NE(last.member("retry_ms"), "null");
    EXPECT_EQ(node.get("/livez").status, 200) << "who watches the node is not counted";
}

TEST_F(RestRates, MessagesAreCountedBesideRequests) {
    std::string lines;
    for (int i = 0; i < 60; ++i) lines += "1\n";
    const Headers kind{{"Content-Type", "application/x-ndjson"}};
    EXPECT_EQ(node.post("/v1/topics/a.b/messages", lines, kind).status, 200)
        << "a batch is paid for afterwards";
    const Answer second = node.post("/v1/topics/a.b/messages", "1", {});
    EXPECT_EQ(second.status, 429);
    EXPECT_THAT(second.text("detail"), HasSubstr("messages"));
    EXPECT_EQ(node.post("/v1/topics/a.b/messages?dry_run=1", "1", {}).status, 200);
}

}  // namespace
}  // namespace anode::api::rest_spec
