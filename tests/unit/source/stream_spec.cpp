#include "unit/source/machine_stage.hpp"

/// Connecting and subscribing: recipes, sections 3 and 4.
namespace anode::source::spec {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

TEST(StreamSpec, IsLiveOnlyAfterItsSubscriptionWasConfirmedAndDataCame) {
    Stage stage(stream(kSubscribe));
    stage.start();
    EXPECT_EQ(stage.state(), "connecting");
    stage.opened();
    EXPECT_THAT(stage.said(), ElementsAre(R"({"op":"sub","id":1})"));
    EXPECT_EQ(stage.state(), "subscribing");
    stage.says(R"({"id":1,"result":null})");
    EXPECT_EQ(stage.state(), "subscribing");
    EXPECT_THAT(stage.rows, IsEmpty()) << "the acknowledgement is not data";
    EXPECT_THAT(stage.letters, IsEmpty());
    stage.says(trade(1));
    EXPECT_EQ(stage.state(), "live");
    ASSERT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.rows[0].topic, "feed.BTC");
    EXPECT_EQ(stage.rows[0].key, "BTC");
    EXPECT_EQ(stage.rows[0].payload, trade(1));
}

TEST(StreamSpec, DataBeforeTheConfirmationIsDataButNotLive) {
    Stage stage(stream(kSubscribe));
    stage.start().opened();
    stage.says(trade(1));
    EXPECT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.state(), "subscribing");
    stage.says(R"({"id":1})");
    EXPECT_EQ(stage.state(), "live");
}

TEST(StreamSpec, AMissingAnswerEndsTheAttemptWithWords) {
    Stage stage(stream(kSubscribe));
    stage.start().opened();
    stage.passes(5s);
    EXPECT_EQ(stage.state(), "backoff");
    EXPECT_THAT(stage.closes, SizeIs(1));
    ASSERT_TRUE(stage.status().last_error.has_value());
    EXPECT_EQ(stage.status().last_error->error, ErrorClass::Handshake);
    EXPECT_THAT(stage.status().last_error->detail, HasSubstr("5s"));
    stage.passes(2s);
    EXPECT_THAT(stage.opens, SizeIs(2));
    EXPECT_NE(stage.opens[0].first, stage.opens[1].first);
}

TEST(StreamSpec, ADisabledSourceStaysSilent) {
    Stage stage(stream(R"("enabled":false)"));
    stage.start();
    EXPECT_EQ(stage.state(), "disabled");
    EXPECT_THAT(stage.opens, IsEmpty());
}

TEST(StreamSpec, UrlHeadersAndQueryAreMadeAnewAtEachConnect) {
    Stage stage(stream(
        R"("headers":{"X-Time":"{now:ms}","X-Key":{"env":"KEY"}},"query":{"a":["1","2"],"b":{"join":"/","of":["x","y"]}})"));
    stage.secrets.values["KEY"] = "s3cr3t-key";
    stage.start();
    ASSERT_THAT(stage.opens, SizeIs(1));
    EXPECT_EQ(stage.opens[0].second.url, "wss://feed.example.org/ws?a=1&a=2&b=x/y");
    EXPECT_THAT(stage.opens[0].second.headers, Contains(Pair("X-Time", "1767225600000")));
    EXPECT_THAT(stage.opens[0].second.headers, Contains(Pair("X-Key", "s3cr3t-key")));
    EXPECT_THAT(stage.opens[0].second.headers, Contains(Pair("User-Agent", HasSubstr("anode"))));
    stage.drops(ErrorClass::Refused);
    stage.passes(2s);
    ASSERT_THAT(stage.opens, SizeIs(2));
    EXPECT_THAT(stage.opens[1].second.headers,
                testing::Not(Contains(Pair("X-Time", "1767225600000"))));
}

