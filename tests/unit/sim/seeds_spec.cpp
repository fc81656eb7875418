#include <sstream>

#include "sim/run.hpp"
#include "sim/shrink.hpp"
#include "sim/tool.hpp"

namespace anode::sim {
namespace {

#ifdef __OPTIMIZE__
constexpr std::uint64_t kSeeds = 500;
#else
constexpr std::uint64_t kSeeds = 40;
#endif

TEST(SeedsSpec, NoSeedBreaksAnInvariant) {
    std::ostringstream out;
    const std::string count = std::to_string(kSeeds);
    EXPECT_EQ(tool({"seeds", "--count", count, "--minutes", "0.5"}, out), 0) << out.str();
}

TEST(SeedsSpec, ASeedMeansOneRunToTheBit) {
    for (const std::uint64_t seed : {3u, 4u, 5u, 6u}) {
        const Request request{.scenario = "storm", .seed = seed, .members = 6};
        const Outcome first = run(request), second = run(request);
        EXPECT_EQ(first.trace_hash, second.trace_hash) << request.line();
        EXPECT_EQ(first.traffic.events, second.traffic.events);
    }
    EXPECT_NE(run({.seed = 3}).trace_hash, run({.seed = 4}).trace_hash);
}

TEST(SeedsSpec, FaultsDoOccur) {
    std::uint64_t lost = 0, resets = 0, refused = 0, faults = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        const Outcome outcome = run({.scenario = "storm", .seed = seed, .members = 5});
        lost += outcome.traffic.lost, resets += outcome.traffic.resets;
        refused += outcome.traffic.dials_refused, faults += outcome.faults;
    }
    EXPECT_GT(faults, 50u);
    EXPECT_GT(lost, 1000u);
    EXPECT_GT(resets + refused, 0u);
}

TEST(SeedsSpec, ANetworkThatNeverHealsIsFoundAndShrunkToItsCut) {
    Request request{.scenario = "partition", .members = 5};
    std::optional<Violation> violation;
    for (request.seed = 1; request.seed < 20 && !violation; ++request.seed) {
        request.heals = false;
        violation = run(request).violation;
    }
    ASSERT_TRUE(violation.has_value());
    --request.seed;
    const Request small = shrink(request, *violation, 40);
    ASSERT_TRUE(small.only.has_value());
    EXPECT_EQ(small.only->size(), 1u) << small.line();
    const Outcome again = run(small);
    ASSERT_TRUE(again.violation.has_value());
    EXPECT_EQ(again.violation->check, violation->check);
}

TEST(ShrinkSpec, TwoFaultsThatMatterAreWhatRemains) {
    const auto broken = [](const Request& request) {
        const auto& only = *request.only;
        return std::ranges::count(only, 3u) + std::ranges::count(only, 17u) == 2 &&
               request.first.value_or(9) >= 4 && request.shorten <= 2;
    };
    const Request small = shrink({.members = 9}, 40, broken);
    EXPECT_THAT(*small.only, ::testing::ElementsAre(3, 17));
    EXPECT_EQ(small.first, 4u);
    EXPECT_EQ(small.shorten, 2u);
    EXPECT_THAT(small.line(), ::testing::HasSubstr("--only 3,17"));
}

TEST(ToolSpec, AnUnknownOptionShowsTheUsage) {
    std::ostringstream out;
    EXPECT_EQ(tool({"--colour", "red"}, out), 2);
    EXPECT_EQ(tool({"--scenario", "weekend"}, out), 2);
    EXPECT_EQ(tool({"scale", "--members", "1"}, out), 2);
}

}  // namespace
}  // namespace anode::sim
