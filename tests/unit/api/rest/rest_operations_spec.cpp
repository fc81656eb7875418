#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rest_node.hpp"

namespace anode::api::rest_spec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class RestOperations : public ::testing::Test {
protected:
    RestNode node;
};

// -- health and metrics ----------------------------------------------------------------------------

TEST_F(RestOperations, HealthFollowsTheChecks) {
    EXPECT_EQ(node.get("/livez").status, 200);
    EXPECT_EQ(node.get("/readyz").status, 200);
    node.node.is_ready = false;
    EXPECT_EQ(node.get("/readyz").code(), "not-ready");
    node.node.is_draining = true;
    EXPECT_EQ(node.get("/readyz").code(), "draining");
    EXPECT_EQ(node.get("/livez").status, 200);
    node.node.checks[0].status = "fail";
    EXPECT_EQ(node.get("/livez").status, 503);
    EXPECT_EQ(node.get("/healthz").status, 503);
}

TEST_F(RestOperations, VerboseHealthNamesEachCheck) {
    node.node.checks[1].status = "warn";
    const Answer answer = node.get("/healthz?verbose");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.text("status"), "warn");
    EXPECT_THAT(answer.member("checks"), HasSubstr(R"({"name":"store","status":"warn")"));
}

TEST_F(RestOperations, MetricsComeInBothForms) {
    node.metrics.counter("anode_spec_total", "Spec.").add(3);
    const Answer prometheus = node.get("/metrics");
    EXPECT_THAT(prometheus.header("content-type"), HasSubstr("text/plain; version=0.0.4"));
    EXPECT_THAT(prometheus.body, HasSubstr("anode_spec_total 3"));
    const Answer open =
        node.get("/metrics", {{"Accept", "application/openmetrics-text; version=1.0.0"}});
    EXPECT_THAT(open.header("content-type"), HasSubstr("application/openmetrics-text"));
    EXPECT_THAT(open.body, HasSubstr("# EOF"));
}

// -- the node and its cluster ------------------------------------------------------------------------

TEST_F(RestOperations, ALoneNodeShowsItself) {
    const std::string id = node.node.facts().id_text;
    const Answer nodes = node.get("/v1/nodes");
    EXPECT_THAT(nodes.items("id"), ElementsAre('"' + id + '"'));
    EXPECT_THAT(nodes.items("state"), ElementsAre(R"("alive")"));
    EXPECT_EQ(node.get("/v1/nodes/" + id).text("name"), "n1");
    EXPECT_EQ(node.get("/v1/nodes/n-nobody").status, 404);
    EXPECT_EQ(node.get("/v1/cluster").text("name"), "spec");
    EXPECT_EQ(node.get("/v1/version").text("version"), "0.1.0");
}

TEST_F(RestOperations, NodeScopedReadsAnswerForThisNodeOrForAll) {
    for (const char* path : {"/v1/storage", "/v1/mesh", "/v1/gossip", "/v1/gossip/keys",
                             "/v1/config", "/v1/listeners"}) {
        const Answer all = node.get(std::string(path) + "?node=all");
        EXPECT_EQ(all.status, 200) << path;
        EXPECT_EQ(all.member("failed"), "[]") << path;
        EXPECT_EQ(node.get(std::string(path) + "?node=" + node.node.facts().id_text).status, 200)
            << path;
        EXPECT_EQ(node.get(std::string(path) + "?node=n-nobody").status, 404) << path;
    }
}

TEST_F(RestOperations, ANodeIsDrainedAndShutDownByItsId) {
    const std::string path = "/v1/nodes/" + node.node.facts().id_text;
    EXPECT_EQ(node.post(path + ":drain").status, 200);
    EXPECT_TRUE(node.node.is_draining);
    EXPECT_EQ(node.post(path + ":undrain").status, 200);
    EXPECT_FALSE(node.node.is_draining);
    EXPECT_EQ(node.post(path + ":reload").member("reloaded"), "true");
    EXPECT_EQ(node.post("/v1/nodes/n-nobody:shutdown").status, 404);
    EXPECT_FALSE(node.node.was_shut_down);
    EXPECT_EQ(node.post(path + ":shutdown").status, 202);
    EXPECT_TRUE(node.node.was_shut_down);
}

TEST_F(RestOperations, ConfigurationIsShownCheckedAndReloaded) {
    EXPECT_THAT(node.get("/v1/config").items("key"), ElementsAre(R"("log.level")"));
    const Headers toml{{"Content-Type", "application/toml"}};
    EXPECT_EQ(node.post("/v1/config:check", "[log]\n", toml).status, 200);
    const Answer wrong = node.post("/v1/config:check", "[http]\nlisen = []\n", toml);
    EXPECT_EQ(wrong.status, 422);
    EXPECT_THAT(wrong.body, HasSubstr(R"("pointer":"/http/lisen")"));
    EXPECT_EQ(node.post("/v1/config:reload").member("restart_required"), "[]");
}

