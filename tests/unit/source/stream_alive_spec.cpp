#include "unit/source/machine_stage.hpp"

/// Three clocks, replies, classified frames, rotation: recipes, section 5.
namespace anode::source::spec {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// -- clocks (C7) -----------------------------------------------------------------------------------------

TEST(StreamAliveSpec, AProtocolPingLeavesEveryThirtySeconds) {
    Stage stage(stream());
    stage.start().opened();
    for (int n = 0; n < 4; ++n) {
        stage.passes(30s);
        stage.step(in::Alive{stage.last()});
    }
    EXPECT_EQ(stage.pings, 4u);
    EXPECT_THAT(stage.closes, IsEmpty()) << "pongs are life";
}

TEST(StreamAliveSpec, AProtocolPingOfZeroIsNever) {
    Stage stage(stream(R"("alive":{"protocol_ping":"0s","any":"0s"})"));
    stage.start().opened();
    stage.passes(1h);
    EXPECT_EQ(stage.pings, 0u);
    EXPECT_THAT(stage.closes, IsEmpty());
}

TEST(StreamAliveSpec, NoFrameOfAnyKindForAMinuteMeansConnectingAnew) {
    Stage stage(stream());
    stage.start().opened();
    stage.passes(59s);
    EXPECT_THAT(stage.closes, IsEmpty());
    stage.passes(1s);
    EXPECT_THAT(stage.closes, SizeIs(1));
    EXPECT_EQ(stage.errors(ErrorClass::Silence), 1u);
    stage.passes(2s);
    EXPECT_THAT(stage.opens, SizeIs(2));
}

TEST(StreamAliveSpec, AnIdlePingIsSentOnlyWhenNothingCame) {
    Stage stage(stream(
        R"("alive":{"ping":{"when":"idle 25s","text":"ping","expect":"pong","within":"5s"}})"));
    stage.start().opened();
    stage.passes(20s);
    stage.says(trade(1));
    stage.passes(20s);
    EXPECT_THAT(stage.said(), IsEmpty());
    stage.passes(5s);
    EXPECT_THAT(stage.said(), ElementsAre("ping"));
    stage.says("pong");
    EXPECT_THAT(stage.letters, IsEmpty()) << "the word that was waited for is no garbage";
    stage.passes(5s);
    EXPECT_THAT(stage.closes, IsEmpty());
}

TEST(StreamAliveSpec, APeriodicPingIsSentWhateverComes) {
    Stage stage(
        stream(R"("alive":{"ping":{"when":"every 20s","send":{"op":"ping","n":"{n:number}"}}})"));
    stage.start().opened();
    for (int n = 0; n < 4; ++n) {
        stage.passes(10s);
        stage.says(trade(n));
    }
    EXPECT_THAT(stage.said(), ElementsAre(R"({"op":"ping","n":1})", R"({"op":"ping","n":2})"));
}

TEST(StreamAliveSpec, APingWithoutAnswerMeansConnectingAnew) {
    Stage stage(stream(
        R"("alive":{"ping":{"when":"every 20s","text":"ping","expect":".op == \"pong\"","within":"5s"}})"));
    stage.start().opened();
    stage.passes(20s);
    stage.says(trade(1));
    stage.passes(5s);
    EXPECT_THAT(stage.closes, SizeIs(1));
    EXPECT_THAT(stage.status().last_error->detail, HasSubstr("ping"));
}

TEST(StreamAliveSpec, HeartbeatsDoNotCountAsData) {
    Stage stage(stream(
        R"("alive":{"stale":"10s"},"classify":[{"match":".type == \"hb\"","as":"heartbeat"}])"));
    stage.start().opened();
    stage.says(trade(1));
    for (int n = 0; n < 11; ++n) {
        stage.passes(1s);
        stage.says(R"({"type":"hb"})");
    }
    EXPECT_EQ(stage.state(), "stale");
    EXPECT_TRUE(stage.had_event("stale"));
    EXPECT_EQ(stage.status().counters.heartbeats, 11u);
    EXPECT_THAT(stage.closes, IsEmpty()) << "stale_action is note";
    stage.says(trade(2));
    EXPECT_EQ(stage.state(), "live");
    stage.passes(10s);
    EXPECT_EQ(stage.state(), "stale") << "the clock runs again";
}

