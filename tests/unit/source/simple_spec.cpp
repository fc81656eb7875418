#include "base/text.hpp"
#include "core/source/sign.hpp"
#include "unit/source/machine_stage.hpp"

/// Pushes, files, the generator: recipes, section 9.
namespace anode::source::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// -- webhook ---------------------------------------------------------------------------------------------

std::string hook(std::string_view more = "") {
    return R"({"name":"shop","type":"webhook","topic":"shop.hook")" +
           (more.empty() ? std::string() : "," + std::string(more)) + "}";
}
void push(Stage& stage, std::string_view body, const Headers& headers = {}) {
    stage.step(in::Pushed{headers, body});
}

TEST(WebhookSpec, APushBecomesRowsAndIsAnswered) {
    Stage stage(hook());
    stage.start();
    EXPECT_EQ(stage.state(), "pending");
    push(stage, R"({"order":1})");
    ASSERT_THAT(stage.pushes, SizeIs(1));
    EXPECT_TRUE(stage.pushes[0].accepted);
    EXPECT_THAT(stage.payloads(), ElementsAre(R"({"order":1})"));
    EXPECT_EQ(stage.state(), "live");
}

TEST(WebhookSpec, ABodyThatIsNoJsonByItsTypeIsKeptAsItIs) {
    Stage stage(hook());
    stage.start();
    push(stage, std::string_view("\x00\xff", 2), {{"content-type", "application/x-bin"}});
    ASSERT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.rows[0].content_type, "application/x-bin");
    EXPECT_EQ(stage.rows[0].payload, std::string("\x00\xff", 2));
}

TEST(WebhookSpec, ABrokenBodyIsRefusedAndBecomesADeadLetter) {
    Stage stage(hook());
    stage.start();
    push(stage, "{\"broken\":");
    ASSERT_THAT(stage.pushes, SizeIs(1));
    EXPECT_FALSE(stage.pushes[0].accepted);
    EXPECT_EQ(stage.pushes[0].why, Errc::Malformed);
    EXPECT_THAT(stage.letters, SizeIs(1));
}

TEST(WebhookSpec, ASignatureIsCheckedOverBodyAndTime) {
    Stage stage(hook(
        R"("verify":{"type":"hmac","header":"X-Sig","timestamp":"X-Time","secret":{"env":"S"},"over":"{$timestamp}.{$body}","tolerance":"5m"})"));
    stage.secrets.values["S"] = "hook-secret";
    stage.start();
    const std::string body = R"({"a":1})";
    const auto signed_at = [&](std::int64_t seconds) {
        const std::string time = std::to_string(seconds);
        const auto mac = hmac(HashName::Sha256, "hook-secret", time + "." + body);
        return Headers{{"X-Sig", text::hex(*mac)}, {"X-Time", time}};
    };
    const std::int64_t now = stage.now.wall / 1'000'000;
    push(stage, body, signed_at(now));
    push(stage, body, signed_at(now - 301));
    push(stage, R"({"a":2})", signed_at(now));
    push(stage, body);
    ASSERT_THAT(stage.pushes, SizeIs(4));
    EXPECT_TRUE(stage.pushes[0].accepted);
    for (int n = 1; n < 4; ++n) {
        EXPECT_FALSE(stage.pushes[static_cast<std::size_t>(n)].accepted);
        EXPECT_EQ(stage.pushes[static_cast<std::size_t>(n)].why, Errc::Refused);
        EXPECT_THAT(stage.pushes[static_cast<std::size_t>(n)].detail,
                    Not(HasSubstr("hook-secret")));
    }
    EXPECT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.errors(ErrorClass::Auth), 3u);
}

TEST(WebhookSpec, ARepeatedPushIsAcceptedAndRemoved) {
    Stage stage(hook(R"("map":{"id":"id"},"dedupe":{"by":["id"]})"));
    stage.start();
    push(stage, R"({"id":1})");
    push(stage, R"({"id":1})");
    EXPECT_THAT(stage.pushes, SizeIs(2));
    EXPECT_TRUE(stage.pushes[1].accepted);
    EXPECT_THAT(stage.rows, SizeIs(1));
    EXPECT_EQ(stage.status().counters.duplicates, 1u);
}