TEST(StreamSpec, ConnectionOptionsReachTheWorld) {
    Stage stage(stream(
        R"("http":{"subprotocol":"v1","origin":"https://o.example","deflate":true,"timeout":"3s"},"limits":{"frame":"1MiB"})"));
    stage.start();
    const OpenSpec& spec = stage.opens.at(0).second;
    EXPECT_EQ(spec.transport, Transport::WebSocket);
    EXPECT_EQ(spec.subprotocol, "v1");
    EXPECT_EQ(spec.origin, "https://o.example");
    EXPECT_TRUE(spec.deflate);
    EXPECT_EQ(spec.timeout, 3s);
    EXPECT_EQ(spec.frame_bytes_max, 1u << 20);
}

TEST(StreamSpec, AMissingSecretIsAnErrorThatNamesTheReferenceOnly) {
    Stage stage(stream(R"("headers":{"A":{"env":"NOWHERE"}})"));
    stage.start();
    EXPECT_THAT(stage.opens, IsEmpty());
    EXPECT_EQ(stage.errors(ErrorClass::Definition), 1u);
    EXPECT_EQ(stage.state(), "backoff");
}

TEST(StreamSpec, SecretsAreHiddenInSamplesAndErrors) {
    Stage stage(stream(R"("headers":{"A":{"env":"KEY"}})"));
    stage.secrets.values["KEY"] = "planted-secret";
    stage.start().opened();
    stage.says(R"({"s":"a","echo":"planted-secret"})");
    stage.says("planted-secret is no JSON");
    const Status status = stage.status();
    for (const Sample& sample : status.samples) {
        EXPECT_THAT(sample.frame, testing::Not(HasSubstr("planted-secret")));
    }
    for (const ErrorCount& count : status.errors) {
        EXPECT_THAT(count.sample, testing::Not(HasSubstr("planted-secret")));
    }
}

// -- several URLs (C1) ---------------------------------------------------------------------------------

TEST(StreamSpec, UrlsAreTriedInOrder) {
    Stage stage(
        R"({"name":"f","type":"websocket","url":["wss://a.example/","wss://b.example/"],"topic":"t"})");
    stage.start();
    EXPECT_EQ(stage.opens[0].second.url, "wss://a.example/");
    stage.drops(ErrorClass::Refused);
    stage.passes(2s);
    EXPECT_EQ(stage.opens.back().second.url, "wss://b.example/");
    stage.drops(ErrorClass::Refused);
    stage.passes(4s);
    EXPECT_EQ(stage.opens.back().second.url, "wss://a.example/");
}

TEST(StreamSpec, ARaceKeepsBothConnectionsAndEachRowOnce) {
    Stage stage(
        R"({"name":"f","type":"websocket","url":["wss://a.example/","wss://b.example/"],"urls":"race","topic":"t"})");
    stage.start();
    ASSERT_THAT(stage.opens, SizeIs(2));
    const ConnId a = stage.opens[0].first, b = stage.opens[1].first;
    stage.opened(a);
    stage.opened(b);
    stage.says(a, R"({"n":1})");
    stage.says(b, R"({"n":1})");
    stage.says(b, R"({"n":2})");
    stage.says(a, R"({"n":2})");
    stage.says(a, R"({"n":2})");
    EXPECT_THAT(stage.payloads(), ElementsAre(R"({"n":1})", R"({"n":2})", R"({"n":2})"))
        << "what a feed repeats itself stays";
    stage.drops(a);
    EXPECT_EQ(stage.state(), "live") << "one of two is enough";
}

// -- steps (C5) ------------------------------------------------------------------------------------------

TEST(StreamSpec, StepsRunInOrderEachWithItsOwnDeadline) {
    Stage stage(stream(
        R"("connect":[{"send":"hello"},{"expect":".welcome","capture":{"token":"welcome.token"}},{"wait":"2s"},{"send":{"auth":"{$token}"}},{"expect":".ok","within":"1s"}])"));
    stage.start().opened();
    EXPECT_THAT(stage.said(), ElementsAre("hello"));
    stage.says(R"({"welcome":{"token":"tk-1"}})");
    EXPECT_THAT(stage.said(), SizeIs(1));
    stage.passes(2s);
    EXPECT_THAT(stage.said(), ElementsAre("hello", R"({"auth":"tk-1"})"));
    stage.says(R"({"ok":true})");
    stage.says(trade(1));
    EXPECT_EQ(stage.state(), "live");
    const Status status = stage.status();
    ASSERT_THAT(status.steps, SizeIs(5));
    for (const StepStatus& step : status.steps) EXPECT_EQ(step.state, "ok") << step.what;
}

TEST(StreamSpec, NothingToCaptureIsAFailedStep) {
    Stage stage(stream(R"("connect":[{"expect":".welcome","capture":{"token":"welcome.token"}}])"));
    stage.start().opened();
    stage.says(R"({"welcome":{}})");
    EXPECT_EQ(stage.errors(ErrorClass::Handshake), 1u);
    EXPECT_THAT(stage.status().steps.at(0).state, "failed");
}

TEST(StreamSpec, RequestsThatStandFirstRunBeforeTheConnection) {
    Stage stage(
        R"({"name":"f","type":"websocket","url":"wss://x.example/?token={$token}","topic":"t","connect":[{"post":"https://x.example/bullet","capture":{"token":"data.token"}},{"send":"hi"}]})");
    stage.start();
    EXPECT_THAT(stage.opens, IsEmpty());
    ASSERT_THAT(stage.requests, SizeIs(1));
    EXPECT_EQ(stage.requests[0].method, "POST");
    stage.answers(200, R"({"data":{"token":"a b"}})");
    ASSERT_THAT(stage.opens, SizeIs(1));
    EXPECT_EQ(stage.opens[0].second.url, "wss://x.example/?token=a%20b");
    stage.opened();
    EXPECT_THAT(stage.said(), ElementsAre("hi"));
    stage.drops();
    stage.passes(2s);
    EXPECT_THAT(stage.requests, SizeIs(2)) << "made anew at each connect";
}

TEST(StreamSpec, AFailedRequestStepBacksOffAndTellsTheStatus) {
    Stage stage(
        R"({"name":"f","type":"websocket","url":"wss://x.example/?t={$t}","topic":"t","connect":[{"get":"https://x.example/t","capture":{"t":"t"}}]})");
    stage.start();
    stage.answers(500, "oops");
    EXPECT_EQ(stage.state(), "backoff");
    EXPECT_THAT(stage.status().last_error->detail, HasSubstr("500"));
    stage.passes(2s);
    EXPECT_THAT(stage.requests, SizeIs(2));
}

TEST(StreamSpec, ARefusalThatIsFatalEndsTheAttempt) {
    Stage stage(
        stream(R"("connect":[{"send":"login"},{"expect":".ok","reject":".error","fatal":true}])"));
    stage.start().opened();
    stage.says(R"({"error":"bad key"})");
    EXPECT_EQ(stage.state(), "backoff");
    EXPECT_THAT(stage.status().last_error->detail, HasSubstr("bad key"));
}

TEST(StreamSpec, BinaryMessagesAreSentAsBinary) {
    Stage stage(stream(R"("connect":[{"send":"x","frame":"binary"}])"));
    stage.start();
    stage.effects.clear();
    stage.machine->handle(in::Opened{stage.last(), {}}, stage.now, stage.effects);
    bool binary = false;
    for (const Action& action : stage.effects.actions) {
        if (const auto* send = std::get_if<act::Send>(&action)) binary = send->binary;
    }
    EXPECT_TRUE(binary);
}

TEST(StreamSpec, NoClientFrameFollowsAFinalStep) {
    Stage stage(stream(R"("connect":[{"send":"go","final":true}],"alive":{"any":"90s"})"));
    stage.start().opened();
    EXPECT_THAT(stage.said(), ElementsAre("go"));
    stage.says(trade(1));
    stage.passes(80s);
    EXPECT_THAT(stage.said(), SizeIs(1));
    EXPECT_EQ(stage.pings, 0u);
}

// -- items (C6, C8) ----------------------------------------------------------------------------------------

std::string itemised(std::string_view connect, std::string_view items = R"(["A","B","C"])",
                     std::string_view more = "") {
    return stream(R"("items":{"inst":)" + std::string(items) + R"(},"connect":)" +
                  std::string(connect) + std::string(more));
}
constexpr std::string_view kItemSteps =
    R"([{"send":{"op":"sub","args":[{"$each":{"id":"{inst}"}}]}},{"expect":".event == \"sub\"","item":"arg.id","within":"5s"}])";

TEST(StreamSpec, ABatchHoldsSoManyItems) {
    Stage stage(itemised(R"([{"send":{"args":[{"$each":"{inst}"}]},"batch":2}])"));
    stage.start().opened();
    EXPECT_THAT(stage.said(), ElementsAre(R"({"args":["A","B"]})", R"({"args":["C"]})"));
}

TEST(StreamSpec, ABatchHoldsSoManyBytes) {
    std::string items = "[";
    for (int n = 0; n < 40; ++n) items += (n ? ",\"ITEM-" : "\"ITEM-") + std::to_string(n) + "\"";
    Stage stage(itemised(R"([{"send":{"args":[{"$each":"{inst}"}]},"bytes":100}])", items + "]"));
    stage.start().opened();
    EXPECT_GT(stage.said().size(), 3u);
    std::size_t sent = 0;
    for (const std::string& message : stage.said()) {
        EXPECT_LE(message.size(), 100u);
        for (std::size_t at = message.find("ITEM"); at != std::string::npos;
             at = message.find("ITEM", at + 1)) {
            ++sent;
        }
    }
    EXPECT_EQ(sent, 40u);
}

TEST(StreamSpec, WithoutEachThereIsAMessageAnItem) {
    Stage stage(itemised(R"([{"send":{"ch":"trades_{inst:lower}"}}])"));
    stage.start().opened();
    EXPECT_THAT(stage.said(), ElementsAre(R"({"ch":"trades_a"})", R"({"ch":"trades_b"})",
                                          R"({"ch":"trades_c"})"));
}

TEST(StreamSpec, MessagesArePaced) {
    Stage stage(itemised(R"([{"send":{"ch":"{inst}"},"every":"2s"}])"));
    stage.start().opened();
    EXPECT_THAT(stage.said(), SizeIs(1));
    stage.passes(2s);
    EXPECT_THAT(stage.said(), SizeIs(2));
    stage.passes(2s);
    EXPECT_THAT(stage.said(), SizeIs(3));
}

TEST(StreamSpec, TheMessageBudgetOfAConnectionHolds) {
    Stage stage(itemised(R"([{"send":{"ch":"{inst}"}}])", R"(["1","2","3","4","5","6","7"])",
                         R"(,"rate":{"messages":"3/s"})"));
    stage.start().opened();
    EXPECT_THAT(stage.said(), SizeIs(3));
    stage.passes(999ms);
    EXPECT_THAT(stage.said(), SizeIs(3));
    stage.passes(1ms);
    EXPECT_THAT(stage.said(), SizeIs(6));
    stage.passes(1s);
    EXPECT_THAT(stage.said(), SizeIs(7));
}

TEST(StreamSpec, EveryItemIsConfirmedByItsFields) {
    Stage stage(itemised(kItemSteps));
    stage.start().opened();
    stage.says(R"({"event":"sub","arg":{"id":"B"}})");
    EXPECT_THAT(stage.items(), AllOf(Contains(Pair("B", "ok")), Contains(Pair("A", "pending"))));
    stage.says(R"({"event":"sub","arg":{"id":"A"}})");
    stage.says(trade(1, "A"));
    EXPECT_EQ(stage.state(), "subscribing") << "one item is missing";
    stage.says(R"({"event":"sub","arg":{"id":"C"}})");
    EXPECT_EQ(stage.state(), "live");
}

TEST(StreamSpec, ARejectedItemDoesNotStopTheOthers) {
    Stage stage(itemised(
        kItemSteps, R"(["A","NO","C"])",
        R"(,"classify":[{"match":".event == \"error\"","as":"error.item","item":"arg.id","text_from":"msg"}])"));
    stage.start().opened();
    stage.says(R"({"event":"sub","arg":{"id":"A"}})");
    stage.says(R"({"event":"error","arg":{"id":"NO"},"msg":"no such item"})");
    stage.says(R"({"event":"sub","arg":{"id":"C"}})");
    stage.says(trade(1, "A"));
    EXPECT_EQ(stage.state(), "live");
    EXPECT_THAT(stage.items(),
                ElementsAre(Pair("A", "ok"), Pair("C", "ok"), Pair("NO", "rejected")));
    EXPECT_EQ(stage.status().items[2].reason, "no such item");
    EXPECT_TRUE(stage.had_event("item-rejected"));
    EXPECT_EQ(stage.errors(ErrorClass::Rejected), 1u);
}

TEST(StreamSpec, ItemsAreConfirmedByTheNumberTheyWereAskedWith) {
    Stage stage(itemised(
        R"([{"send":{"method":"s","params":["{inst}"],"id":"{n:number}"}},{"expect":".id","item":"id"}])"));
    stage.start().opened();
    ASSERT_THAT(stage.said(), SizeIs(3));
    EXPECT_THAT(stage.said()[1], HasSubstr("\"id\":2"));
    stage.says(R"({"result":null,"id":2})");
    EXPECT_THAT(stage.items(), AllOf(Contains(Pair("B", "ok")), Contains(Pair("A", "pending"))));
}

TEST(StreamSpec, OnlyMissingItemsAreAskedForAgainAndThenCountAsLost) {
    Stage stage(itemised(kItemSteps));
    stage.start().opened();
    stage.says(R"({"event":"sub","arg":{"id":"A"}})");
    stage.says(R"({"event":"sub","arg":{"id":"C"}})");
    stage.passes(5s);
    ASSERT_THAT(stage.said(), SizeIs(2));
    EXPECT_EQ(stage.said()[1], R"({"op":"sub","args":[{"id":"B"}]})");
    stage.passes(5s);
    stage.says(trade(1, "A"));
    EXPECT_EQ(stage.state(), "live");
    EXPECT_THAT(stage.items(), Contains(Pair("B", "lost")));
    EXPECT_THAT(stage.closes, IsEmpty());
}

TEST(StreamSpec, AConnectionWithoutOneAcceptedItemIsNoConnection) {
    Stage stage(itemised(
        kItemSteps, R"(["A"])",
        R"(,"classify":[{"match":".event == \"error\"","as":"error.item","item":"arg.id"}])"));
    stage.start().opened();
    stage.says(R"({"event":"error","arg":{"id":"A"}})");
    EXPECT_EQ(stage.state(), "backoff");
    EXPECT_THAT(stage.status().last_error->detail, HasSubstr("no item was accepted"));
}

TEST(StreamSpec, AnswersThatComeBeforeAllWasSentCount) {
    Stage stage(itemised(
        R"([{"send":{"ch":"{inst}"},"every":"1s"},{"expect":".event == \"sub\"","item":"arg.id"}])"));
    stage.start().opened();
    stage.says(R"({"event":"sub","arg":{"id":"A"}})");
    stage.passes(1s);
    stage.says(R"({"event":"sub","arg":{"id":"B"}})");
    stage.passes(1s);
    stage.says(R"({"event":"sub","arg":{"id":"C"}})");
    stage.says(trade(1, "A"));
    EXPECT_EQ(stage.state(), "live");
}

