#include "core/source/shaper.hpp"

#include <list>
#include <optional>

#include "core/codec/inflate.hpp"
#include "unit/source/definition_reader.hpp"

/// What a frame becomes: the examples of recipes, section 3, one by one.
namespace anode::source::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class ShaperSpec : public testing::Test {
protected:
    void use(const std::string& text) { shaper.emplace(definition(text)); }
    void use_websocket(std::string_view topic, std::string_view more) {
        use(R"({"name":"spot","type":"websocket","url":"wss://example.org/ws","topic":")" +
            std::string(topic) + "\"" + (more.empty() ? "" : "," + std::string(more)) + "}");
    }
    Shaped take(std::string_view frame) {
        frames.emplace_back(frame);
        input.bytes = frames.back();
        return shaper->shape(input, rows, letters);
    }
    std::vector<std::string> topics() const {
        std::vector<std::string> all;
        for (const Row& row : rows) all.emplace_back(row.topic);
        return all;
    }
    std::vector<std::string> payloads() const {
        std::vector<std::string> all;
        for (const Row& row : rows) all.emplace_back(row.payload);
        return all;
    }
    std::vector<std::string> keys() const {
        std::vector<std::string> all;
        for (const Row& row : rows) all.emplace_back(row.key);
        return all;
    }
    std::vector<std::string> reasons() const {
        std::vector<std::string> all;
        for (const DeadLetter& letter : letters) all.emplace_back(letter.reason);
        return all;
    }