TEST(StreamAliveSpec, AStaleSourceMayConnectAnew) {
    Stage stage(stream(R"("alive":{"stale":"10s","stale_action":"reconnect","any":"0s"})"));
    stage.start().opened();
    stage.says(trade(1));
    stage.passes(10s);
    EXPECT_THAT(stage.closes, SizeIs(1));
    EXPECT_EQ(stage.state(), "backoff");
}

// -- replies ---------------------------------------------------------------------------------------------

TEST(StreamAliveSpec, WhatTheServerAsksIsAnsweredFromItsOwnWords) {
    Stage stage(
        stream(R"("alive":{"reply":[{"match":".ping","send":{"pong":"{.ping:number}"}}]})"));
    stage.start().opened();
    stage.says(R"({"ping":1617678088643})");
    EXPECT_THAT(stage.said(), ElementsAre(R"({"pong":1617678088643})"));
    EXPECT_THAT(stage.rows, IsEmpty());
    EXPECT_THAT(stage.letters, IsEmpty());
}

TEST(StreamAliveSpec, AServerThatAsksMoreThanItAllowsToAnswerIsLeft) {
    Stage stage(stream(
        R"("rate":{"messages":"1/h"},"alive":{"reply":[{"match":".ping","send":{"pong":1}}]})"));
    stage.start().opened();
    for (int n = 0; n < 20'010 && stage.closes.empty(); ++n) stage.says(R"({"ping":1})");
    EXPECT_THAT(stage.closes, SizeIs(1));
    EXPECT_EQ(stage.errors(ErrorClass::Overflow), 1u);
}

TEST(StreamAliveSpec, PongsCountAsMessagesWhereTheyDo) {
    Stage stage(stream(
        R"("rate":{"messages":"2/s","count_control":true},"connect":[{"send":"a"},{"send":"b"}])"));
    stage.start();
    stage.opened();
    EXPECT_THAT(stage.said(), ElementsAre("a", "b"));
    Stage pinged(stream(
        R"("rate":{"messages":"2/s","count_control":true},"alive":{"reply":[{"match":".q","send":"a"}]})"));
    pinged.start().opened();
    pinged.step(in::Alive{pinged.last()});
    pinged.step(in::Alive{pinged.last()});
    pinged.says(R"({"q":1})");
    EXPECT_THAT(pinged.said(), IsEmpty());
    pinged.passes(1s);
    EXPECT_THAT(pinged.said(), ElementsAre("a"));
}

// -- classified frames (C20) -----------------------------------------------------------------------------

TEST(StreamAliveSpec, UnknownFramesAreCountedSampledAndDropped) {
    Stage stage(stream(R"("rows":"data")"));
    stage.start().opened();
    for (int n = 0; n < 9; ++n) stage.says(R"({"odd":)" + std::to_string(n) + "}");
    EXPECT_THAT(stage.rows, IsEmpty());
    EXPECT_THAT(stage.letters, IsEmpty());
    EXPECT_EQ(stage.status().counters.unknown, 9u);
    EXPECT_THAT(stage.status().unknown_samples, SizeIs(5));
}

TEST(StreamAliveSpec, AFatalErrorOfTheFeedEndsTheConnectionWithItsWords) {
    Stage stage(stream(
        R"("classify":[{"match":".fatal","as":"error.fatal","text_from":"why"},{"match":".warn","as":"error.ignore"}])"));
    stage.start().opened();
    stage.says(R"({"warn":1})");
    EXPECT_THAT(stage.closes, IsEmpty());
    stage.says(R"({"fatal":1,"why":"ConsumerTooSlow"})");
    EXPECT_EQ(stage.state(), "backoff");
    EXPECT_THAT(stage.status().last_error->detail, HasSubstr("ConsumerTooSlow"));
}

TEST(StreamAliveSpec, GarbageBecomesDeadLettersAndHarmsNobody) {
    Stage stage(stream());
    stage.start().opened();
    stage.says("not json");
    stage.says("{\"broken\":");
    stage.says(std::string_view("\x00\x01\x02", 3));
    stage.says(std::string(100, '['));
    stage.says(R"({"t":1})");
    stage.says(trade(1));
    EXPECT_THAT(stage.letters, SizeIs(5)) << "the last has no {.s} for its topic";
    for (const std::string& reason : stage.letters) EXPECT_FALSE(reason.empty());
    EXPECT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.state(), "live");
    EXPECT_EQ(stage.errors(ErrorClass::Malformed), 4u);
    EXPECT_EQ(stage.errors(ErrorClass::Shape), 1u);
}