TEST_F(RestOperations, ListenersAreShownAndCut) {
    node.listeners.listeners = {
        {.id = "l-1", .transport = "ws", .address = "127.0.0.1", .topics = {"a.>"}},
        {.id = "l-2", .transport = "sse", .address = "127.0.0.1", .topics = {"b"}}};
    EXPECT_THAT(node.get("/v1/listeners").items("topics"), ElementsAre(R"(["a.>"])", R"(["b"])"));
    EXPECT_THAT(node.get("/v1/listeners?transport=sse").items("id"), ElementsAre(R"("l-2")"));
    const Answer first = node.get("/v1/listeners?limit=1");
    EXPECT_THAT(node.get("/v1/listeners?limit=1&after=" + first.text("next")).items("id"),
                ElementsAre(R"("l-2")"));
    EXPECT_EQ(node.send("DELETE", "/v1/listeners/l-1").status, 204);
    EXPECT_EQ(node.send("DELETE", "/v1/listeners/l-1").status, 404);
}

TEST_F(RestOperations, TheStoreIsCompactedAndVerified) {
    node.has("a.b", {"1", "2", "3"});
    EXPECT_EQ(node.post("/v1/storage:compact").status, 200);
    const Answer verified = node.post("/v1/storage:verify");
    EXPECT_EQ(verified.member("messages"), "4") << "three and the audit of the compaction";
    EXPECT_EQ(verified.member("next"), "null");
}

TEST_F(RestOperations, TheTimelineIsReadFromTheSystemTopics) {
    node.node.system_message("$sys.gap",
                             R"({"gap":"g-1","scope":"source","source":"okx","lost":3})");
    node.node.system_message("$sys.gap", R"({"gap":"g-2","scope":"listener","lost":null})");
    node.node.system_message("$sys.event.config", R"({"kind":"config","source":"okx"})");
    node.node.system_message("$sys.audit", R"({"action":"source.create","object":"okx"})");
    EXPECT_THAT(node.get("/v1/gaps").items("gap"), ElementsAre(R"("g-2")", R"("g-1")"));
    EXPECT_THAT(node.get("/v1/gaps?scope=source").items("lost"), ElementsAre("3"));
    const Answer first = node.get("/v1/gaps?limit=1");
    EXPECT_THAT(node.get("/v1/gaps?limit=1&after=" + first.text("next")).items("gap"),
                ElementsAre(R"("g-1")"));
    EXPECT_THAT(node.get("/v1/events?kind=config").items("source"), ElementsAre(R"("okx")"));
    EXPECT_THAT(node.get("/v1/audit").items("object"), ElementsAre(R"("okx")"));
    EXPECT_EQ(node.get("/v1/alerts").member("items"), "[]");
}

// -- stored objects -----------------------------------------------------------------------------------

TEST_F(RestOperations, AnObjectIsCreatedReadChangedAndRemoved) {
    const Answer made = node.post("/v1/sources", R"({"name":"s","type":"test"})");
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(made.header("location"), "/v1/sources/s");
    const std::string etag = made.header("etag");
    EXPECT_EQ(node.get("/v1/sources/s").header("etag"), etag);
    EXPECT_EQ(node.get("/v1/sources/s", {{"If-None-Match", etag}}).status, 304);
    EXPECT_EQ(node.post("/v1/sources", R"({"name":"s"})").code(), "exists");
    EXPECT_EQ(node.send("PUT", "/v1/sources/s", R"({"name":"s"})", {{"If-None-Match", "*"}}).status,
              409);
    EXPECT_EQ(node.send("PATCH", "/v1/sources/s", "{}",
                        {{"If-Match", etag}, {"Content-Type", "application/merge-patch+json"}})
                  .status,
              200);
    const Answer stale = node.send("PATCH", "/v1/sources/s", "{}", {{"If-Match", etag}});
    EXPECT_EQ(stale.status, 412);
    EXPECT_EQ(stale.code(), "stale-version");
    EXPECT_EQ(node.send("DELETE", "/v1/sources/s").status, 204);
    EXPECT_EQ(node.get("/v1/sources/s").status, 404);
    EXPECT_EQ(node.send("PATCH", "/v1/sources/s", "{}").status, 404);
}

TEST_F(RestOperations, ARefusedDefinitionPointsAtTheMistake) {
    const Answer answer = node.post("/v1/pipelines", R"({"name":"p","bad":1})");
    EXPECT_EQ(answer.status, 422);
    EXPECT_THAT(answer.member("errors"), HasSubstr(R"("pointer":"/bad")"));
    EXPECT_EQ(node.post("/v1/sources", "{").code(), "bad-json");
    EXPECT_EQ(node.post("/v1/sources", "<x/>", {{"Content-Type", "application/xml"}}).status, 415);
    EXPECT_EQ(node.post("/v1/sources?dry_run=1", R"({"name":"dry"})").status, 200);
    EXPECT_EQ(node.get("/v1/sources/dry").status, 404);
}

