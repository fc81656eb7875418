#include <array>

#include "base/text.hpp"

namespace anode::text {
namespace {

using testing::ElementsAre;

TEST(WordsSpec, TrimsAsciiWhiteSpace) {
    EXPECT_EQ(trim(" \t\r\n a b \v\f"), "a b");
    EXPECT_EQ(trim("  "), "");
    EXPECT_EQ(trim(""), "");
}

TEST(WordsSpec, SplitsKeepingEmptyParts) {
    EXPECT_THAT(split("a,,b,", ','), ElementsAre("a", "", "b", ""));
    EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(WordsSpec, ComparesWithoutCase) {
    EXPECT_EQ(lower("AbC-Ä"), "abc-Ä");
    EXPECT_TRUE(iequals("Content-Type", "content-type"));
    EXPECT_FALSE(iequals("a", "ab"));
    EXPECT_FALSE(iequals("[", "{"));
}

TEST(NearestSpec, FindsTheMisspeltName) {
    constexpr std::array<std::string_view, 4> kNames = {"listen", "socket", "token", "tokens"};
    EXPECT_EQ(nearest("lisetn", kNames), "listen");
    EXPECT_EQ(nearest("sokcet", kNames), "socket");
    EXPECT_EQ(nearest("tokens", kNames), "tokens");
    EXPECT_EQ(nearest("toke", kNames), "token");
    EXPECT_EQ(nearest("completely", kNames), "");
    EXPECT_EQ(nearest(std::string(5000, 'x'), kNames), "");
    EXPECT_EQ(nearest("x", {}), "");
}

}  // namespace
}  // namespace anode::text
