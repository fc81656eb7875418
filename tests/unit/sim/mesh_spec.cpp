#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "sim/run.hpp"
#include "sim/shrink.hpp"
#include "sim/tool.hpp"

namespace anode::sim {
namespace {

// As many as are known to hold; the nightly runs look for those that do not.
constexpr std::uint64_t kSeeds = 60;

TEST(MeshSeedsSpec, NoSeedOfTheDataPlaneBreaksAnInvariant) {
    std::ostringstream out;
    EXPECT_EQ(tool({"seeds", "--mesh", "--count", std::to_string(kSeeds), "--minutes", "0.5"}, out),
              0)
        << out.str();
}

TEST(MeshSeedsSpec, ASeedMeansOneRunToTheBit) {
    for (const std::uint64_t seed : {2u, 3u, 4u}) {
        const Request request{.scenario = "mesh-storm", .seed = seed, .members = 5};
        EXPECT_EQ(run(request).trace_hash, run(request).trace_hash) << request.line();
    }
}

TEST(MeshSeedsSpec, MessagesAreRepairedAndFaultsOccur) {
    std::uint64_t published = 0, repaired = 0, faults = 0;
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
        const Outcome outcome = run({.scenario = "mesh-slow", .seed = seed, .members = 5});
        published += outcome.published, repaired += outcome.repaired, faults += outcome.faults;
    }
    EXPECT_GT(published, 1000u);
    EXPECT_GT(repaired, 0u);
    EXPECT_GT(faults, 50u);
}

TEST(MeshSeedsSpec, ANetworkThatNeverHealsIsFoundAndShrunkToItsCut) {
    Request request{.scenario = "mesh-partition", .members = 4, .heals = false};
    std::optional<Violation> violation;
    for (request.seed = 1; request.seed < 20; ++request.seed)
        if ((violation = run(request).violation)) break;
    ASSERT_TRUE(violation.has_value());
    const Request small = shrink(request, *violation, 20);
    ASSERT_TRUE(small.only.has_value());
    EXPECT_EQ(small.only->size(), 1u) << small.line();
}

}  // namespace
}  // namespace anode::sim
