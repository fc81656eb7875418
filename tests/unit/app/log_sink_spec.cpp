#include "app/log_sink.hpp"

#include "base/text.hpp"
#include "core/json/json.hpp"
#include "unit/app/stage.hpp"

namespace anode::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// What a sink wrote, line by line.
class LogSinkSpec : public testing::Test {
protected:
    template <class F>
    std::vector<std::string> lines_of(LogOptions options, F work) {
        testing::internal::CaptureStdout();
        {
            LogSink sink(std::move(options));
            work(sink);
        }
        const std::string written = testing::internal::GetCapturedStdout();
        std::vector<std::string> lines;
        for (const std::string_view line : text_lines(written)) lines.emplace_back(line);
        return lines;
    }
    static std::vector<std::string_view> text_lines(std::string_view text) {
        std::vector<std::string_view> lines;
        for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;) {
            lines.push_back(text.substr(0, end));
            text.remove_prefix(end + 1);
        }
        EXPECT_TRUE(text.empty()) << "every line ends";
        return lines;
    }
};

TEST_F(LogSinkSpec, ALineIsOneJsonObjectWithItsMembersInOrder) {
    const auto lines = lines_of({.node = "n-1"}, [](LogSink& sink) {
        sink.write(log::Level::Warn, "source", "state changed",
                   {{"source", "okx"}, {"count", std::uint64_t{7}}});
    });
    ASSERT_THAT(lines, SizeIs(1));
    json::Document document;
    ASSERT_TRUE(document.parse(lines[0]).has_value()) << lines[0];
    EXPECT_TRUE(text::parse_rfc3339(document.root()["ts"].string()).has_value());
    EXPECT_THAT(lines[0],
                testing::EndsWith(R"(Z","level":"warn","comp":"source","msg":"state changed",)"
                                  R"("node":"n-1","source":"okx","count":7})"));
}

TEST_F(LogSinkSpec, ControlCharactersAreEscapedInEveryFormat) {
    const std::string nasty = "a\nb\x1b[31m\r\xe2\x80\xae";
    for (const bool json : {true, false}) {
        const auto lines = lines_of({.json = json}, [&](LogSink& sink) {
            sink.write(log::Level::Error, "co\nmp", "ms\x07g\n", {{"err", nasty}});
        });
        ASSERT_THAT(lines, SizeIs(1));
        for (const char c : lines[0]) EXPECT_GE(static_cast<unsigned char>(c), 0x20U) << json;
    }
}

TEST_F(LogSinkSpec, BytesThatAreNoTextStillMakeJson) {
    const auto lines = lines_of({}, [](LogSink& sink) {
        sink.write(log::Level::Info, "x", "y", {{"err", std::string("\xff\xfe\0z", 4)}});
    });
    ASSERT_THAT(lines, SizeIs(1));
    json::Document document;
    EXPECT_TRUE(document.parse(lines[0]).has_value()) << lines[0];
}

TEST_F(LogSinkSpec, TheSameMessageIsCountedNotRepeated) {
    const auto lines = lines_of({}, [](LogSink& sink) {
        for (int i = 0; i < 1000; ++i) sink.write(log::Level::Info, "x", "flood", {});
        sink.write(log::Level::Info, "x", "other", {});
        sink.write(log::Level::Info, "y", "flood", {});
    });
    std::size_t floods = 0;
    for (const std::string& line : lines)
        floods += line.find(R"("comp":"x","msg":"flood")") != std::string::npos;
    EXPECT_GE(floods, 10U);
    EXPECT_LE(floods, 40U) << "ten a second, and this took few";
    EXPECT_THAT(lines, testing::Contains(HasSubstr(R"("msg":"other")")));
    EXPECT_THAT(lines, testing::Contains(HasSubstr(R"("comp":"y","msg":"flood")")));
}

TEST_F(LogSinkSpec, MessagesThatAreNotConstantDoNotGrowIt) {
    const auto lines = lines_of({}, [](LogSink& sink) {
        for (int i = 0; i < 5000; ++i) sink.write(log::Level::Info, "x", std::to_string(i), {});
    });
    EXPECT_THAT(lines, SizeIs(5000));
}

TEST_F(LogSinkSpec, LevelsHoldForComponentsAndChangeWhileItRuns) {
    LogSink sink({.level = log::Level::Info, .components = {{"mesh", log::Level::Debug}}});
    EXPECT_TRUE(sink.enabled(log::Level::Debug, "mesh"));
    EXPECT_FALSE(sink.enabled(log::Level::Debug, "store"));
    sink.set_levels(log::Level::Error, {});
    EXPECT_FALSE(sink.enabled(log::Level::Warn, "mesh"));
    EXPECT_TRUE(sink.enabled(log::Level::Error, "mesh"));
}

TEST(ParseLevelSpec, OnlyTheFourLevelsAreLevels) {
    EXPECT_EQ(parse_level("debug"), log::Level::Debug);
    EXPECT_EQ(parse_level("error"), log::Level::Error);
    EXPECT_FALSE(parse_level("INFO").has_value());
    EXPECT_FALSE(parse_level("").has_value());
}

}  // namespace
}  // namespace anode::app