    std::optional<Shaper> shaper;
    Shaper::Input input{.connection = 1, .wall = 1'700'000'000'000'000};
    std::list<std::string> frames;  // views point into them
    std::vector<Row> rows;
    std::vector<DeadLetter> letters;
};

TEST_F(ShaperSpec, TheWholeFrameIsOneRow) {
    use_websocket("a.{.s}", R"("map":{"key":"s","id":"t","time":"T","unit":"ms"})");
    const Shaped shaped = take(R"({ "s": "BTC/USDT", "t": 7, "T": 1700000000123, "p": "1.50" })");
    EXPECT_EQ(shaped.kind, FrameKind::Data);
    ASSERT_THAT(rows, SizeIs(1));
    EXPECT_EQ(rows[0].topic, "a.BTC~2FUSDT");
    EXPECT_EQ(rows[0].key, "BTC/USDT");
    EXPECT_EQ(rows[0].id, "7");
    EXPECT_EQ(rows[0].source_time, 1'700'000'000'123'000);
    EXPECT_EQ(rows[0].payload, R"({"s":"BTC/USDT","t":7,"T":1700000000123,"p":"1.50"})");
}

TEST_F(ShaperSpec, DigitsArriveAsTheyWereSent) {
    use_websocket("a.b", "");
    const std::string text = R"({"u":18446744073709551615,"p":1e-8,"q":0.10000,"a":1,"a":2})";
    take(text);
    EXPECT_THAT(payloads(), ElementsAre(text));
}

TEST_F(ShaperSpec, RowsAreExploded) {
    use_websocket("a.{.s}", R"("rows":"data")");
    take(R"({"type":"update","data":[{"s":"A"},{"s":"B"}]})");
    take(R"({"data":{"s":"C"}})");
    EXPECT_THAT(topics(), ElementsAre("a.A", "a.B", "a.C"));
}

TEST_F(ShaperSpec, ArraysOnTheWayAreExplodedToo) {
    use_websocket("a.b", R"("rows":"events.trades")");
    take(R"({"events":[{"trades":[{"n":1},{"n":2}]},{"other":1},{"trades":[{"n":3}]}]})");
    EXPECT_THAT(payloads(), ElementsAre(R"({"n":1})", R"({"n":2})", R"({"n":3})"));
}

TEST_F(ShaperSpec, AStarTakesEveryMember) {
    use_websocket("a.b", R"("rows":"*.x")");
    take(R"({"A":{"x":{"n":1}},"B":{"x":{"n":2}}})");
    EXPECT_THAT(payloads(), SizeIs(2));
}

TEST_F(ShaperSpec, AnEmptyListIsDataWithoutRowsAndAMissingOneIsUnknown) {
    use_websocket("a.b", R"("rows":"data")");
    EXPECT_EQ(take(R"({"data":[]})").kind, FrameKind::Data);
    EXPECT_EQ(take(R"({"data":null})").kind, FrameKind::Data);
    EXPECT_EQ(take(R"({"hello":1})").kind, FrameKind::Unknown);
    EXPECT_THAT(rows, IsEmpty());
    EXPECT_THAT(letters, IsEmpty());
}

TEST_F(ShaperSpec, ABodyWithoutRowsIsADeadLetter) {
    use(rest(R"("rows":"features")"));
    input.data_only = true;
    EXPECT_EQ(take(R"({"features":7})").rejected, 1u);
    EXPECT_EQ(take(R"({"error":"x"})").rejected, 1u);
    EXPECT_THAT(reasons(), ElementsAre(HasSubstr("single value"), HasSubstr("finds nothing")));
}

TEST_F(ShaperSpec, ATopLevelListIsExplodedByAnEmptyPath) {
    use(rest(R"("rows":"","map":{"id":"id"})"));
    input.data_only = true;
    take(R"([{"id":"1"},{"id":"2"}])");
    EXPECT_THAT(rows, SizeIs(2));
}

TEST_F(ShaperSpec, PositionalRowsGetNames) {
    use_websocket("a.b", R"("rows":"data","columns":["s","-","p"],"map":{"key":"s"})");
    take(R"({"data":[["A",0,1.50],["B",0,2e-8,"more"],["C"]]})");
    EXPECT_THAT(payloads(),
                ElementsAre(R"({"s":"A","p":1.50})", R"({"s":"B","p":2e-8})", R"({"s":"C"})"));
    EXPECT_THAT(keys(), ElementsAre("A", "B", "C"));
}

TEST_F(ShaperSpec, OnePositionalRowNeedsNoList) {
    use_websocket("a.b", R"("rows":"1","columns":["x","y"])");
    take(R"([17,[1,2]])");
    take(R"([17,[[3,4],[5,6]]])");
    EXPECT_THAT(payloads(),
                ElementsAre(R"({"x":1,"y":2})", R"({"x":3,"y":4})", R"({"x":5,"y":6})"));
}

TEST_F(ShaperSpec, ARowThatIsNoListCannotHaveColumns) {
    use_websocket("a.b", R"("rows":"data","columns":["x"])");
    const Shaped shaped = take(R"({"data":[[1],{"x":2},[3]]})");
    EXPECT_THAT(payloads(), ElementsAre(R"({"x":1})", R"({"x":3})"));
    EXPECT_EQ(shaped.rejected, 1u);
}

TEST_F(ShaperSpec, ParallelArraysBecomeRows) {
    use(rest(R"("columns":{"parallel":"hourly"},"map":{"time":"time"})"));
    input.data_only = true;
    take(
        R"({"hourly":{"time":["2026-11-25T13:00","2026-11-25T14:00"],"t":[1.5,2.0],"unit":"C","short":[7]}})");
    EXPECT_THAT(payloads(), ElementsAre(R"({"time":"2026-11-25T13:00","t":1.5,"short":7})",
                                        R"({"time":"2026-11-25T14:00","t":2.0,"short":null})"));
    EXPECT_EQ(rows[1].source_time.value_or(0) - rows[0].source_time.value_or(0), 3'600'000'000);
}

TEST_F(ShaperSpec, FieldsOfTheFrameAreCopiedIntoEachRow) {
    use_websocket("a.{instId}.{channel}",
                  R"("rows":"data","parent":["arg.instId","arg.channel"],"map":{"key":"instId"})");
    take(R"({"arg":{"channel":"trades","instId":"BTC"},"data":[{"p":1},{"p":2}]})");
    EXPECT_THAT(topics(), ElementsAre("a.BTC.trades", "a.BTC.trades"));
    EXPECT_THAT(payloads(), ElementsAre(R"({"p":1})", R"({"p":2})"));
    EXPECT_THAT(keys(), ElementsAre("BTC", "BTC"));
}

TEST_F(ShaperSpec, CopiedFieldsMayStay) {
    use_websocket("a.b", R"("rows":"data","parent":{"pair":"arg.instId"},"keep_parent":true)");
    take(R"({"arg":{"instId":"BTC"},"data":[{"p":1},{},{"pair":"own"}]})");
    EXPECT_THAT(payloads(),
                ElementsAre(R"({"p":1,"pair":"BTC"})", R"({"pair":"BTC"})", R"({"pair":"own"})"));
}

TEST_F(ShaperSpec, ExpressionsSeeCopiedFields) {
    use_websocket(
        "a.b",
        R"("rows":"data","parent":["channel"],"require":[".channel == \"trades\""],"map":{"data":"{c: .channel, p: .p}"})");
    take(R"({"channel":"trades","data":[{"p":1.10}]})");
    take(R"({"channel":"books","data":[{"p":2}]})");
    EXPECT_THAT(payloads(), ElementsAre(R"({"c":"trades","p":1.10})"));
    EXPECT_THAT(reasons(), ElementsAre(StartsWith("require: ")));
}

TEST_F(ShaperSpec, KeysAreJoined) {
    use_websocket("a.{key}", R"("map":{"key":["x","y.z"]})");
    take(R"({"x":"BTC","y":{"z":5}})");
    EXPECT_THAT(keys(), ElementsAre("BTC:5"));
    EXPECT_THAT(topics(), ElementsAre("a.BTC~3A5"));
}

TEST_F(ShaperSpec, KindsAreTold) {
    use_websocket(
        "a.b",
        R"("map":{"kind":{"at":"action","delete":["del"],"snapshot":["partial",1],"retract":["true"]}})");
    for (const char* action : {"\"del\"", "\"partial\"", "1", "true", "\"other\"", "null"})
        take(R"({"action":)" + std::string(action) + "}");
    std::vector<Kind> kinds;
    for (const Row& row : rows) kinds.push_back(row.kind);
    EXPECT_THAT(kinds, ElementsAre(Kind::Delete, Kind::Snapshot, Kind::Snapshot, Kind::Retract,
                                   Kind::Set, Kind::Set));
}

TEST_F(ShaperSpec, ATimeThatCannotBeReadIsLeftOut) {
    use_websocket("a.b", R"("map":{"time":"t"})");
    take(R"({"t":"yesterday"})");
    ASSERT_THAT(rows, SizeIs(1));
    EXPECT_EQ(rows[0].source_time, std::nullopt);
}

TEST_F(ShaperSpec, AMissingFieldOfTheTopicIsADeadLetter) {
    use_websocket("a.{.s}", "");
    const Shaped shaped = take(R"({"t":1})");
    EXPECT_EQ(shaped.rejected, 1u);
    EXPECT_THAT(reasons(), ElementsAre("topic: field `s` is missing"));
    EXPECT_EQ(letters[0].raw, R"({"t":1})");
}

TEST_F(ShaperSpec, ATopicTokenThatIsTooLongIsADeadLetter) {
    use_websocket("a.{.s}", "");
    take(R"({"s":")" + std::string(65, 'x') + "\"}");
    EXPECT_THAT(reasons(), ElementsAre(StartsWith("topic: ")));
}

TEST_F(ShaperSpec, GarbageIsADeadLetterWithAReasonAndAtMost4KiB) {
    use_websocket("a.b", "");
    for (const std::string& bad :
         {std::string("not json"), std::string(R"({"broken":)"), std::string("\0\1\2", 3),
          R"({"deep":)" + std::string(80, '[') + std::string(80, ']') + "}",
          "{" + std::string(5000, ' ')}) {
        EXPECT_EQ(take(bad).kind, FrameKind::Garbage);
    }
    ASSERT_THAT(letters, SizeIs(5));
    for (const DeadLetter& letter : letters) EXPECT_FALSE(letter.reason.empty());
    EXPECT_EQ(letters[4].raw.size(), kDeadLetterRawMax);
    EXPECT_TRUE(letters[4].cut);
}

TEST_F(ShaperSpec, ADeadLetterIsJsonWhateverCame) {
    Bytes text, bytes;
    append_dead_letter(text, "spot", {"no \"JSON\"", "caf\xc3", true});
    EXPECT_EQ(text, R"({"source":"spot","reason":"no \"JSON\"","text":"caf","cut":true})");
    append_dead_letter(bytes, "spot", {"binary", BytesView("\x00\xff", 2)});
    EXPECT_EQ(bytes, R"({"source":"spot","reason":"binary","b64":"AP8="})");
}

