#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client.hpp"
#include "fake_node.hpp"

/// Open connections whose token ends, wherever that was said.
namespace anode::api::testing {
namespace {

class Credentials : public ::testing::Test {
protected:
    Fixture edge;
};

TEST_F(Credentials, EveryConnectionOfATokenThatEndsIsClosedAndTheOthersStay) {
    Socket session(edge.port, "/v1/ws?token=gone"),
        push(edge.port, "/v1/push?topic=a.b&token=gone"),
        stream(edge.port, "/v1/stream?topics=a.%3E&token=gone");
    Socket stays(edge.port, "/v1/ws?token=kept"), guest(edge.port, "/v1/ws");
    EXPECT_FALSE(session.next_op("welcome").empty());
    edge.auth->ends("gone");
    EXPECT_EQ(session.wait_for_close(), 4401);
    EXPECT_EQ(push.wait_for_close(), 4401);
    EXPECT_EQ(stream.wait_for_close(), 4401);
    for (Socket* socket : {&stays, &guest}) {
        socket->send(R"({"op":"ping","id":1})");
        EXPECT_FALSE(socket->next_op("pong").empty());
    }
}

TEST_F(Credentials, AStreamOverPlainHttpEndsToo) {
    Client client(edge.port);
    client.send("GET /v1/stream?topics=a.%3E&token=gone HTTP/1.1\r\nHost: 127.0.0.1:" +
                std::to_string(edge.port) + "\r\nAccept: text/event-stream\r\n\r\n");
    client.take_head();
    edge.auth->ends("gone");
    client.rest();
    EXPECT_TRUE(client.ended);
}

TEST_F(Credentials, ATokenThatEndedWhileItsConnectionWasOpenedIsFoundToo) {
    edge.auth->ends("gone");
    Socket late(edge.port, "/v1/ws?token=gone");
    EXPECT_EQ(late.wait_for_close(), 4401);
}

}  // namespace
}  // namespace anode::api::testing