TEST(StreamAliveSpec, AFloodOfGarbageIsThinnedOutButCounted) {
    Stage stage(stream());
    stage.start().opened();
    for (int n = 0; n < 1000; ++n) stage.says("junk");
    EXPECT_LE(stage.letters.size(), 200u);
    EXPECT_EQ(stage.errors(ErrorClass::Malformed), 1000u);
}

TEST(StreamAliveSpec, AFrameOverTheLimitIsAClassOfItsOwnAndTheSourceComesBack) {
    Stage stage(stream());
    stage.start().opened();
    stage.drops(ErrorClass::TooLarge);
    EXPECT_EQ(stage.errors(ErrorClass::TooLarge), 1u);
    EXPECT_EQ(name(ErrorClass::TooLarge), "too-large");
    stage.passes(2s);
    EXPECT_THAT(stage.opens, SizeIs(2));
}

// -- rotation (C9) ---------------------------------------------------------------------------------------

TEST(StreamAliveSpec, APlannedRenewalOpensTheNewConnectionBeforeItClosesTheOld) {
    Stage stage(stream(
        R"("alive":{"rotate":"1h","overlap":"15s","any":"0s"},"dedupe":{"by":["key","id"]},"connect":[{"send":"sub"}])"));
    stage.start().opened();
    stage.says(trade(1));
    stage.passes(1h);
    ASSERT_THAT(stage.opens, SizeIs(2));
    const ConnId old = stage.opens[0].first, fresh = stage.opens[1].first;
    EXPECT_THAT(stage.closes, IsEmpty());
    stage.says(old, trade(2));
    stage.opened(fresh);
    EXPECT_THAT(stage.said_by(fresh), ElementsAre("sub"));
    stage.says(old, trade(3));
    stage.says(fresh, trade(3));
    stage.says(fresh, trade(4));
    stage.says(old, trade(4));
    EXPECT_EQ(stage.state(), "live");
    stage.passes(15s);
    ASSERT_THAT(stage.closes, SizeIs(1));
    EXPECT_EQ(stage.closes[0].first, old);
    stage.says(fresh, trade(5));
    EXPECT_THAT(stage.rows, SizeIs(5));
    EXPECT_EQ(stage.state(), "live");
    EXPECT_THAT(stage.gaps, IsEmpty());
    stage.passes(1h);
    EXPECT_THAT(stage.opens, SizeIs(3)) << "and again after an hour";
}

TEST(StreamAliveSpec, AnOverlapWithoutDedupeRemovesCopiesButNotHonestRepeats) {
    Stage stage(stream(R"("alive":{"rotate":"1h","any":"0s"})"));
    stage.start().opened();
    stage.passes(1h);
    const ConnId old = stage.opens[0].first, fresh = stage.opens[1].first;
    stage.opened(fresh);
    for (int n = 0; n < 2; ++n) stage.says(old, trade(7));
    for (int n = 0; n < 2; ++n) stage.says(fresh, trade(7));
    EXPECT_THAT(stage.rows, SizeIs(2));
    EXPECT_EQ(stage.status().counters.duplicates, 2u);
}