TEST_F(ShaperSpec, FramesAreDecodedInOrder) {
    use_websocket("a.b", R"("decode":["gzip"])");
    take(codec::compress(codec::Coding::Gzip, R"({"tick":1})"));
    take("plain");
    EXPECT_THAT(payloads(), ElementsAre(R"({"tick":1})"));
    EXPECT_THAT(reasons(), ElementsAre(StartsWith("decode: ")));
}

TEST_F(ShaperSpec, TheFirstRuleThatMatchesSaysWhatAFrameIs) {
    use_websocket("a.b", R"("items":{"inst":["A"]},"query":{"q":"{inst}"},"classify":[
        {"text":"pong","as":"heartbeat"},
        {"match":".event == \"subscribe\"","as":"ack","item":"arg.instId"},
        {"match":".event == \"error\"","as":"error.item","text_from":"msg"},
        {"match":".event","as":"notice"}])");
    EXPECT_EQ(take("pong").kind, FrameKind::Heartbeat);
    EXPECT_EQ(take(R"({"event":"subscribe","arg":{"instId":"A"}})").kind, FrameKind::Ack);
    const Shaped error = take(R"({"event":"error","msg":"no such item"})");
    EXPECT_EQ(error.kind, FrameKind::ErrorItem);
    EXPECT_EQ(error.words, "no such item");
    EXPECT_EQ(take(R"({"event":"x"})").kind, FrameKind::Notice);
    EXPECT_EQ(take(R"({"p":1})").kind, FrameKind::Data);
    EXPECT_EQ(take("ping").kind, FrameKind::Garbage);
}

