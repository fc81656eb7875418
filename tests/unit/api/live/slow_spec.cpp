#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client.hpp"
#include "fake_node.hpp"

namespace anode::api::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kFlood = 20'000;

void flood(FakeNode& node, int from, int to) {
    const std::string pad(900, 'x');
    for (int n = from; n < to; n += 100) {
        std::vector<FakeNode::Message> block;
        for (int i = n; i < n + 100; ++i)
            block.push_back(
                {"f.a", "{\"n\":" + std::to_string(i) + ",\"p\":\"" + pad + "\"}", "", ""});
        node.publish(block);
    }
}

int number_of(std::string_view message) {
    const std::size_t at = message.find("{\"n\":");
    return at == std::string_view::npos ? -1 : std::stoi(std::string(message.substr(at + 5, 8)));
}

std::uint64_t balance_errors(Fixture& edge) {
    return edge.registry.counter("anode_balance_errors_total", "").value();
}

TEST(SlowListener, CatchesUpFromTheStoreWithoutHoleOrRepeat) {
    Fixture edge;
    Socket stalled(edge.port, "/v1/stream?topics=f.a", "", 65536);
    flood(edge.node, 0, kFlood);
    for (int n = 0; n < kFlood; ++n) {
        const auto frame = stalled.next();
        ASSERT_TRUE(frame) << n;
        ASSERT_EQ(number_of(*frame), n);
    }
    flood(edge.node, kFlood, kFlood + 100);
    for (int n = kFlood; n < kFlood + 100; ++n) ASSERT_EQ(number_of(*stalled.next()), n);
    stalled.client.shut();
    edge.server->stop();
    EXPECT_EQ(balance_errors(edge), 0U);
}

TEST(SlowListener, WithDropSkipsTheOldestAndSaysHowMany) {
    Fixture edge;
    Socket stalled(edge.port, "/v1/stream?topics=f.a&slow=drop", "", 65536);
    flood(edge.node, 0, kFlood);
    edge.node.publish("f.a", "{\"n\":999999}");
    int seen = 0, lost = 0, last = -1;
    while (last != 999999) {
        const auto frame = stalled.next();
        ASSERT_TRUE(frame);
        if (frame->find("\"op\":\"gap\"") != std::string::npos) {
            EXPECT_THAT(*frame, HasSubstr("\"reason\":\"slow\""));
            lost += std::stoi(frame->substr(frame->find("\"lost\":") + 7));
            continue;
        }
        ASSERT_GT(number_of(*frame), last);
        last = number_of(*frame);
        ++seen;
    }
    EXPECT_GT(lost, 0);
    EXPECT_EQ(seen - 1 + lost, kFlood);
    stalled.client.shut();
    edge.server->stop();
    EXPECT_EQ(balance_errors(edge), 0U);
}

TEST(SlowListener, WithCloseEndsWith4408AndACursorToGoOnFrom) {
    Fixture edge;
    Socket stalled(edge.port, "/v1/stream?topics=f.a&slow=close", "", 65536);
    flood(edge.node, 0, kFlood);
    while (!edge.live->snapshot().empty()) std::this_thread::yield();
    int last = -1;
    while (const auto frame = stalled.next()) last = number_of(*frame);
    EXPECT_EQ(stalled.close_code, 4408);
    ASSERT_THAT(stalled.close_reason, HasSubstr("\"code\":\"slow\""));
    Socket resumed(edge.port, "/v1/stream?topics=f.a&from=" + cursor_of(stalled.close_reason));
    ASSERT_EQ(status_of(resumed.head), 101);
    EXPECT_EQ(number_of(*resumed.next()), last + 1);
}

TEST(SlowListener, IsShownWithItsLag) {
    Fixture edge;
    Socket stalled(edge.port, "/v1/stream?topics=f.a", "", 65536);
    flood(edge.node, 0, kFlood);
    std::vector<ListenerInfo> all;
    do all = edge.live->snapshot();
    while (all.empty() || all[0].lag == 0);
    EXPECT_EQ(all[0].topics, std::vector<std::string>{"f.a"});
    EXPECT_TRUE(edge.live->cut(all[0].id));
    EXPECT_TRUE(edge.live->snapshot().empty());
}

TEST(Listeners, AreToldWhenTheNodeLeavesAndClosedWith4503) {
    Fixture edge;
    Socket session(edge.port, "/v1/ws");
    EXPECT_THAT(*session.next(), HasSubstr("welcome"));
    edge.live->drain(5s);
    EXPECT_THAT(*session.next(), HasSubstr(R"({"op":"drain","in":5)"));
    edge.live->close_all(4503, "{}");
    EXPECT_EQ(session.wait_for_close(), 4503);
}

}  // namespace
}  // namespace anode::api::testing
