#include "core/source/probe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/codec/inflate.hpp"
#include "core/json/json.hpp"
#include "core/source/grammar.hpp"

/// What watching a feed proposes: recipes, section 10.
namespace anode::source::spec {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr WallTime kBegan = 1'767'225'600'000'000;

/// A report, taken apart.
struct Told {
    explicit Told(const Probed& probed) : text(probe_report(probed)) {
        EXPECT_TRUE(document.parse(text).has_value()) << text;
        const auto parsed = parse(document.root()["definition"].raw());
        EXPECT_TRUE(parsed.has_value()) << document.root()["definition"].raw();
    }
    [[nodiscard]] json::Value definition() const { return document.root()["definition"]; }
    [[nodiscard]] std::vector<std::string> texts(std::string_view list) const {
        std::vector<std::string> all;
        const json::Value values = document.root()[list];
        for (json::Value v = values.first(); v; v = v.next_in(values))
            all.push_back(v.is_string() ? v.string() : std::string(v.raw()));
        return all;
    }
    [[nodiscard]] std::string best(std::string_view list) const {
        return document.root()[list].at(0)["path"].string();
    }

    Bytes text;
    json::Document document;
};

Probed socket(int frames, const std::function<std::string(int)>& make) {
    Probed probed;
    probed.url = "wss://stream.example.com/ws";
    probed.began = kBegan;
    probed.watched = 10s;
    for (int i = 0; i < frames; ++i) probed.frames.push_back({100ms * i, make(i), false, {}, {}});
    return probed;
}

std::string trade(int i) {
    return R"({"e":"trade","s":")" + std::string(i % 3 == 0 ? "BTC" : "ETH") + R"(","t":)" +
           std::to_string(5000 + i) + R"(,"p":"1.)" + std::to_string(i) + R"(","T":)" +
           std::to_string(kBegan / 1000 + i * 100) + R"(,"m":true})";
}

TEST(ProbeSpec, ProposesKeyIdAndTimeOfTrades) {
    const Told told(socket(30, trade));
    EXPECT_EQ(told.best("key"), "s");
    EXPECT_EQ(told.best("id"), "t");
    EXPECT_EQ(told.best("time"), "T");
    EXPECT_EQ(told.definition()["map"].raw(), R"({"key":"s","id":"t","time":"T","unit":"ms"})");
    EXPECT_EQ(told.definition()["topic"].string(), "feed.stream-example-com.{.s}");
    EXPECT_EQ(told.definition()["continuity"].raw(),
              R"({"rule":"+1","at":"t","per":"connection"})");
}

TEST(ProbeSpec, ReasonsAndUnitsAreGiven) {
    const Told told(socket(30, trade));
    EXPECT_THAT(told.texts("time"), Contains(AllOf(HasSubstr(R"("unit":"ms")"),
                                                   HasSubstr("close to the time of arrival"))));
    EXPECT_THAT(told.texts("id"), Contains(HasSubstr("different in each of 30 rows")));
    EXPECT_THAT(told.texts("key"), Contains(HasSubstr("2 values in 30 rows")));
}

TEST(ProbeSpec, FindsTheListInsideTheFrame) {
    const Told told(socket(10, [](int i) {
        return R"({"arg":{"channel":"trades"},"ts":1,"data":[)" + trade(2 * i) + "," +
               trade(2 * i + 1) + "]}";
    }));
    EXPECT_EQ(told.definition()["rows"].string(), "data");
    EXPECT_EQ(told.best("id"), "t");
}

TEST(ProbeSpec, FieldsBesideTheRowsAreCopiedDown) {
    const Told told(socket(20, [](int i) {
        return R"({"symbol":")" + std::string(i % 2 == 0 ? "A" : "B") +
               R"(","data":{"price":"1.5","size":"2.25","bid":"1.4)" + std::to_string(i) +
               R"(","time":"2026-01-01T00:00:0)" + std::to_string(i % 3) + R"(Z"}})";
    }));
    EXPECT_EQ(told.definition()["rows"].string(), "data");
    EXPECT_EQ(told.definition()["parent"].raw(), R"(["symbol"])");
    EXPECT_EQ(told.definition()["map"].raw(), R"({"key":"symbol","time":"time","unit":"rfc3339"})")
        << "a price that never repeats is no id";
}

TEST(ProbeSpec, PackedFramesAreUnpacked) {
    Probed probed = socket(12, trade);
    for (ProbeFrame& frame : probed.frames) {
        frame.data = codec::compress(codec::Coding::Gzip, frame.data);
        frame.binary = true;
    }
    const Told told(probed);
    EXPECT_EQ(told.definition()["decode"].raw(), R"(["gzip"])");
    EXPECT_EQ(told.best("id"), "t");
}

