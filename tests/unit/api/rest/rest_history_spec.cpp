#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rest_node.hpp"

namespace anode::api::rest_spec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RestHistory : public ::testing::Test {
protected:
    void has_numbers(int count, std::string_view topic = "a.b") {
        std::vector<PublishItem> items;
        for (int i = 0; i < count; ++i)
            items.push_back({.topic = std::string(topic), .payload = std::to_string(i)});
        node.publishing.take(items, "api");
    }
    Answer history(std::string_view query = "") {
        return node.get(messages_of("a.b") + std::string(query));
    }
    /// All pages, by following `next`.
    std::vector<std::string> pages(const std::string& query) {
        std::vector<std::string> all;
        std::string after;
        for (int page = 0; page < 100; ++page) {
            const Answer answer = history(query + (after.empty() ? "" : "&after=" + after));
            const auto items = answer.items("data");
            all.insert(all.end(), items.begin(), items.end());
            after = answer.text("next");
            if (after.empty()) return all;
            EXPECT_THAT(answer.header("link"), HasSubstr("rel=\"next\""));
        }
        return all;
    }
    RestNode node;
};

TEST_F(RestHistory, TheNewestComesFirstUnlessAskedOtherwise) {
    has_numbers(3);
    EXPECT_THAT(history().items("data"), ElementsAre("2", "1", "0"));
    EXPECT_THAT(history("?order=asc").items("data"), ElementsAre("0", "1", "2"));
    EXPECT_EQ(history("?order=up").status, 422);
}

TEST_F(RestHistory, PagesHaveNeitherHoleNorRepeat) {
    has_numbers(25);
    std::vector<std::string> rising, falling;
    for (int i = 0; i < 25; ++i) {
        rising.push_back(std::to_string(i));
        falling.push_back(std::to_string(24 - i));
    }
    EXPECT_EQ(pages("?order=asc&limit=4"), rising);
    EXPECT_EQ(pages("?limit=5"), falling);
    EXPECT_EQ(history("?limit=25").member("next"), "null");
}

TEST_F(RestHistory, AFilterKeepsWhatItHoldsFor) {
    has_numbers(20);
    EXPECT_EQ(pages("?order=asc&limit=2&filter=.data%20%3E%3D%2015"),
              (std::vector<std::string>{"15", "16", "17", "18", "19"}));
    EXPECT_EQ(history("?filter=.a%20%3E").status, 422);
    EXPECT_EQ(history("?filter=" + std::string(1100, 'a')).status, 422);
}

TEST_F(RestHistory, TimesIncludeTheFirstAndExcludeTheLast) {
    for (int i = 0; i < 5; ++i) has_numbers(1);
    const auto ts = history("?order=asc").items("ts");
    EXPECT_EQ(history("?order=asc&from=" + ts[1] + "&to=" + ts[3]).items("ts"),
              (std::vector<std::string>{ts[1], ts[2]}));
}

TEST_F(RestHistory, ACursorGoesOnBehindItsMessageInBothOrders) {
    has_numbers(5);
    const auto cursor = history("?order=asc&limit=2").items("cursor")[1];
    const std::string from = "from=" + cursor.substr(1, cursor.size() - 2);
    const Answer rising = history("?order=asc&" + from);
    EXPECT_THAT(rising.items("data"), ElementsAre("2", "3", "4"));
    EXPECT_EQ(rising.text("resume"), "exact");
    EXPECT_THAT(history("?" + from).items("data"), ElementsAre("4", "3", "2"));
    EXPECT_EQ(history("?from=c1.nonsense").code(), "bad-cursor");
    EXPECT_EQ(history("?after=nonsense").code(), "bad-cursor");
    EXPECT_EQ(history("?from=live").status, 422);
}

TEST_F(RestHistory, LinesAreUnpagedAndTheSameAsTheItems) {
    has_numbers(1500);
    const Answer all =
        node.get(messages_of("a.b") + "?order=asc", {{"Accept", "application/x-ndjson"}});
    EXPECT_EQ(all.header("content-type"), "application/x-ndjson");
    EXPECT_EQ(all.lines().size(), 1500U);
    const Answer page = history("?order=asc&limit=1");
    EXPECT_EQ(page.body.substr(10, all.lines()[0].size()), all.lines()[0]);
    EXPECT_EQ(node.get(messages_of("a.b") + "?limit=7", {{"Accept", "application/x-ndjson"}})
                  .lines()
                  .size(),
              7U);
}

TEST_F(RestHistory, TheBarePayloadIsTheLineIfAskedFor) {
    node.has("a.b", {R"({"n":1})"});
    node.publishing.take(
        {{.topic = "a.b", .payload = std::string("\0\1", 2), .content_type = "x/y"}}, "api");
    const Answer answer = node.get(messages_of("a.b") + "?order=asc&format=data",
                                   {{"Accept", "application/x-ndjson"}});
    EXPECT_THAT(answer.lines(), ElementsAre(R"({"n":1})", R"("AAE=")"));
    EXPECT_EQ(history("?order=asc&format=data").member("items"), R"([{"n":1},"AAE="])");
}

TEST_F(RestHistory, LimitsOverAThousandAreRefused) {
    EXPECT_EQ(history("?limit=1001").status, 422);
    EXPECT_EQ(history("?limit=0").status, 422);
    EXPECT_EQ(history("?limit=1000").status, 200);
}

