#include "core/source/continuity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anode::source::spec {
namespace {

using Rule = ContinuitySpec::Rule;
using Per = ContinuitySpec::Per;

class ContinuitySpecs : public testing::Test {
protected:
    void use(Rule rule, Per per = Per::Source, std::optional<std::uint64_t> reset_to = {}) {
        ContinuitySpec spec;
        spec.rule = rule;
        spec.per = per;
        spec.reset_to = reset_to;
        chain.emplace(spec);
    }
    Flow at(std::string_view number, std::string_view key = "", std::uint64_t connection = 1) {
        last = chain->check(key, connection, {.at = number});
        return last.flow;
    }
    Flow range(std::string_view first, std::string_view end) {
        last = chain->check("", 1, {.first = first, .last = end});
        return last.flow;
    }
    Flow link(std::string_view number, std::string_view previous) {
        last = chain->check("", 1, {.at = number, .previous = previous, .parent = previous});
        return last.flow;
    }

    std::optional<Continuity> chain;
    Verdict last;
};

TEST_F(ContinuitySpecs, WithoutARuleNothingIsChecked) {
    use(Rule::None);
    EXPECT_EQ(at("1"), Flow::Unchecked);
    EXPECT_EQ(at("7"), Flow::Unchecked);
}

TEST_F(ContinuitySpecs, NumbersFollowOneByOne) {
    use(Rule::PlusOne);
    EXPECT_EQ(at("5"), Flow::Ok);
    EXPECT_EQ(at("6"), Flow::Ok);
    EXPECT_EQ(at("6"), Flow::Duplicate);
    EXPECT_EQ(at("5"), Flow::Late);
    EXPECT_EQ(at("10"), Flow::Gap);
    EXPECT_EQ(last.lost, 3u);
    EXPECT_EQ(last.seen, "6");
    EXPECT_EQ(last.came, "10");
    EXPECT_EQ(at("11"), Flow::Ok);
}

TEST_F(ContinuitySpecs, NumbersBeyondDoublesAndHexadecimalOnesCount) {
    use(Rule::PlusOne);
    EXPECT_EQ(at("18446744073709551613"), Flow::Ok);
    EXPECT_EQ(at("18446744073709551615"), Flow::Gap);
    EXPECT_EQ(last.lost, 1u);
    use(Rule::PlusOne);
    EXPECT_EQ(at("0xff"), Flow::Ok);
    EXPECT_EQ(at("0x100"), Flow::Ok);
}

TEST_F(ContinuitySpecs, WhatIsNoNumberIsUnchecked) {
    use(Rule::PlusOne);
    EXPECT_EQ(at("x"), Flow::Unchecked);
    EXPECT_EQ(chain->check("", 1, {}).flow, Flow::Unchecked);
}

TEST_F(ContinuitySpecs, ANewBeginningIsNoGap) {
    use(Rule::PlusOne, Per::Source, 1);
    EXPECT_EQ(at("500"), Flow::Ok);
    EXPECT_EQ(at("1"), Flow::Reset);
    EXPECT_EQ(at("2"), Flow::Ok);
}

TEST_F(ContinuitySpecs, KeysHaveChainsOfTheirOwn) {
    use(Rule::PlusOne, Per::Key);
    EXPECT_EQ(at("1", "A"), Flow::Ok);
    EXPECT_EQ(at("100", "B"), Flow::Ok);
    EXPECT_EQ(at("2", "A"), Flow::Ok);
    EXPECT_EQ(at("102", "B"), Flow::Gap);
}

TEST_F(ContinuitySpecs, ChainsPerConnectionEndWithIt) {
    use(Rule::PlusOne, Per::Connection);
    EXPECT_EQ(at("1", "", 1), Flow::Ok);
    EXPECT_EQ(at("50", "", 2), Flow::Ok);
    EXPECT_EQ(at("2", "", 1), Flow::Ok);
    chain->forget_connection(1);
    EXPECT_EQ(at("9", "", 1), Flow::Ok);
}

TEST_F(ContinuitySpecs, ChainsPerKeyShowWhatAnInterruptionCost) {
    use(Rule::PlusOne, Per::Key);
    EXPECT_EQ(at("1", "A", 1), Flow::Ok);
    chain->forget_connection(1);
    EXPECT_EQ(at("4", "A", 2), Flow::Gap);
    EXPECT_EQ(last.lost, 2u);
}

TEST_F(ContinuitySpecs, RangesJoinAtTheirEnds) {
    use(Rule::Range);
    EXPECT_EQ(range("1", "5"), Flow::Ok);
    EXPECT_EQ(range("6", "6"), Flow::Ok);
    EXPECT_EQ(range("6", "6"), Flow::Duplicate);
    EXPECT_EQ(range("2", "3"), Flow::Late);
    EXPECT_EQ(range("5", "9"), Flow::Ok) << "it overlaps and brings more";
    EXPECT_EQ(range("12", "13"), Flow::Gap);
    EXPECT_EQ(last.lost, 2u);
    EXPECT_EQ(last.came, "12");
    EXPECT_EQ(range("9", "2"), Flow::Unchecked);
}

TEST_F(ContinuitySpecs, IdentitiesNameTheOneBefore) {
    use(Rule::Previous);
    EXPECT_EQ(link("15", "10"), Flow::Ok);
    EXPECT_EQ(link("17", "15"), Flow::Ok);
    EXPECT_EQ(link("17", "15"), Flow::Duplicate);
    EXPECT_EQ(link("16", "15"), Flow::Late);
    EXPECT_EQ(link("30", "25"), Flow::Gap);
    EXPECT_EQ(last.lost, std::nullopt) << "steps are irregular: the size is unknown";
    EXPECT_EQ(last.seen, "17");
    EXPECT_EQ(link("40", "-1"), Flow::Reset) << "a snapshot begins anew";
    EXPECT_EQ(link("41", "40"), Flow::Ok);
}

TEST_F(ContinuitySpecs, HashesNameTheirParent) {
    use(Rule::Parent);
    EXPECT_EQ(link("0xb", "0xa"), Flow::Ok);
    EXPECT_EQ(link("0xc", "0xb"), Flow::Ok);
    EXPECT_EQ(link("0xe", "0xd"), Flow::Gap);
}

TEST_F(ContinuitySpecs, TimesOnlyMustNotGoBack) {
    use(Rule::Monotonic);
    EXPECT_EQ(at("9"), Flow::Ok);
    EXPECT_EQ(at("10"), Flow::Ok);
    EXPECT_EQ(at("10"), Flow::Ok);
    EXPECT_EQ(at("9.5"), Flow::Late);
    use(Rule::Monotonic);
    EXPECT_EQ(at("2026-11-25T13:00:00Z"), Flow::Ok);
    EXPECT_EQ(at("2026-11-25T12:59:59Z"), Flow::Late);
}

TEST_F(ContinuitySpecs, ASnapshotMovesTheChain) {
    use(Rule::Range);
    EXPECT_EQ(range("1", "5"), Flow::Ok);
    chain->restart("", 1, "90");
    EXPECT_EQ(range("91", "92"), Flow::Ok);
    use(Rule::Previous);
    chain->restart("", 1, "abc");
    EXPECT_EQ(link("abd", "abc"), Flow::Ok);
}

TEST_F(ContinuitySpecs, KeysHaveALimit) {
    use(Rule::PlusOne, Per::Key);
    for (std::size_t n = 0; n < Continuity::kKeysMax; ++n) at("1", std::to_string(n));
    EXPECT_EQ(at("1", "one more"), Flow::Unchecked);
    EXPECT_EQ(chain->unchecked_for_room(), 1u);
    EXPECT_EQ(at("2", "17"), Flow::Ok);
}

}  // namespace
}  // namespace anode::source::spec
