#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "sim/run.hpp"
#include "sim/shrink.hpp"
#include "sim/tool.hpp"

namespace anode::sim {
namespace {

#ifdef __OPTIMIZE__
constexpr std::uint64_t kSeeds = 40;
#else
constexpr std::uint64_t kSeeds = 10;
#endif

TEST(NodeSeedsSpec, NoSeedOfWholeNodesBreaksAnInvariant) {
    std::ostringstream out;
    EXPECT_EQ(
        tool({"seeds", "--nodes", "--count", std::to_string(kSeeds), "--minutes", "0.5"}, out), 0)
        << out.str();
}

TEST(NodeSeedsSpec, ASeedMeansOneRunToTheBit) {
    for (const char* scenario : {"node-storm", "node-hostile"}) {
        const Request request{.scenario = scenario, .seed = 5, .members = 5};
        EXPECT_EQ(run(request).trace_hash, run(request).trace_hash) << request.line();
    }
}

TEST(NodeSeedsSpec, FeedsFlowAndAreTakenOver) {
    const Outcome outcome = run({.scenario = "node-kill-30", .seed = 4, .members = 5});
    EXPECT_FALSE(outcome.violation.has_value());
    EXPECT_GT(outcome.feed_items, 50u);
    EXPECT_GT(outcome.faults, 0u);
}

TEST(NodeSeedsSpec, AMemberOfIllWillHarmsNobodyElse) {
    std::ostringstream out;
    EXPECT_EQ(
        tool({"seeds", "--scenario", "node-hostile", "--count", "3", "--minutes", "0.5"}, out), 0)
        << out.str();
}

TEST(NodeSeedsSpec, ANetworkThatNeverHealsIsFoundAndShrunkToItsCut) {
    Request request{.scenario = "node-partition", .members = 4, .heals = false};
    std::optional<Violation> violation;
    for (request.seed = 1; request.seed < 20; ++request.seed)
        if ((violation = run(request).violation)) break;
    ASSERT_TRUE(violation.has_value());
    const Request small = shrink(request, *violation, 20);
    ASSERT_TRUE(small.only.has_value());
    EXPECT_EQ(small.only->size(), 1u) << small.line();
    EXPECT_THAT(small.line(), ::testing::HasSubstr("node-partition"));
}

}  // namespace
}  // namespace anode::sim
