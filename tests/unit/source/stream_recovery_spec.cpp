#include "unit/source/machine_stage.hpp"

/// What happens when things break: back-off, limits, resumption, pressure, gaps.
namespace anode::source::spec {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

Duration elapsed(const Stage& stage, Instant since) { return stage.now.mono - since; }

// -- back-off (C12) --------------------------------------------------------------------------------------

TEST(StreamRecoverySpec, PausesGrowAndAreResetByData) {
    Stage stage(stream(R"("backoff":{"min":"1s","max":"64s"})"));
    stage.start();
    for (int n = 0; n < 12; ++n) {
        stage.drops(ErrorClass::Refused);
        stage.passes(64s);
        ASSERT_THAT(stage.opens, SizeIs(static_cast<std::size_t>(n) + 2));
    }
    EXPECT_EQ(stage.errors(ErrorClass::Refused), 12u);
    stage.opened();
    stage.says(trade(1));
    const Instant before = stage.now.mono;
    stage.drops();
    stage.passes(2s);
    EXPECT_THAT(stage.opens, SizeIs(14)) << "the first pause is short again";
    EXPECT_LE(elapsed(stage, before), 2s);
}

TEST(StreamRecoverySpec, AFeedThatRefusesIsNotStormed) {
    Stage stage(stream(R"("backoff":{"min":"200ms","max":"5s"})"));
    stage.start();
    const Instant begin = stage.now.mono;
    std::size_t answered = 0;
    while (elapsed(stage, begin) < 10s) {
        if (stage.opens.size() > answered) {
            answered = stage.opens.size();
            stage.refuses(503);
        }
        stage.passes(10ms);
    }
    EXPECT_LE(stage.opens.size(), 20u);
    EXPECT_THAT(stage.status().last_error->detail, HasSubstr("503"));
}

TEST(StreamRecoverySpec, RetryAfterAtTheUpgradeIsObeyed) {
    Stage stage(stream());
    stage.start();
    stage.refuses(429, {{"retry-after", "3"}});
    EXPECT_EQ(stage.state(), "limited");
    ASSERT_TRUE(stage.status().next_due.has_value());
    EXPECT_EQ(*stage.status().next_due, stage.now.wall + 3'000'000);
    stage.passes(2999ms);
    EXPECT_THAT(stage.opens, SizeIs(1));
    stage.passes(1ms);
    EXPECT_THAT(stage.opens, SizeIs(2));
}

TEST(StreamRecoverySpec, ANamedHeaderTellsWhenToComeBackToo) {
    Stage stage(stream(R"("rate":{"retry_after":"X-Retry-Seconds"})"));
    stage.start();
    stage.refuses(429, {{"X-Retry-Seconds", "20"}});
    stage.passes(19s);
    EXPECT_THAT(stage.opens, SizeIs(1));
    stage.passes(1s);
    EXPECT_THAT(stage.opens, SizeIs(2));
}

TEST(StreamRecoverySpec, RefusedCredentialsAreTriedOnceMoreAndThenFail) {
    for (const int status : {401, 403}) {
        Stage stage(stream());
        stage.start();
        stage.refuses(status);
        EXPECT_EQ(stage.state(), "backoff");
        stage.passes(2s);
        stage.refuses(status);
        EXPECT_EQ(stage.state(), "failed");
        stage.passes(24h);
        EXPECT_THAT(stage.opens, SizeIs(2));
        EXPECT_EQ(stage.errors(ErrorClass::Auth), 2u);
        stage.step(in::Restart{});
        EXPECT_THAT(stage.opens, SizeIs(3)) << "a restart is a new beginning";
    }
}

TEST(StreamRecoverySpec, UnavailableForLegalReasonsIsFinal) {
    Stage stage(stream());
    stage.start();
    stage.refuses(451);
    EXPECT_EQ(stage.state(), "failed");
}

TEST(StreamRecoverySpec, NamedErrorsBeforeTheUpgradeAreData) {
    const std::string rules =
        R"("errors":[{"status":400,"match":".error == \"Gone\"","do":"fail"},{"match":".error == \"Slow\"","do":"limit"},{"match":".error == \"Noise\"","do":"ignore"}])";
    Stage gone(stream(rules));
    gone.start();
    gone.refuses(400, {}, R"({"error":"Gone"})");
    EXPECT_EQ(gone.state(), "failed");
    EXPECT_THAT(gone.status().why, HasSubstr("Gone"));
    Stage slow(stream(rules));
    slow.start();
    slow.refuses(400, {{"Retry-After", "9"}}, R"({"error":"Slow"})");
    EXPECT_EQ(slow.state(), "limited");
    slow.passes(9s);
    EXPECT_THAT(slow.opens, SizeIs(2));
    Stage noise(stream(rules));
    noise.start();
    noise.refuses(500, {}, R"({"error":"Noise"})");
    EXPECT_EQ(noise.status().counters.errors, 0u);
    EXPECT_EQ(noise.state(), "backoff");
}

