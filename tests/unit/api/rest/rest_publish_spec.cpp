#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rest_node.hpp"

namespace anode::api::rest_spec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RestPublish : public ::testing::Test {
protected:
    Answer lines(std::string_view body, std::string_view query = "") {
        return node.post(messages_of("a.b") + std::string(query), body,
                         {{"Content-Type", "application/x-ndjson"}});
    }
    Answer event(std::string_view body, std::string_view type = "application/cloudevents+json") {
        return node.post(messages_of("a.b"), body, {{"Content-Type", std::string(type)}});
    }
    std::vector<std::string> stored(std::string_view member = "data") {
        return node.get(messages_of("a.b") + "?order=asc").items(member);
    }
    RestNode node;
};

TEST_F(RestPublish, OnePayloadIsAnsweredWithItsIdAndTheLevelReached) {
    const Answer answer = node.post(messages_of("a.b"), R"({"n": 1.50})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.member("accepted"), "1");
    EXPECT_EQ(answer.member("rejected"), "[]");
    EXPECT_EQ(answer.text("ack"), "disk");
    EXPECT_EQ(answer.text("last").size(), 26U);
    EXPECT_THAT(stored(), ElementsAre(R"({"n":1.50})"));
    EXPECT_THAT(stored("id"), ElementsAre('"' + answer.text("last") + '"'));
}

TEST_F(RestPublish, TheLevelAskedForIsTheLevelNamed) {
    EXPECT_EQ(node.post(messages_of("a.b") + "?ack=received", "1").text("ack"), "received");
    EXPECT_EQ(node.post(messages_of("a.b") + "?ack=disk", "1").text("ack"), "disk");
    EXPECT_EQ(node.post(messages_of("a.b") + "?ack=copies:1", "1").text("ack"), "disk");
}

TEST_F(RestPublish, MoreCopiesThanNodesAreRefusedAndNothingIsStored) {
    const Answer answer = node.post(messages_of("a.b") + "?ack=copies:3", "1");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.code(), "not-ready");
    EXPECT_TRUE(stored().empty());
}

TEST_F(RestPublish, AnUnknownLevelOrParameterIsRefused) {
    EXPECT_EQ(node.post(messages_of("a.b") + "?ack=soon", "1").status, 422);
    EXPECT_EQ(node.post(messages_of("a.b") + "?akc=disk", "1").status, 400);
}

TEST_F(RestPublish, TextThatIsNotJsonIsBadJson) {
    for (const char* body : {"", "{", "[1,]", "nul", "1 2",
                             "\xef\xbb\xbf"
                             "1",
                             "\"\xff\"", "NaN"}) {
        const Answer answer = node.post(messages_of("a.b"), body);
        EXPECT_EQ(answer.status, 400) << body;
        EXPECT_EQ(answer.code(), "bad-json") << body;
    }
}

TEST_F(RestPublish, DepthAndSizeHaveTheirOwnCodes) {
    const std::string deep = std::string(65, '[') + std::string(65, ']');
    EXPECT_EQ(node.post(messages_of("a.b"), deep).code(), "too-deep");
    const std::string large = '"' + std::string((1 << 20) - 1, 'x') + '"';
    const Answer answer = node.post(messages_of("a.b"), large);
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.code(), "too-large");
    EXPECT_EQ(node.post(messages_of("a.b"), '"' + std::string((1 << 20) - 2, 'x') + '"').status,
              200);
}

TEST_F(RestPublish, EachGoodLineIsTakenAndEachBadOneIsNamed) {
    const Answer answer = lines("{\"n\":1}\n\n{\"n\":2\n{\"n\":3}\r\n");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.member("accepted"), "2");
    EXPECT_THAT(answer.member("rejected"), HasSubstr(R"([{"line":3,"code":"bad-json")"));
    EXPECT_THAT(stored(), ElementsAre(R"({"n":1})", R"({"n":3})"));
}

