#include "core/codec/lines.hpp"

#include "base/rng.hpp"

namespace anode::codec {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Read {
    std::vector<std::string> lines;
    bool failed = false;
};

template <class Size>
Read read(std::string_view bytes, std::size_t line_bytes_max, Size size) {
    LineSplitter splitter(line_bytes_max);
    Read result;
    while (!bytes.empty()) {
        const std::string piece(bytes.substr(0, size()));
        bytes.remove_prefix(piece.size());
        BytesView input = piece;
        while (const auto line = splitter.next(input)) result.lines.emplace_back(*line);
    }
    if (const auto line = splitter.finish()) result.lines.emplace_back(*line);
    result.failed = splitter.failed();
    return result;
}

std::vector<std::string> lines(std::string_view bytes) {
    const auto whole = read(bytes, 1000, [] { return SIZE_MAX; }).lines;
    EXPECT_EQ(read(bytes, 1000, [] { return std::size_t{1}; }).lines, whole);
    return whole;
}

TEST(LineSplitter, CutsAtLineFeeds) {
    EXPECT_THAT(lines("{\"a\":1}\n{\"b\":2}\n"), ElementsAre("{\"a\":1}", "{\"b\":2}"));
    EXPECT_THAT(lines("a\r\nb\rc\n"), ElementsAre("a", "b\rc"));
    EXPECT_THAT(lines("last without end"), ElementsAre("last without end"));
    EXPECT_THAT(lines("a\nb\r"), ElementsAre("a", "b"));
}

TEST(LineSplitter, EmptyLinesAreHeartbeats) {
    EXPECT_THAT(lines("\n\r\n\na\n\n\n"), ElementsAre("a"));
    EXPECT_THAT(lines(""), IsEmpty());
}

TEST(LineSplitter, AnyCuttingYieldsTheSameLines) {
    Rng rng(8);
    for (int round = 0; round < 500; ++round) {
        std::string bytes;
        for (auto count = rng.below(30); count > 0; --count)
            bytes += std::string(rng.below(50), 'x') + (rng.chance(0.5) ? "\n" : "\r\n");
        const auto whole = read(bytes, 1000, [] { return SIZE_MAX; }).lines;
        ASSERT_EQ(read(bytes, 1000, [&] { return 1 + rng.below(20); }).lines, whole);
    }
}

TEST(LineSplitter, ALineOverTheLimitFailsTheStream) {
    for (const std::size_t piece : {SIZE_MAX, std::size_t{1}, std::size_t{4}}) {
        const auto size = [&] { return piece; };
        EXPECT_FALSE(read("ok\n12345678\r\nok\n", 8, size).failed);
        const Read over = read("ok\n123456789\nnever\n", 8, size);
        EXPECT_TRUE(over.failed);
        EXPECT_THAT(over.lines, ElementsAre("ok"));
        EXPECT_TRUE(read(std::string(100, 'x'), 8, size).failed) << "without waiting for its end";
    }
}

}  // namespace
}  // namespace anode::codec
