#include "app/cluster/forwarding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>

/// Requests that mean another node, between two nodes whose mesh is a function call.
namespace anode::app {
namespace {

using api::ForwardedAnswer;
using api::ForwardedRequest;
using api::ForwardFailure;
using Outcome = std::expected<ForwardedAnswer, ForwardFailure>;

NodeId node_of(std::uint8_t number) {
    NodeId node;
    node.bytes.fill(number);
    return node;
}

/// Two nodes, linked.
class ForwardingSpec : public testing::Test {
protected:
    static Forwarding::Limits limits() {
        Forwarding::Limits limits;
        limits.timeout = 20s;
        return limits;
    }
    void link(Forwarding::Limits of_asker, Forwarding::Limits of_other = limits()) {
        asker = std::make_unique<Forwarding>(
            metrics_here,
            [this](const NodeId&, std::uint8_t type, Bytes body) {
                other->from_peer(here, type, std::move(body));
            },
            of_asker);
        other = std::make_unique<Forwarding>(
            metrics_there,
            [this](const NodeId&, std::uint8_t type, Bytes body) {
                if (type == forward_frames::kAnswer) largest = std::max(largest, body.size());
                asker->from_peer(there, type, std::move(body));
            },
            of_other);
        asker->peer_up(there);
        other->peer_up(here);
        asker->start();
        other->start();
    }
    ~ForwardingSpec() override {
        if (asker) asker->end();
        if (other) other->end();
    }
    Outcome ask(ForwardedRequest request) { return begin(std::move(request)).get(); }
    std::future<Outcome> begin(ForwardedRequest request) {
        auto promise = std::make_shared<std::promise<Outcome>>();
        auto future = promise->get_future();
        asker->forward(there.text(), std::move(request),
                       [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
        return future;
    }
    void answers_with(Bytes body) {
        other->serve_with([body = std::move(body)](ForwardedRequest, auto reply) {
            reply({200, "application/json", "v1", {{"Link", "<x>"}}, body});
        });
    }
    static std::uint64_t counted(metrics::Registry& metrics, std::string_view name,
                                 const std::string& result) {
        return metrics.counter(name, "", {{"result", result}}).value();
    }

    const NodeId here = node_of(1), there = node_of(2);
    metrics::Registry metrics_here, metrics_there;
    std::size_t largest = 0;
    std::unique_ptr<Forwarding> asker, other;
};

TEST_F(ForwardingSpec, TheCallerAndTheRequestArriveAsTheyWereAndTheAnswerComesBack) {
    link(limits());
    ForwardedRequest seen;
    other->serve_with([&](ForwardedRequest request, auto reply) {
        seen = std::move(request);
        reply({202, "application/json", "v7", {{"Link", "<next>"}}, R"({"ok":true})"});
    });
    ForwardedRequest request;
    request.method = api::Method::Post;
    request.path = "/v1/nodes/n-2:drain";
    request.query = {{"a", "1"}, {"b", ""}};
    request.headers = {{"accept", "*/*"}};
    request.body = "{}";
    request.peer = "10.0.0.9";
    request.caller.name = "ops";
    request.caller.authenticated = true;
    request.caller.roles = 1 << 5;
    request.caller.all_topics = false;
    request.caller.topics = *PatternSet::parse("a.>,b.*");
    const Outcome outcome = ask(request);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->status, 202);
    EXPECT_EQ(outcome->etag, "v7");
    EXPECT_EQ(outcome->body, R"({"ok":true})");
    EXPECT_EQ(seen.path, request.path);
    EXPECT_EQ(seen.query, request.query);
    EXPECT_EQ(seen.headers, request.headers);
    EXPECT_EQ(seen.peer, "10.0.0.9");
    EXPECT_EQ(seen.caller.name, "ops");
    EXPECT_EQ(seen.caller.roles, 1 << 5);
    EXPECT_FALSE(seen.caller.covers("c.d"));
    EXPECT_TRUE(seen.caller.covers("a.d"));
    EXPECT_EQ(counted(metrics_here, "anode_forward_requests_total", "answered"), 1);
    EXPECT_EQ(counted(metrics_there, "anode_forward_served_total", "answered"), 1);
}

TEST_F(ForwardingSpec, ALargeAnswerComesInPiecesAndIsWhole) {
    link(limits());
    const Bytes body(api::kForwardedAnswerMax, 'x');
    answers_with(body);
    const Outcome outcome = ask({});
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->body, body);
    EXPECT_LE(largest, (256u << 10) + 16);
}

TEST_F(ForwardingSpec, AnAnswerOverTheLimitIsRefused) {
    link(limits());
    answers_with(Bytes(api::kForwardedAnswerMax + (1u << 20), 'x'));
    const Outcome outcome = ask({});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), ForwardFailure::TooLarge);
}