TEST_F(ShaperSpec, ARuleMayShapeItsDataInItsOwnWay) {
    use_websocket("md.{s}.other", R"("map":{"key":"s"},"classify":[
        {"match":".[2] == \"trade\"","as":"data","rows":"1","columns":["p","q","t"],"parent":{"pair":"3"},"topic":"md.{pair}.trade","map":{"key":"pair","time":"t","unit":"s"}}])");
    take(
        R"([17,[["1.0","2.0","1618678142.557535"],["3.0","4.0","1618678143"]],"trade","XMR/USD"])");
    take(R"({"s":"A"})");
    EXPECT_THAT(topics(), ElementsAre("md.XMR~2FUSD.trade", "md.XMR~2FUSD.trade", "md.A.other"));
    EXPECT_THAT(keys(), ElementsAre("XMR/USD", "XMR/USD", "A"));
    EXPECT_EQ(rows[0].source_time, 1'618'678'142'557'535);
}

TEST_F(ShaperSpec, ABoundValueGivesTheFieldsOfItsItem) {
    use_websocket(
        "eth.{what}",
        R"("items":{"what":["newHeads"]},"connect":[{"send":{"params":["{what}"]}},{"expect":".result","item":"id","bind":"result"}],
        "classify":[{"match":".params.subscription","as":"data","by":"params.subscription"}],"rows":"params.result")");
    shaper->bind(1, "0xcd0c", {"newHeads", {{"what", "newHeads"}}});
    const char* frame =
        R"({"method":"eth_subscription","params":{"subscription":"0xcd0c","result":{"number":"0x10d4f"}}})";
    take(frame);
    EXPECT_THAT(topics(), ElementsAre("eth.newHeads"));
    EXPECT_EQ(rows[0].item, "newHeads");
    shaper->forget_connection(1);
    take(frame);
    EXPECT_THAT(reasons(), ElementsAre("topic: field `what` is missing"));
}

TEST_F(ShaperSpec, UnwantedRowsAreCountedOnly) {
    use_websocket("a.b", R"("drop":[".meta.domain == \"canary\""])");
    const Shaped shaped = take(R"({"meta":{"domain":"canary"}})");
    EXPECT_EQ(shaped.dropped, 1u);
    EXPECT_THAT(rows, IsEmpty());
    EXPECT_THAT(letters, IsEmpty());
}