TEST(StreamRecoverySpec, ConnectsStayWithinTheirBudget) {
    Stage stage(stream(R"("rate":{"connects":"2/10s"},"backoff":{"min":"100ms","max":"100ms"})"));
    stage.start();
    const Instant begin = stage.now.mono;
    std::size_t answered = 0;
    while (elapsed(stage, begin) < 29s) {
        if (stage.opens.size() > answered) {
            answered = stage.opens.size();
            stage.drops(ErrorClass::Refused);
        }
        stage.passes(10ms);
    }
    EXPECT_EQ(stage.opens.size(), 6u);
}

// -- gaps ------------------------------------------------------------------------------------------------

TEST(StreamRecoverySpec, AHoleInTheNumbersIsToldWithItsSize) {
    Stage stage(
        R"({"name":"f","type":"websocket","url":"wss://x.example/","topic":"t.{.s}","map":{"key":"s"},"continuity":{"rule":"+1","at":"n","per":"key"}})");
    stage.start().opened();
    for (const int n : {1, 2, 3, 7, 8}) {
        stage.says(R"({"s":"A","n":)" + std::to_string(n) + "}");
    }
    stage.says(R"({"s":"B","n":100})");
    ASSERT_THAT(stage.gaps, SizeIs(1));
    EXPECT_EQ(stage.gaps[0].key, "A");
    EXPECT_EQ(stage.gaps[0].from, "3");
    EXPECT_EQ(stage.gaps[0].to, "7");
    EXPECT_EQ(stage.gaps[0].lost, 3u);
    EXPECT_THAT(stage.rows, SizeIs(6));
    EXPECT_EQ(stage.status().counters.gaps, 1u);
}

TEST(StreamRecoverySpec, AFeedOfNothingButGapsIsToldInSums) {
    Stage stage(
        R"({"name":"f","type":"websocket","url":"wss://x.example/","topic":"t","continuity":{"rule":"+1","at":"n","per":"source"}})");
    stage.start().opened();
    for (int n = 1; n <= 1001; ++n) {
        stage.says(R"({"n":)" + std::to_string(n * 10) + "}");
        stage.passes(1ms);
    }
    stage.passes(2s);
    EXPECT_LE(stage.gaps.size(), 64u);
    std::uint64_t lost = 0;
    for (const act::GapFound& gap : stage.gaps) lost += gap.lost;
    EXPECT_EQ(lost, 9000u);
    EXPECT_EQ(stage.status().counters.gaps, 1000u);
}

TEST(StreamRecoverySpec, AReconnectThatNothingElseShowsIsAGapWithItsTimes) {
    Stage stage(stream());
    stage.start().opened();
    stage.says(trade(1));
    stage.drops();
    stage.passes(2s);
    stage.opened();
    EXPECT_THAT(stage.gaps, IsEmpty()) << "told when data is back";
    stage.says(trade(9));
    ASSERT_THAT(stage.gaps, SizeIs(1));
    EXPECT_EQ(stage.gaps[0].cause, "reconnect");
    EXPECT_THAT(stage.gaps[0].from, HasSubstr("2026-01-01T00:00:00"));
}

TEST(StreamRecoverySpec, AGapMayMeanConnectingAnew) {
    Stage stage(
        R"({"name":"f","type":"websocket","url":"wss://x.example/","topic":"t","continuity":{"rule":"+1","at":"n","per":"source","on_gap":"reconnect"}})");
    stage.start().opened();
    stage.says(R"({"n":1})");
    stage.says(R"({"n":5})");
    EXPECT_THAT(stage.closes, SizeIs(1));
    EXPECT_THAT(stage.gaps, SizeIs(1));
    EXPECT_THAT(stage.rows, SizeIs(2));
}

// -- resumption (C28, C35) -------------------------------------------------------------------------------

constexpr std::string_view kResumed =
    R"({"name":"f","type":"websocket","url":["wss://a.example/","wss://b.example/"],"topic":"t","resume":{"at":"cursor","as":{"query":"cursor"},"rewind":"5s","too_old":".error == \"CursorTooOld\""}})";

TEST(StreamRecoverySpec, ThePositionRidesOnItsRowAndIsGivenBack) {
    Stage stage(kResumed);
    stage.start().opened();
    EXPECT_EQ(stage.opens[0].second.url, "wss://a.example/");
    stage.says(R"({"cursor":1725911162329308})");
    ASSERT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.rows[0].position, "1725911162329308");
    stage.drops();
    stage.passes(2s);
    EXPECT_EQ(stage.opens[1].second.url, "wss://a.example/?cursor=1725911162329308");
    stage.drops(ErrorClass::Refused);
    stage.passes(4s);
    EXPECT_EQ(stage.opens[2].second.url, "wss://b.example/?cursor=1725911157329308")
        << "another host: set back by `rewind`";
    EXPECT_THAT(stage.gaps, IsEmpty());
}

TEST(StreamRecoverySpec, ARestoredPositionOfAnotherOwnerIsSetBack) {
    Restored restored;
    restored.position = "1725911162329308";
    restored.moved = true;
    Stage stage(
        R"({"name":"f","type":"websocket","url":"wss://a.example/","topic":"t","resume":{"at":"c","as":{"header":"X-From"},"rewind":"1s"}})",
        restored);
    stage.start();
    EXPECT_THAT(stage.opens[0].second.headers, Contains(Pair("X-From", "1725911161329308")));
}

TEST(StreamRecoverySpec, APositionThatIsTooOldStartsLiveAndTheGapIsTold) {
    Restored restored;
    restored.position = "5";
    Stage stage(kResumed, restored);
    stage.start();
    EXPECT_THAT(stage.opens[0].second.url, HasSubstr("cursor=5"));
    stage.refuses(400, {}, R"({"error":"CursorTooOld"})");
    ASSERT_THAT(stage.gaps, SizeIs(1));
    EXPECT_EQ(stage.gaps[0].cause, "too-old");
    EXPECT_EQ(stage.gaps[0].from, "5");
    stage.passes(2s);
    EXPECT_THAT(stage.opens[1].second.url, testing::Not(HasSubstr("cursor")));
}

TEST(StreamRecoverySpec, APositionMayBeSentInAMessage) {
    Restored restored;
    restored.position = "77";
    Stage stage(
        R"({"name":"f","type":"websocket","url":"wss://a.example/","topic":"t","connect":[{"send":"hi"}],"resume":{"at":"c","as":{"send":{"from":"{$position}"}}}})",
        restored);
    stage.start().opened();
    EXPECT_THAT(stage.said(), ElementsAre("hi", R"({"from":"77"})"));
}

// -- event streams (C29) ---------------------------------------------------------------------------------

constexpr std::string_view kEvents =
    R"({"name":"wiki","type":"sse","url":"https://x.example/stream","topic":"wiki.event"})";

TEST(StreamRecoverySpec, AnEventStreamGoesOnAfterItsLastIdAndItsEndIsNoError) {
    Stage stage(kEvents);
    stage.start();
    EXPECT_EQ(stage.opens[0].second.transport, Transport::Sse);
    EXPECT_THAT(stage.opens[0].second.headers, Contains(Pair("Accept", "text/event-stream")));
    stage.opened();
    stage.event(R"([{"offset":3}])", R"({"n":3})", "message", 200ms);
    EXPECT_EQ(stage.state(), "live");
    EXPECT_EQ(stage.rows[0].position, R"([{"offset":3}])");
    stage.drops(ErrorClass::Closed);
    EXPECT_EQ(stage.state(), "connecting");
    stage.passes(200ms);
    ASSERT_THAT(stage.opens, SizeIs(2)) << "`retry` of the stream";
    EXPECT_THAT(stage.opens[1].second.headers,
                Contains(Pair("Last-Event-ID", R"([{"offset":3}])")));
    stage.opened();
    EXPECT_EQ(stage.state(), "live");
    EXPECT_EQ(stage.status().counters.errors, 0u);
    EXPECT_THAT(stage.gaps, IsEmpty());
}

TEST(StreamRecoverySpec, AnEventStreamGoesOnAfterARestartOfTheNode) {
    Restored restored;
    restored.position = "41";
    Stage stage(kEvents, restored);
    stage.start();
    EXPECT_THAT(stage.opens[0].second.headers, Contains(Pair("Last-Event-ID", "41")));
}

TEST(StreamRecoverySpec, OnlyTheEventsThatAreNamedAreTaken) {
    Stage stage(
        R"({"name":"s","type":"sse","url":"https://x.example/","topic":"t","events":["put"]})");
    stage.start().opened();
    stage.event("1", R"({"a":1})", "message");
    stage.event("2", R"({"a":2})", "put");
    EXPECT_THAT(stage.payloads(), ElementsAre(R"({"a":2})"));
    EXPECT_EQ(stage.status().counters.ignored, 1u);
}

TEST(StreamRecoverySpec, OnlyTheLastRowOfAnEventCarriesItsId) {
    Stage stage(
        R"({"name":"s","type":"sse","url":"https://x.example/","topic":"t","rows":"rows"})");
    stage.start().opened();
    stage.event("9", R"({"rows":[{"a":1},{"a":2}]})");
    ASSERT_THAT(stage.rows, SizeIs(2));
    EXPECT_EQ(stage.rows[0].position, "") << "a position must not be ahead of its data";
    EXPECT_EQ(stage.rows[1].position, "9");
}

TEST(StreamRecoverySpec, LinesOfJsonComeTheSameWay) {
    Stage stage(
        R"({"name":"s","type":"sse","url":"https://x.example/","topic":"t","headers":{"Accept":"application/x-ndjson"}})");
    stage.start();
    EXPECT_EQ(stage.opens[0].second.transport, Transport::Ndjson);
    stage.opened();
    stage.says(R"({"a":1})");
    EXPECT_THAT(stage.rows, SizeIs(1));
}

// -- back pressure (C39) ---------------------------------------------------------------------------------

std::string pressed(std::string_view full) {
    return stream(R"("limits":{"queue":"64KiB","full":")" + std::string(full) + R"("})");
}

TEST(StreamRecoverySpec, WithFullIntakeRowsWaitInOrder) {
    Stage stage(pressed("stop"));
    stage.start().opened();
    stage.step(in::Pressure{true});
    for (int n = 0; n < 5; ++n) stage.says(trade(n));
    EXPECT_THAT(stage.rows, IsEmpty());
    EXPECT_EQ(stage.status().queued_rows, 5u);
    stage.step(in::Pressure{false});
    stage.says(trade(5));
    stage.passes(1ms);
    ASSERT_THAT(stage.rows, SizeIs(6));
    for (int n = 0; n < 6; ++n)
        EXPECT_EQ(stage.rows[static_cast<std::size_t>(n)].payload, trade(n));
}

TEST(StreamRecoverySpec, StopMeansThatReadingStopsBeforeAnythingIsLost) {
    Stage stage(pressed("stop"));
    stage.start().opened();
    stage.step(in::Pressure{true});
    int sent = 0;
    while (stage.readings.empty() && sent < 1000) stage.says(trade(sent++));
    ASSERT_THAT(stage.readings, ElementsAre(false));
    stage.passes(10min);
    EXPECT_THAT(stage.closes, IsEmpty()) << "what we did not read is no silence of theirs";
    stage.step(in::Pressure{false});
    stage.passes(10ms);
    EXPECT_THAT(stage.readings, ElementsAre(false, true));
    EXPECT_THAT(stage.rows, SizeIs(static_cast<std::size_t>(sent)));
    EXPECT_THAT(stage.gaps, IsEmpty());
}

TEST(StreamRecoverySpec, DropForgetsTheOldestAndTellsTheLedger) {
    Stage stage(pressed("drop"));
    stage.start().opened();
    stage.step(in::Pressure{true});
    for (int n = 0; n < 500; ++n) stage.says(trade(n));
    EXPECT_LE(stage.status().queued_bytes, 64u << 10);
    EXPECT_THAT(stage.readings, IsEmpty());
    stage.step(in::Pressure{false});
    stage.passes(1s);
    ASSERT_THAT(stage.gaps, SizeIs(1));
    EXPECT_EQ(stage.gaps[0].cause, "queue-full");
    EXPECT_EQ(stage.gaps[0].lost + stage.rows.size(), 500u);
    EXPECT_EQ(stage.rows.back().payload, trade(499));
}

TEST(StreamRecoverySpec, ConflateKeepsTheNewestOfEachKey) {
    Stage stage(pressed("conflate"));
    stage.start().opened();
    stage.step(in::Pressure{true});
    for (int n = 0; n < 1000; ++n) stage.says(trade(n, n % 2 ? "ODD" : "EVEN"));
    stage.step(in::Pressure{false});
    stage.passes(1s);
    ASSERT_FALSE(stage.rows.empty());
    std::map<std::string, std::string> newest;
    for (const OutRow& row : stage.rows) newest[row.key] = row.payload;
    EXPECT_EQ(newest["ODD"], trade(999, "ODD"));
    EXPECT_EQ(newest["EVEN"], trade(998, "EVEN"));
    ASSERT_THAT(stage.gaps, SizeIs(1));
    EXPECT_EQ(stage.gaps[0].cause, "conflated");
    EXPECT_EQ(stage.gaps[0].lost + stage.rows.size(), 1000u);
}

// -- stopping --------------------------------------------------------------------------------------------

TEST(StreamRecoverySpec, StopClosesEverythingAndLetsGoOfWhatWaits) {
    Stage stage(pressed("stop"));
    stage.start().opened();
    stage.step(in::Pressure{true});
    stage.says(trade(1));
    stage.step(in::Stop{true});
    EXPECT_EQ(stage.state(), "draining");
    EXPECT_THAT(stage.closes, SizeIs(1));
    EXPECT_THAT(stage.rows, SizeIs(1)) << "nothing taken in is lost";
    stage.passes(1h);
    EXPECT_THAT(stage.opens, SizeIs(1));
}

TEST(StreamRecoverySpec, ARestartOpensANewConnection) {
    Stage stage(stream());
    stage.start().opened();
    stage.step(in::Restart{});
    EXPECT_THAT(stage.closes, SizeIs(1));
    EXPECT_THAT(stage.opens, SizeIs(2));
}

TEST(StreamRecoverySpec, AnIsolatedNodePausesWhereTheDefinitionSaysSo) {
    Stage stage(stream(R"("placement":{"on_isolation":"pause"})"));
    stage.start().opened();
    stage.step(in::Isolated{true});
    EXPECT_EQ(stage.state(), "pending");
    EXPECT_THAT(stage.closes, SizeIs(1));
    stage.step(in::Isolated{false});
    EXPECT_THAT(stage.opens, SizeIs(2));
    Stage other(stream());
    other.start().opened();
    other.step(in::Isolated{true});
    EXPECT_THAT(other.closes, IsEmpty());
}

TEST(StreamRecoverySpec, TheSameSeedAndInputsGiveTheSameRun) {
    const auto run = [](std::uint64_t seed) {
        Stage stage(stream(), {}, seed);
        stage.start();
        std::vector<Duration> pauses;
        for (int n = 0; n < 6; ++n) {
            const Instant before = stage.now.mono;
            const std::size_t opens = stage.opens.size();
            stage.drops(ErrorClass::Refused);
            while (stage.opens.size() == opens) stage.passes(1ms);
            pauses.push_back(stage.now.mono - before);
        }
        return pauses;
    };
    EXPECT_EQ(run(3), run(3));
    EXPECT_NE(run(3), run(4));
}

TEST(StreamRecoverySpec, WeaknessIsToldAlsoWhereNobodyWroteIt) {
    EXPECT_THAT(Stage(stream()).status().weakness, HasSubstr("continuity"));
    EXPECT_EQ(Stage(stream(R"("weakness":"no replay")")).status().weakness, "no replay");
}

}  // namespace
}  // namespace anode::source::spec