TEST(ProbeSpec, QuestionsOfTheServerAreAnswered) {
    const Told told(socket(
        12, [](int i) { return i % 4 == 0 ? R"({"ping":)" + std::to_string(i) + "}" : trade(i); }));
    EXPECT_EQ(told.definition()["alive"]["reply"].at(0).raw(),
              R"({"match":".ping","send":{"pong":"{ping:number}"}})");
    EXPECT_THAT(told.texts("unknown"), Not(Contains(HasSubstr("sent no ping"))));
}

TEST(ProbeSpec, AcknowledgementsAndHeartbeatsAreNoData) {
    Probed probed = socket(12, [](int i) {
        if (i == 0) return std::string(R"({"event":"subscribed","channel":"trades"})");
        return i % 5 == 0 ? std::string(R"({"event":"heartbeat"})") : trade(i);
    });
    probed.sends = {R"({"event":"subscribe","channel":"{x}"})"};
    const Told told(probed);
    EXPECT_THAT(told.definition()["classify"].raw(),
                AllOf(HasSubstr(R"("as":"ack")"), HasSubstr(R"("as":"heartbeat")")));
    EXPECT_EQ(told.definition()["connect"].raw(),
              R"([{"send":{"event":"subscribe","channel":"{{x}}"}}])")
        << "what was said is no template";
}

TEST(ProbeSpec, KindsOfTheSameMembersAreOne) {
    const Told told(socket(12, [](int i) {
        static constexpr const char* kinds[] = {"tug", "ferry", "cargo"};
        return R"({"type":")" + std::string(kinds[i % 3]) + R"(","mmsi":)" +
               std::to_string(200'000'000 + i % 4) + "}";
    }));
    EXPECT_THAT(told.texts("frames"), SizeIs(1));
    EXPECT_EQ(told.best("key"), "mmsi");
}

TEST(ProbeSpec, ListsInsideListsGetColumns) {
    const Told told(socket(8, [](int i) {
        return R"([340,[["1.5","0.1",)" + std::to_string(kBegan / 1'000'000 + i) +
               R"(.25,"s"]],"trade"])";
    }));
    EXPECT_EQ(told.definition()["rows"].string(), "1");
    EXPECT_EQ(told.definition()["columns"].raw(), R"(["c0","c1","c2","c3"])");
    EXPECT_THAT(told.texts("unknown"), Contains(HasSubstr("names of the columns")));
}

TEST(ProbeSpec, ADocumentIsPolledByDifference) {
    Probed probed;
    probed.url = "https://data.example.org/feed.json";
    probed.form = ProbeForm::Document;
    probed.began = kBegan;
    probed.watched = 1s;
    std::string list;
    for (int i = 0; i < 5; ++i)
        list += std::string(i == 0 ? "" : ",") + R"({"id":"q)" + std::to_string(i) +
                R"(","properties":{"time":)" + std::to_string(kBegan / 1000 - i * 60'000) + "}}";
    probed.frames.push_back(
        {0ms, R"({"type":"FeatureCollection","features":[)" + list + "]}", false, {}, {}});
    const Told told(probed);
    EXPECT_EQ(told.definition()["type"].string(), "rest");
    EXPECT_EQ(told.definition()["rows"].string(), "features");
    EXPECT_EQ(told.definition()["poll"]["diff"].raw(), R"({"key":"id"})");
    EXPECT_EQ(told.best("time"), "properties.time");
}

TEST(ProbeSpec, LinesAndEventsBecomeStreams) {
    Probed lines = socket(6, trade);
    lines.url = "https://data.example.org/stream";
    lines.form = ProbeForm::Lines;
    EXPECT_EQ(Told(lines).definition()["headers"]["Accept"].string(), "application/x-ndjson");
    lines.form = ProbeForm::Events;
    const Told events(lines);
    EXPECT_EQ(events.definition()["type"].string(), "sse");
    EXPECT_THAT(events.texts("unknown"), Contains(HasSubstr("where to go on")));
}

TEST(ProbeSpec, SilenceIsSaidHonestly) {
    const Told told(socket(0, trade));
    EXPECT_THAT(told.texts("unknown"), Contains(HasSubstr("nothing came")));
    EXPECT_THAT(told.texts("rows"), IsEmpty());
}

TEST(ProbeSpec, WhatIsNoJsonIsSaid) {
    const Told told(socket(5, [](int) { return std::string(200, '<'); }));
    EXPECT_THAT(told.texts("unknown"), Contains(HasSubstr("coding of 5 frames")));
}

TEST(ProbeSpec, OddInputsEndInAReport) {
    for (const char* odd :
         {"[]", "{}", "null", "[[]]", "[[[[]]]]", "\"\"", "1e400", R"({"":""})",
          R"({"a.b":{"c":[1]}})", "\xff\xfe", "[{}, 1]", R"({"data":[[1,2,3],[1]]})"}) {
        const Told told(socket(7, [odd](int) { return std::string(odd); }));
        EXPECT_FALSE(told.text.empty()) << odd;
    }
}

}  // namespace
}  // namespace anode::source::spec