TEST_F(ShaperSpec, RepeatsAreRemovedPerKeyAndId) {
    use_websocket("a.b", R"("map":{"key":"s","id":"t"},"dedupe":{"by":["key","id"],"keep":"10m"})");
    const Shaped shaped = [&] {
        take(R"({"s":"A","t":1})");
        take(R"({"s":"B","t":1})");
        return take(R"({"s":"A","t":1,"again":true})");
    }();
    EXPECT_EQ(shaped.repeats, 1u);
    EXPECT_THAT(keys(), ElementsAre("A", "B"));
    EXPECT_NE(rows[0].cid, rows[1].cid);
    input.wall += 600'000'001;
    take(R"({"s":"A","t":1})");
    EXPECT_THAT(rows, SizeIs(3));
}

TEST_F(ShaperSpec, ARowWithoutAnIdIsNotTakenForARepeat) {
    use_websocket("a.b", R"("map":{"id":"t"},"dedupe":{"by":["id"]})");
    take(R"({"x":1})");
    take(R"({"x":1})");
    EXPECT_THAT(rows, SizeIs(2));
}

TEST_F(ShaperSpec, ARejectedRowMayComeAgainBetter) {
    use_websocket("a.b", R"("map":{"id":"t"},"dedupe":{"by":["id"]},"require":[".p"])");
    take(R"({"t":1})");
    take(R"({"t":1,"p":2})");
    EXPECT_THAT(rows, SizeIs(1));
    EXPECT_THAT(letters, SizeIs(1));
}

TEST_F(ShaperSpec, BodiesAreComparedByTheirHash) {
    use_websocket("a.b", R"("dedupe":{"by":"body"})");
    take(R"({"a": 1})");
    take(R"({"a":1})");
    EXPECT_THAT(rows, SizeIs(1));
}

TEST_F(ShaperSpec, AHoleIsFoundPerKey) {
    use_websocket("a.{.s}",
                  R"("map":{"key":"s","id":"n"},"continuity":{"rule":"+1","at":"n","per":"key"})");
    for (const int n : {1, 2, 3}) take(R"({"s":"A","n":)" + std::to_string(n) + "}");
    take(R"({"s":"B","n":100})");
    const Shaped shaped = take(R"({"s":"A","n":7})");
    ASSERT_THAT(shaped.breaks, SizeIs(1));
    EXPECT_EQ(shaped.breaks[0].key, "A");
    EXPECT_EQ(shaped.breaks[0].verdict.lost, 3u);
    EXPECT_EQ(shaped.breaks[0].verdict.seen, "3");
    EXPECT_EQ(shaped.breaks[0].verdict.came, "7");
    EXPECT_EQ(shaped.breaks[0].row, 4u);
    EXPECT_EQ(rows.back().verdict.flow, Flow::Gap);
}

TEST_F(ShaperSpec, LateRowsAreFlaggedAndRepeatedOnesAreNot) {
    use_websocket("a.b", R"("continuity":{"rule":"+1","at":"n","per":"source"})");
    for (const int n : {1, 2, 1, 2}) take(R"({"n":)" + std::to_string(n) + "}");
    ASSERT_THAT(rows, SizeIs(3));
    EXPECT_EQ(rows[2].flags & flag::kLate, flag::kLate);
}

TEST_F(ShaperSpec, ACounterIsReadFromHeartbeatsTooAndOncePerFrame) {
    use_websocket(
        "a.b",
        R"("rows":"events","classify":[{"match":".channel == \"heartbeats\"","as":"heartbeat"}],"continuity":{"rule":"counter","at":"seq","per":"connection"})");
    take(R"({"seq":0,"events":[{"a":1},{"a":2}]})");
    EXPECT_THAT(take(R"({"seq":1,"channel":"heartbeats"})").breaks, IsEmpty());
    const Shaped shaped = take(R"({"seq":4,"channel":"heartbeats"})");
    ASSERT_THAT(shaped.breaks, SizeIs(1));
    EXPECT_EQ(shaped.breaks[0].verdict.lost, 2u);
    EXPECT_THAT(rows, SizeIs(2));
}