TEST(WebhookSpec, AFullNodeAndAStoppedSourceRefuse) {
    Stage stage(hook());
    push(stage, "{}");
    stage.start();
    stage.step(in::Pressure{true});
    push(stage, "{}");
    stage.step(in::Pressure{false});
    push(stage, "{}");
    ASSERT_THAT(stage.pushes, SizeIs(3));
    EXPECT_EQ(stage.pushes[0].why, Errc::Closed);
    EXPECT_EQ(stage.pushes[1].why, Errc::Overloaded);
    EXPECT_TRUE(stage.pushes[2].accepted);
}

TEST(WebhookSpec, ABodyOverTheLimitIsRefused) {
    Stage stage(hook(R"("limits":{"frame":"1KiB"})"));
    stage.start();
    push(stage, "\"" + std::string(2000, 'x') + "\"");
    EXPECT_EQ(stage.pushes.at(0).why, Errc::TooLarge);
}

TEST(WebhookSpec, OtherSourcesTakeNoPushes) {
    for (const char* definition :
         {R"({"name":"t","type":"test","topic":"t"})",
          R"({"name":"t","type":"rest","url":"https://x.example/","topic":"t"})",
          R"({"name":"t","type":"websocket","url":"wss://x.example/","topic":"t"})"}) {
        Stage stage(definition);
        stage.start();
        push(stage, "{}");
        ASSERT_THAT(stage.pushes, SizeIs(1));
        EXPECT_EQ(stage.pushes[0].why, Errc::Unsupported);
    }
}

// -- file ------------------------------------------------------------------------------------------------

constexpr std::string_view kFile =
    R"({"name":"f","type":"file","path":"/data/rows.ndjson.gz","topic":"file.row"})";
void line(Stage& stage, std::string_view row, std::uint64_t position) {
    stage.step(in::FileData{stage.files.back().conn, row, position});
}

TEST(FileSpec, LinesBecomeRowsThatCarryTheirPosition) {
    Stage stage(kFile);
    stage.start();
    ASSERT_THAT(stage.files, SizeIs(1));
    EXPECT_EQ(stage.files[0].path, "/data/rows.ndjson.gz");
    EXPECT_FALSE(stage.files[0].follow);
    stage.opened(stage.files[0].conn);
    line(stage, R"({"n":1})", 8);
    line(stage, "broken", 15);
    line(stage, R"({"n":2})", 23);
    EXPECT_THAT(stage.payloads(), ElementsAre(R"({"n":1})", R"({"n":2})"));
    EXPECT_EQ(stage.rows[1].position, "23");
    EXPECT_THAT(stage.letters, SizeIs(1));
    EXPECT_EQ(stage.state(), "live");
    stage.step(in::FileEnd{stage.files[0].conn});
    EXPECT_EQ(stage.state(), "pending");
    EXPECT_TRUE(stage.had_event("finished"));
}

TEST(FileSpec, GoesOnAtTheStoredPosition) {
    Restored restored;
    restored.position = "23";
    Stage stage(kFile, restored);
    stage.start();
    EXPECT_EQ(stage.files[0].from, 23u);
}

TEST(FileSpec, ATimeInTheRowsSetsTheRhythm) {
    Stage stage(
        R"({"name":"f","type":"file","path":"x","topic":"t","speed":{"times":2,"at":"t"}})");
    stage.start();
    stage.opened(stage.files[0].conn);
    line(stage, R"({"t":1767225600})", 1);
    line(stage, R"({"t":1767225610})", 2);
    line(stage, R"({"t":1767225604})", 3);
    EXPECT_THAT(stage.rows, SizeIs(1));
    stage.passes(4999ms);
    EXPECT_THAT(stage.rows, SizeIs(1));
    stage.passes(1ms);
    EXPECT_THAT(stage.rows, SizeIs(3)) << "order is kept";
}

TEST(FileSpec, ReadingStopsWhileRowsWaitForTheirTime) {
    Stage stage(
        R"({"name":"f","type":"file","path":"x","topic":"t","speed":{"times":1,"at":"t"}})");
    stage.start();
    stage.opened(stage.files[0].conn);
    line(stage, R"({"t":1767225600})", 0);
    for (std::uint64_t n = 1; n <= 150; ++n) line(stage, R"({"t":1767225700})", n);
    EXPECT_THAT(stage.readings, ElementsAre(false));
    stage.passes(100s);
    EXPECT_THAT(stage.rows, SizeIs(151));
    EXPECT_THAT(stage.readings, ElementsAre(false, true));
}

TEST(FileSpec, AFileThatCannotBeReadIsTriedAgain) {
    Stage stage(kFile);
    stage.start();
    stage.drops(stage.files[0].conn, ErrorClass::Internal);
    EXPECT_EQ(stage.state(), "backoff");
    stage.passes(2s);
    EXPECT_THAT(stage.files, SizeIs(2));
}

TEST(FileSpec, AFullNodeStopsTheReading) {
    Stage stage(kFile);
    stage.start();
    stage.opened(stage.files[0].conn);
    stage.step(in::Pressure{true});
    EXPECT_THAT(stage.readings, ElementsAre(false));
    line(stage, R"({"n":1})", 8);
    EXPECT_THAT(stage.rows, IsEmpty());
    stage.step(in::Pressure{false});
    stage.passes(1ms);
    EXPECT_THAT(stage.rows, SizeIs(1));
    EXPECT_THAT(stage.readings, ElementsAre(false, true));
}

// -- test ------------------------------------------------------------------------------------------------

std::string generator(std::string_view more) {
    return R"({"name":"g","type":"test","topic":"g.row",)" + std::string(more) + "}";
}

TEST(TestSourceSpec, MakesSoManyRowsATime) {
    Stage stage(generator(R"("rate":"50/s")"));
    stage.start();
    stage.passes(10s);
    EXPECT_EQ(stage.rows.size(), 500u);
    EXPECT_EQ(stage.state(), "live");
}

TEST(TestSourceSpec, FastRatesAreMadeInTicks) {
    Stage stage(generator(R"("rate":"100000/s")"));
    stage.start();
    stage.passes(100ms);
    EXPECT_EQ(stage.rows.size(), 10'000u);
}

TEST(TestSourceSpec, TheSameSeedMakesTheSameRows) {
    const auto run = [](int seed) {
        Stage stage(generator(R"("rate":"10/s","shape":"sensor","seed":)" + std::to_string(seed)),
                    {}, static_cast<std::uint64_t>(seed) * 17);
        stage.start();
        stage.passes(5s);
        return stage.payloads();
    };
    EXPECT_EQ(run(5), run(5));
    EXPECT_NE(run(5), run(6));
}

TEST(TestSourceSpec, EachShapeIsJsonWithItsFields) {
    const auto first = [](std::string_view shape) {
        Stage stage(generator(R"("keys":3,"shape":")" + std::string(shape) + "\""));
        stage.start();
        stage.passes(1s);
        return stage.payloads().at(0);
    };
    EXPECT_THAT(first("trade"), HasSubstr("\"side\":"));
    EXPECT_THAT(first("sensor"), HasSubstr("\"value\":"));
    EXPECT_THAT(first("counter"), HasSubstr(R"({"key":"k0","n":0,"T":)"));
}

TEST(TestSourceSpec, CountersCountWithoutAHolePerKey) {
    Stage stage(generator(
        R"("keys":4,"shape":"counter","rate":"100/s","map":{"key":"key"},"continuity":{"rule":"+1","at":"n"})"));
    stage.start();
    stage.passes(10s);
    EXPECT_THAT(stage.gaps, IsEmpty());
    EXPECT_EQ(stage.rows.size(), 1000u);
}

TEST(TestSourceSpec, APausedGeneratorDoesNotCatchUp) {
    Stage stage(generator(R"("rate":"100/s")"));
    stage.start();
    stage.passes(1s);
    stage.step(in::Pressure{true});
    stage.passes(1h);
    stage.step(in::Pressure{false});
    stage.passes(1s);
    EXPECT_LE(stage.rows.size(), 202u);
}

}  // namespace
}  // namespace anode::source::spec
