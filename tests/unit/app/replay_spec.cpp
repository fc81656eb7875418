#include "app/replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/replay_file.hpp"
#include "app/replay_sends.hpp"
#include "core/codec/inflate.hpp"

/// What a definition makes of recorded traffic.
namespace anode::app {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class ReplaySpec : public testing::Test {
protected:
    ReplaySpec() {
        std::string pattern = (std::filesystem::temp_directory_path() / "replay-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~ReplaySpec() override { std::filesystem::remove_all(folder_); }

    std::string recording(std::string_view lines, const std::string& name = "feed.ws.1.jsonl") {
        const std::string path = folder_ + "/" + name;
        std::ofstream(path, std::ios::binary) << lines;
        return path;
    }
    ReplayReport replayed(std::string_view definition, const std::string& path) {
        auto report = replay_capture(Bytes(definition), path,
                                     [this](BytesView message) { messages.emplace_back(message); });
        EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().what);
        return report ? std::move(*report) : ReplayReport{};
    }

    std::vector<Bytes> messages;

private:
    std::string folder_;
};

constexpr std::string_view kFeed =
    R"({"name":"feed","type":"websocket","url":"wss://feed.example.org/ws","topic":"t.{.s}",
    "map":{"key":"s","id":"i","time":"T","unit":"ms"},"classify":[{"match":".ok","as":"ack"},{"match":".hb","as":"heartbeat"}],
    "rows":"d","connect":[{"send":{"op":"sub","time":"{now:s}"}},{"expect":".ok"}]})";

constexpr std::string_view kTraffic = R"({"t":0,"kind":"open","url":"wss://feed.example.org/ws"}
{"t":0.5,"kind":"sent","url":"wss://feed.example.org/ws","data":"{\"time\":\"1\",\"op\":\"sub\"}"}
{"t":0.6,"kind":"frame","data":"{\"ok\":true}"}
{"t":1.0,"kind":"frame","data":"{\"d\":[{\"s\":\"A\",\"i\":1,\"T\":1767225600000},{\"s\":\"B\",\"i\":2,\"T\":1767225600001}]}"}
{"t":2.0,"kind":"frame","data":"{\"hb\":1}"}
)";

TEST_F(ReplaySpec, MessagesAreToldAsAListenerWouldSeeThem) {
    const ReplayReport report = replayed(kFeed, recording(kTraffic));
    EXPECT_THAT(
        messages,
        ElementsAre(
            R"({"topic":"t.A","key":"A","id":"1","sts":1767225600000000,"data":{"s":"A","i":1,"T":1767225600000}})",
            R"({"topic":"t.B","key":"B","id":"2","sts":1767225600001000,"data":{"s":"B","i":2,"T":1767225600001}})"));
    EXPECT_TRUE(report.good());
    EXPECT_EQ(report.messages, 2U);
    EXPECT_EQ(report.acks, 1U);
    EXPECT_EQ(report.heartbeats, 1U);
    EXPECT_THAT(report.lines().back(), "good");
}

TEST_F(ReplaySpec, ASendThatDiffersOnlyInTimeIsToleratedAndSaid) {
    const ReplayReport report = replayed(kFeed, recording(kTraffic));
    EXPECT_THAT(report.unexpected, IsEmpty());
    ASSERT_THAT(report.tolerated, SizeIs(1));
    EXPECT_THAT(report.tolerated[0], HasSubstr("differs in time"));
}

TEST_F(ReplaySpec, ASendThatWasNotRecordedIsNotGood) {
    std::string other(kFeed);
    other.replace(other.find("\"sub\""), 5, "\"all\"");
    const ReplayReport report = replayed(other, recording(kTraffic));
    EXPECT_FALSE(report.good());
    EXPECT_THAT(report.unexpected, ElementsAre(HasSubstr("\"all\"")));
    EXPECT_THAT(report.missing, ElementsAre(HasSubstr("sub")));
}