TEST(StreamSpec, AValueBoundToAnItemNamesItInLaterFrames) {
    Stage stage(
        R"({"name":"f","type":"websocket","url":"wss://x.example/","topic":"chain.{what}","items":{"what":["newHeads","logs"]},)"
        R"("connect":[{"send":{"method":"eth_subscribe","params":["{what}"],"id":"{n:number}"}},{"expect":".id","item":"id","bind":"result"}],)"
        R"("classify":[{"match":".method == \"eth_subscription\"","as":"data","by":"params.subscription"}],"rows":"params.result"})");
    stage.start().opened();
    stage.says(R"({"id":1,"result":"0xaa"})");
    stage.says(R"({"id":2,"result":"0xbb"})");
    stage.says(
        R"({"method":"eth_subscription","params":{"subscription":"0xbb","result":{"x":1}}})");
    ASSERT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.rows[0].topic, "chain.logs");
    EXPECT_EQ(stage.rows[0].payload, R"({"x":1})");
}

// -- sharding, routes, fetched lists (C4, C10, C11) --------------------------------------------------------

TEST(StreamSpec, ItemsAreSpreadOverConnections) {
    Stage stage(itemised(R"([{"send":{"args":[{"$each":"{inst}"}]}}])", R"(["A","B","C","D","E"])",
                         R"(,"shard":{"items":2})"));
    stage.start();
    ASSERT_THAT(stage.opens, SizeIs(3));
    for (const auto& [conn, spec] : stage.opens) stage.opened(conn);
    EXPECT_THAT(stage.said(),
                ElementsAre(R"({"args":["A","B"]})", R"({"args":["C","D"]})", R"({"args":["E"]})"));
    stage.says(stage.opens[0].first, trade(1, "A"));
    EXPECT_EQ(stage.status().connections, 3u);
}

