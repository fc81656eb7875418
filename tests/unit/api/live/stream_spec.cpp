#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client.hpp"
#include "fake_node.hpp"

namespace anode::api::testing {
namespace {

using ::testing::HasSubstr;

std::string get(const Fixture& on, const std::string& target, const std::string& headers = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: " + on.host + "\r\n" + headers + "\r\n";
}

TEST(Stream, AWebSocketListenerGetsTheMessageAsItsEnvelope) {
    Fixture edge;
    Socket listener(edge.port, "/v1/stream?topics=a.>");
    ASSERT_EQ(status_of(listener.head), 101);
    edge.node.publish("a.b", R"({"n":1.0})");
    const auto frame = listener.next();
    ASSERT_TRUE(frame);
    EXPECT_THAT(*frame, HasSubstr(R"("topic":"a.b")"));
    EXPECT_EQ(data_of(*frame), R"({"n":1.0})");
}

TEST(Stream, NdjsonIsOneLineAMessageInChunks) {
    Fixture edge;
    Client client(edge.port);
    client.send(get(edge, "/v1/stream?topics=a.>&format=data"));
    EXPECT_EQ(status_of(client.take_head()), 200);
    edge.node.publish("a.b", "17");
    ASSERT_TRUE(client.wait_for("17\n"));
    EXPECT_EQ(client.in, "3\r\n17\n\r\n");
}

TEST(Stream, EventsBeginWithRetryAndCarryTheCursorAsId) {
    Fixture edge;
    Client client(edge.port);
    client.send(get(edge, "/v1/stream?topics=a.>", "Accept: text/event-stream\r\n"));
    EXPECT_THAT(client.take_head(), HasSubstr("X-Accel-Buffering: no"));
    ASSERT_TRUE(client.wait_for("retry: 2000\n\n"));
    edge.node.publish("a.b", "17");
    ASSERT_TRUE(client.wait_for("\"data\":17}"));
    const std::string cursor = cursor_of(client.in);
    EXPECT_THAT(client.in, HasSubstr("id: " + cursor + "\n"));
    EXPECT_EQ(client.in.find("event:"), std::string::npos);
}

TEST(Stream, ATopicThatDoesNotMatchIsNotDelivered) {
    Fixture edge;
    Socket listener(edge.port, "/v1/stream?topics=a.*,b.c");
    for (const char* topic : {"a", "a.b.c", "b.d", "x"}) edge.node.publish(topic, "0");
    edge.node.publish("b.c", "1");
    EXPECT_EQ(data_of(*listener.next()), "1");
}

TEST(Stream, AFilterKeepsWhatIsTrue) {
    Fixture edge;
    Socket listener(edge.port, "/v1/stream?topics=a.>&filter=.data.n+%3E+2");
    ASSERT_EQ(status_of(listener.head), 101) << listener.client.in;
    for (int n = 0; n < 5; ++n) edge.node.publish("a.b", "{\"n\":" + std::to_string(n) + "}");
    EXPECT_EQ(data_of(*listener.next()), R"({"n":3})");
    EXPECT_EQ(data_of(*listener.next()), R"({"n":4})");
}

TEST(Stream, FromEarliestJoinsHistoryAndLiveWithoutHoleOrRepeat) {
    Fixture edge;
    for (int n = 0; n < 500; ++n) edge.node.publish("a.b", std::to_string(n));
    Socket listener(edge.port, "/v1/stream?topics=a.b&from=earliest");
    for (int n = 500; n < 1000; ++n) edge.node.publish("a.b", std::to_string(n));
    for (int n = 0; n < 1000; ++n) {
        const auto frame = listener.next();
        ASSERT_TRUE(frame) << n;
        ASSERT_EQ(data_of(*frame), std::to_string(n));
    }
}

TEST(Stream, ACursorResumesExactlyBehindItsMessage) {
    Fixture edge;
    for (int n = 0; n < 10; ++n) edge.node.publish("a.b", std::to_string(n));
    Socket first(edge.port, "/v1/stream?topics=a.b&from=earliest");
    std::string cursor;
    for (int n = 0; n < 4; ++n) cursor = cursor_of(*first.next());
    Socket second(edge.port, "/v1/stream?topics=a.b&from=" + cursor);
    EXPECT_THAT(second.head, HasSubstr("Anode-Resume: exact"));
    EXPECT_EQ(data_of(*second.next()), "4");
}

TEST(Stream, WhatTheStoreHasNotYetCommittedComesFromTheTail) {
    Fixture edge;
    edge.node.publish("a.b", "0");
    edge.node.store.commits = false;
    for (int n = 1; n < 100; ++n) edge.node.publish("a.b", std::to_string(n));
    Socket listener(edge.port, "/v1/stream?topics=a.b&from=earliest");
    for (int n = 0; n < 100; ++n) ASSERT_EQ(data_of(*listener.next()), std::to_string(n));
}

TEST(Stream, ALimitEndsItWithAProperClose) {
    Fixture edge;
    for (int n = 0; n < 10; ++n) edge.node.publish("a.b", std::to_string(n));
    Socket listener(edge.port, "/v1/stream?topics=a.b&from=earliest&limit=4");
    for (int n = 0; n < 4; ++n) EXPECT_EQ(data_of(*listener.next()), std::to_string(n));
    EXPECT_FALSE(listener.next());
    EXPECT_EQ(listener.close_code, 1000);
}

TEST(Stream, NdjsonWithALimitEndsItsChunks) {
    Fixture edge;
    for (int n = 0; n < 10; ++n) edge.node.publish("a.b", std::to_string(n));
    Client client(edge.port);
    client.send(get(edge, "/v1/stream?topics=a.b&from=earliest&limit=2&format=data"));
    EXPECT_EQ(status_of(client.take_head()), 200);
    EXPECT_EQ(client.rest(), "2\r\n0\n\r\n2\r\n1\n\r\n0\r\n\r\n");
}

TEST(Stream, ALimitAlsoCountsLiveMessages) {
    Fixture edge;
    Socket listener(edge.port, "/v1/stream?topics=a.b&limit=2");
    for (int n = 0; n < 5; ++n) edge.node.publish("a.b", std::to_string(n));
    EXPECT_EQ(data_of(*listener.next()), "0");
    EXPECT_EQ(data_of(*listener.next()), "1");
    EXPECT_FALSE(listener.next());
    EXPECT_EQ(listener.close_code, 1000);
}

TEST(Stream, ABatchIsOneFrameOfSeveralLines) {
    Fixture edge;
    Socket listener(edge.port, "/v1/stream?topics=a.b&batch=200&format=data");
    for (int n = 0; n < 5; ++n) edge.node.publish("a.b", std::to_string(n));
    EXPECT_EQ(*listener.next(), "0\n1\n2\n3\n4");
}

TEST(Stream, FromLastGivesTheNewestOfEachKeyAndThenLive) {
    Fixture edge;
    for (int n = 0; n < 6; ++n)
        edge.node.publish({{"a.b", std::to_string(n), "k" + std::to_string(n % 2), ""}});
    Socket listener(edge.port, "/v1/stream?topics=a.b&from=last");
    EXPECT_EQ(data_of(*listener.next()), "4");
    EXPECT_EQ(data_of(*listener.next()), "5");
    edge.node.publish("a.b", "6");
    EXPECT_EQ(data_of(*listener.next()), "6");
}

TEST(Stream, DataFromTheClientClosesWith4400) {
    Fixture edge;
    Socket listener(edge.port, "/v1/stream?topics=a.b");
    listener.send("hello");
    EXPECT_EQ(listener.wait_for_close(), 4400);
    EXPECT_LE(listener.close_reason.size(), 123U);
}

TEST(Stream, ACursorThatRetentionHasPassedIs410WhereThereIsNoRoomForAGapRecord) {
    Fixture edge;
    for (int n = 0; n < 10; ++n) edge.node.publish("a.b", std::to_string(n));
    Socket first(edge.port, "/v1/stream?topics=a.b&from=earliest");
    const std::string cursor = cursor_of(*first.next());
    edge.node.store.removed_up_to = edge.node.store.first_free().plus(4);
    Socket refused(edge.port, "/v1/stream?topics=a.b&format=data&from=" + cursor);
    EXPECT_EQ(status_of(refused.head), 410);
    Socket told(edge.port, "/v1/stream?topics=a.b&from=" + cursor);
    EXPECT_THAT(told.head, HasSubstr("Anode-Resume: gap"));
    EXPECT_THAT(*told.next(), HasSubstr(R"("op":"gap","gap":"g-1","reason":"retention")"));
}

TEST(Stream, WrongParametersAreRefusedBeforeAnythingStarts) {
    Fixture edge;
    for (const char* query :
         {"", "topics=", "topics=a..b", "topics=a.>.b", "topics=a.>&mode=some",
          "topics=a.>&from=yesterday", "topics=a.>&from=c1.garbage", "topics=a.>&limit=-1",
          "topics=a.>&format=xml", "topics=a.>&slow=maybe", "topics=a.>&colour=red",
          "topics=a.>&filter=.a+%3E"}) {
        Client client(edge.port);
        client.send(get(edge, std::string("/v1/stream?") + query));
        const int status = status_of(client.take_head());
        EXPECT_TRUE(status == 400 || status == 422) << query << ' ' << status;
    }
}

TEST(Stream, CompressionServesALongMessageAndLeavesAShortOnePlain) {
    Fixture edge;
    Socket listener(edge.port, "/v1/stream?topics=a.b&format=data",
                    "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    EXPECT_THAT(listener.head, HasSubstr("permessage-deflate"));
    const std::string text = '"' + std::string(5000, 'x') + '"';
    for (int n = 0; n < 3; ++n) {
        edge.node.publish("a.b", text);
        EXPECT_EQ(*listener.next(), text);
    }
    edge.node.publish("a.b", "1");
    EXPECT_EQ(*listener.next(), "1");
}

TEST(Stream, TheTwohundredAndFirstListenerOfAnAddressIs429) {
    EdgeLimits limits;
    limits.listeners_per_address_max = 3;
    Fixture edge(limits);
    std::vector<std::unique_ptr<Socket>> listeners;
    for (int i = 0; i < 3; ++i) {
        listeners.push_back(std::make_unique<Socket>(edge.port, "/v1/stream?topics=a.b"));
        EXPECT_EQ(status_of(listeners.back()->head), 101);
    }
    Socket refused(edge.port, "/v1/stream?topics=a.b");
    EXPECT_EQ(status_of(refused.head), 429);
}

}  // namespace
}  // namespace anode::api::testing