TEST_F(ReplaySpec, UnknownFramesAreCountedWithSamples) {
    const ReplayReport report =
        replayed(kFeed, recording(std::string(kTraffic) +
                                  R"({"t":3,"kind":"frame","data":"{\"what\":\"else\"}"})"));
    EXPECT_EQ(report.unknown, 1U);
    EXPECT_THAT(report.samples, ElementsAre(HasSubstr("else")));
    EXPECT_FALSE(report.good());
}

TEST_F(ReplaySpec, RejectedRowsAreCountedByReason) {
    const ReplayReport report =
        replayed(kFeed, recording(std::string(kTraffic) +
                                  R"({"t":3,"kind":"frame","data":"{\"d\":[{\"i\":3}]}"})"));
    EXPECT_EQ(report.rejected, 1U);
    EXPECT_THAT(report.reasons, SizeIs(1));
    EXPECT_FALSE(report.good());
}

TEST_F(ReplaySpec, RequestsAreAnsweredFromTheRecordingByPathAndQuery) {
    constexpr std::string_view poll =
        R"({"name":"p","type":"rest","url":"https://x.example.org/list?b=2&a=1","topic":"t","rows":"items",
        "map":{"id":"id"},"dedupe":{"by":["id"]},"poll":{"every":"60s"}})";
    const ReplayReport report = replayed(
        poll,
        recording(
            R"({"t":0,"kind":"http","url":"http://mirror/list?a=1&b=2","data":"{\"items\":[{\"id\":1}]}"}
{"t":9,"kind":"http","url":"http://mirror/list?a=1&b=2","data":"{\"items\":[{\"id\":1},{\"id\":2}]}"}
)"));
    EXPECT_EQ(report.answered, 2U);
    EXPECT_EQ(report.messages, 2U);
    EXPECT_EQ(report.duplicates, 1U);
    EXPECT_TRUE(report.good());
}

TEST_F(ReplaySpec, ARequestWithoutARecordedAnswerIsSaid) {
    constexpr std::string_view poll =
        R"({"name":"p","type":"rest","url":"https://x.example.org/other","topic":"t","poll":{"every":"60s"}})";
    const ReplayReport report = replayed(
        poll, recording(R"({"t":0,"kind":"http","url":"http://mirror/list","data":"{}"})"));
    EXPECT_THAT(report.unexpected, ElementsAre("GET /other: no answer was recorded"));
}

TEST_F(ReplaySpec, APackedRecordingIsUnpacked) {
    const ReplayReport report =
        replayed(kFeed, recording(codec::compress(codec::Coding::Gzip, kTraffic), "feed.jsonl.gz"));
    EXPECT_EQ(report.messages, 2U);
}

TEST_F(ReplaySpec, PingsThatTheRecordingCannotAnswerAreLeftOut) {
    std::string pinging(kFeed);
    pinging.replace(pinging.rfind('}'), 1,
                    R"(,"alive":{"ping":{"when":"every 5s","text":"ping","expect":"pong"}}})");
    const ReplayReport report = replayed(
        pinging,
        recording(std::string(kTraffic) + R"({"t":40,"kind":"frame","data":"{\"hb\":1}"})"));
    EXPECT_TRUE(report.good());
    EXPECT_THAT(report.notes, Contains(HasSubstr("pings are left out")));
}

TEST_F(ReplaySpec, EventsOfAStreamKeepTheirIds) {
    constexpr std::string_view events =
        R"({"name":"e","type":"sse","url":"https://x.example.org/events","topic":"t","map":{"id":"id"}})";
    const ReplayReport report =
        replayed(events, recording(R"({"t":0,"kind":"open","url":"https://x.example.org/events"}
{"t":1,"kind":"frame","event":"message","id":"7","data":"{\"id\":7}"}
)"));
    EXPECT_EQ(report.messages, 1U);
}

TEST_F(ReplaySpec, WhatCannotBeReadIsAnErrorWithItsPlace) {
    const auto none = replay_capture(Bytes(kFeed), "/nowhere/at/all.jsonl", {});
    ASSERT_FALSE(none.has_value());
    EXPECT_EQ(none.error().code, Errc::Io);
    const auto broken = replay_capture(
        Bytes(kFeed), recording("{\"t\":0,\"kind\":\"open\"}\n{\"t\":0,\"kind\":\"else\"}\n"), {});
    ASSERT_FALSE(broken.has_value());
    EXPECT_THAT(broken.error().what, HasSubstr("line 2"));
    const auto wrong = replay_capture(R"({"name":"x"})", recording(kTraffic), {});
    ASSERT_FALSE(wrong.has_value());
    EXPECT_THAT(wrong.error().what, HasSubstr("/type"));
}

TEST(ReplaySends, OrderOfMessagesAndMembersDoesNotCount) {
    const SendComparison compared =
        compare_sends({R"({"a":1,"b":[1,2]})", "ping"}, {" ping ", R"({ "b": [1, 2], "a": 1 })"});
    EXPECT_THAT(compared.missing, IsEmpty());
    EXPECT_THAT(compared.unexpected, IsEmpty());
    EXPECT_THAT(compared.tolerated, IsEmpty());
}

TEST(ReplaySends, AMessageSaidTwiceIsNotTheSameAsSaidOnce) {
    const SendComparison compared = compare_sends({"a", "a"}, {"a"});
    EXPECT_THAT(compared.missing, ElementsAre("a"));
}

TEST(ReplaySends, TargetsAreComparedWithoutHostAndOrderOfParameters) {
    EXPECT_EQ(canonical_target("https://a.example:8080/p/q?y=2&x=1#f", false),
              canonical_target("/p/q?x=1&y=2", false));
    EXPECT_EQ(canonical_target("wss://a.example?token=1", true),
              canonical_target("wss://a.example/?token=2", true));
    EXPECT_NE(canonical_target("/a?x=1", true), canonical_target("/a?x=2", true));
}

TEST(ReplayFile, GuessesWhenItWasRecorded) {
    const auto rows = parse_recording(R"({"t":0,"kind":"open"}
{"t":2,"kind":"frame","data":"{\"id\":1,\"T\":1618678093643}"}
)");
    ASSERT_TRUE(rows.has_value());
    EXPECT_EQ(guess_recording_time(*rows), 1'618'678'091'643'000);
}

}  // namespace
}  // namespace anode::app
