#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client.hpp"
#include "fake_node.hpp"

namespace anode::api::testing {
namespace {

using ::testing::HasSubstr;

class Protocol : public ::testing::Test {
protected:
    Fixture edge;
    Socket session{edge.port, "/v1/ws", "Sec-WebSocket-Protocol: anode.v1\r\n"};

    std::string ask(const std::string& request) {
        session.send(request);
        const std::string id = request.substr(request.find("\"id\":"));
        const std::string sign = id.substr(0, id.find_first_of(",}"));
        while (auto text = session.next())
            if (text->find(sign) != std::string::npos && text->find("\"op\":") != std::string::npos)
                return *text;
        return "closed " + std::to_string(session.close_code);
    }
    std::string message() {
        while (auto text = session.next())
            if (text->find("{\"op\":") != 0) return *text;
        return {};
    }
};

TEST_F(Protocol, TheWelcomeTellsWhatAClientNeeds) {
    EXPECT_THAT(session.head, HasSubstr("Sec-WebSocket-Protocol: anode.v1"));
    const std::string welcome = *session.next();
    for (const char* name : {"\"v\":1", "\"node\":", "\"cluster\":\"test\"", "\"session\":",
                             "\"hb\":20", "\"limits\":{", "\"nodes\":", "\"auth\":"})
        EXPECT_THAT(welcome, HasSubstr(name));
}

TEST_F(Protocol, AClientThatNamesNoSubprotocolIsServedAndOneThatNamesOthersIsNot) {
    Socket none(edge.port, "/v1/ws");
    EXPECT_EQ(status_of(none.head), 101);
    EXPECT_EQ(none.head.find("Sec-WebSocket-Protocol"), std::string::npos);
    Socket others(edge.port, "/v1/ws", "Sec-WebSocket-Protocol: mqtt\r\n");
    EXPECT_EQ(status_of(others.head), 400);
}

TEST_F(Protocol, SubscribePublishAndReceiveInOneConnection) {
    EXPECT_THAT(ask(R"({"op":"sub","id":1,"topics":["a.>"]})"), HasSubstr(R"("resume":"live")"));
    const std::string reply = ask(R"({"op":"pub","id":2,"topic":"a.b","data":{"n":1}})");
    EXPECT_THAT(reply, HasSubstr(R"("ack":"disk")"));
    session.send(R"({"op":"ping","id":3})");
    EXPECT_EQ(ask(R"({"op":"ping","id":4})").substr(0, 12), R"({"op":"pong")");
}

TEST_F(Protocol, OverlappingSubscriptionsDeliverOnce) {
    ask(R"({"op":"sub","id":1,"topics":["a.>"]})");
    ask(R"({"op":"sub","id":2,"topics":["a.b"]})");
    ask(R"({"op":"sub","id":3,"topics":["a.*"],"mode":"latest","every":"250ms"})");
    edge.node.publish("a.b", "1");
    edge.node.publish("a.b", "2");
    EXPECT_EQ(data_of(message()), "1");
    EXPECT_EQ(data_of(message()), "2");
}

TEST_F(Protocol, AReplayBesideALiveSubscriptionRepeatsNothing) {
    for (int n = 0; n < 50; ++n) edge.node.publish("a.b", std::to_string(n));
    ask(R"({"op":"sub","id":1,"topics":["a.b"]})");
    edge.node.publish("a.b", "50");
    EXPECT_EQ(data_of(message()), "50");
    ask(R"({"op":"sub","id":2,"topics":["a.>"],"from":"earliest"})");
    for (int n = 0; n < 50; ++n) ASSERT_EQ(data_of(message()), std::to_string(n));
    edge.node.publish("a.b", "51");
    EXPECT_EQ(data_of(message()), "51");
}

TEST_F(Protocol, AReplayIsFollowedByLive) {
    for (int n = 0; n < 10; ++n) edge.node.publish("a.b", std::to_string(n));
    EXPECT_THAT(ask(R"({"op":"sub","id":1,"topics":["a.b"],"from":"earliest"})"),
                HasSubstr(R"("resume":"exact")"));
    for (int n = 0; n < 10; ++n) EXPECT_EQ(data_of(message()), std::to_string(n));
    EXPECT_THAT(session.next_op("live"), HasSubstr("\"sid\":1"));
    edge.node.publish("a.b", "live");
    EXPECT_EQ(data_of(message()), "live");
}

TEST_F(Protocol, AFilterCanBeChangedAndAPauseLosesNothing) {
    ask(R"({"op":"sub","id":1,"topics":["a.b"]})");
    ask(R"({"op":"upd","id":2,"sid":1,"filter":".data > 10"})");
    edge.node.publish("a.b", "5");
    edge.node.publish("a.b", "15");
    EXPECT_EQ(data_of(message()), "15");
    ask(R"({"op":"upd","id":3,"sid":1,"paused":true})");
    edge.node.publish("a.b", "16");
    EXPECT_THAT(ask(R"({"op":"upd","id":4,"sid":1,"paused":false})"), HasSubstr("\"ok\""));
    edge.node.publish("a.b", "17");
    EXPECT_EQ(data_of(message()), "16");
    EXPECT_EQ(data_of(message()), "17");
}

TEST_F(Protocol, UnsubscribingGivesACursorThatGoesOnBehindTheLastMessage) {
    ask(R"({"op":"sub","id":1,"topics":["a.b"]})");
    edge.node.publish("a.b", "1");
    EXPECT_EQ(data_of(message()), "1");
    const std::string cursor = cursor_of(ask(R"({"op":"unsub","id":2,"sid":1})"));
    edge.node.publish("a.b", "2");
    ask("{\"op\":\"sub\",\"id\":3,\"topics\":[\"a.b\"],\"from\":\"" + cursor + "\"}");
    EXPECT_EQ(data_of(message()), "2");
}

TEST_F(Protocol, AWindowHoldsBackUntilItIsAcknowledged) {
    ask(R"({"op":"sub","id":1,"topics":["a.b"],"window":3})");
    for (int n = 0; n < 10; ++n) edge.node.publish("a.b", std::to_string(n));
    std::string last;
    for (int n = 0; n < 3; ++n) {
        last = message();
        EXPECT_EQ(data_of(last), std::to_string(n));
    }
    session.send(R"({"op":"ping","id":9})");
    EXPECT_THAT(*session.next(), HasSubstr("pong"));
    session.send("{\"op\":\"ack\",\"cursor\":\"" + cursor_of(last) + "\"}");
    for (int n = 3; n < 6; ++n) EXPECT_EQ(data_of(message()), std::to_string(n));
    session.send(R"({"op":"ping","id":10})");
    EXPECT_THAT(*session.next(), HasSubstr("pong"));
}

TEST_F(Protocol, HistoryAndNewestValuesComeAsPages) {
    for (int n = 0; n < 10; ++n)
        edge.node.publish({{"a.b", std::to_string(n), "k" + std::to_string(n % 2), ""}});
    const std::string page =
        ask(R"({"op":"hist","id":1,"topics":["a.b"],"limit":2,"order":"asc"})");
    EXPECT_THAT(page, HasSubstr("\"data\":0}"));
    EXPECT_THAT(page, HasSubstr("\"data\":1}],\"next\":\"c1."));
    EXPECT_THAT(ask(R"({"op":"hist","id":2,"topics":["a.b"],"limit":1,"order":"desc"})"),
                HasSubstr("\"data\":9}"));
    const std::string newest = ask(R"({"op":"get","id":3,"topics":["a.>"]})");
    EXPECT_THAT(newest, HasSubstr("\"data\":8}"));
    EXPECT_THAT(newest, HasSubstr("\"data\":9}"));
}

TEST_F(Protocol, AWrongRequestIsAnsweredAndTheConnectionLives) {
    int id = 100;
    for (const char* rest :
         {R"("op":"sub")", R"("op":"sub","topics":[])", R"("op":"sub","topics":["a..b"])",
          R"("op":"sub","topics":["a"],"colour":"red")",
          R"("op":"sub","topics":["a"],"mode":"some")",
          R"("op":"sub","topics":["a"],"from":"c1.!")", R"("op":"upd","sid":"nonsense")",
          R"("op":"unsub","sid":7)", R"("op":"pub","topic":"a..b","data":1)",
          R"("op":"pub","topic":"$sys.event.x","data":1)", R"("op":"pub","topic":"a.b")",
          R"("op":"frobnicate")"}) {
        const std::string reply = ask("{\"id\":" + std::to_string(++id) + ',' + rest + '}');
        EXPECT_THAT(reply, HasSubstr("\"op\":\"err\"")) << rest;
        EXPECT_THAT(reply, HasSubstr("\"title\":\"")) << rest;
    }
    EXPECT_THAT(ask(R"({"op":"ping","id":200})"), HasSubstr("pong"));
}

TEST_F(Protocol, FramesThatAreNoJsonObjectsCloseWith4400) {
    for (const char* frame : {"hello", "[1]", R"({"op":"ping")", "7"}) {
        Socket other(edge.port, "/v1/ws");
        other.send(frame);
        EXPECT_EQ(other.wait_for_close(), 4400) << frame;
    }
}

TEST_F(Protocol, WhatTheProtocolForbidsClosesWithItsCode) {
    Socket binary(edge.port, "/v1/ws");
    binary.send("{}", ws::Opcode::Binary);
    EXPECT_EQ(binary.wait_for_close(), 1003);
    Socket large(edge.port, "/v1/ws");
    large.send("{\"op\":\"ping\",\"pad\":\"" + std::string(70'000, 'x') + "\"}");
    EXPECT_EQ(large.wait_for_close(), 1009);
    Socket pings(edge.port, "/v1/ws");
    for (int i = 0; i < 500; ++i) pings.send("x", ws::Opcode::Ping);
    EXPECT_EQ(pings.wait_for_close(), 4429);
}

TEST_F(Protocol, The129thSubscriptionIsRefusedAndTheOthersStay) {
    for (int n = 1; n <= 128; ++n)
        ASSERT_THAT(ask("{\"op\":\"sub\",\"id\":" + std::to_string(n) + ",\"topics\":[\"t.x" +
                        std::to_string(n) + "\"]}"),
                    HasSubstr("\"ok\""));
    EXPECT_THAT(ask(R"({"op":"sub","id":500,"topics":["one.more"]})"), HasSubstr("invalid"));
    edge.node.publish("t.x128", "1");
    EXPECT_EQ(data_of(message()), "1");
}

TEST(PushSocket, EachFrameIsAPayloadWithAnAnswerAndABadOneIsToldSo) {
    Fixture edge;
    Socket push(edge.port, "/v1/push?topic=a.b&ack=disk");
    push.send("{");
    EXPECT_THAT(*push.next(), HasSubstr(R"("op":"err")"));
    push.send("{\"n\": 1}");
    EXPECT_THAT(*push.next(), HasSubstr(R"({"op":"ok","n":2,"id":")"));
    Socket large(edge.port, "/v1/push?topic=a.b");
    large.send('"' + std::string((1 << 20) + 10, 'x') + '"');
    EXPECT_EQ(large.wait_for_close(), 1009);
}

}  // namespace
}  // namespace anode::api::testing
