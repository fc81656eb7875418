#include "core/message/topic.hpp"

#include <algorithm>
#include <map>

#include "unit/message/support.hpp"

namespace anode {
namespace {

using test::random_bytes;
using test::random_topic;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Pattern pattern(std::string_view text) {
    auto parsed = Pattern::parse(text);
    EXPECT_TRUE(parsed) << text;
    return std::move(*parsed);
}

std::string repeated(std::string_view part, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += (i > 0 ? "." : "") + std::string(part);
    return out;
}

TEST(TopicSpec, AcceptsTokensOfTheAlphabet) {
    EXPECT_TRUE(check_topic("a"));
    EXPECT_TRUE(check_topic("crypto.binance.BTC~2FUSDT.trade_1-x"));
    EXPECT_TRUE(check_topic(repeated("a", 16)));
    EXPECT_TRUE(check_topic(std::string(64, 'a')));
    EXPECT_TRUE(check_topic(repeated(std::string(63, 'a'), 4)));
}

TEST(TopicSpec, RefusesTheRestAndNamesTheToken) {
    EXPECT_THAT(check_topic("").error().what, HasSubstr("empty"));
    EXPECT_THAT(check_topic("a..b").error().what, HasSubstr("token 2 is empty"));
    EXPECT_THAT(check_topic("a.").error().what, HasSubstr("token 2"));
    EXPECT_THAT(check_topic(".a").error().what, HasSubstr("token 1"));
    EXPECT_THAT(check_topic("a.b c").error().what, HasSubstr("token 2 holds \" \""));
    EXPECT_THAT(check_topic("a.\n").error().what, HasSubstr("\\x0a"));
    EXPECT_THAT(check_topic("a.*").error().what, HasSubstr("token 2"));
    EXPECT_THAT(check_topic("\xc3\xbc").error().what, HasSubstr("token 1"));
    EXPECT_THAT(check_topic(std::string(65, 'a')).error().what, HasSubstr("64"));
    EXPECT_THAT(check_topic(repeated("a", 17)).error().what, HasSubstr("16 tokens"));
    EXPECT_THAT(check_topic(repeated(std::string(64, 'a'), 4)).error().what, HasSubstr("255"));
}

TEST(TopicSpec, OnlyNodesMayWriteSystemTopics) {
    EXPECT_THAT(check_topic("$sys.gap").error().what, HasSubstr("only nodes"));
    EXPECT_TRUE(check_topic("$sys.gap", true));
    EXPECT_TRUE(check_topic("a.b", true));
    EXPECT_FALSE(check_topic("a.$sys", true));
    EXPECT_FALSE(check_topic("$", true));
    EXPECT_FALSE(check_topic("$$sys", true));
}

TEST(PatternSpec, AcceptsWildcardsAsWholeTokens) {
    for (const char* text :
         {"a", "*", ">", "**", "a.*.b", "*.*.>", "a.>", "a.**", "$sys.>", "$sys.*"})
        EXPECT_TRUE(check_pattern(text)) << text;
    for (const char* text :
         {"", "a.>.b", "**.a", "a*", "a.b>", "***", ">>", "a..b", "$", "a.$b", "a,b"})
        EXPECT_FALSE(check_pattern(text)) << text;
}

TEST(PatternSpec, MatchesTokenByToken) {
    EXPECT_TRUE(pattern("a.b").matches("a.b"));
    EXPECT_FALSE(pattern("a.b").matches("a.b.c"));
    EXPECT_FALSE(pattern("a.b").matches("a"));
    EXPECT_TRUE(pattern("a.*.c").matches("a.b.c"));
    EXPECT_FALSE(pattern("a.*.c").matches("a.b.d"));
    EXPECT_FALSE(pattern("a.*").matches("a"));
    EXPECT_FALSE(pattern("a.*").matches("a.b.c"));
    EXPECT_TRUE(pattern("a.>").matches("a.b"));
    EXPECT_TRUE(pattern("a.**").matches("a.b.c"));
    EXPECT_FALSE(pattern("a.>").matches("a")) << "one token or more";
    EXPECT_TRUE(pattern(">").matches("a"));
    EXPECT_FALSE(pattern("a.>").matches("ab.c"));
    EXPECT_FALSE(pattern("A").matches("a"));
}

TEST(PatternSpec, WildcardsNeverReachSystemTopics) {
    EXPECT_FALSE(pattern(">").matches("$sys.gap"));
    EXPECT_FALSE(pattern("*.gap").matches("$sys.gap"));
    EXPECT_TRUE(pattern("$sys.>").matches("$sys.gap"));
    EXPECT_TRUE(pattern("$sys.*").matches("$sys.gap"));
}

TEST(PatternSpec, HasOneTextAndKnowsItsPrefix) {
    EXPECT_EQ(pattern("a.**").text(), "a.>");
    EXPECT_EQ(pattern("**"), pattern(">"));
    EXPECT_TRUE(pattern("a.b").literal());
    EXPECT_FALSE(pattern("a.*").literal());
    EXPECT_EQ(pattern("a.b").prefix(), "a.b");
    EXPECT_EQ(pattern("a.b.*.c").prefix(), "a.b");
    EXPECT_EQ(pattern("*.a").prefix(), "");
}

TEST(PatternSetSpec, TakesAListAndMatchesAny) {
    const auto set = PatternSet::parse("a.**, b.*");
    ASSERT_TRUE(set);
    EXPECT_EQ(set->text(), "a.>,b.*");
    EXPECT_TRUE(set->matches("a.x.y"));
    EXPECT_TRUE(set->matches("b.x"));
    EXPECT_FALSE(set->matches("c"));
    EXPECT_FALSE(PatternSet{}.matches("a"));
    EXPECT_FALSE(PatternSet::parse(""));
    EXPECT_FALSE(PatternSet::parse("a,,b"));
    EXPECT_TRUE(PatternSet::parse("a,b", 2));
    EXPECT_EQ(PatternSet::parse("a,b,c", 2).error().code, Errc::TooLarge);
}

TEST(TokenSpec, EscapesWhatIsOutsideTheAlphabet) {
    EXPECT_EQ(escape_token("BTC/USDT"), "BTC~2FUSDT");
    EXPECT_EQ(escape_token("~"), "~7E");
    EXPECT_EQ(escape_token("a.b *>$"), "a~2Eb~20~2A~3E~24");
    EXPECT_EQ(unescape_token("a~zz~4"), "a~zz~4") << "what we did not write stays";
}

TEST(TokenSpec, UnescapingGivesTheBytesBack) {
    Rng rng(5);
    for (int round = 0; round < 2000; ++round) {
        const std::string data = random_bytes(rng, 20);
        const std::string token = escape_token(data);
        EXPECT_EQ(unescape_token(token), data);
        if (!data.empty()) EXPECT_TRUE(check_topic(token));
    }
}

std::string random_pattern(Rng& rng) {
    std::string out;
    for (std::uint64_t left = 1 + rng.below(4); left > 0; --left) {
        if (left == 1 && rng.chance(0.3)) return out + ">";
        if (rng.chance(0.3))
            out += '*';
        else if (out.empty() && rng.chance(0.1))
            out += "$a";
        else
            out += static_cast<char>('a' + rng.below(3));
        if (left > 1) out += '.';
    }
    return out;
}

/// All patterns tried one by one.
std::vector<std::uint32_t> naive(const std::multimap<Pattern, std::uint32_t>& all,
                                 std::string_view topic) {
    std::vector<std::uint32_t> ids;
    for (const auto& [text, id] : all)
        if (text.matches(topic)) ids.push_back(id);
    std::ranges::sort(ids);
    return ids;
}

std::vector<std::uint32_t> found(const PatternTrie& trie, std::string_view topic) {
    std::vector<std::uint32_t> ids;
    trie.match(topic, ids);
    std::ranges::sort(ids);
    return ids;
}

TEST(PatternTrieSpec, FindsWhatTryingEveryPatternFinds) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE(seed);
        Rng rng(seed);
        PatternTrie trie;
        std::multimap<Pattern, std::uint32_t> all;
        for (int step = 0; step < 120; ++step) {
            if (!all.empty() && rng.chance(0.35)) {
                auto gone = all.begin();
                std::advance(gone, static_cast<std::ptrdiff_t>(rng.below(all.size())));
                trie.remove(gone->first, gone->second);
                all.erase(gone);
            } else {
                const Pattern added = pattern(random_pattern(rng));
                const auto id = static_cast<std::uint32_t>(rng.below(10));
                trie.add(added, id);
                all.emplace(added, id);
            }
            const std::string topic = random_topic(rng);
            ASSERT_EQ(found(trie, topic), naive(all, topic)) << topic;
            ASSERT_EQ(trie.empty(), all.empty());
        }
        while (!all.empty()) {
            trie.remove(all.begin()->first, all.begin()->second);
            all.erase(all.begin());
        }
        EXPECT_TRUE(trie.empty());
    }
}

TEST(PatternTrieSpec, RemovingWhatIsNotThereChangesNothing) {
    PatternTrie trie;
    trie.add(pattern("a.*"), 1);
    trie.remove(pattern("a.*"), 2);
    trie.remove(pattern("a.>"), 1);
    trie.remove(pattern("a.*.b"), 1);
    trie.remove(pattern("x.y"), 1);
    trie.remove(pattern("*"), 1);
    EXPECT_THAT(found(trie, "a.b"), ElementsAre(1));
}

TEST(PatternTrieSpec, HostileTopicsFindNothingAndDoNotCrash) {
    PatternTrie trie;
    trie.add(pattern("a.b"), 1);
    trie.add(pattern("b.*"), 2);
    EXPECT_THAT(found(trie, ""), IsEmpty());
    EXPECT_THAT(found(trie, "."), IsEmpty());
    EXPECT_THAT(found(trie, "a.b."), IsEmpty());
    EXPECT_THAT(found(trie, std::string(100'000, '.')), IsEmpty());
}

}  // namespace
}  // namespace anode