TEST_F(ForwardingSpec, ARequestOverTheLimitIsNotSent) {
    link(limits());
    ForwardedRequest request;
    request.body.assign(api::kForwardedRequestMax + 1, 'x');
    EXPECT_EQ(ask(std::move(request)).error(), ForwardFailure::TooLarge);
}

TEST_F(ForwardingSpec, WhoDoesNotAnswerInTimeIsNotWaitedFor) {
    Forwarding::Limits short_wait = limits();
    short_wait.timeout = 30ms;
    link(short_wait);
    std::promise<api::Reply<ForwardedAnswer>> held;
    other->serve_with([&](ForwardedRequest, auto reply) { held.set_value(std::move(reply)); });
    EXPECT_EQ(ask({}).error(), ForwardFailure::Timeout);
    held.get_future().get()({200, "", "", {}, ""});  // too late, and nobody minds
    EXPECT_EQ(counted(metrics_here, "anode_forward_requests_total", "timeout"), 1);
}

TEST_F(ForwardingSpec, ANodeWithoutALinkIsUnreachable) {
    link(limits());
    asker->peer_down(there);
    EXPECT_EQ(ask({}).error(), ForwardFailure::Unreachable);
}

TEST_F(ForwardingSpec, ALinkThatGoesEndsWhatWaits) {
    link(limits());
    std::promise<api::Reply<ForwardedAnswer>> held;
    other->serve_with([&](ForwardedRequest, auto reply) { held.set_value(std::move(reply)); });
    auto waiting = begin({});
    const auto reply = held.get_future().get();
    asker->peer_down(there);
    EXPECT_EQ(waiting.get().error(), ForwardFailure::Unreachable);
}

TEST_F(ForwardingSpec, TooManyRequestsToOneNodeAreRefusedAtOnce) {
    Forwarding::Limits narrow = limits();
    narrow.waiting_max = 1;
    link(narrow);
    std::promise<api::Reply<ForwardedAnswer>> held;
    other->serve_with([&](ForwardedRequest, auto reply) { held.set_value(std::move(reply)); });
    auto first = begin({});
    auto reply = held.get_future().get();
    EXPECT_EQ(ask({}).error(), ForwardFailure::Overloaded);
    reply({200, "", "", {}, "{}"});
    EXPECT_TRUE(first.get());
}

TEST_F(ForwardingSpec, ANodeThatIsNotReadySaysSo) {
    link(limits());
    const Outcome outcome = ask({});
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->status, 503);
}

TEST_F(ForwardingSpec, ManyAnswersShareTheWindowAndAllArrive) {
    Forwarding::Limits small = limits();
    small.window_bytes = 1024;
    small.piece_bytes = 512;
    link(limits(), small);
    answers_with(Bytes(20'000, 'y'));
    std::vector<std::future<Outcome>> all;
    for (int i = 0; i < 20; ++i) all.push_back(begin({}));
    for (auto& one : all) {
        const Outcome outcome = one.get();
        ASSERT_TRUE(outcome);
        EXPECT_EQ(outcome->body.size(), 20'000);
    }
}

TEST(ForwardFrames, CutBytesAreNeverARequestOrAnAnswer) {
    ForwardedRequest request;
    request.path = "/v1/storage";
    request.caller.topics = *PatternSet::parse("a.>");
    const Bytes whole = forward_frames::encode_request(7, request);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto asked = forward_frames::decode_request(BytesView(whole).substr(0, size));
        EXPECT_FALSE(asked && asked->request) << size;
    }
    const Bytes answer = forward_frames::encode_answer({200, "application/json", "e", {}, "{}"});
    for (std::size_t size = 0; size < answer.size(); ++size)
        EXPECT_FALSE(forward_frames::decode_answer(BytesView(answer).substr(0, size))) << size;
}

TEST(ForwardFrames, AHeaderThatWouldBreakOurOwnHeadIsRefused) {
    const Bytes answer =
        forward_frames::encode_answer({200, "application/json", "", {{"Link", "a\r\nX: b"}}, ""});
    EXPECT_FALSE(forward_frames::decode_answer(answer));
}

}  // namespace
}  // namespace anode::app
