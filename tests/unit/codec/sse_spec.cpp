#include "core/codec/sse.hpp"

#include "base/rng.hpp"

namespace anode::sse {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string text_of(const Item& item) {
    const std::string data(item.data);
    switch (item.kind) {
        case Item::Kind::Event:
            return std::string(item.type) + "[" + std::string(item.id) + "] " + data;
        case Item::Kind::Comment:
            return "comment " + data;
        case Item::Kind::Retry:
            return "retry " + std::to_string(item.retry_ms);
        case Item::Kind::Failed:
            return "failed " + data;
    }
    return {};
}

template <class Size>
std::vector<std::string> read(Parser& parser, std::string_view bytes, Size size) {
    std::vector<std::string> items;
    while (!bytes.empty()) {
        const std::string piece(bytes.substr(0, size()));
        bytes.remove_prefix(piece.size());
        BytesView input = piece;
        while (const auto item = parser.next(input)) items.push_back(text_of(*item));
    }
    return items;
}

/// Read whole, byte by byte and in pieces of three: always the same.
std::vector<std::string> items(std::string_view bytes, const Limits& limits = {}) {
    std::vector<std::string> whole;
    for (const std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{3}}) {
        Parser parser(limits);
        auto found = read(parser, bytes, [&] { return piece; });
        if (piece == SIZE_MAX) whole = found;
        EXPECT_EQ(found, whole) << "in pieces of " << piece;
    }
    return whole;
}

TEST(SseParser, ReadsTheExamplesOfTheStandard) {
    EXPECT_THAT(items("data: YHOO\ndata: +2\ndata: 10\n\n"), ElementsAre("message[] YHOO\n+2\n10"));
    EXPECT_THAT(items(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata: "
                      " third event\n\n"),
                ElementsAre("comment test stream", "message[1] first event",
                            "message[] second event", "message[]  third event"));
    EXPECT_THAT(items("data\n\ndata\ndata\n\ndata:"), ElementsAre("message[] ", "message[] \n"));
    EXPECT_THAT(items("data:test\n\ndata: test\n\n"),
                ElementsAre("message[] test", "message[] test"));
    EXPECT_THAT(items("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\ndata: x\n\n"),
                ElementsAre("add[] 73857293", "remove[] 2153", "message[] x"));
}

TEST(SseParser, LinesEndInAnyOfThreeWays) {
    EXPECT_THAT(items("data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r"),
                ElementsAre("message[] a\nb\nc", "message[] d"));
    EXPECT_THAT(items("data: a\r\n\r\ndata: b\n\ndata: c\r\n\n"),
                ElementsAre("message[] a", "message[] b", "message[] c"));
}

TEST(SseParser, AByteOrderMarkIsPassedOverOnlyAtTheBegin) {
    EXPECT_THAT(items("\xef\xbb\xbf"
                      "data: a\n\n"),
                ElementsAre("message[] a"));
    EXPECT_THAT(items("data: a\n\n\xef\xbb\xbf"
                      "data: b\n\n"),
                ElementsAre("message[] a"));
    EXPECT_THAT(items("\xef\xbb\xbf\xef\xbb\xbf"
                      "data: a\n\n"),
                IsEmpty());
    EXPECT_THAT(items("\xef\xbb\xbf: c\n"), ElementsAre("comment c"));
}

TEST(SseParser, AnIdStaysUntilTheNextOneAndCountsOnlyWhenItsEventEnds) {
    EXPECT_THAT(items("id: 7\ndata: a\n\ndata: b\n\nid: x\0y\ndata: c\n\nid:\ndata: d\n\n"s),
                ElementsAre("message[7] a", "message[7] b", "message[7] c", "message[] d"));
    Parser parser;
    EXPECT_THAT(read(parser, "id: 1\n\nid: 2\n", [] { return SIZE_MAX; }), IsEmpty())
        << "no data, no event";
    EXPECT_EQ(parser.last_event_id(), "1");
}