TEST_F(RestOperations, ListsArePagedAndFilteredByMember) {
    for (const char* name : {"a", "b", "c"})
        node.sources.objects[name] = {"{\"name\":\"" + std::string(name) + "\",\"state\":\"" +
                                          (*name == 'b' ? "live" : "stale") + "\"}",
                                      "e"};
    const Answer first = node.get("/v1/sources?limit=2");
    EXPECT_THAT(first.items("name"), ElementsAre(R"("a")", R"("b")"));
    EXPECT_EQ(first.header("link"), "</v1/sources?limit=2&after=b>; rel=\"next\"");
    EXPECT_THAT(node.get("/v1/sources?limit=2&after=b").items("name"), ElementsAre(R"("c")"));
    EXPECT_THAT(node.get("/v1/sources?state=live").items("name"), ElementsAre(R"("b")"));
    EXPECT_EQ(node.get("/v1/sources?colour=red").status, 400);
}

TEST_F(RestOperations, VerbsAndPartsOfAnObjectAreHandedOn) {
    node.sources.objects["s"] = {R"({"name":"s"})", "e"};
    EXPECT_EQ(node.post("/v1/sources/s:restart").text("did"), "restart");
    EXPECT_EQ(node.post("/v1/sources:test", "{}").text("did"), "test");
    EXPECT_EQ(node.post("/v1/sources:probe", R"({"url":"https://example.org"})").text("did"),
              "probe");
    EXPECT_EQ(node.get("/v1/sources/s/errors").text("did"), "errors");
    EXPECT_EQ(node.get("/v1/sources:schema").text("did"), "schema");
    EXPECT_EQ(node.post("/v1/sources/none:restart").status, 404);
    EXPECT_EQ(node.post("/v1/sources/s:explode").status, 404);
}

TEST_F(RestOperations, RetentionIsSetByName) {
    EXPECT_EQ(
        node.send("PUT", "/v1/retention/short", R"({"name":"short","topics":"temp.>","age":"1h"})")
            .status,
        201);
    EXPECT_THAT(node.get("/v1/retention").body, HasSubstr("temp.>"));
    EXPECT_EQ(node.post("/v1/retention", "{}").status, 405);
}

// -- forms ---------------------------------------------------------------------------------------------

TEST_F(RestOperations, AFormNobodyMakesIsNotAcceptable) {
    EXPECT_EQ(node.get("/v1/nodes", {{"Accept", "image/png"}}).code(), "not-acceptable");
    EXPECT_EQ(node.get("/v1/nodes", {{"Accept", "text/html, */*;q=0.1"}}).status, 200);
}

TEST_F(RestOperations, ThePageCarriesItsPolicy) {
    for (const char* path : {"/", "/ui"}) {
        const Answer page = node.get(path);
        EXPECT_EQ(page.status, 200);
        EXPECT_THAT(page.header("content-type"), HasSubstr("text/html"));
        EXPECT_THAT(page.header("content-security-policy"), HasSubstr("default-src 'none'"));
        EXPECT_EQ(page.header("referrer-policy"), "no-referrer");
        EXPECT_THAT(page.body, Not(HasSubstr("<script>"))) << "a script of the page itself";
    }
}

std::string pointer_part(std::string_view part) {
    std::string out;
    for (std::size_t i = 0; i < part.size(); ++i) {
        const bool tilde = part[i] == '~' && i + 1 < part.size();
        if (tilde)
            out += part[++i] == '1' ? '/' : '~';
        else
            out += part[i];
    }
    return out;
}

/// Follows every `$ref` below `value`.
void expect_references_lead_somewhere(const json::Value& root, const json::Value& value) {
    for (json::Value v = value.first(); v; v = v.next_in(value)) {
        if (value.is_object() && v.is_named("$ref") && v.is_string()) {
            json::Value place = root;
            for (const auto part : text::split(v.string().substr(2), '/'))
                place = place[pointer_part(part)];
            EXPECT_TRUE(place.present()) << v.string();
        }
        if (v.is_object() || v.is_array()) expect_references_lead_somewhere(root, v);
    }
}

TEST_F(RestOperations, DescriptionsHoldTogether) {
    for (const char* path : {"/openapi.json", "/asyncapi.json"}) {
        const Answer answer = node.get(path);
        ASSERT_EQ(answer.status, 200) << path;
        json::Document document;
        ASSERT_TRUE(document.parse(answer.body)) << path;
        expect_references_lead_somewhere(document.root(), document.root());
    }
    json::Document document;
    const Answer answer = node.get("/openapi.json");
    ASSERT_TRUE(document.parse(answer.body));
    const json::Value paths = document.root()["paths"];
    EXPECT_TRUE(paths["/v1/topics/{topic}/messages"]["delete"]["responses"].present());
    EXPECT_TRUE(paths["/v1/sources/{name}"]["patch"].present());
    EXPECT_TRUE(paths["/v1/retention/{name}"]["put"].present());
    EXPECT_THAT(node.get("/asyncapi.json").body, HasSubstr("anode.v1"));
}

}  // namespace
}  // namespace anode::api::rest_spec
