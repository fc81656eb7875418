#include "base/text.hpp"
#include "core/source/items.hpp"
#include "unit/source/definition_reader.hpp"

/// What a good definition is made into.
namespace anode::source::spec {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

/// The example of recipes, section 2.
constexpr std::string_view kOkx = R"({
  "name":"okx-trades","type":"websocket","url":"wss://ws.okx.com:8443/ws/v5/public","topic":"crypto.okx.{.instId}.trade","decode":[],"rows":"data",
  "classify":[{"text":"pong","as":"heartbeat"},
    {"match":".event == \"subscribe\"","as":"ack"},
    {"match":".event == \"error\"","as":"error.item","item":"arg.instId"},
    {"match":".event == \"notice\" and .code == \"64008\"","as":"notice"}],
  "map":{"key":"instId","id":"tradeId","time":"ts","unit":"ms"},
  "dedupe":{"by":["key","id"],"keep":"10m"},"continuity":{"rule":"none"},
  "items":{"inst":["BTC-USDT","ETH-USDT"]},
  "connect":[{"send":{"op":"subscribe","args":[{"$each":{"channel":"trades","instId":"{inst}"}}]},"batch":50},
    {"expect":".event == \"subscribe\"","item":"arg.instId","within":"5s"}],
  "alive":{"ping":{"when":"idle 25s","text":"ping","expect":"pong","within":"5s"},"stale":"60s","rotate":"23h ± 30m"}})";

TEST(DefinitionBuildSpec, TheExampleOfTheGrammarMeansWhatItSays) {
    const auto okx = definition(kOkx);
    ASSERT_NE(okx, nullptr);
    EXPECT_EQ(okx->name, "okx-trades");
    EXPECT_EQ(okx->type, Type::Websocket);
    EXPECT_THAT(okx->url, SizeIs(1));
    ASSERT_THAT(okx->connect, SizeIs(2));
    const auto& send = std::get<SendStep>(okx->connect[0].what);
    EXPECT_EQ(send.batch, 50u);
    EXPECT_TRUE(send.send.has_each());
    const auto& expect = std::get<ExpectStep>(okx->connect[1].what);
    EXPECT_EQ(expect.within, 5s);
    EXPECT_TRUE(expect.item.has_value());
    ASSERT_TRUE(okx->alive.ping.has_value());
    EXPECT_EQ(okx->alive.ping->when, PingSpec::When::Idle);
    EXPECT_EQ(okx->alive.ping->period, 25s);
    EXPECT_EQ(std::get<std::string>(*okx->alive.ping->expect), "pong");
    EXPECT_EQ(okx->alive.stale, 60s);
    EXPECT_EQ(okx->alive.rotate, (Jittered{23h, 30min}));
    EXPECT_EQ(okx->classify[2].as, FrameKind::ErrorItem);
    EXPECT_EQ(okx->shape.map.unit, TimeUnit::Millis);
    EXPECT_EQ(okx->dedupe->keep, 10min);
    EXPECT_FALSE(okx->silent_after_connect());
    EXPECT_FALSE(okx->resume.has_value());
}

TEST(DefinitionBuildSpec, ItemsAreTheProductOfTheLists) {
    const auto made = definition(websocket(
        R"("items":{"channel":["trade","book"],"place":[{"lat":"1","lon":2},{"lat":"3","lon":4.50}]},"query":{"q":"{channel}{place.lat}"})"));
    const auto items = product(made->items);
    ASSERT_TRUE(items.has_value());
    ASSERT_THAT(*items, SizeIs(4));
    EXPECT_EQ((*items)[1].text, "trade/3 4.50");
    EXPECT_EQ(*(*items)[1].find("place.lon"), "4.50");
    EXPECT_EQ(item_json((*items)[2]), R"({"channel":"book","place.lat":"1","place.lon":"2"})");
}

TEST(DefinitionBuildSpec, TooManyItemsAreRefused) {
    ItemList list{.name = "i", .fixed = std::vector<Item>(1000)};
    EXPECT_EQ(product({list, list}).error().code, Errc::TooLarge);
}