TEST_F(RestPublish, ABatchWithNothingGoodIs422AndSaysWhy) {
    const Answer answer = lines("{\n[\n");
    EXPECT_EQ(answer.status, 422);
    EXPECT_EQ(answer.member("accepted"), "0");
    EXPECT_EQ(answer.member("last"), "null");
    EXPECT_THAT(answer.member("rejected"), HasSubstr(R"("line":2)"));
    EXPECT_EQ(lines("\n\n").status, 422);
}

TEST_F(RestPublish, EnvelopesGoWhereTheySay) {
    const Answer answer = lines(R"({"topic":"left.a","data":{"n":1},"key":"k1","sts":17})"
                                "\n"
                                R"({"topic":"right.a","b64":"AAE=","ct":"image/x"})"
                                "\n"
                                R"({"topic":"a..b","data":1})"
                                "\n"
                                R"({"topic":"a.b","data":1,"colour":"red"})"
                                "\n"
                                R"({"topic":"$sys.x","data":1})"
                                "\n"
                                R"({"topic":"a.b","kind":"delete","key":"k"})"
                                "\n",
                                "?envelopes=1");
    EXPECT_EQ(answer.member("accepted"), "3") << answer.body;
    EXPECT_THAT(answer.member("rejected"),
                testing::AllOf(HasSubstr(R"("line":3,"code":"bad-topic")"),
                               HasSubstr(R"("line":4,"code":"invalid")"),
                               HasSubstr(R"("line":5,"code":"forbidden")")));
    const Answer left = node.get(messages_of("left.a")), right = node.get(messages_of("right.a"));
    EXPECT_THAT(left.items("key"), ElementsAre(R"("k1")"));
    EXPECT_THAT(left.items("sts"), ElementsAre("17"));
    EXPECT_THAT(right.items("b64"), ElementsAre(R"("AAE=")"));
    EXPECT_THAT(right.items("ct"), ElementsAre(R"("image/x")"));
    EXPECT_THAT(stored("kind"), ElementsAre(R"("delete")"));
}

TEST_F(RestPublish, ExportedHistoryCanBePublishedAgain) {
    node.has("a.b", {R"({"n":1})"});
    const Answer exported = node.get(messages_of("a.b"), {{"Accept", "application/x-ndjson"}});
    EXPECT_EQ(lines(exported.body, "?envelopes=1").member("accepted"), "1");
    EXPECT_THAT(stored(), ElementsAre(R"({"n":1})", R"({"n":1})"));
}

