#include "core/codec/utf8.hpp"

#include "base/rng.hpp"

namespace anode {
namespace {

/// RFC 3629 written down slowly, to compare with.
bool is_valid(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto at = [&](std::size_t k) -> unsigned {
            return static_cast<unsigned char>(text[k]);
        };
        const std::size_t length = at(i) < 0x80   ? 1
                                   : at(i) < 0xc0 ? 0
                                   : at(i) < 0xe0 ? 2
                                   : at(i) < 0xf0 ? 3
                                                  : 4;
        if (length == 0 || i + length > text.size() || at(i) >= 0xf8) return false;
        unsigned point = length == 1 ? at(i) : at(i) & (0xffU >> (length + 1));
        for (std::size_t k = 1; k < length; ++k) {
            if ((at(i + k) & 0xc0U) != 0x80) return false;
            point = point << 6U | (at(i + k) & 0x3fU);
        }
        const unsigned least = length == 1 ? 0 : length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
        if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
        i += length;
    }
    return true;
}

bool checks(std::string_view text) {
    Utf8Check check;
    return check.feed(text) && check.complete();
}

TEST(Utf8Check, AgreesWithTheRfcOnEverySequenceOfUpToThreeBytes) {
    for (unsigned a = 0; a < 256; ++a) {
        for (unsigned b = 0; b < 256; ++b) {
            const std::string two{static_cast<char>(a), static_cast<char>(b)};
            ASSERT_EQ(checks(two), is_valid(two)) << a << " " << b;
            for (unsigned c = 0x70; c < 256; c += 3) {
                const std::string three = two + static_cast<char>(c);
                ASSERT_EQ(checks(three), is_valid(three)) << a << " " << b << " " << c;
            }
        }
    }
}

TEST(Utf8Check, AgreesWithTheRfcOnTheBordersOfFourBytes) {
    for (unsigned a = 0xee; a < 256; ++a)
        for (unsigned b = 0x78; b < 0xc8; ++b)
            for (const unsigned c : {0x7f, 0x80, 0xbf, 0xc0})
                for (const unsigned d : {0x7f, 0x80, 0xbf, 0xc0}) {
                    const std::string four{static_cast<char>(a), static_cast<char>(b),
                                           static_cast<char>(c), static_cast<char>(d)};
                    ASSERT_EQ(checks(four), is_valid(four))
                        << a << " " << b << " " << c << " " << d;
                }
}

TEST(Utf8Check, GivesOneAnswerForAnyCutting) {
    Rng rng(3);
    const std::string_view words[] = {"plain text, ",     "é", "€",           "😀",
                                      "\xf4\x8f\xbf\xbf", "x", "\xef\xbf\xbf"};
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        for (auto count = rng.below(40); count > 0; --count)
            text += words[rng.below(std::size(words))];
        if (rng.chance(0.3) && !text.empty())
            text[rng.below(text.size())] = static_cast<char>(rng.next());
        Utf8Check check;
        bool good = true;
        for (std::string_view rest = text; !rest.empty();) {
            const std::string_view piece = rest.substr(0, 1 + rng.below(90));
            rest.remove_prefix(piece.size());
            good = good && check.feed(piece);
        }
        ASSERT_EQ(good && check.complete(), is_valid(text)) << round;
    }
}

TEST(Utf8Check, FailsAtTheFirstByteThatCannotBeRight) {
    // A text is refused exactly when no continuation could save it.
    Utf8Check check;
    EXPECT_TRUE(check.feed(std::string(100, 'a') + "\xf4"));
    EXPECT_FALSE(check.complete());
    EXPECT_FALSE(check.feed("\x90"));
    check.reset();
    EXPECT_FALSE(check.feed(std::string(100, 'a') + "\xed\xa0"));
}

}  // namespace
}  // namespace anode