TEST_F(ShaperSpec, ARepeatOnASecondConnectionStillMovesItsChain) {
    use_websocket(
        "a.b",
        R"("map":{"id":"n"},"dedupe":{"by":["id"]},"continuity":{"rule":"+1","at":"n","per":"connection"})");
    for (const int n : {1, 2}) take(R"({"n":)" + std::to_string(n) + "}");
    input.connection = 2;
    for (const int n : {1, 2}) EXPECT_EQ(take(R"({"n":)" + std::to_string(n) + "}").repeats, 1u);
    EXPECT_THAT(take(R"({"n":3})").breaks, IsEmpty());
}

TEST_F(ShaperSpec, ASnapshotInTheStreamBeginsTheChainAnew) {
    use_websocket(
        "a.b",
        R"("continuity":{"rule":"range","first":"U","last":"u","per":"source"},"snapshot":{"in_band":".type == \"snapshot\""})");
    take(R"({"U":1,"u":5})");
    take(R"({"type":"snapshot","u":100})");
    EXPECT_THAT(take(R"({"U":101,"u":102})").breaks, IsEmpty());
    EXPECT_EQ(rows[1].kind, Kind::Snapshot);
}

TEST_F(ShaperSpec, RowsBeyondTheLimitAreToldOf) {
    use_websocket("a.b", R"("rows":"data","limits":{"rows_per_frame":2})");
    const Shaped shaped = take(R"({"data":[{"a":1},{"a":2},{"a":3}]})");
    EXPECT_EQ(shaped.rows_cut, 1u);
    EXPECT_THAT(rows, SizeIs(2));
    EXPECT_THAT(reasons(), ElementsAre(HasSubstr("1 rows beyond")));
}

TEST_F(ShaperSpec, APayloadOver1MiBIsADeadLetter) {
    use_websocket("a.b", "");
    take(R"({"x":")" + std::string(kPayloadBytesMax, 'y') + "\"}");
    EXPECT_THAT(rows, IsEmpty());
    EXPECT_THAT(reasons(), ElementsAre(HasSubstr("1 MiB")));
}

TEST_F(ShaperSpec, APushThatIsNoJsonIsKeptAsItIs) {
    use(R"({"name":"bin","type":"webhook","topic":"a.b"})");
    input.content_type = "application/x-bin";
    take(BytesView("\0\xff", 2));
    ASSERT_THAT(rows, SizeIs(1));
    EXPECT_EQ(rows[0].payload, BytesView("\0\xff", 2));
    EXPECT_EQ(rows[0].content_type, "application/x-bin");
}

TEST_F(ShaperSpec, ThePositionComesFromTheRowOrTheFrame) {
    use_websocket("a.b", R"("rows":"data","resume":{"at":"cursor","as":{"query":"cursor"}})");
    take(R"({"cursor":17,"data":[{"x":1},{"cursor":18}]})");
    ASSERT_THAT(rows, SizeIs(2));
    EXPECT_EQ(rows[0].position, "17");
    EXPECT_EQ(rows[1].position, "18");
}

TEST_F(ShaperSpec, ReplacedPayloadsAreMadeByTheExpression) {
    use_websocket("a.b", R"("map":{"data":"select(.keep) | {p: .p}"})");
    const Shaped kept = take(R"({"keep":true,"p":1.10,"q":2})");
    const Shaped dropped = take(R"({"keep":false,"p":2})");
    EXPECT_EQ(kept.emitted, 1u);
    EXPECT_EQ(dropped.dropped, 1u);
    EXPECT_THAT(payloads(), ElementsAre(R"({"p":1.10})"));
}

TEST_F(ShaperSpec, RowsOfEarlierFramesStayGoodUntilRecycled) {
    use_websocket("a.{.s}", R"("decode":["base64"])");
    take("eyJzIjoiQSJ9");
    take("eyJzIjoiQiJ9");
    EXPECT_THAT(topics(), ElementsAre("a.A", "a.B"));
    EXPECT_THAT(payloads(), ElementsAre(R"({"s":"A"})", R"({"s":"B"})"));
    shaper->recycle();
    rows.clear();
    take("eyJzIjoiQyJ9");
    EXPECT_THAT(topics(), ElementsAre("a.C"));
}

}  // namespace
}  // namespace anode::source::spec