TEST_F(RestPublish, AStructuredEventIsUnwrapped) {
    const Answer answer = event(
        R"({"specversion":"1.0","id":"e","source":"/x","type":"t","time":"2026-01-01T00:00:00Z","data":{"p":"1.50"}})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(stored(), ElementsAre(R"({"p":"1.50"})"));
    EXPECT_THAT(stored("sts"), ElementsAre("1767225600000000"));
}

TEST_F(RestPublish, AnEventOfBytesKeepsItsType) {
    EXPECT_EQ(
        event(
            R"({"specversion":"1.0","id":"e","source":"/x","type":"t","datacontenttype":"image/x","data_base64":"AAE="})")
            .status,
        200);
    EXPECT_THAT(stored("b64"), ElementsAre(R"("AAE=")"));
    EXPECT_THAT(stored("ct"), ElementsAre(R"("image/x")"));
}

TEST_F(RestPublish, AMalformedEventIsRefusedWithAPointer) {
    const Answer answer = event(R"({"specversion":"1.0","data":1})");
    EXPECT_EQ(answer.status, 422);
    EXPECT_EQ(answer.code(), "invalid");
    EXPECT_THAT(answer.body, HasSubstr(R"("pointer":"/id")"));
    EXPECT_EQ(event(R"({"specversion":"0.3","id":"e","source":"/x","type":"t"})").status, 422);
    EXPECT_EQ(event("[").code(), "bad-json");
}

TEST_F(RestPublish, ABatchOfEventsIsSeveralMessages) {
    const Answer answer = event(
        R"([{"specversion":"1.0","id":"1","source":"/x","type":"t","data":1},{"id":"2"},{"specversion":"1.0","id":"3","source":"/x","type":"t","data":3}])",
        "application/cloudevents-batch+json");
    EXPECT_EQ(answer.member("accepted"), "2") << answer.body;
    EXPECT_THAT(answer.member("rejected"), HasSubstr(R"("line":2)"));
    EXPECT_THAT(stored(), ElementsAre("1", "3"));
}

TEST_F(RestPublish, AnEventInHeadersIsTheBareBody) {
    const Headers headers{{"Content-Type", "application/json"},
                          {"ce-specversion", "1.0"},
                          {"ce-id", "e"},
                          {"ce-source", "/x"},
                          {"ce-type", "t"}};
    EXPECT_EQ(node.post(messages_of("a.b"), "{\"p\": 2.500}", headers).status, 200);
    EXPECT_THAT(stored(), ElementsAre(R"({"p":2.500})"));
    EXPECT_EQ(node.post(messages_of("a.b"), "1", {{"ce-specversion", "1.0"}}).status, 422);
}

TEST_F(RestPublish, AnyOtherTypeTravelsAsBase64) {
    EXPECT_EQ(node.post(messages_of("a.b"), std::string("\0\x01", 2), {{"Content-Type", "image/x"}})
                  .status,
              200);
    EXPECT_THAT(stored("b64"), ElementsAre(R"("AAE=")"));
    EXPECT_THAT(stored("ct"), ElementsAre(R"("image/x")"));
}

TEST_F(RestPublish, AKeyIsAnsweredAsTheFirstTimeAndWithAnotherBodyRefused) {
    const Headers key{{"Idempotency-Key", "k"}};
    const Answer first = node.post(messages_of("a.b"), "1", key);
    const Answer again = node.post(messages_of("a.b"), "1", key);
    EXPECT_EQ(first.text("last"), again.text("last"));
    const Answer other = node.post(messages_of("a.b"), "2", key);
    EXPECT_EQ(other.status, 422);
    EXPECT_EQ(other.code(), "key-reused");
    EXPECT_THAT(stored(), ElementsAre("1"));
}

TEST_F(RestPublish, BadAndSystemTopicsAreRefused) {
    EXPECT_EQ(node.post(messages_of("a..b"), "1").code(), "bad-topic");
    EXPECT_EQ(node.post(messages_of("a.*"), "1").code(), "bad-topic");
    EXPECT_EQ(node.post(messages_of("a.%24b"), "1").code(), "bad-topic");
    EXPECT_EQ(node.post(messages_of("$sys.x"), "1").code(), "forbidden");
}

TEST_F(RestPublish, ADryRunChecksAndStoresNothing) {
    EXPECT_EQ(node.post(messages_of("a.b") + "?dry_run=1", "1").member("accepted"), "1");
    EXPECT_TRUE(stored().empty());
}

TEST_F(RestPublish, WhatTheNodeRefusesHasItsCode) {
    node.publishing.refuses = Errc::NoSpace;
    EXPECT_EQ(node.post(messages_of("a.b"), "1").code(), "store-full");
    node.publishing.refuses = Errc::Closed;
    EXPECT_EQ(node.post(messages_of("a.b"), "1").code(), "draining");
    node.publishing.refuses = Errc::Overloaded;
    const Answer answer = node.post(messages_of("a.b"), "1");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.header("retry-after"), "1");
}

TEST_F(RestPublish, ALargeBodyIsReadAside) {
    std::string body;
    for (int i = 0; i < 20'000; ++i) body += "{\"n\":" + std::to_string(i) + "}\n";
    ASSERT_GT(body.size(), 128U << 10);
    EXPECT_EQ(lines(body).member("accepted"), "20000");
}

TEST_F(RestPublish, AHookHandsItsBodyToTheSource) {
    EXPECT_EQ(node.post("/v1/in/hook?a=1", "{\"order\":1}").member("accepted"), "1");
    EXPECT_EQ(node.post("/v1/in/nobody", "{}").status, 404);
    EXPECT_EQ(node.post("/v1/in/hook", "forged").status, 403);
    EXPECT_THAT(node.get(messages_of("hook.in")).items("data"), ElementsAre(R"({"order":1})"));
}

}  // namespace
}  // namespace anode::api::rest_spec