TEST(DefinitionBuildSpec, AListMayBeFetched) {
    const auto by_path = definition(rest(
        R"("items":{"s":{"get":"https://example.org/symbols","select":"data.symbol","every":"30m"}},"query":{"q":"{s}"})"));
    const auto by_program = definition(rest(
        R"("items":{"s":{"get":"https://example.org/symbols","select":".names"}},"query":{"q":"{s}"})"));
    json::Document body;
    ASSERT_TRUE(body.parse(R"({"data":[{"symbol":"A"},{"symbol":"B"}],"names":["C"],"odd":[[1]]})")
                    .has_value());
    EXPECT_EQ(by_path->items[0].fetched->every, 30min);
    const auto names = [&](const Definition& d) {
        std::vector<std::string> all;
        for (const Item& item : read_items(d.items[0], body.root()).value_or(std::vector<Item>()))
            all.push_back(item.text);
        return all;
    };
    EXPECT_THAT(names(*by_path), ElementsAre("A", "B"));
    EXPECT_THAT(names(*by_program), ElementsAre("C"));
    ASSERT_TRUE(body.parse(R"({"other":1})").has_value());
    EXPECT_FALSE(read_items(by_path->items[0], body.root()).has_value());
    EXPECT_FALSE(read_items(by_program->items[0], body.root()).has_value());
}

TEST(DefinitionBuildSpec, AFrameNamesItsItem) {
    const std::vector<Item> items = {{"t/A", {{"channel", "t"}, {"inst", "A"}}},
                                     {"b/A", {{"channel", "b"}, {"inst", "A"}}},
                                     {"t/B", {{"channel", "t"}, {"inst", "B"}}}};
    json::Document frame;
    ASSERT_TRUE(
        frame.parse(R"({"arg":{"channel":"t","instId":"A"},"name":"live_b_a"})").has_value());
    const auto selector = [](std::string_view text) { return expr::Selector::parse(text).value(); };
    EXPECT_THAT(
        find_items({{selector("arg.channel"), selector("arg.instId")}, {}}, frame.root(), items),
        ElementsAre(0u));
    EXPECT_THAT(find_items({{selector("arg.instId")}, {}}, frame.root(), items),
                ElementsAre(0u, 1u));
    EXPECT_THAT(
        find_items({{selector("name")}, Template::parse("live_{channel}_{inst:lower}").value()},
                   frame.root(), items),
        ElementsAre(1u));
    EXPECT_THAT(find_items({{selector("nothing")}, {}}, frame.root(), items), testing::IsEmpty());
}

TEST(DefinitionBuildSpec, QueriesAreValuesListsAndJoinedLists) {
    const auto made = definition(rest(
        R"("query":{"a":"1","b":["x","y"],"c":{"join":"/","of":["p","q"]},"n":5,"s":{"env":"KEY"}})"));
    ASSERT_THAT(made->query, SizeIs(5));
    EXPECT_FALSE(made->query[0].list);
    EXPECT_TRUE(made->query[1].list && !made->query[1].join);
    EXPECT_EQ(made->query[2].join, "/");
    EXPECT_EQ(*made->query[3].of[0].text({}), "5");
    EXPECT_TRUE(made->query[4].of[0].secret());
}

TEST(DefinitionBuildSpec, ARuleTakesFromTheSourceWhatItDoesNotSay) {
    const auto made = definition(websocket(
        R"("rows":"data","map":{"key":"s","time":"T"},"classify":[{"match":".a","as":"data","map":{"key":"k"}},{"match":".b","as":"data"}])"));
    ASSERT_NE(made->classify[0].shape, nullptr);
    EXPECT_EQ(made->classify[0].shape->rows->text(), "data");
    EXPECT_EQ(made->classify[0].shape->map.key[0].text(), "k");
    EXPECT_TRUE(made->classify[0].shape->map.time.has_value());
    EXPECT_EQ(made->classify[1].shape, nullptr);
}

TEST(DefinitionBuildSpec, AnEventStreamResumesAfterItsLastIdByItself) {
    const auto made =
        definition(R"({"name":"a","type":"sse","url":"https://example.org/","topic":"a"})");
    ASSERT_TRUE(made->resume.has_value());
    EXPECT_EQ(std::get<ResumeSpec::Header>(made->resume->as).name, "Last-Event-ID");
}

TEST(DefinitionBuildSpec, PollsKnowTheirManners) {
    const auto made = definition(rest(R"("map":{"id":"id","time":"t"},"dedupe":{"by":["id"]},
        "poll":{"every":"5m","align":true,"offset":"2s","jitter":"5 %","interval_header":"X-Poll-Interval","pages":{"next":"link","until":"known","max":3,"order":"oldest-first"}},
        "errors":[{"status":400,"match":".error","do":"restart"}],"rate":{"requests":"60/h","concurrency":1,"retry_after":"X-Reset"})"));
    EXPECT_EQ(made->poll.every, 5min);
    EXPECT_EQ(made->poll.offset, 2s);
    EXPECT_EQ(made->poll.jitter_percent, 5u);
    EXPECT_TRUE(std::holds_alternative<PagesSpec::Link>(made->poll.pages->next));
    EXPECT_TRUE(made->poll.pages->until_known && made->poll.pages->oldest_first);
    EXPECT_EQ(made->errors[0].what, ErrorRule::Do::Restart);
    EXPECT_EQ(made->rate.requests, (Rate{60, 1h}));
    EXPECT_EQ(made->rate.retry_after, "X-Reset");
}

TEST(DefinitionBuildSpec, TestSourcesAndFilesAreSmall) {
    const auto test = definition(
        R"({"name":"t","type":"test","topic":"a","rate":"500/s","keys":3,"shape":"sensor","seed":9})");
    EXPECT_EQ(test->test.rate, (Rate{500, 1s}));
    EXPECT_EQ(test->test.keys, 3u);
    EXPECT_EQ(test->test.shape, TestSpec::Shape::Sensor);
    const auto file = definition(
        R"({"name":"f","type":"file","topic":"a","path":"/x.ndjson.gz","speed":{"times":2.5,"at":"t"}})");
    EXPECT_EQ(file->file.path, "/x.ndjson.gz");
    EXPECT_EQ(file->file.speed, 2.5);
    EXPECT_EQ(file->file.speed_time->text(), "t");
}

/// The table says what the reference shows; the structs say what is done. Both must be the same.
TEST(DefinitionBuildSpec, WhatTheReferenceCallsADefaultIsOne) {
    const std::string reference = reference_markdown();
    const auto shows = [&](std::string_view key) {
        const std::string row = "| `" + std::string(key) + "` |";
        std::size_t at = reference.find(row);
        EXPECT_NE(at, std::string::npos) << key;
        for (int cell = 0; cell < 2; ++cell) at = reference.find(" | ", at + 1);
        const std::size_t end = reference.find(" | ", at + 1);
        std::string value = reference.substr(at + 3, end - at - 3);
        std::erase(value, '`');
        return value;
    };
    const Definition d;
    EXPECT_EQ(shows("http.timeout"), text::duration(d.http.timeout));
    EXPECT_EQ(shows("alive.protocol_ping"), text::duration(d.alive.protocol_ping));
    EXPECT_EQ(shows("alive.any"), "60s");
    EXPECT_EQ(d.alive.any, 60s);
    EXPECT_EQ(shows("alive.overlap"), text::duration(d.alive.overlap));
    EXPECT_EQ(shows("poll.every"), "60s");
    EXPECT_EQ(d.poll.every, 60s);
    EXPECT_EQ(shows("poll.jitter"), std::to_string(d.poll.jitter_percent) + " %");
    EXPECT_EQ(shows("poll.pages.max"), std::to_string(PagesSpec{}.max));
    EXPECT_EQ(shows("backoff.min"), text::duration(d.backoff.min));
    EXPECT_EQ(d.backoff.max, 60s);
    EXPECT_EQ(shows("backoff.auth_retries"), std::to_string(d.backoff.auth_retries));
    EXPECT_EQ(shows("limits.frame"), text::size(d.limits.frame));
    EXPECT_EQ(shows("limits.queue"), text::size(d.limits.queue));
    EXPECT_EQ(shows("limits.rows_per_frame"), std::to_string(d.limits.rows_per_frame));
    EXPECT_EQ(shows("dedupe.keep"), text::duration(DedupeSpec{}.keep));
    EXPECT_EQ(shows("dedupe.max"), std::to_string(DedupeSpec{}.max));
    EXPECT_EQ(shows("snapshot.settle"), text::duration(SnapshotSpec{}.settle));
    EXPECT_EQ(shows("snapshot.retry"), std::to_string(SnapshotSpec{}.retry));
    EXPECT_EQ(shows("backfill.page"), std::to_string(BackfillSpec{}.page));
    EXPECT_EQ(shows("keys"), std::to_string(d.test.keys));
}

TEST(DefinitionBuildSpec, JitterIsDrawnAroundTheValue) {
    Rng rng(3);
    const Jittered rotate{23h, 30min};
    for (int i = 0; i < 1000; ++i) {
        const Duration drawn = rotate.draw(rng);
        EXPECT_TRUE(drawn >= 22h + 30min && drawn <= 23h + 30min);
    }
    EXPECT_EQ(parse_jittered("1s ± 2s"), std::nullopt);
    EXPECT_EQ(parse_jittered("5s+-1s"), (Jittered{5s, 1s}));
    EXPECT_EQ(parse_rate("100/10s"), (Rate{100, 10s}));
    EXPECT_EQ(parse_rate("0/s"), std::nullopt);
}

}  // namespace
}  // namespace anode::source::spec