TEST_F(RestHistory, ALargePageIsCutByBytesAndGoesOn) {
    for (int i = 0; i < 12; ++i)
        node.has("a.b", {'"' + std::string(1 << 20, static_cast<char>('a' + i)).substr(3) + '"'});
    const Answer answer = history("?order=asc&limit=100");
    EXPECT_LT(answer.items("id").size(), 12U);
    EXPECT_EQ(pages("?order=asc&limit=100").size(), 12U);
}

TEST_F(RestHistory, SeveralTopicsAreReadByPattern) {
    has_numbers(2, "m.a");
    has_numbers(3, "m.b");
    EXPECT_EQ(node.get("/v1/messages?topics=m.*").items("data").size(), 5U);
    EXPECT_EQ(node.get("/v1/messages?topics=m.a,n.%3E").items("data").size(), 2U);
    for (const char* bad : {"a..b", "a.%3E.b", "", "*a"})
        EXPECT_EQ(node.get("/v1/messages?topics=" + std::string(bad)).code(), "bad-topic") << bad;
    std::string many = "a.b0";
    for (int i = 1; i < 65; ++i) many += ",a.b" + std::to_string(i);
    EXPECT_EQ(node.get("/v1/messages?topics=" + many).status, 400);
}

TEST_F(RestHistory, AnUnknownTopicIsEmptyNotAnError) {
    EXPECT_THAT(history().items("data"), IsEmpty());
    EXPECT_EQ(history().status, 200);
}

TEST_F(RestHistory, TheNewestValuePerKeyHasTheIdAsItsTag) {
    for (int i = 0; i < 4; ++i)
        node.publishing.take(
            {{.topic = "a.b", .payload = std::to_string(i), .key = "k" + std::to_string(i % 2)}},
            "api");
    const Answer answer = node.get("/v1/topics/a.b/last");
    EXPECT_THAT(answer.items("data"), ElementsAre("2", "3"));
    const std::string etag = answer.header("etag");
    EXPECT_THAT(answer.items("id")[1], etag);
    const Answer unchanged = node.get("/v1/topics/a.b/last", {{"If-None-Match", etag}});
    EXPECT_EQ(unchanged.status, 304);
    EXPECT_EQ(unchanged.body, "");
    EXPECT_EQ(unchanged.header("etag"), etag);
    node.has("a.b", {"9"});
    EXPECT_EQ(node.get("/v1/topics/a.b/last", {{"If-None-Match", etag}}).status, 200);
}

TEST_F(RestHistory, APurgeTakesWhatIsOlderAndIsAudited) {
    for (int i = 0; i < 5; ++i) has_numbers(1);
    const auto ts = history("?order=asc").items("ts");
    EXPECT_EQ(node.send("DELETE", messages_of("a.b") + "?before=" + ts[3] + "&dry_run=1").status,
              200);
    EXPECT_EQ(history().items("ts").size(), 5U);
    EXPECT_EQ(node.send("DELETE", messages_of("a.b") + "?before=" + ts[3]).status, 200);
    EXPECT_EQ(history("?order=asc").items("ts"), (std::vector<std::string>{ts[3], ts[4]}));
    EXPECT_THAT(node.get("/v1/audit").items("action"), ElementsAre(R"("topic.purge")"));
    EXPECT_EQ(node.send("DELETE", messages_of("a.b")).status, 422);
    EXPECT_EQ(node.send("DELETE", messages_of("$sys.audit") + "?before=0").status, 403);
}

TEST_F(RestHistory, TopicsAreListedInOrderWithTheirFacts) {
    has_numbers(3, "a.b");
    has_numbers(1, "a.c.d");
    has_numbers(1, "b");
    node.node.system_message("$sys.event.x", "{}");
    EXPECT_THAT(node.get("/v1/topics").items("topic"),
                ElementsAre(R"("a.b")", R"("a.c.d")", R"("b")"));
    EXPECT_THAT(node.get("/v1/topics?prefix=$").items("topic"), ElementsAre(R"("$sys.event.x")"));
    const Answer first = node.get("/v1/topics?limit=2");
    EXPECT_THAT(node.get("/v1/topics?limit=2&after=" + first.text("next")).items("topic"),
                ElementsAre(R"("b")"));
    const Answer tree = node.get("/v1/topics?depth=1");
    EXPECT_THAT(tree.items("prefix"), ElementsAre(R"("a")", R"("b")"));
    EXPECT_THAT(tree.items("topics"), ElementsAre("2", "1"));
    EXPECT_THAT(tree.items("messages"), ElementsAre("4", "1"));
    EXPECT_THAT(node.get("/v1/topics?depth=1&prefix=a").items("prefix"),
                ElementsAre(R"("a.b")", R"("a.c")"));
}

TEST_F(RestHistory, OneTopicShowsItsLastMessage) {
    node.retention.objects["r"] = {R"({"name":"r","topics":"a.>","age":"7d"})", "e"};
    has_numbers(3);
    const Answer answer = node.get("/v1/topics/a.b");
    EXPECT_EQ(answer.text("topic"), "a.b");
    EXPECT_EQ(answer.member("messages"), "3");
    EXPECT_THAT(answer.member("last_message"), HasSubstr(R"("data":2)"));
    EXPECT_THAT(answer.member("retention"), HasSubstr(R"("age":"7d")"));
    EXPECT_EQ(node.get("/v1/topics/none").status, 404);
}

}  // namespace
}  // namespace anode::api::rest_spec