TEST(SseParser, ANewConnectionRemembersTheIdAlone) {
    Parser parser;
    parser.set_last_event_id("41");
    EXPECT_THAT(read(parser, "data: a\n\nid: 42\ndata: half", [] { return SIZE_MAX; }),
                ElementsAre("message[41] a"));
    parser.reset();
    EXPECT_EQ(parser.last_event_id(), "41");
    EXPECT_THAT(read(parser,
                     "\xef\xbb\xbf"
                     "data: b\n\n",
                     [] { return SIZE_MAX; }),
                ElementsAre("message[41] b"));
}

TEST(SseParser, RetryIsDigitsOnly) {
    EXPECT_THAT(items("retry: 1500\nretry: -1\nretry: 1s\nretry:\nretry: 99999999999999999999\n"),
                ElementsAre("retry 1500"));
}

TEST(SseParser, UnknownFieldsAndHalfEventsArePassedOver) {
    EXPECT_THAT(items("foo: bar\nDATA: x\n data: y\n\n"), IsEmpty());
    EXPECT_THAT(items("event: e\n\ndata: x\n\n"), ElementsAre("message[] x"))
        << "a type without data is forgotten";
    EXPECT_THAT(items("data: not finished\n"), IsEmpty());
}

TEST(SseParser, LimitsEndTheStream) {
    const Limits limits{.line_bytes_max = 20, .event_bytes_max = 30};
    const std::string line = "data: " + std::string(14, 'x') + "\n";
    EXPECT_THAT(items(line + "\n", limits), ElementsAre("message[] " + std::string(14, 'x')));
    EXPECT_THAT(items("data: " + std::string(15, 'x') + "\n\n", limits),
                ElementsAre("failed line too long"));
    EXPECT_THAT(items(std::string(100, 'x'), limits), ElementsAre("failed line too long"));
    EXPECT_THAT(items(line + line + line + "\ndata: late\n\n", limits),
                ElementsAre("failed event too large"));
}

TEST(SseParser, AByteOrderMarkDoesNotCountAgainstTheFirstLine) {
    const Limits limits{.line_bytes_max = 20, .event_bytes_max = 30};
    const std::string mark = "\xef\xbb\xbf";
    EXPECT_THAT(items(mark + "data: " + std::string(14, 'x') + "\n\n", limits),
                ElementsAre("message[] " + std::string(14, 'x')));
    EXPECT_THAT(items(mark + "data: " + std::string(15, 'x') + "\n\n", limits),
                ElementsAre("failed line too long"));
}

TEST(SseEncoder, WhatItWritesIsReadAgain) {
    Rng rng(12);
    const std::string_view words[] = {"a", "data: ", "\n", "\r\n", "\r", ":", " ", "€", "id: 9"};
    for (int round = 0; round < 2000; ++round) {
        std::string data = "x";
        std::string lines = "x";
        for (auto count = rng.below(8); count > 0; --count) {
            const std::string_view word = words[rng.below(std::size(words))];
            if (data.ends_with('\r') && word.starts_with('\n')) continue;
            data += word;
            lines += word == "\r\n" || word == "\r" ? "\n" : word;
        }
        Bytes out;
        append_event(out, "id-1", round % 2 == 0 ? "" : "tick", data);
        const std::string type = round % 2 == 0 ? "message" : "tick";
        ASSERT_THAT(items(out), ElementsAre(type + "[id-1] " + lines));
    }
}

TEST(SseEncoder, WritesPlainEventsCommentsAndRetry) {
    Bytes out;
    append_event(out, "c1.2", "", "{}");
    append_comment(out, "hb");
    append_retry(out, 3000);
    EXPECT_EQ(out, "id: c1.2\ndata: {}\n\n: hb\n\nretry: 3000\n\n");
}

TEST(SseEncoder, AnIdOfSeveralLinesCannotSmuggleFields) {
    Bytes out;
    append_event(out, "1\ndata: evil", "t\revent: x", "{}");
    append_comment(out, "a\ndata: evil");
    EXPECT_EQ(out, "data: {}\n\n: \n\n");
}

}  // namespace
}  // namespace anode::sse