TEST(StreamSpec, ItemsAreRoutedToTheirEndpoints) {
    Stage stage(itemised(
        R"([{"send":{"args":[{"$each":"{inst}"}]}}])", R"(["A","candle-B"])",
        R"(,"shard":{"route":[{"match":".inst == \"candle-B\"","url":"wss://feed.example.org/business"}]})"));
    stage.start();
    ASSERT_THAT(stage.opens, SizeIs(2));
    EXPECT_EQ(stage.opens[0].second.url, "wss://feed.example.org/business");
    EXPECT_EQ(stage.opens[1].second.url, "wss://feed.example.org/ws");
}

TEST(StreamSpec, AListIsFetchedFirstAndRefreshedWithoutDroppingOthers) {
    Stage stage(stream(
        R"("items":{"inst":{"get":"https://x.example/list","select":"data.id","every":"1h"}},"shard":{"items":2},"connect":[{"send":{"args":[{"$each":"{inst}"}]}}],"alive":{"any":"0s"})"));
    stage.start();
    EXPECT_THAT(stage.opens, IsEmpty());
    stage.answers(200, R"({"data":[{"id":"A"},{"id":"B"},{"id":"C"}]})");
    ASSERT_THAT(stage.opens, SizeIs(2));
    const ConnId first = stage.opens[0].first, second = stage.opens[1].first;
    stage.opened(first);
    stage.opened(second);
    stage.passes(1h);
    ASSERT_THAT(stage.asked, SizeIs(1));
    stage.answers(200, R"({"data":[{"id":"A"},{"id":"B"},{"id":"C"},{"id":"D"}]})");
    ASSERT_THAT(stage.opens, SizeIs(3)) << "only the connection that has room is renewed";
    stage.opened();
    EXPECT_THAT(stage.said().back(), R"({"args":["C","D"]})");
    EXPECT_THAT(stage.closes, IsEmpty());
    stage.passes(15s);
    ASSERT_THAT(stage.closes, SizeIs(1));
    EXPECT_EQ(stage.closes[0].first, second);
}

TEST(StreamSpec, AListThatCannotBeFetchedIsTriedAgain) {
    Stage stage(stream(
        R"("items":{"inst":{"get":"https://x.example/list","select":"data"}},"connect":[{"send":{"args":[{"$each":"{inst}"}]}}])"));
    stage.start();
    stage.answers(503, "");
    EXPECT_EQ(stage.state(), "backoff");
    stage.passes(2s);
    stage.answers(200, R"({"data":["A"]})");
    EXPECT_THAT(stage.opens, SizeIs(1));
}

}  // namespace
}  // namespace anode::source::spec