TEST(StreamAliveSpec, ANoticeRotatesAtOnce) {
    Stage stage(stream(
        R"("classify":[{"match":".event == \"notice\"","as":"notice"}],"dedupe":{"by":["key","id"]})"));
    stage.start().opened();
    stage.says(trade(1));
    stage.says(R"({"event":"notice","code":"64008"})");
    ASSERT_THAT(stage.opens, SizeIs(2));
    stage.says(R"({"event":"notice","code":"64008"})");
    EXPECT_THAT(stage.opens, SizeIs(2)) << "one second connection is enough";
    stage.opened(stage.opens[1].first);
    stage.says(stage.opens[0].first, trade(2));
    stage.drops(stage.opens[0].first, ErrorClass::Closed);
    EXPECT_EQ(stage.state(), "live") << "the new connection was ready";
    stage.says(stage.opens[1].first, trade(3));
    EXPECT_THAT(stage.rows, SizeIs(3));
    EXPECT_THAT(stage.gaps, IsEmpty());
    stage.passes(5min);
    EXPECT_THAT(stage.opens, SizeIs(3)) << "only silence opens a third";
}

TEST(StreamAliveSpec, ANoticeOnTheSecondConnectionMovesOnOnceItIsTheFirst) {
    Stage stage(stream(
        R"("classify":[{"match":".event == \"notice\"","as":"notice"}],"dedupe":{"by":["key","id"]})"));
    stage.start().opened();
    stage.says(trade(1));
    stage.says(R"({"event":"notice"})");
    const ConnId first = stage.opens[0].first, second = stage.opens[1].first;
    stage.opened(second);
    stage.says(second, trade(2));
    stage.says(second, R"({"event":"notice"})");
    EXPECT_THAT(stage.opens, SizeIs(2));
    stage.drops(first, ErrorClass::Closed);
    ASSERT_THAT(stage.opens, SizeIs(3));
    stage.opened(stage.opens[2].first);
    stage.drops(second, ErrorClass::Closed);
    EXPECT_EQ(stage.state(), "live");
    EXPECT_THAT(stage.gaps, IsEmpty());
}

TEST(StreamAliveSpec, ASecondConnectionThatFailsIsTriedAgainWhileTheFirstLives) {
    Stage stage(stream(R"("alive":{"rotate":"1h","any":"0s"})"));
    stage.start().opened();
    stage.says(trade(1));
    stage.passes(1h);
    stage.drops(stage.opens[1].first, ErrorClass::Refused);
    EXPECT_EQ(stage.state(), "live");
    stage.passes(2s);
    EXPECT_THAT(stage.opens, SizeIs(3));
}

// -- a feed may say anything -----------------------------------------------------------------------------

TEST(StreamAliveSpec, InputsForUnknownConnectionsMatchNothing) {
    Stage stage(stream(kSubscribe));
    stage.start();
    const ConnId other{99};
    stage.opened(other);
    stage.says(other, trade(1));
    stage.drops(other);
    stage.step(in::Alive{other});
    stage.step(in::SseEvent{other, "1", "message", "{}", {}});
    stage.step(in::Answered{RequestId{77}, 200, {}, "{}", {}});
    stage.step(in::RequestFailed{RequestId{77}, {}});
    for (std::uint64_t kind = 0; kind < 64; ++kind) {
        stage.step(in::TimerFired{TimerId{kind << 56 | 0xfffff0}});
    }
    stage.step(in::FileEnd{other});
    stage.step(in::FileData{other, "{}", 2});
    EXPECT_THAT(stage.rows, IsEmpty());
    EXPECT_EQ(stage.state(), "connecting");
}

TEST(StreamAliveSpec, FramesAfterTheEndOfAConnectionAreDropped) {
    Stage stage(stream());
    stage.start().opened();
    stage.drops();
    stage.says(stage.opens[0].first, trade(1));
    EXPECT_THAT(stage.rows, IsEmpty());
}

}  // namespace
}  // namespace anode::source::spec
